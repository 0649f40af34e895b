//! What an old job wrote, as frames. The old system told the two streams apart by words in their
//! lines; what went wrong there cannot be undone, but the time stamps put the lines in order again.

use bytes::Bytes;
use longshore_core::Timestamp;
use longshore_core::legacy_text::strip_timestamp;
use longshore_core::log::{Frame, Stream};

use crate::old::OldLog;

/// The frames of a job that began and ended at these times.
pub(crate) fn frames(log: &OldLog, began_at: Timestamp, ended_at: Timestamp) -> Vec<Frame> {
    let mut frames = lines(Stream::Stdout, &log.stdout, began_at);
    frames.extend(lines(Stream::Stderr, &log.stderr, began_at));
    frames.sort_by_key(|frame| frame.at);
    frames.extend(lines(Stream::Note, &log.docker, ended_at));
    frames
}

/// A line without a time stamp has the time of the line before it.
fn lines(stream: Stream, text: &str, first: Timestamp) -> Vec<Frame> {
    let mut at = first;
    let frame = |line: &str| {
        let rest = strip_timestamp(line);
        let stamp = line.strip_suffix(rest).unwrap_or_default().trim_end();
        at = stamp.parse().unwrap_or(at);
        Frame {
            stream,
            at,
            bytes: Bytes::from(format!("{rest}\n")),
        }
    };
    text.split_terminator('\n').map(frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(log: &OldLog) -> Vec<String> {
        let began: Timestamp = "2025-08-01T12:00:00Z".parse().unwrap();
        let ended: Timestamp = "2025-08-01T13:00:00Z".parse().unwrap();
        let told = |frame: &Frame| {
            let text = String::from_utf8(frame.bytes.to_vec()).unwrap();
            format!("{} {:?} {text:?}", frame.at, frame.stream)
        };
        frames(log, began, ended).iter().map(told).collect()
    }

    #[test]
    fn the_lines_of_both_streams_are_in_the_order_of_their_time() {
        let log = OldLog {
            stdout: "2025-08-01T12:00:01.5Z one\n2025-08-01T12:00:03.5Z   three".into(),
            stderr: "2025-08-01T12:00:02.5Z two: error\n".into(),
            docker: String::new(),
        };
        let wanted = [
            r#"2025-08-01T12:00:01.5Z Stdout "one\n""#,
            r#"2025-08-01T12:00:02.5Z Stderr "two: error\n""#,
            r#"2025-08-01T12:00:03.5Z Stdout "  three\n""#,
        ];
        assert_eq!(told(&log), wanted);
    }

    #[test]
    fn a_line_without_a_time_stamp_follows_the_one_before_it() {
        let log = OldLog {
            stdout: "bare\n2025-08-01T12:00:01.5Z one\n\nmore".into(),
            ..OldLog::default()
        };
        let wanted = [
            r#"2025-08-01T12:00:00Z Stdout "bare\n""#,
            r#"2025-08-01T12:00:01.5Z Stdout "one\n""#,
            r#"2025-08-01T12:00:01.5Z Stdout "\n""#,
            r#"2025-08-01T12:00:01.5Z Stdout "more\n""#,
        ];
        assert_eq!(told(&log), wanted);
    }

    #[test]
    fn what_the_old_system_said_itself_is_a_note_at_the_end() {
        let log = OldLog {
            docker: "ERROR: Execution not found".into(),
            ..OldLog::default()
        };
        let wanted = [r#"2025-08-01T13:00:00Z Note "ERROR: Execution not found\n""#];
        assert_eq!(told(&log), wanted);
    }
}
