//! What could not be taken as it was, while the rest of a thing was taken.

use std::fmt::Display;
use std::str::FromStr;

/// Remarks about one thing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks(Vec<String>);

impl Remarks {
    /// Adds one.
    pub(crate) fn add(&mut self, remark: impl Into<String>) {
        self.0.push(remark.into());
    }

    /// Reads a value; one that is refused is left out, with a remark.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        field: &str,
        text: Option<&str>,
    ) -> Option<T> {
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.left_out(field, error);
                None
            }
        }
    }

    /// Says that the value of a field was left out, and why.
    pub(crate) fn left_out(&mut self, field: &str, why: impl Display) {
        self.add(format!("{field} was left out: {why}"));
    }

    /// All of them, in order.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = String> {
        self.0.into_iter()
    }
}

/// Whether ours would take it as the name of a host or template.
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 100 && !text.chars().any(char::is_control)
}
