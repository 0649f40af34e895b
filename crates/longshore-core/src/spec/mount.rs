//! What is mounted into a container: named volumes and folders of the host.
//!
//! Paths are kept in normal form (no `.`, `..` or double slashes), so that what a policy checked is
//! what the engine gets.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mount_flag::{self, MountFlag};
use super::text::{InvalidValue, deserialize_text_or_table, is_docker_name};

const WHAT: &str = "mount";
const HINT: &str = "use name:/target[:ro] or /host/path:/target[:ro]";
const EXPECTING: &str =
    "a mount as source:target[:ro], or a table with kind, source, target and read_only";

/// What a mount shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    /// A volume of the engine; without a name, one that ends with the container.
    Volume,
    /// A folder or file of the host.
    Bind,
}

/// One mount. Its text form is that of `docker run -v`, or of `--mount` if a path has a colon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MountSpec {
    kind: MountKind,
    source: Option<String>,
    target: String,
    read_only: bool,
}

/// The table form of [`MountSpec`], and what its text forms are read into.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MountTable {
    pub(super) kind: MountKind,
    pub(super) source: Option<String>,
    pub(super) target: String,
    #[serde(default)]
    pub(super) read_only: bool,
}

impl MountSpec {
    /// Volume or bind.
    pub fn kind(&self) -> MountKind {
        self.kind
    }

    /// Name of the volume or path on the host; none for an anonymous volume.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Absolute path inside the container.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Whether the container may only read it.
    pub fn read_only(&self) -> bool {
        self.read_only
    }
}

impl TryFrom<MountTable> for MountSpec {
    type Error = InvalidValue;

    fn try_from(table: MountTable) -> Result<Self, Self::Error> {
        let source = match (table.kind, &table.source) {
            (MountKind::Volume, None) => None,
            (MountKind::Volume, Some(name)) => Some(check_volume_name(name)?),
            (MountKind::Bind, None) => {
                let hint = "a bind mount needs a path on the host; add source";
                return Err(InvalidValue::new(WHAT, &table.target, hint));
            }
            (MountKind::Bind, Some(path)) => Some(normal_path(path).ok_or_else(|| {
                let hint = "a path on the host is absolute; begin it with `/`";
                InvalidValue::new(WHAT, path, hint)
            })?),
        };
        let target = check_target(&table.target)?;
        let paths = format!("{}{target}", source.as_deref().unwrap_or_default());
        if paths.contains(':') && paths.contains(',') {
            let hint = "paths with both `:` and `,` cannot be written down; rename one";
            return Err(InvalidValue::new(WHAT, &paths, hint));
        }
        Ok(Self {
            kind: table.kind,
            source,
            target,
            read_only: table.read_only,
        })
    }
}

fn check_volume_name(name: &str) -> Result<String, InvalidValue> {
    if is_docker_name(name) && (2..=255).contains(&name.len()) {
        return Ok(name.to_owned());
    }
    let hint = "name a volume by 2 or more letters, digits, `_`, `.` and `-`, or a folder by its \
                absolute path";
    Err(InvalidValue::new(WHAT, name, hint))
}

/// A place inside the container that something can be mounted on.
pub(super) fn check_target(target: &str) -> Result<String, InvalidValue> {
    normal_path(target)
        .filter(|path| path != "/")
        .ok_or_else(|| {
            let hint = "the target is an absolute path inside the container other than `/`";
            InvalidValue::new(WHAT, target, hint)
        })
}

/// An absolute path without `.`, `..` and empty parts; nothing if it is relative or has a NUL.
pub(super) fn normal_path(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

impl FromStr for MountSpec {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if mount_flag::looks_like(text) {
            return match text.parse()? {
                MountFlag::Mount(mount) => Ok(mount),
                MountFlag::Tmpfs(_) => Err(InvalidValue::new(
                    WHAT,
                    text,
                    "put an in-memory file system under tmpfs",
                )),
            };
        }
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, mode) = match parts[..] {
            [target] => (None, target, "rw"),
            [source, target] => (Some(source), target, "rw"),
            [source, target, mode] => (Some(source), target, mode),
            _ => return Err(InvalidValue::new(WHAT, text, HINT)),
        };
        let read_only = match mode {
            "rw" => false,
            "ro" => true,
            _ => {
                return Err(InvalidValue::new(
                    WHAT,
                    text,
                    "the only modes are ro and rw",
                ));
            }
        };
        let kind = match source {
            Some(source) if source.starts_with('/') => MountKind::Bind,
            Some(_) | None => MountKind::Volume,
        };
        let source = source.map(str::to_owned);
        MountTable {
            kind,
            source,
            target: target.to_owned(),
            read_only,
        }
        .try_into()
    }
}

impl fmt::Display for MountSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_deref().unwrap_or_default();
        if self.target.contains(':') || source.contains(':') {
            return mount_flag::write_mount(self, formatter);
        }
        let is_plain = self.source.is_none() && !self.read_only;
        match (is_plain, &self.source) {
            (true, _) => formatter.write_str(&self.target),
            (false, None) => mount_flag::write_mount(self, formatter),
            (false, Some(source)) => {
                let mode = if self.read_only { ":ro" } else { "" };
                write!(formatter, "{source}:{}{mode}", self.target)
            }
        }
    }
}

impl Serialize for MountSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MountSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize_text_or_table::<D, Self, MountTable>(from, EXPECTING)
    }
}

impl JsonSchema for MountSpec {
    fn schema_name() -> Cow<'static, str> {
        "MountSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": EXPECTING,
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "kind": { "enum": ["volume", "bind"] },
                        "source": { "type": "string" },
                        "target": { "type": "string" },
                        "read_only": { "type": "boolean" },
                    },
                    "required": ["kind", "target"],
                    "additionalProperties": false,
                },
            ],
            "examples": ["cache:/var/cache:ro"],
        })
    }
}
