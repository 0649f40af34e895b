//! What becomes of an attempt whose host cannot be reached.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::TimeLimit;
use super::text::{InvalidValue, text_value};

/// Patience where none is named.
const PATIENCE_SECS: u64 = 600;

/// What becomes of an attempt whose container ran when its host stopped answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LostPolicy {
    /// It waits for its host, however long that takes: nothing runs twice.
    #[default]
    Wait,
    /// It is given up after this time, and its job has failed.
    Fail(TimeLimit),
    /// It is given up after this time, and tried again elsewhere: the first container may still run.
    Replace(TimeLimit),
}

text_value!(
    LostPolicy,
    Text,
    "what becomes of a job whose host cannot be reached: wait, or fail or replace, after a time",
    "replace:10m"
);

impl LostPolicy {
    /// Whether it is what holds where nothing is said.
    pub(crate) fn is_wait(&self) -> bool {
        *self == Self::Wait
    }

    /// How long a host may be silent before the attempt there is given up; `None` for ever.
    pub fn patience(self) -> Option<Duration> {
        match self {
            Self::Wait => None,
            Self::Fail(after) | Self::Replace(after) => Some(after.duration()),
        }
    }
}

impl FromStr for LostPolicy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, after) = match text.split_once(':') {
            Some((word, after)) => (word, Some(after.parse::<TimeLimit>()?)),
            None => (text, None),
        };
        let patience = after.unwrap_or(TimeLimit::from_secs(PATIENCE_SECS));
        match (word, after) {
            ("wait", None) => Ok(Self::Wait),
            ("fail", _) => Ok(Self::Fail(patience)),
            ("replace", _) => Ok(Self::Replace(patience)),
            _ => {
                let hint = "use wait, fail or replace, such as replace:10m";
                Err(InvalidValue::new("lost-policy", text, hint))
            }
        }
    }
}

impl fmt::Display for LostPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait => formatter.write_str("wait"),
            Self::Fail(after) => write!(formatter, "fail:{after}"),
            Self::Replace(after) => write!(formatter, "replace:{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_back_as_it_is_printed() {
        for (text, printed) in [
            ("wait", "wait"),
            ("fail", "fail:10m"),
            ("replace", "replace:10m"),
            ("replace:90s", "replace:1m30s"),
        ] {
            let policy: LostPolicy = text.parse().unwrap();
            assert_eq!(policy.to_string(), printed);
            assert_eq!(printed.parse(), Ok(policy));
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_with_what_to_type() {
        for text in ["", "wait:10m", "retry", "replace:soon", "fail:"] {
            let error = text.parse::<LostPolicy>().unwrap_err().to_string();
            assert!(error.contains("use "), "{text}: {error}");
        }
    }
}
