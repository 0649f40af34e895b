//! Frames of a log: exact bytes, or with time stamps, or as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_core::log::{Frame, Stream};
use serde_json::{Map, Value, json};

use crate::render::views::SCHEMA;

/// How frames are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameForm {
    /// The bytes as they are.
    Exact,
    /// The time stamp before each line.
    Stamped,
    /// One JSON object a frame.
    Json,
}

/// The word of a stream in `--json`.
pub(crate) fn stream_word(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Note => "note",
    }
}

/// Puts time stamps before lines, not before the later parts of a line that came in pieces.
#[derive(Debug, Default)]
pub(crate) struct Stamper {
    stdout_is_open: bool,
    stderr_is_open: bool,
}

impl Stamper {
    /// The frame's bytes, with its time in front if a line begins here.
    pub(crate) fn stamp(&mut self, frame: &Frame) -> Vec<u8> {
        let is_open = match frame.stream {
            Stream::Stdout => &mut self.stdout_is_open,
            Stream::Stderr => &mut self.stderr_is_open,
            Stream::Note => return frame.bytes.to_vec(),
        };
        let mut line = Vec::with_capacity(frame.bytes.len() + 32);
        if !*is_open {
            line.extend_from_slice(format!("{:.9} ", frame.at).as_bytes());
        }
        *is_open = !frame.bytes.ends_with(b"\n");
        line.extend_from_slice(&frame.bytes);
        line
    }
}

/// One line of JSON: `text` where the bytes are UTF-8, `base64` where they are not.
pub(crate) fn json_line(frame: &Frame) -> String {
    let mut fields = Map::new();
    fields.insert("schema".into(), json!(SCHEMA));
    fields.insert("at".into(), json!(format!("{:.9}", frame.at)));
    fields.insert("stream".into(), json!(stream_word(frame.stream)));
    match std::str::from_utf8(&frame.bytes) {
        Ok(text) => fields.insert("text".into(), json!(text)),
        Err(_) => fields.insert("base64".into(), json!(STANDARD.encode(&frame.bytes))),
    };
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn frame(bytes: &'static [u8]) -> Frame {
        let at = Timestamp::new(1_763_856_000, 5).unwrap();
        Frame {
            stream: Stream::Stdout,
            at,
            bytes: bytes.into(),
        }
    }

    #[test]
    fn a_line_in_two_pieces_has_one_time_stamp() {
        let mut stamper = Stamper::default();
        let pieces = [b"one, ".as_slice(), b"two\n", b"three"];
        let shown: Vec<u8> = pieces
            .into_iter()
            .flat_map(|bytes| stamper.stamp(&frame(bytes)))
            .collect();
        let stamp = "2025-11-23T00:00:00.000000005Z";
        let wanted = format!("{stamp} one, two\n{stamp} three");
        assert_eq!(String::from_utf8(shown).unwrap(), wanted);
    }

    #[test]
    fn bytes_that_are_no_text_are_base64_in_json() {
        assert!(json_line(&frame(b"a\n")).contains(r#""text":"a\n""#));
        assert!(json_line(&frame(b"\xff\x00")).contains(r#""base64":"/wA=""#));
    }
}
