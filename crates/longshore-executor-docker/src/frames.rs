//! The engine's framing of a log: `[stream, 0, 0, 0, length]`, a time stamp, a blank, the bytes.

use bytes::{Buf, Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use longshore_core::log::{Frame, Stream};

const HEADER: usize = 8;
/// Engines cut lines at 16 KiB; far more than that is no frame.
const FRAME_MAX: usize = 1024 * 1024;

/// Cuts what comes into frames without copying, as long as a frame comes in one piece.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    rest: Bytes,
    clock: Clock,
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
        let mut bytes = self.take(HEADER + length);
        let (at, stamp) = self.clock.read(&bytes[HEADER..])?;
        bytes.advance(HEADER + stamp);
        Ok(Some(Frame { stream, at, bytes }))
    }

    /// Engines send a frame as a piece of its own: then there is nothing to share.
    fn take(&mut self, length: usize) -> Bytes {
        if self.rest.len() == length {
            return std::mem::take(&mut self.rest);
        }
        self.rest.split_to(length)
    }

    /// Says whether the log may end here.
    pub(crate) fn end(&self) -> Result<(), BadFrame> {
        match self.rest.len() {
            0 => Ok(()),
            length => Err(BadFrame::Cut(length)),
        }
    }
}

/// Reads time stamps. Millions of them come within the same few seconds, so that only the
/// nanoseconds are read again where the second is the last one's.
#[derive(Debug, Default)]
struct Clock {
    second_text: [u8; SECOND],
    second: Timestamp,
}

/// `2026-11-22T10:00:00`
const SECOND: usize = 19;
/// `.000000001Z` and the blank
const FRACTION: usize = 12;

impl Clock {
    /// The time in front of a payload, and how long it is with its blank.
    fn read(&mut self, payload: &[u8]) -> Result<(Timestamp, usize), BadFrame> {
        let (second_text, nanos) = match payload.split_first_chunk::<SECOND>() {
            Some((second_text, rest)) => (second_text, rest.first_chunk().and_then(nanoseconds)),
            None => return Err(BadFrame::Time),
        };
        let Some(nanos) = nanos else {
            return any_stamp(payload);
        };
        if *second_text != self.second_text {
            (self.second, _) = any_stamp(payload)?;
            self.second -= SignedDuration::from_nanos(nanos);
            self.second_text = *second_text;
        }
        Ok((
            self.second + SignedDuration::from_nanos(nanos),
            SECOND + FRACTION,
        ))
    }
}

/// Of `.000000001Z` and a blank.
fn nanoseconds(text: &[u8; FRACTION]) -> Option<i64> {
    let [b'.', digits @ .., b'Z', b' '] = text else {
        return None;
    };
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + i64::from(digit - b'0'))
    })
}

/// A stamp of any form: Podman writes whole seconds, others numeric offsets.
fn any_stamp(payload: &[u8]) -> Result<(Timestamp, usize), BadFrame> {
    /// The longest form has nanoseconds and a numeric offset.
    const STAMP_MAX: usize = 36;
    let head = &payload[..payload.len().min(STAMP_MAX)];
    let blank = head
        .iter()
        .position(|byte| *byte == b' ')
        .ok_or(BadFrame::Time)?;
    let text = std::str::from_utf8(&head[..blank]).map_err(|_| BadFrame::Time)?;
    let at = text.parse().map_err(|_| BadFrame::Time)?;
    Ok((at, blank + 1))
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
    fn every_stamp_is_read_as_a_whole_parser_reads_it() {
        let stamps = [
            "2026-11-22T10:00:00.000000001Z",
            "2026-11-22T10:00:00.999999999Z",
            "2026-11-22T10:00:01.5Z",
            "2026-11-22T10:00:01.500000000Z",
            "2026-11-22T10:00:00.123456789Z",
            "2026-11-22T10:00:00.123456789+02:00",
            "2026-11-22T10:00:00.123456789Z",
        ];
        let chunks = stamps.map(|stamp| Bytes::from(wire(1, &format!("{stamp} x"))));
        let times: Vec<Timestamp> = all(chunks).unwrap().iter().map(|frame| frame.at).collect();
        let expected: Vec<Timestamp> = stamps.map(|stamp| stamp.parse().unwrap()).into();
        assert_eq!(times, expected);
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
