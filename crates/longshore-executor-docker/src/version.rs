//! Which version of the Engine API is spoken.

use std::fmt;

/// A version of the Engine API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// What Docker 20.10 speaks: nothing older is worth the exceptions.
    const OLDEST: Self = Self {
        major: 1,
        minor: 41,
    };
    /// What this crate was written to; Docker 29.0 speaks nothing older.
    const NEWEST: Self = Self {
        major: 1,
        minor: 44,
    };

    /// The newest version that we and an engine both speak, or why there is none.
    pub(crate) fn agree(offered: &str) -> Result<Self, String> {
        let Some(offered) = Self::parse(offered) else {
            return Err(format!("`{offered}` is no API version"));
        };
        if offered < Self::OLDEST {
            return Err(format!(
                "it speaks API {offered}; {} is the oldest that is understood",
                Self::OLDEST
            ));
        }
        Ok(offered.min(Self::NEWEST))
    }

    /// Whether the log driver `local` of the engine loses newlines.
    pub(crate) fn loses_newlines(self) -> bool {
        self == Self::OLDEST
    }

    /// Whether the engine's message says that it does not speak the version that was asked for.
    pub(crate) fn is_refused_by(message: &str) -> bool {
        message.contains("client version") && message.contains("too ")
    }

    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_of_both_newest_versions_is_spoken() {
        let agreed = |offered| ApiVersion::agree(offered).map(|version| version.to_string());
        assert_eq!(agreed("1.41").unwrap(), "1.41");
        assert_eq!(agreed("1.57").unwrap(), "1.44");
        assert!(agreed("1.40").unwrap_err().contains("1.41 is the oldest"));
        assert!(agreed("docker").is_err());
    }
}
