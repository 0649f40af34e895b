//! Walking through a log from chunk to chunk, as far as it goes at the moment.

use bytes::Bytes;
use longshore_core::AttemptId;
use longshore_core::log::{Frame, Stream};

use super::chunk::{Chunk, Part, Position, Stage};
use super::error::LogError;
use super::live::Sight;
use super::store::{Fetched, LogStore};
use super::tail::Start;

/// A reader's place in a log.
pub(crate) struct Walk {
    store: LogStore,
    attempt: AttemptId,
    /// The chunk that is looked at, and how many of its frames are behind.
    number: u64,
    index: usize,
    /// Tag of that chunk when it was last read.
    tag: Option<String>,
    /// Bytes of the next frame to leave out: lines before the ones that are wanted.
    cut_bytes: usize,
    /// What was passed so far; `None` before the first frame of a walk that begins in the middle.
    passed: Option<Position>,
    is_complete: bool,
}

impl Walk {
    /// A walk from the beginning.
    pub(crate) fn new(store: LogStore, attempt: AttemptId) -> Self {
        let passed = Some(Position::default());
        let start = Start::default();
        Self {
            passed,
            ..Self::from(store, attempt, start)
        }
    }

    /// A walk from the middle.
    pub(crate) fn from(store: LogStore, attempt: AttemptId, start: Start) -> Self {
        Self {
            store,
            attempt,
            number: start.number,
            index: start.index,
            tag: None,
            cut_bytes: start.cut_bytes,
            passed: None,
            is_complete: false,
        }
    }

    /// Whether the log is complete and all of it is behind.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The next frames that are there; `None` if there are none at the moment.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Frame>>, LogError> {
        while !self.is_complete {
            let chunk = match self.look().await? {
                Fetched::Chunk(chunk, _) => chunk,
                Fetched::Absent if self.jump().await? => continue,
                Fetched::Absent | Fetched::Unchanged => return Ok(None),
            };
            let stage = chunk.stage;
            let frames = self.pass(chunk);
            match stage {
                Stage::Open if frames.is_empty() => return Ok(None),
                Stage::Open => {}
                Stage::Sealed => self.go_to(self.number + 1),
                Stage::Last => self.is_complete = true,
            }
            if !frames.is_empty() {
                return Ok(Some(frames));
            }
        }
        Ok(None)
    }

    /// Looks at the current chunk's frames that are still ahead.
    async fn look(&mut self) -> Result<Fetched, LogError> {
        if let Some(live) = self.store.live(self.attempt) {
            match live.look(self.number, self.index) {
                Sight::Chunk(chunk) => return Ok(Fetched::Chunk(chunk, None)),
                Sight::NotYet => return Ok(Fetched::Unchanged),
                Sight::Stored => {}
            }
        }
        let fetched = self
            .store
            .fetch(self.attempt, self.number, self.tag.clone())
            .await?;
        let Fetched::Chunk(chunk, tag) = fetched else {
            return Ok(fetched);
        };
        self.tag = tag;
        Ok(Fetched::Chunk(chunk.rest(self.index), None))
    }

    /// Passes frames; where some are missing before them, there is a note.
    fn pass(&mut self, chunk: Chunk) -> Vec<Frame> {
        let mut frames = chunk.frames;
        self.index += frames.len();
        let passed = self.passed.unwrap_or(chunk.start);
        let mut end = chunk.start;
        for frame in &frames {
            end.add(frame);
        }
        if let Some(first) = frames.first_mut() {
            first.bytes = first.bytes.split_off(self.cut_bytes.min(first.bytes.len()));
            self.cut_bytes = 0;
            if chunk.start.frames > passed.frames {
                let at = first.at;
                let bytes = gap_note(passed, chunk.start, chunk.part);
                frames.insert(
                    0,
                    Frame {
                        stream: Stream::Note,
                        at,
                        bytes,
                    },
                );
            }
            self.passed = Some(end);
        }
        frames
    }

    /// Goes on behind chunks that are missing; `false` if nothing is there yet.
    async fn jump(&mut self) -> Result<bool, LogError> {
        let numbers = self.store.numbers(self.attempt, self.number + 1).await?;
        let Some(next) = numbers.first() else {
            return Ok(false);
        };
        self.go_to(*next);
        Ok(true)
    }

    fn go_to(&mut self, number: u64) {
        self.number = number;
        self.index = 0;
        self.tag = None;
    }
}

fn gap_note(from: Position, to: Position, part: Part) -> Bytes {
    let (frames, bytes) = (
        to.frames - from.frames,
        to.bytes().saturating_sub(from.bytes()),
    );
    let why = match part {
        Part::Head => "are missing here",
        Part::Tail => "were dropped here, to keep the log within its limit",
    };
    format!("longshore: {bytes} bytes of output ({frames} frames) {why}\n").into()
}
