//! What an earlier writer left of a log: where it stood, and which chunks can be trusted.

use std::collections::VecDeque;

use longshore_core::AttemptId;
use longshore_core::limits::LOG_MEMORY;
use longshore_core::log::{Frame, Stream};

use super::chunk::{Chunk, Part, Position, Stage};
use super::error::LogError;
use super::store::{Fetched, LogStore};

/// The log so far.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// Number of the open chunk.
    pub(crate) number: u64,
    pub(crate) open: Chunk,
    /// Bytes of the sealed chunks of the head.
    pub(crate) head_bytes: u64,
    /// Sealed chunks of the tail, with their bytes.
    pub(crate) tail: VecDeque<(u64, u64)>,
    pub(crate) dropped_bytes: u64,
    pub(crate) recent: VecDeque<Frame>,
}

impl Recovered {
    /// Nothing yet.
    pub(crate) fn nothing() -> Self {
        Self {
            number: 0,
            open: Chunk::new(Part::Head, Position::default()),
            head_bytes: 0,
            tail: VecDeque::new(),
            dropped_bytes: 0,
            recent: VecDeque::new(),
        }
    }

    /// Takes in the next chunk that can be read.
    fn add(&mut self, number: u64, chunk: Chunk) {
        if number > 0 {
            self.settle();
        }
        self.dropped_bytes += chunk.start.bytes() - self.open.start.bytes();
        for frame in &chunk.frames {
            remember(&mut self.recent, frame);
        }
        self.number = number;
        self.open = chunk;
    }

    /// Counts the chunk that was the last so far among the sealed ones, and begins the next.
    fn settle(&mut self) {
        let end = self.open.end();
        let bytes = end.bytes() - self.open.start.bytes();
        match self.open.part {
            Part::Head => self.head_bytes += bytes,
            Part::Tail => self.tail.push_back((self.number, bytes)),
        }
        self.number += 1;
        self.open = Chunk::new(self.open.part, end);
    }

    fn finish(mut self) -> Self {
        match self.open.stage {
            Stage::Sealed => self.settle(),
            Stage::Open | Stage::Last => self.open.stage = Stage::Open,
        }
        self
    }
}

/// Keeps the last frames of the container's own streams.
pub(crate) fn remember(recent: &mut VecDeque<Frame>, frame: &Frame) {
    if frame.stream == Stream::Note {
        return;
    }
    if recent.len() == LOG_MEMORY {
        recent.pop_front();
    }
    recent.push_back(frame.clone());
}

/// Reads the whole log. From the first chunk on that cannot be read, or that does not follow what
/// comes before it, everything is deleted: the host still has it, and it is read again.
pub(crate) async fn recover(store: &LogStore, attempt: AttemptId) -> Result<Recovered, LogError> {
    let mut log = Recovered::nothing();
    let numbers = store.numbers(attempt, 0).await?;
    for (place, number) in numbers.iter().enumerate() {
        let next = match store.fetch(attempt, *number, None).await? {
            Fetched::Chunk(chunk, _) if follows(&log, place, &chunk) => chunk,
            Fetched::Chunk(..) | Fetched::Unchanged | Fetched::Absent => {
                for lost in &numbers[place..] {
                    store.delete_chunk(attempt, *lost).await?;
                }
                break;
            }
        };
        log.add(*number, next);
    }
    Ok(log.finish())
}

/// Whether a chunk follows the log so far: without a gap, or after the gap that the cap has made.
fn follows(log: &Recovered, place: usize, chunk: &Chunk) -> bool {
    let end = log.open.end();
    let is_after_gap = chunk.part == Part::Tail && log.tail.is_empty();
    let is_first_of_tail = place == 0 || log.open.part == Part::Head;
    chunk.start == end || (is_after_gap && is_first_of_tail && chunk.start.frames > end.frames)
}
