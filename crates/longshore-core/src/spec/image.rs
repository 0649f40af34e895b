//! Which image runs, for which platform, and when it is pulled.
//!
//! A reference is `[registry-host[:port]/]path[:tag][@digest]`, read and completed as Docker does
//! it: no host means Docker Hub, one path component there means `library/…`, no tag means `latest`.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};

const DOCKER_HUB: &str = "docker.io";
const DEFAULT_TAG: &str = "latest";
const PATH_MAX: usize = 255;
const TAG_MAX: usize = 128;

/// An image reference; prints as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageReference {
    typed: String,
    host: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

text_value!(
    ImageReference,
    Text,
    "an image reference: name with optional registry host, tag and digest",
    "debian:13-slim"
);

impl ImageReference {
    /// The registry's host, with port if any; `docker.io` when none was typed.
    pub fn registry_host(&self) -> &str {
        &self.host
    }

    /// The path inside the registry, completed: `library/busybox` for `busybox`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Host and path without tag and digest: `docker.io/library/busybox` for `busybox`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// The name as Docker shows it in lists: `busybox` for `docker.io/library/busybox:1`.
    pub fn familiar_name(&self) -> String {
        if self.host != DOCKER_HUB {
            return self.repository();
        }
        self.path
            .strip_prefix("library/")
            .unwrap_or(&self.path)
            .to_owned()
    }

    /// The tag; `latest` when neither tag nor digest was typed.
    pub fn tag(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => Some(DEFAULT_TAG),
            (None, Some(_)) => None,
        }
    }

    /// The digest, such as `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Everything spelled out: `docker.io/library/busybox:latest`.
    pub fn canonical(&self) -> String {
        let tag = self.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self
            .digest()
            .map(|digest| format!("@{digest}"))
            .unwrap_or_default();
        format!("{}{tag}{digest}", self.repository())
    }

    /// The same repository pinned to `digest`, without the tag: not every engine takes both.
    ///
    /// # Errors
    /// When `digest` is none.
    pub fn with_digest(&self, digest: &str) -> Result<Self, InvalidValue> {
        check_digest(digest).map_err(|hint| InvalidValue::new("image digest", digest, hint))?;
        let familiar = self.familiar_name();
        Ok(Self {
            typed: format!("{familiar}@{digest}"),
            host: self.host.clone(),
            path: self.path.clone(),
            tag: None,
            digest: Some(digest.to_owned()),
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.typed)
    }
}

impl FromStr for ImageReference {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_reference(text).map_err(|hint| InvalidValue::new("image", text, hint))
    }
}

fn parse_reference(text: &str) -> Result<ImageReference, &'static str> {
    if text.trim().is_empty() {
        return Err("it is empty; name an image, such as debian:13-slim");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it contains white space; type the name alone, such as debian:13-slim");
    }
    if text.len() == 64 && is_lower_hex(text) {
        return Err("a bare image id is no name; put sha256: in front of it, or use a name");
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[name_start..].find(':') {
        Some(colon) => (
            &rest[..name_start + colon],
            Some(&rest[name_start + colon + 1..]),
        ),
        None => (rest, None),
    };
    let (host, path) = split_host(name);
    check_host(host)?;
    check_path(path)?;
    tag.map_or(Ok(()), check_tag)?;
    digest.map_or(Ok(()), check_digest)?;
    Ok(ImageReference {
        typed: text.to_owned(),
        host: host.to_owned(),
        path: complete_path(host, path),
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    })
}

/// The first component is a host if it could not be anything else: Docker's rule.
fn split_host(name: &str) -> (&str, &str) {
    let Some((first, path)) = name.split_once('/') else {
        return (DOCKER_HUB, name);
    };
    let is_host = first.contains(['.', ':'])
        || first == "localhost"
        || first.chars().any(|c| c.is_ascii_uppercase());
    match (is_host, first) {
        (true, "index.docker.io") => (DOCKER_HUB, path),
        (true, _) => (first, path),
        (false, _) => (DOCKER_HUB, name),
    }
}

fn complete_path(host: &str, path: &str) -> String {
    if host == DOCKER_HUB && !path.contains('/') {
        return format!("library/{path}");
    }
    path.to_owned()
}

fn check_host(host: &str) -> Result<(), &'static str> {
    const HINT: &str =
        "the registry host is none; use host or host:port, such as registry.example:5000/app";
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        Some(_) | None => (host, None),
    };
    let name_is_good = match name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.split('.').all(is_host_label),
    };
    let port_is_good = port
        .is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    if name_is_good && port_is_good {
        Ok(())
    } else {
        Err(HINT)
    }
}

fn is_host_label(label: &str) -> bool {
    let ends = [label.chars().next(), label.chars().next_back()];
    ends.into_iter()
        .all(|end| end.is_some_and(|c| c.is_ascii_alphanumeric()))
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("the name is missing; use name or name:tag, such as debian:13-slim");
    }
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err("a repository name has lower-case letters only; type it in lower case");
    }
    if path.len() > PATH_MAX {
        return Err("the name is longer than 255 characters");
    }
    if path.split('/').all(is_path_component) {
        return Ok(());
    }
    Err(
        "a name has lower-case letters and digits, with single `.`, `_`, `__` or dashes between them",
    )
}

/// `[a-z0-9]+` joined by `.`, `_`, `__` or any number of dashes.
fn is_path_component(component: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_are_words = component.starts_with(is_word) && component.ends_with(is_word);
    let separators_are_good = component
        .split(is_word)
        .all(|run| matches!(run, "" | "." | "_" | "__") || run.chars().all(|c| c == '-'));
    ends_are_words && separators_are_good
}

fn check_tag(tag: &str) -> Result<(), &'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_good = tag.starts_with(is_word)
        && tag.len() <= TAG_MAX
        && tag.chars().all(|c| is_word(c) || matches!(c, '.' | '-'));
    if is_good {
        return Ok(());
    }
    Err("the tag is none; a tag has 1 to 128 letters, digits, `_`, `.` or `-`, such as :1.2")
}

fn check_digest(digest: &str) -> Result<(), &'static str> {
    const HINT: &str = "the digest is none; use sha256: and 64 lower-case hexadecimal digits";
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Err(HINT);
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(HINT),
    };
    if hex.len() == length && is_lower_hex(hex) {
        Ok(())
    } else {
        Err(HINT)
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
