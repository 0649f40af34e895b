//! One chunk of a log, and its form in the object store.
//!
//! `LSLG`, one byte of version, then one zstd frame with its checksum: a header of fixed size, and
//! the frames. Numbers are little-endian. The header says what was seen before the chunk, so that a
//! log of which parts were dropped still counts right.

use bytes::{Buf, BufMut, Bytes};
use longshore_core::Timestamp;
use longshore_core::log::{Frame, Stream};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, DCtx};

const MAGIC: &[u8; 4] = b"LSLG";
const VERSION: u8 = 1;
/// Fast enough for a log that flows at the engine's full speed.
const LEVEL: i32 = 1;
const HEADER_BYTES: usize = 1 + 1 + 4 * 8 + 8 + 4;
/// Bytes of a frame beside its content.
pub(crate) const FRAME_BYTES: usize = 1 + 4 + 8 + 4;

/// What came before a point of the log. Notes of our own are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) frames: u64,
    pub(crate) stdout_bytes: u64,
    pub(crate) stderr_bytes: u64,
}

impl Position {
    /// The point after a frame.
    pub(crate) fn add(&mut self, frame: &Frame) {
        let bytes = frame.bytes.len() as u64;
        match frame.stream {
            Stream::Stdout => self.stdout_bytes += bytes,
            Stream::Stderr => self.stderr_bytes += bytes,
            Stream::Note => return,
        }
        self.frames += 1;
    }

    /// Bytes of both streams.
    pub(crate) fn bytes(&self) -> u64 {
        self.stdout_bytes + self.stderr_bytes
    }
}

/// How far a chunk has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It may still grow.
    Open,
    /// Another one follows.
    Sealed,
    /// The log is complete.
    Last,
}

/// Which half of a capped log a chunk belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Kept for good.
    Head,
    /// Dropped when newer output needs the room.
    Tail,
}

/// A chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) stage: Stage,
    pub(crate) part: Part,
    /// Where the chunk begins.
    pub(crate) start: Position,
    /// Bytes that the cap had dropped when the chunk was written.
    pub(crate) dropped_bytes: u64,
    pub(crate) frames: Vec<Frame>,
}

/// A chunk cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("not a log chunk of a known version")]
    Unknown,
    #[error("damaged: {0}")]
    Damaged(&'static str),
}

impl Chunk {
    /// An empty chunk that begins here.
    pub(crate) fn new(part: Part, start: Position) -> Self {
        Self {
            stage: Stage::Open,
            part,
            start,
            dropped_bytes: 0,
            frames: Vec::new(),
        }
    }

    /// Where it ends.
    pub(crate) fn end(&self) -> Position {
        let mut end = self.start;
        self.frames.iter().for_each(|frame| end.add(frame));
        end
    }

    /// Size of its content, notes included.
    pub(crate) fn content_bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.bytes.len()).sum()
    }

    /// The chunk as if it began later: the frames before are counted into its start.
    pub(crate) fn rest(&self, from: usize) -> Self {
        let (before, frames) = self.frames.split_at(from.min(self.frames.len()));
        let mut start = self.start;
        for frame in before {
            start.add(frame);
        }
        Self {
            stage: self.stage,
            part: self.part,
            start,
            dropped_bytes: self.dropped_bytes,
            frames: frames.to_vec(),
        }
    }

    /// The form in the object store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let size = HEADER_BYTES + self.frames.len() * FRAME_BYTES + self.content_bytes();
        let mut plain = Vec::with_capacity(size);
        self.put_header(&mut plain);
        self.frames
            .iter()
            .for_each(|frame| put_frame(&mut plain, frame));
        let mut bytes = vec![0; MAGIC.len() + 1 + zstd::zstd_safe::compress_bound(plain.len())];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4] = VERSION;
        let written = compressor().compress_to_buffer(&plain, &mut bytes[5..]);
        bytes.truncate(5 + written.expect("the buffer has room for the worst case"));
        bytes
    }

    /// Reads the form in the object store.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ChunkError> {
        let (magic, body) = bytes.split_at_checked(5).ok_or(ChunkError::Unknown)?;
        if magic[..4] != *MAGIC || magic[4] != VERSION {
            return Err(ChunkError::Unknown);
        }
        let mut plain = Bytes::from(decompress(body)?);
        if plain.len() < HEADER_BYTES {
            return Err(ChunkError::Damaged("the header is cut off"));
        }
        let stage = stage(plain.get_u8())?;
        let part = part(plain.get_u8())?;
        let start = Position {
            frames: plain.get_u64_le(),
            stdout_bytes: plain.get_u64_le(),
            stderr_bytes: plain.get_u64_le(),
        };
        let dropped_bytes = plain.get_u64_le();
        plain.advance(8);
        let count = plain.get_u32_le();
        let frames = (0..count)
            .map(|_| get_frame(&mut plain))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            stage,
            part,
            start,
            dropped_bytes,
            frames,
        })
    }

    fn put_header(&self, plain: &mut Vec<u8>) {
        plain.put_u8(match self.stage {
            Stage::Open => 0,
            Stage::Sealed => 1,
            Stage::Last => 2,
        });
        plain.put_u8(match self.part {
            Part::Head => 0,
            Part::Tail => 1,
        });
        plain.put_u64_le(self.start.frames);
        plain.put_u64_le(self.start.stdout_bytes);
        plain.put_u64_le(self.start.stderr_bytes);
        plain.put_u64_le(self.dropped_bytes);
        // Room for a later version.
        plain.put_u64_le(0);
        plain.put_u32_le(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
    }
}

fn stage(byte: u8) -> Result<Stage, ChunkError> {
    match byte {
        0 => Ok(Stage::Open),
        1 => Ok(Stage::Sealed),
        2 => Ok(Stage::Last),
        _ => Err(ChunkError::Damaged("unknown stage")),
    }
}

fn part(byte: u8) -> Result<Part, ChunkError> {
    match byte {
        0 => Ok(Part::Head),
        1 => Ok(Part::Tail),
        _ => Err(ChunkError::Damaged("unknown part")),
    }
}

fn put_frame(plain: &mut Vec<u8>, frame: &Frame) {
    plain.put_u8(match frame.stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
        Stream::Note => 3,
    });
    plain.put_u32_le(u32::try_from(frame.bytes.len()).expect("the collector cuts frames to size"));
    plain.put_i64_le(frame.at.as_second());
    plain.put_i32_le(frame.at.subsec_nanosecond());
    plain.put_slice(&frame.bytes);
}

fn get_frame(plain: &mut Bytes) -> Result<Frame, ChunkError> {
    if plain.len() < FRAME_BYTES {
        return Err(ChunkError::Damaged("a frame is cut off"));
    }
    let stream = match plain.get_u8() {
        1 => Stream::Stdout,
        2 => Stream::Stderr,
        3 => Stream::Note,
        _ => return Err(ChunkError::Damaged("unknown stream")),
    };
    let length = plain.get_u32_le() as usize;
    let (second, nanosecond) = (plain.get_i64_le(), plain.get_i32_le());
    let at = Timestamp::new(second, nanosecond)
        .map_err(|_| ChunkError::Damaged("a time is out of range"))?;
    if plain.len() < length {
        return Err(ChunkError::Damaged("a frame's content is cut off"));
    }
    Ok(Frame {
        stream,
        at,
        bytes: plain.split_to(length),
    })
}

fn compressor() -> Compressor<'static> {
    let mut compressor = Compressor::new(LEVEL).expect("a known level");
    compressor
        .set_parameter(CParameter::ChecksumFlag(true))
        .expect("a known parameter");
    compressor
}

/// Decompresses one zstd frame; its checksum tells a torn or damaged chunk.
fn decompress(body: &[u8]) -> Result<Vec<u8>, ChunkError> {
    let size = zstd::zstd_safe::get_frame_content_size(body)
        .ok()
        .flatten()
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MOST_BYTES)
        .ok_or(ChunkError::Damaged("no believable size"))?;
    let mut plain = Vec::with_capacity(size);
    DCtx::create()
        .decompress(&mut plain, body)
        .map_err(|_| ChunkError::Damaged("does not decompress, or not to what was written"))?;
    Ok(plain)
}

/// No chunk that we wrote is larger: it is sealed after the frame with which it reaches its size.
const MOST_BYTES: usize = 1 << 30;
