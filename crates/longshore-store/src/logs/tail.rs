//! Where the last lines of a log begin.

use longshore_core::AttemptId;
use longshore_core::log::{Frame, Stream};

use super::chunk::Chunk;
use super::error::LogError;
use super::live::Sight;
use super::query::LogQuery;
use super::store::{Fetched, LogStore};

/// A place in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// The chunk.
    pub(crate) number: u64,
    /// The frame in it.
    pub(crate) index: usize,
    /// How many of its bytes lie before the place.
    pub(crate) cut_bytes: usize,
}

impl Start {
    /// So many bytes into a frame, or the next frame where nothing of this one would be left.
    fn at(number: u64, index: usize, cut_bytes: usize, frame: &Frame) -> Self {
        if cut_bytes < frame.bytes.len() {
            return Self {
                number,
                index,
                cut_bytes,
            };
        }
        Self {
            number,
            index: index + 1,
            cut_bytes: 0,
        }
    }
}

/// Finds where the last lines begin, of what the query wants; `None` if that is the
/// beginning. Reads from the end, and keeps nothing.
pub(crate) async fn find(
    store: &LogStore,
    attempt: AttemptId,
    query: &LogQuery,
    lines: usize,
) -> Result<Option<Start>, LogError> {
    let mut numbers = store.numbers(attempt, 0).await?;
    numbers.extend(store.live(attempt).iter().flat_map(|live| live.numbers()));
    numbers.sort_unstable();
    numbers.dedup();
    let mut count = Count {
        wanted: lines,
        found: 0,
        met: Vec::new(),
    };
    for number in numbers.iter().rev() {
        let Some(chunk) = whole(store, attempt, *number).await? else {
            continue;
        };
        let wanted = chunk
            .frames
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, frame)| query.wants(frame));
        for (index, frame) in wanted {
            if let Some(cut_bytes) = count.add(frame) {
                return Ok(Some(Start::at(*number, index, cut_bytes, frame)));
            }
        }
        let is_too_old = |since| chunk.frames.iter().all(|frame| frame.at < since);
        if !chunk.frames.is_empty() && query.since.is_some_and(is_too_old) {
            break;
        }
    }
    Ok(None)
}

/// Counts line ends from the last one back.
struct Count {
    wanted: usize,
    found: usize,
    /// Streams of which later frames are known: what ends without a newline goes on there.
    met: Vec<Stream>,
}

impl Count {
    /// Takes in the frame before; answers when the wanted lines begin in it, and where.
    fn add(&mut self, frame: &Frame) -> Option<usize> {
        let ends = frame.bytes.split(|byte| *byte == b'\n').count() - 1;
        let is_unfinished = frame.bytes.last().is_some_and(|byte| *byte != b'\n');
        let is_last_line = is_unfinished && !self.met.contains(&frame.stream);
        self.met.push(frame.stream);
        self.met.dedup();
        self.found += ends + usize::from(is_last_line);
        let surplus = self
            .found
            .checked_sub(self.wanted)
            .filter(|surplus| *surplus > 0)?;
        let newlines = frame
            .bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n');
        Some(
            newlines
                .map(|(place, _)| place + 1)
                .nth(surplus - 1)
                .unwrap_or(frame.bytes.len()),
        )
    }
}

async fn whole(
    store: &LogStore,
    attempt: AttemptId,
    number: u64,
) -> Result<Option<Chunk>, LogError> {
    if let Some(live) = store.live(attempt)
        && let Sight::Chunk(chunk) = live.look(number, 0)
    {
        return Ok(Some(chunk));
    }
    Ok(match store.fetch(attempt, number, None).await? {
        Fetched::Chunk(chunk, _) => Some(chunk),
        Fetched::Unchanged | Fetched::Absent => None,
    })
}
