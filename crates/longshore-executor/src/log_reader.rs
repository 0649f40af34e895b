//! A container's output behind what is kept of it already.
//!
//! Frames of one container are the same at every reading, so a reader resumes by counting: it reads
//! from the start and skips as many frames as are kept. If the engine has thrown the start away
//! meanwhile (rotation), it says so in the log and goes on by time.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::log::{Frame, Stream};

use crate::alignment::already_kept;
use crate::{ExecutorError, LogRange, SharedExecutor};

/// Frames that are taken at once from a stream that has them ready.
const BATCH: usize = 256;

/// Frames in order; the stream ends with the output, or with an error.
pub type Batches = BoxStream<'static, Result<Vec<Frame>, ExecutorError>>;

/// What is kept of a container's log.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// How many frames of the container were seen.
    pub frames: u64,
    /// The last of them, oldest first.
    pub recent: Vec<Frame>,
}

/// Reads one container's output.
#[derive(Clone)]
pub struct LogReader {
    /// Where the container is.
    pub executor: SharedExecutor,
    /// The container.
    pub handle: Handle,
}

impl LogReader {
    /// What comes behind what is kept, until the output ends.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub async fn follow(&self, kept: Kept) -> Result<Batches, ExecutorError> {
        self.replay(LogRange::Follow, Duration::MAX, kept).await
    }

    /// After the exit: what a follow stream may have lost, and everything else that is not kept.
    ///
    /// # Errors
    /// The log cannot be opened, or its end cannot be read.
    pub async fn rest(&self, kept: Kept) -> Result<Batches, ExecutorError> {
        match self.end_behind(&kept).await? {
            Some(missing) => Ok(stream::iter([Ok(missing)]).boxed()),
            None => self.replay(LogRange::All, limits::DRAIN_CALL, kept).await,
        }
    }

    /// What is to be said in the log before anything is read that comes behind what is kept, when the
    /// stream that it was read from has broken: the engine may have gone down with output of this
    /// container in its hands.
    ///
    /// # Errors
    /// The engine does not say.
    pub async fn doubt(&self, kept: &Kept) -> Result<Option<Frame>, ExecutorError> {
        let last = kept.recent.last().map(|frame| frame.at);
        let is_new = self.executor.restarted_since(&self.handle, last).await?;
        let text = "the engine was restarted: output of that time may be missing here";
        Ok(is_new.then(|| note(text, last.unwrap_or_else(Timestamp::now))))
    }

    /// The frames at the end that are not kept; `None` when the end alone does not tell.
    async fn end_behind(&self, kept: &Kept) -> Result<Option<Vec<Frame>>, ExecutorError> {
        let window = limits::LOG_END_FRAMES;
        let mut last = self.collect(LogRange::Last(window)).await?;
        let known = if last.len() < window {
            // This is the whole log: counting is enough.
            usize::try_from(kept.frames)
                .ok()
                .filter(|kept| *kept <= last.len())
        } else {
            already_kept(&kept.recent, &last)
        };
        Ok(known.map(|known| last.split_off(known)))
    }

    async fn collect(&self, range: LogRange) -> Result<Vec<Frame>, ExecutorError> {
        let mut frames = Vec::new();
        let mut batches = self.open(range, limits::DRAIN_CALL).await?;
        while let Some(batch) = batches.next().await {
            frames.extend(batch?);
        }
        Ok(frames)
    }

    async fn replay(
        &self,
        range: LogRange,
        patience: Duration,
        kept: Kept,
    ) -> Result<Batches, ExecutorError> {
        let is_whole = range == LogRange::All;
        let batches = self.open(range, patience).await?;
        let state = (batches, Some(Replay::of(kept)));
        let new = stream::unfold(state, move |(mut batches, replay)| async move {
            let mut replay = replay?;
            match batches.next().await {
                Some(Ok(batch)) => {
                    let new = batch.into_iter().flat_map(|frame| replay.take(frame));
                    let new: Vec<Frame> = new.collect();
                    Some((Ok(new), (batches, Some(replay))))
                }
                Some(Err(error)) => Some((Err(error), (batches, None))),
                None => is_whole.then(|| (Ok(replay.end()), (batches, None))),
            }
        });
        Ok(new.boxed())
    }

    /// The frames in batches as they come. One that stays silent for too long ends with an error.
    async fn open(&self, range: LogRange, patience: Duration) -> Result<Batches, ExecutorError> {
        let frames = self.executor.logs(&self.handle, range).await?;
        let state = Some((frames.ready_chunks(BATCH), None));
        let batches = stream::unfold(state, move |state| async move {
            let (mut ready, broken) = state?;
            if let Some(error) = broken {
                return Some((Err(error), None));
            }
            let batch = match tokio::time::timeout(patience, ready.next()).await {
                Ok(batch) => batch?,
                Err(_) => return Some((Err(Fault::TimedOut.into()), None)),
            };
            let mut frames = Vec::with_capacity(batch.len());
            for frame in batch {
                match frame {
                    Ok(frame) => frames.push(frame),
                    Err(error) => return Some((Ok(frames), Some((ready, Some(error))))),
                }
            }
            Some((Ok(frames), Some((ready, None))))
        });
        Ok(batches.boxed())
    }
}

/// A line of ours in a log: something that its readers must see.
pub fn note(text: &str, at: Timestamp) -> Frame {
    Frame {
        stream: Stream::Note,
        at,
        bytes: Bytes::from(format!("[longshore: {text}]\n")),
    }
}

/// Skips the frames that are kept already.
struct Replay {
    to_skip: u64,
    last_kept: Option<Frame>,
    /// Set when the frames turned out to be others than those that were kept.
    only_after: Option<Timestamp>,
}

impl Replay {
    fn of(mut kept: Kept) -> Self {
        Self {
            to_skip: kept.frames,
            last_kept: kept.recent.pop(),
            only_after: None,
        }
    }

    /// What of this frame is new: nothing, itself, or itself behind a note about a gap.
    fn take(&mut self, frame: Frame) -> Vec<Frame> {
        let mut new = Vec::new();
        if self.to_skip > 0 {
            self.to_skip -= 1;
            let is_other =
                self.to_skip == 0 && self.last_kept.as_ref().is_some_and(|kept| *kept != frame);
            if !is_other {
                return new;
            }
            self.only_after = self.last_kept.as_ref().map(|kept| kept.at);
            let lost = "output was lost: the engine rotated its log away";
            new.push(note(lost, frame.at));
        }
        if self.only_after.is_none_or(|after| frame.at > after) {
            new.push(frame);
        }
        new
    }

    /// What is to be said at the end: that the log was shorter than what is kept of it.
    fn end(&self) -> Vec<Frame> {
        let at = self.last_kept.as_ref().map(|frame| frame.at);
        let lost = "the engine no longer has the start of this log";
        let is_short = self.to_skip > 0;
        is_short
            .then(|| note(lost, at.unwrap_or_default()))
            .into_iter()
            .collect()
    }
}
