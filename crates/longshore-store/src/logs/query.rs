//! Which part of a log is wanted.

use longshore_core::Timestamp;
use longshore_core::log::{Frame, Stream};

/// Which part of a log is wanted; the default is all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Frames that the engine took at this time or later.
    pub since: Option<Timestamp>,
    /// The last so many lines of what fits otherwise.
    pub tail: Option<usize>,
    /// Of these streams; empty for all. Notes are always told.
    pub streams: Vec<Stream>,
}

impl LogQuery {
    /// Whether a frame is wanted, `tail` aside.
    pub(crate) fn wants(&self, frame: &Frame) -> bool {
        let is_late = self.since.is_none_or(|since| frame.at >= since);
        let is_listed = self.streams.is_empty()
            || frame.stream == Stream::Note
            || self.streams.contains(&frame.stream);
        is_late && is_listed
    }
}
