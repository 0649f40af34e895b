//! Giving back the newline that one age of engines loses.
//!
//! Engines cut a line at 16 KiB. The `local` log driver of Docker 20.10 drops the newline at the
//! end of a line that was cut (measured on 20.10.24; `json-file` keeps it, and newer engines do).
//! A part that is shorter than a cut one and follows one is the end of its line. One case cannot
//! be told: output that ends without a newline, inside a line of more than 16 KiB, gets one too.

use bytes::{BufMut, BytesMut};
use longshore_core::log::{Frame, Stream};

/// The length of a part that was cut.
const CUT: usize = 16 * 1024;

/// Mends the frames of one reading.
#[derive(Debug, Default)]
pub(crate) struct Mender {
    in_stdout_line: bool,
    in_stderr_line: bool,
}

impl Mender {
    /// The frame as the container wrote it.
    pub(crate) fn mend(&mut self, mut frame: Frame) -> Frame {
        let is_inside = match frame.stream {
            Stream::Stdout => &mut self.in_stdout_line,
            Stream::Stderr => &mut self.in_stderr_line,
            Stream::Note => return frame,
        };
        let was_inside = *is_inside;
        let is_ended = frame.bytes.ends_with(b"\n");
        *is_inside = !is_ended && frame.bytes.len() == CUT;
        if was_inside && !*is_inside && !is_ended {
            let mut bytes = BytesMut::with_capacity(frame.bytes.len() + 1);
            bytes.extend_from_slice(&frame.bytes);
            bytes.put_u8(b'\n');
            frame.bytes = bytes.freeze();
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;

    fn mended(parts: &[(Stream, String)]) -> Vec<String> {
        let mut mender = Mender::default();
        let mend = |(stream, text): &(Stream, String)| {
            let bytes = Bytes::from(text.clone());
            let frame = mender.mend(Frame {
                stream: *stream,
                at: Timestamp::UNIX_EPOCH,
                bytes,
            });
            String::from_utf8(frame.bytes.to_vec()).expect("text goes in and text comes out")
        };
        parts.iter().map(mend).collect()
    }

    #[test]
    fn the_end_of_a_cut_line_gets_its_newline_and_nothing_else_does() {
        let out = |text: &str| (Stream::Stdout, text.to_owned());
        let cut = || out(&"a".repeat(CUT));
        let parts = [
            cut(),
            cut(),
            out("b"),
            out("c"),
            cut(),
            out(""),
            out("d\n"),
            cut(),
            out("e\n"),
        ];
        let mended = mended(&parts);
        assert_eq!([&mended[2], &mended[3], &mended[5]], ["b\n", "c", "\n"]);
        assert_eq!([&mended[6], &mended[8]], ["d\n", "e\n"]);
        assert!(
            [0, 1, 4, 7]
                .into_iter()
                .all(|part| mended[part].len() == CUT)
        );
    }

    #[test]
    fn the_streams_have_lines_of_their_own() {
        let cut = "a".repeat(CUT);
        let parts = [
            (Stream::Stdout, cut),
            (Stream::Stderr, "x".to_owned()),
            (Stream::Stdout, "b".to_owned()),
        ];
        assert_eq!(mended(&parts)[1..], ["x", "b\n"]);
    }
}
