//! The engine's framing of a log: `[stream, 0, 0, 0, length]`, a time stamp, a blank, the bytes.

use bytes::{Buf, Bytes, BytesMut};
use jiff::Timestamp;
use longshore_core::log::{Frame, Stream};

const HEADER: usize = 8;
/// Engines cut lines at 16 KiB; far more than that is no frame.
const FRAME_MAX: usize = 1024 * 1024;

/// Cuts what comes into frames without copying, as long as a frame comes in one piece.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    rest: Bytes,
}

/// What came is no log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFrame {
    /// The header names no stream, or a length that no engine sends.
    #[error("a frame begins with {0:?}")]
    Header([u8; HEADER]),
    /// There is no time stamp in front of the bytes.
    #[error("a frame has no time stamp")]
    Time,
    /// The log ended inside a frame.
    #[error("the log ended inside a frame, {0} bytes of it were there")]
    Cut(usize),
}

impl Frames {
    /// Takes in what came next.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        if self.rest.is_empty() {
            self.rest = chunk;
            return;
        }
        let mut joined = BytesMut::with_capacity(self.rest.len() + chunk.len());
        joined.extend_from_slice(&self.rest);
        joined.extend_from_slice(&chunk);
        self.rest = joined.freeze();
    }

    /// The next whole frame, if it is there.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, BadFrame> {
        let Some(header) = self.rest.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [kind, 0, 0, 0, length @ ..] = *header else {
            return Err(BadFrame::Header(*header));
        };
        let length = u32::from_be_bytes(length) as usize;
        let stream = match kind {
            0 | 1 => Stream::Stdout,
            2 => Stream::Stderr,
            _ => return Err(BadFrame::Header(*header)),
        };
        if length > FRAME_MAX {
            return Err(BadFrame::Header(*header));
        }
        if self.rest.len() < HEADER + length {
            return Ok(None);
        }
        self.rest.advance(HEADER);
        let (at, bytes) = stamped(self.rest.split_to(length))?;
        Ok(Some(Frame { stream, at, bytes }))
    }

    /// Says whether the log may end here.
    pub(crate) fn end(&self) -> Result<(), BadFrame> {
        match self.rest.len() {
            0 => Ok(()),
            length => Err(BadFrame::Cut(length)),
        }
    }
}

fn stamped(mut payload: Bytes) -> Result<(Timestamp, Bytes), BadFrame> {
    /// The longest form has nanoseconds and a numeric offset.
    const STAMP_MAX: usize = 36;
    let head = &payload[..payload.len().min(STAMP_MAX)];
    let blank = head
        .iter()
        .position(|byte| *byte == b' ')
        .ok_or(BadFrame::Time)?;
    let text = std::str::from_utf8(&head[..blank]).map_err(|_| BadFrame::Time)?;
    let at = text.parse().map_err(|_| BadFrame::Time)?;
    payload.advance(blank + 1);
    Ok((at, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-22T10:00:00.000000001Z";

    fn wire(kind: u8, payload: &str) -> Vec<u8> {
        let mut wire = vec![kind, 0, 0, 0];
        wire.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        wire.extend(payload.as_bytes());
        wire
    }

    fn all(chunks: impl IntoIterator<Item = Bytes>) -> Result<Vec<Frame>, BadFrame> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for chunk in chunks {
            frames.feed(chunk);
            while let Some(frame) = frames.next_frame()? {
                found.push(frame);
            }
        }
        frames.end().map(|()| found)
    }

    #[test]
    fn frames_are_the_same_wherever_the_stream_is_cut() {
        let mut wire_bytes = wire(1, &format!("{AT} out\n"));
        wire_bytes.extend(wire(2, &format!("{AT} \u{0}err")));
        wire_bytes.extend(wire(1, &format!("{AT} ")));
        let frame = |stream, bytes: &'static str| Frame {
            stream,
            at: AT.parse().unwrap(),
            bytes: Bytes::from_static(bytes.as_bytes()),
        };
        let expected = [
            frame(Stream::Stdout, "out\n"),
            frame(Stream::Stderr, "\u{0}err"),
            frame(Stream::Stdout, ""),
        ];
        for size in 1..=wire_bytes.len() {
            let chunks = wire_bytes.chunks(size).map(Bytes::copy_from_slice);
            assert_eq!(all(chunks).unwrap(), expected, "chunks of {size}");
        }
    }

    #[test]
    fn whole_seconds_are_a_time_stamp_too() {
        let wire = Bytes::from(wire(1, "2026-11-22T10:00:15Z x"));
        assert_eq!(all([wire]).unwrap()[0].at.as_second() % 60, 15);
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        assert!(matches!(
            all([Bytes::from("HTTP/1.1 200")]),
            Err(BadFrame::Header(_))
        ));
        assert_eq!(
            all([Bytes::from(wire(1, "no-time x"))]),
            Err(BadFrame::Time)
        );
        let cut = Bytes::from(wire(1, AT)).slice(..20);
        assert_eq!(all([cut]), Err(BadFrame::Cut(20)));
    }
}
