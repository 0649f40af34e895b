//! What a job is called, how urgent it is, and how a repeated submit is recognised.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, integer_value, is_docker_name, text_value};

/// Label keys that begin so are ours: a user's label never poses as one of them.
const RESERVED_LABEL_PREFIXES: [&str; 2] = ["io.longshore.", "django.container_manager."];

/// A text type that holds what its check lets through.
macro_rules! checked_text {
    ($(#[$doc:meta])* $type:ident, $what:literal, $example:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(String);

        text_value!($type, Text, $what, $example);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(hint) => Err(InvalidValue::new($what, text, hint)),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    /// Name of a job for people; need not be unique.
    JobName, "job name", "nightly import", check_line
);
checked_text!(
    /// Key that makes a repeated submit return the first job.
    IdempotencyKey, "idempotency key", "import-2026-11-23", check_line
);
checked_text!(
    /// Key of a label; the prefixes that we use ourselves are refused.
    LabelKey, "label key", "team", check_label_key
);
checked_text!(
    /// Name of a schedule; one schedule of a pool has it.
    ScheduleName, "schedule name", "nightly-import", check_schedule_name
);
checked_text!(
    /// Host name inside a container.
    Hostname, "host name", "builder", check_hostname
);

fn check_line(text: &str) -> Result<(), &'static str> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > 200 {
        return Err("use 1 to 200 characters");
    }
    if text.chars().any(char::is_control) {
        return Err("use printable characters on one line");
    }
    Ok(())
}

fn check_schedule_name(text: &str) -> Result<(), &'static str> {
    if is_docker_name(text) && text.len() <= 100 {
        return Ok(());
    }
    Err("use up to 100 letters, digits, dots, dashes and underscores, such as nightly-import")
}

fn check_label_key(text: &str) -> Result<(), &'static str> {
    check_line(text)?;
    if text.contains('=') || text.contains(char::is_whitespace) {
        return Err("use a key without `=` and white space, such as team");
    }
    if RESERVED_LABEL_PREFIXES
        .iter()
        .any(|prefix| text.starts_with(prefix))
    {
        return Err(
            "keys that begin with io.longshore. or django.container_manager. are reserved; use a prefix of your own",
        );
    }
    Ok(())
}

fn check_hostname(text: &str) -> Result<(), &'static str> {
    let is_good = text.len() <= 63 && text.split('.').all(is_host_label);
    if is_good {
        return Ok(());
    }
    Err("use up to 63 letters, digits, dots and dashes, such as builder-1")
}

/// Underscores are common in container names, and engines take them.
pub(super) fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// How urgent a job is: 0 (last) to 100 (first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(u8);

integer_value!(Priority, "a priority from 0 (last) to 100 (first)", "50");

impl Priority {
    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(50)
    }
}

impl From<Priority> for i64 {
    fn from(priority: Priority) -> Self {
        Self::from(priority.0)
    }
}

impl FromStr for Priority {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .ok()
            .filter(|number| *number <= 100)
            .map(Self)
            .ok_or_else(|| {
                let hint = "use a whole number from 0 (last) to 100 (first)";
                InvalidValue::new("priority", text, hint)
            })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
