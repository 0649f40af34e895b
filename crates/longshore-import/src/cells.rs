//! The columns of one row by name, and what their texts mean in both databases.

use std::fmt::Display;
use std::str::FromStr;

use longshore_core::Timestamp;

use crate::connection::Texts;

/// One row.
pub(crate) struct Cells<'row> {
    columns: &'row [&'static str],
    texts: Texts,
}

/// A cell that is not what its column should hold: the column and what is wrong.
pub(crate) type Unreadable = String;

impl<'row> Cells<'row> {
    /// Gives the texts of a row the names of its columns, which are in the same order.
    pub(crate) fn new(columns: &'row [&'static str], texts: Texts) -> Self {
        Self { columns, texts }
    }

    /// A text; an absent one is empty.
    pub(crate) fn text(&mut self, column: &'static str) -> String {
        self.cell(column).unwrap_or_default()
    }

    /// A text, unless it is absent or empty.
    pub(crate) fn filled(&mut self, column: &'static str) -> Option<String> {
        self.cell(column).filter(|text| !text.is_empty())
    }

    /// A number or anything else that is read from its text.
    pub(crate) fn optional<T: FromStr<Err: Display>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Unreadable> {
        let Some(text) = self.cell(column) else {
            return Ok(None);
        };
        let parsed = text.parse();
        parsed
            .map(Some)
            .map_err(|error| format!("{column} `{text}` cannot be read: {error}"))
    }

    /// The same, where there must be one.
    pub(crate) fn needed<T: FromStr<Err: Display>>(
        &mut self,
        column: &'static str,
    ) -> Result<T, Unreadable> {
        self.optional(column)?
            .ok_or_else(|| format!("{column} is empty"))
    }

    /// A truth: a number in one database, a word in the other.
    pub(crate) fn is_true(&mut self, column: &'static str) -> bool {
        matches!(self.text(column).as_str(), "1" | "true")
    }

    /// A moment. One without an offset is taken for UTC, which is what Django writes unless it was
    /// told not to use time zones.
    pub(crate) fn time(&mut self, column: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        let Some(text) = self.cell(column) else {
            return Ok(None);
        };
        let with_offset = text.parse::<Timestamp>();
        let moment = with_offset.or_else(|_| format!("{text}Z").parse::<Timestamp>());
        moment
            .map(Some)
            .map_err(|_| format!("{column} `{text}` is no time"))
    }

    fn cell(&mut self, column: &'static str) -> Option<String> {
        let index = self.columns.iter().position(|name| *name == column)?;
        self.texts.get_mut(index)?.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: Option<&str>) -> Cells<'static> {
        Cells::new(&["it"], vec![text.map(str::to_owned)])
    }

    fn time(text: &str) -> Result<Option<Timestamp>, Unreadable> {
        cells(Some(text)).time("it")
    }

    #[test]
    fn the_times_of_both_databases_are_the_same_moment() {
        let wanted: Timestamp = "2025-08-01T12:00:00.25Z".parse().unwrap();
        for text in ["2025-08-01 12:00:00.250000", "2025-08-01 12:00:00.25+00"] {
            assert_eq!(time(text), Ok(Some(wanted)), "{text}");
        }
        let shifted = time("2025-08-01 14:00:00.25+02:00");
        assert_eq!(shifted, Ok(Some(wanted)));
    }

    #[test]
    fn what_is_no_time_is_named() {
        assert_eq!(time("soon").unwrap_err(), "it `soon` is no time");
        assert_eq!(cells(None).time("it"), Ok(None));
    }

    #[test]
    fn the_truths_of_both_databases_are_read() {
        let truths = ["1", "true", "0", "false"].map(|text| cells(Some(text)).is_true("it"));
        assert_eq!(truths, [true, true, false, false]);
    }

    #[test]
    fn a_number_that_is_none_is_named_with_its_column() {
        let error = cells(Some("many")).needed::<i64>("it").unwrap_err();
        assert!(error.starts_with("it `many` cannot be read"), "{error}");
        assert_eq!(cells(None).needed::<i64>("it").unwrap_err(), "it is empty");
    }
}
