//! What a job is called, how urgent it is, and how a repeated submit is recognised.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, integer_value, is_docker_name, text_value};
use crate::ids::ArrayId;

/// Label keys that begin so are ours: a user's label never poses as one of them.
const RESERVED_LABEL_PREFIXES: [&str; 2] = ["io.longshore.", "django.container_manager."];

/// Longest name or key.
const LINE_CHARS: usize = 200;

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

checked_text!(
    /// Whose job it is: slots are shared fairly between owners.
    OwnerName, "owner", "alice", check_word
);
checked_text!(
    /// Name of a queue, which can be paused.
    QueueName, "queue name", "nightly", check_word
);
checked_text!(
    /// Key of a limit on how many jobs may hold a slot at once.
    LimitKey, "limit key", "gpu", check_word
);

impl LimitKey {
    /// The key of an array's own limit.
    pub fn of_array(array: ArrayId) -> Self {
        Self(format!("array:{array}"))
    }
}

impl JobName {
    /// The name of an array's job: long names lose their end for it.
    #[must_use]
    pub fn numbered(&self, index: u32) -> Self {
        Self(numbered(&self.0, index))
    }
}

impl IdempotencyKey {
    /// The key of an array's job. It stays whole, so that two keys never become one.
    #[must_use]
    pub fn numbered(&self, index: u32) -> Self {
        Self(format!("{}-{index}", self.0))
    }
}

fn numbered(text: &str, index: u32) -> String {
    let ending = format!("-{index}");
    let room = LINE_CHARS - ending.len();
    let mut text: String = text.chars().take(room).collect();
    text.push_str(&ending);
    text
}

impl Default for QueueName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

fn check_word(text: &str) -> Result<(), &'static str> {
    let is_good = text.len() <= 100
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':' | '+'));
    if is_good {
        return Ok(());
    }
    Err("use up to 100 letters, digits and . _ - @ : +, with a letter or digit first")
}

fn check_line(text: &str) -> Result<(), &'static str> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LINE_CHARS {
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

/// How many jobs may hold a slot at once: 1 to 1000000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AtOnce(u32);

integer_value!(AtOnce, "how many jobs may hold a slot at once", "3");

impl AtOnce {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl From<AtOnce> for i64 {
    fn from(at_once: AtOnce) -> Self {
        Self::from(at_once.0)
    }
}

impl FromStr for AtOnce {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .ok()
            .filter(|number| (1..=1_000_000).contains(number))
            .map(Self)
            .ok_or_else(|| {
                let hint = "use a whole number from 1 to 1000000, such as --limit gpu=3";
                InvalidValue::new("limit", text, hint)
            })
    }
}

impl fmt::Display for AtOnce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
