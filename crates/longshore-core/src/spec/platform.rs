//! For which platform an image is taken, and when it is pulled.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};

/// Operating system and architecture of an image, such as `linux/arm64` or `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

text_value!(
    Platform,
    Text,
    "a platform as os/architecture[/variant]",
    "linux/amd64"
);

impl Platform {
    /// The operating system, such as `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The architecture in Go's spelling, such as `amd64`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The variant, such as `v7`.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

impl FromStr for Platform {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let parts: Vec<&str> = lower.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => ("", "", None),
        };
        if ![Some(os), Some(architecture), variant]
            .into_iter()
            .flatten()
            .all(is_part)
        {
            let hint = "use os/architecture or os/architecture/variant, such as linux/amd64";
            return Err(InvalidValue::new("platform", text, hint));
        }
        Ok(Self {
            os: os.to_owned(),
            architecture: spell_as_go(architecture).to_owned(),
            variant: variant.map(str::to_owned),
        })
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Engines know architectures by Go's names; `uname -m` prints others.
fn spell_as_go(architecture: &str) -> &str {
    match architecture {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "i386" | "i686" => "386",
        other => other,
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(formatter, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// When the image is pulled before a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PullPolicy {
    /// Before every attempt.
    Always,
    /// When the host does not have it.
    #[default]
    Missing,
    /// Never; a host without the image fails the job.
    Never,
}

text_value!(
    PullPolicy,
    Text,
    "when to pull: always, missing or never",
    "missing"
);

impl FromStr for PullPolicy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "always" => Ok(Self::Always),
            "missing" => Ok(Self::Missing),
            "never" => Ok(Self::Never),
            _ => Err(InvalidValue::new(
                "pull policy",
                text,
                "use always, missing or never",
            )),
        }
    }
}

impl fmt::Display for PullPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Always => "always",
            Self::Missing => "missing",
            Self::Never => "never",
        })
    }
}
