//! A job's output: frames with stream, time stamp and exact bytes.

use bytes::Bytes;
use jiff::Timestamp;

/// Where a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The container's standard output.
    Stdout,
    /// The container's standard error.
    Stderr,
    /// longshore itself: a gap or a truncation that readers must see.
    Note,
}

/// One piece of output as the engine delivered it: a line, or a part of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it came from.
    pub stream: Stream,
    /// When the engine took it, by the host's clock.
    pub at: Timestamp,
    /// The bytes, unchanged, with their newline if there was one.
    pub bytes: Bytes,
}
