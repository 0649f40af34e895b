//! Texts computed from logs.

use longshore_core::legacy_text::{ParsedOutput, clean_output, parsed_output, strip_timestamp};
use proptest::prelude::*;
use serde_json::json;

const STAMP: &str = "2025-08-01T12:00:00.123456789Z";

#[test]
fn a_time_stamp_goes_with_exactly_one_space() {
    for (line, bare) in [
        ("2025-08-01T12:00:00.123456789Z hello", "hello"),
        ("2025-08-01T12:00:00.1Z hello", "hello"),
        ("2025-08-01T12:00:00Z hello", "hello"),
        ("2025-08-01T12:00:00.123456789+02:00 hello", "hello"),
        ("2025-08-01T12:00:00.123456789-05:30 hello", "hello"),
        (
            "2025-08-01T12:00:00.123456789Z     indented",
            "    indented",
        ),
        ("2025-08-01T12:00:00.123456789Z \ttab", "\ttab"),
        ("2025-08-01T12:00:00.123456789Z ", ""),
        ("2025-08-01T12:00:00.123456789Z", ""),
    ] {
        assert_eq!(strip_timestamp(line), bare, "{line:?}");
    }
}

#[test]
fn what_is_no_time_stamp_stays() {
    for line in [
        "",
        "hello",
        " 2025-08-01T12:00:00Z not at the beginning",
        "2025-08-01 12:00:00.5Z with a space",
        "2025-08-01T12:00:00.Z without a fraction",
        "2025-08-01T12:00:00.5 without a zone",
        "2025-08-01T12:00:00.5Zulu",
        "2025-08-01T12:00:00.5Zß",
        "2025-08-01T12:00:0ß",
        "20x5-08-01T12:00:00Z letters",
    ] {
        assert_eq!(strip_timestamp(line), line);
    }
}

#[test]
fn a_stamp_that_the_job_printed_itself_stays() {
    let line = format!("{STAMP} {STAMP} hello");
    assert_eq!(strip_timestamp(&line), format!("{STAMP} hello"));
}

#[test]
fn indentation_blank_lines_and_the_last_line_break_stay() {
    let log = format!("{STAMP} def f():\n{STAMP}     return 1\n{STAMP} \n{STAMP} f()\n");
    assert_eq!(clean_output(&log), "def f():\n    return 1\n\nf()\n");
    assert_eq!(clean_output(&format!("{STAMP} no break")), "no break");
    assert_eq!(
        clean_output(&format!("{STAMP} dos\r\n{STAMP}\r\n")),
        "dos\r\n\r\n"
    );
}

#[test]
fn a_document_is_read_and_anything_else_is_text() {
    for (clean, parsed) in [
        ("{\"rows\": 3}\n", ParsedOutput::Json(json!({ "rows": 3 }))),
        ("[1, 2]", ParsedOutput::Json(json!([1, 2]))),
        (" 42 \n", ParsedOutput::Json(json!(42))),
        ("null", ParsedOutput::Json(json!(null))),
        ("{\"rows\": 3", ParsedOutput::Text("{\"rows\": 3".into())),
        ("  done\n", ParsedOutput::Text("  done\n".into())),
        ("{}\n{}\n", ParsedOutput::Text("{}\n{}\n".into())),
    ] {
        assert_eq!(parsed_output(clean), Some(parsed), "{clean:?}");
    }
}

#[test]
fn a_blank_output_has_no_value() {
    for clean in ["", " ", "\n\n", " \t\r\n"] {
        assert_eq!(parsed_output(clean), None);
    }
}

proptest! {
    /// Whatever a job prints comes back as it was, line for line.
    #[test]
    fn stamped_lines_come_back_as_they_were(lines in prop::collection::vec("[^\n]*", 0..8)) {
        let stamped = lines.iter().map(|line| [STAMP, " ", line, "\n"].concat());
        let plain = lines.iter().map(|line| [line, "\n"].concat());
        prop_assert_eq!(clean_output(&stamped.collect::<String>()), plain.collect::<String>());
    }
}
