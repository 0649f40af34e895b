//! How a log lies in its file.
//!
//! Behind a head of fixed size, frames follow each other: `F`, the stream, the length, the time, the
//! bytes, the length again (so that the last ones are found from behind). When the log has grown to
//! its limit, its middle is given back to the file system piece by piece; the head of the file says
//! from where to where. So nothing that is kept ever moves. Frames that could not be written (the
//! disk was full) are counted by a frame of their own, a hole.

use jiff::Timestamp;
use longshore_core::log::Stream;

/// A line is cut into parts of so many bytes.
pub(crate) const PART: usize = 16 * 1024;
/// What comes before the bytes of a frame.
pub(super) const HEADER: usize = 12;
/// What comes behind them.
pub(super) const TRAILER: usize = 2;
/// What comes before all frames.
pub(super) const HEAD: usize = 48;
const MAGIC: [u8; 8] = *b"LSLOG1\0\0";

/// What is to be read at some place of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A frame with so many bytes behind its header.
    Frame {
        stream: Stream,
        at: Timestamp,
        length: usize,
    },
    /// So many bytes could not be written here.
    Hole { at: Timestamp, dropped: u64 },
    /// It is not whole yet.
    Unfinished,
    /// It is no log, or was given back to the file system.
    Nothing,
}

/// What was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// Where it begins.
    pub(super) at: u64,
    /// Where it ends; it begins there too as long as nothing was given back.
    pub(super) resume: u64,
    /// How many bytes of output are missing.
    pub(super) dropped: u64,
    /// When the first of them came.
    pub(super) since: Timestamp,
}

pub(super) fn write_frame(buffer: &mut Vec<u8>, stream: Stream, at: Timestamp, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("parts are shorter than 64 KiB");
    let mut header = [0; HEADER];
    header[..2].copy_from_slice(&[b'F', stream_number(stream)]);
    header[2..4].copy_from_slice(&length.to_le_bytes());
    header[4..].copy_from_slice(&nanos(at).to_le_bytes());
    // Lines are short, and there are many of them: room is made once.
    buffer.reserve(frame_size(bytes.len()));
    buffer.extend_from_slice(&header);
    buffer.extend_from_slice(bytes);
    buffer.extend_from_slice(&length.to_le_bytes());
}

/// The size of a frame with so many bytes.
pub(super) fn frame_size(length: usize) -> usize {
    HEADER + length + TRAILER
}

/// A hole is a frame of no stream.
pub(super) fn write_hole(buffer: &mut Vec<u8>, at: Timestamp, dropped: u64) {
    write_frame(buffer, Stream::Note, at, &dropped.to_le_bytes());
}

/// The head of a log with this gap, or with none.
pub(super) fn write_head(gap: Option<&Gap>) -> [u8; HEAD] {
    let numbers = gap.map_or([0; 4], |gap| {
        let since = nanos(gap.since).cast_unsigned();
        [gap.at, gap.resume, gap.dropped, since]
    });
    let mut bytes = [0; HEAD];
    bytes[..8].copy_from_slice(&MAGIC);
    for (place, number) in bytes[8..40].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes[40..].copy_from_slice(&sum(&numbers).to_le_bytes());
    bytes
}

/// What the head of a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// There is no gap.
    Whole,
    /// There is one.
    With(Gap),
    /// It is just being written.
    Torn,
    /// This is no log.
    Foreign,
}

pub(super) fn read_head(bytes: &[u8; HEAD]) -> Head {
    let mut numbers = [0_u64; 5];
    for (number, place) in numbers.iter_mut().zip(bytes[8..].chunks_exact(8)) {
        let shift = |number, byte: &u8| (number << 8) | u64::from(*byte);
        *number = place.iter().rev().fold(0, shift);
    }
    let [at, resume, dropped, since, check] = numbers;
    let since = Timestamp::from_nanosecond(since.cast_signed().into());
    match since {
        _ if bytes[..8] != MAGIC => Head::Foreign,
        Ok(since) if check == sum(&[at, resume, dropped, numbers[3]]) => match at {
            0 => Head::Whole,
            at => Head::With(Gap {
                at,
                resume,
                dropped,
                since,
            }),
        },
        Ok(_) | Err(_) => Head::Torn,
    }
}

/// What these bytes begin with.
pub(super) fn read(bytes: &[u8]) -> Item {
    match bytes.first() {
        None => Item::Unfinished,
        Some(b'F') => read_frame(bytes),
        Some(_) => Item::Nothing,
    }
}

fn read_frame(bytes: &[u8]) -> Item {
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return Item::Unfinished;
    };
    let [_, number, low, high, time @ ..] = *header;
    let length = usize::from(u16::from_le_bytes([low, high]));
    let Some(body) = bytes.get(HEADER..frame_size(length)) else {
        return Item::Unfinished;
    };
    let Ok(at) = Timestamp::from_nanosecond(i64::from_le_bytes(time).into()) else {
        return Item::Nothing;
    };
    if body[length..] != [low, high] {
        return Item::Nothing;
    }
    match (number, body.first_chunk::<8>()) {
        (1, _) => Item::Frame {
            stream: Stream::Stdout,
            at,
            length,
        },
        (2, _) => Item::Frame {
            stream: Stream::Stderr,
            at,
            length,
        },
        (0, Some(dropped)) => Item::Hole {
            at,
            dropped: u64::from_le_bytes(*dropped),
        },
        _ => Item::Nothing,
    }
}

fn sum(numbers: &[u64; 4]) -> u64 {
    numbers.iter().fold(0x6c6f_6e67, |sum, number| {
        sum.rotate_left(21).wrapping_add(*number)
    })
}

fn stream_number(stream: Stream) -> u8 {
    match stream {
        Stream::Note => 0,
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    }
}

/// Good until the year 2262.
fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}
