//! What the legacy system computed from a job's log, done right: its text without time stamps, and
//! the value that the text is.
//!
//! A *time stamp* here is what an engine puts before each line: RFC 3339 and one space.

use serde_json::Value;

/// What a job printed, read as a value.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsedOutput {
    /// It is a JSON document.
    Json(Value),
    /// It is anything else.
    Text(String),
}

/// The line without its time stamp and the one space after it; a line without one as it is.
pub fn strip_timestamp(line: &str) -> &str {
    let Some(rest) = after_timestamp(line) else {
        return line;
    };
    match rest.as_bytes().first() {
        Some(b' ') => &rest[1..],
        // A line of nothing, whose space somebody has trimmed.
        Some(b'\n' | b'\r') | None => rest,
        Some(_) => line,
    }
}

/// A log without its time stamps. Indentation and blank lines stay.
pub fn clean_output(text: &str) -> String {
    text.split_inclusive('\n').map(strip_timestamp).collect()
}

/// The value of a clean output; `None` when it is blank.
pub fn parsed_output(clean: &str) -> Option<ParsedOutput> {
    if clean.trim().is_empty() {
        return None;
    }
    Some(match serde_json::from_str(clean) {
        Ok(value) => ParsedOutput::Json(value),
        Err(_) => ParsedOutput::Text(clean.to_owned()),
    })
}

/// What follows `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`, if the line begins so.
fn after_timestamp(line: &str) -> Option<&str> {
    let rest = after_shape(line, "0000-00-00T00:00:00")?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => after_digits(fraction)?,
        None => rest,
    };
    rest.strip_prefix('Z')
        .or_else(|| after_shape(rest, "+00:00"))
        .or_else(|| after_shape(rest, "-00:00"))
}

/// What follows a text of this shape, in which `0` stands for any digit.
fn after_shape<'t>(text: &'t str, shape: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(shape.len())?;
    let fits = |(found, wanted): (u8, u8)| match wanted {
        b'0' => found.is_ascii_digit(),
        other => found == other,
    };
    head.bytes().zip(shape.bytes()).all(fits).then_some(rest)
}

/// What follows at least one digit.
fn after_digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}
