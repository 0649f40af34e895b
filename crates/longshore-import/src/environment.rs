//! Environment texts of the old system. Its rules are ours, but for lines that ours refuses: those
//! are left out and told.

use longshore_core::spec::{EnvText, EnvTextError};

use crate::remarks::Remarks;

/// The lines of a text that ours takes.
pub(crate) fn readable(text: &str, field: &str, remarks: &mut Remarks) -> String {
    let mut lines = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        match EnvText::parse(line) {
            Ok(_) => lines.push(line),
            Err(error) => remarks.left_out(field, at_line(&error, index + 1)),
        }
    }
    lines.join("\n")
}

/// The variables of a text that [`readable`] gave.
pub(crate) fn variables(text: &str) -> EnvText {
    EnvText::parse(text).expect("each of its lines was read")
}

fn at_line(error: &EnvTextError, line: usize) -> EnvTextError {
    match error {
        EnvTextError::NoName { .. } => EnvTextError::NoName { line },
        EnvTextError::Nul { .. } => EnvTextError::Nul { line },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_ours_refuses_is_left_out_and_told_by_its_number() {
        let mut remarks = Remarks::default();
        let text = readable(
            "A=1\n=s3same\n# note\nnothing\nB = x=y ",
            "env",
            &mut remarks,
        );
        let read = variables(&text);
        let names: Vec<String> = read.variables().keys().map(ToString::to_string).collect();
        assert_eq!(names, ["A", "B"]);
        let remarks: Vec<String> = remarks.into_iter().collect();
        assert_eq!(remarks.len(), 1);
        assert!(remarks[0].contains("line 2") && !remarks[0].contains("s3same"));
    }

    #[test]
    fn a_mark_at_the_beginning_of_any_line_does_no_harm() {
        let text = readable(
            "A=1\n\u{feff}=2\n\u{feff}B=3",
            "env",
            &mut Remarks::default(),
        );
        assert_eq!(variables(&text).variables().len(), 2);
    }
}
