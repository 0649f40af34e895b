//! A job before it is one: what file and flags said, field by field, each with its origin.
//!
//! Rules of merging: a flag replaces the file's value or list; `env`, `labels`, `on` and `limits` are merged
//! name by name. Nothing is stored while a single problem is left, and all are shown at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

mod check;
mod file;
mod flags;
mod paths;
#[cfg(test)]
mod tests;

pub(crate) use check::{Checked, nearest};
pub(crate) use file::parse_file;
pub(crate) use flags::overlay;

/// Tables of a job file whose inner keys are fields of their own.
const TABLES: [&str; 7] = [
    "env",
    "labels",
    "on",
    "limits",
    "storage_opt",
    "timeouts",
    "retry",
];

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A flag, by its long name.
    Flag(&'static str),
    /// An argument by position.
    Argument(&'static str),
    /// A file, with the line where it is known.
    File(Arc<str>, Option<usize>),
    /// The job as a whole.
    Job,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(long) => write!(f, "--{long}"),
            Self::Argument(name) => f.write_str(name),
            Self::File(file, Some(line)) => write!(f, "{file}:{line}"),
            Self::File(file, None) => f.write_str(file),
            Self::Job => f.write_str("job"),
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) origin: Origin,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(origin: Origin, text: impl Into<String>) -> Self {
        Self {
            origin,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.text)
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// One job as it was typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    /// By key of the job file; those of tables as `table.key`.
    fields: BTreeMap<String, Field>,
    /// What was wrong before any field could be made of it.
    problems: Vec<Problem>,
    /// Where the job begins, for what has no field.
    home: Option<Origin>,
}

impl Draft {
    /// Sets a field, whatever was there.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: Value, origin: Origin) {
        self.fields.insert(key.into(), Field { value, origin });
    }

    /// Notes a problem that has no field.
    pub(crate) fn refuse(&mut self, origin: Origin, text: impl Into<String>) {
        self.problems.push(Problem::new(origin, text));
    }

    /// Where a key was written; `retry` finds `retry.retries`, and the job itself is the last resort.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        let inner = format!("{key}.");
        self.fields
            .get(key)
            .or_else(|| {
                self.fields
                    .iter()
                    .find(|(known, _)| known.starts_with(&inner))
                    .map(|(_, field)| field)
            })
            .map(|field| field.origin.clone())
            .or_else(|| self.home.clone())
            .unwrap_or(Origin::Job)
    }
}

/// The table and the inner key of a field inside a table.
fn split_table(key: &str) -> Option<(&str, &str)> {
    key.split_once('.')
        .filter(|(table, _)| TABLES.contains(table))
}
