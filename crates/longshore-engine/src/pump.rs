//! Carries a container's output into the log store, from the first byte, and across crashes.
//!
//! Frames of one container are the same at every reading, so the pump resumes by counting: it
//! reads from the start and skips as many frames as are kept. If the engine has thrown the start
//! away meanwhile (rotation), it says so in the log and goes on by time.

use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::log::{Frame, Stream};
use longshore_executor::{ExecutorError, LogRange, SharedExecutor};
use longshore_store::{LogError, LogWriter};
use tokio_util::sync::CancellationToken;

/// Frames that are taken at once from a stream that has them ready.
const BATCH: usize = 256;

/// One container's output on its way into the log store.
pub(crate) struct Pump {
    pub(crate) executor: SharedExecutor,
    pub(crate) handle: Handle,
    pub(crate) writer: LogWriter,
}

impl Pump {
    /// Follows until the output ends or somebody says stop; what came is kept.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<Self, LogError> {
        let mut pause = limits::RETRY_CALL_FIRST;
        while !stop.is_cancelled() {
            match self.follow_once(&stop).await? {
                Ended::AtItsEnd | Ended::Told => break,
                Ended::Broken(error) => {
                    tracing::debug!(error = %error, "the log stream broke and is opened again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        }
        Ok(self)
    }

    async fn follow_once(&mut self, stop: &CancellationToken) -> Result<Ended, LogError> {
        let opened = tokio::select! {
            () = stop.cancelled() => return Ok(Ended::Told),
            opened = self.executor.logs(&self.handle, LogRange::Follow) => opened,
        };
        let stream = match opened {
            Ok(stream) => stream,
            Err(error) => return Ok(Ended::Broken(error)),
        };
        let mut replay = Replay::of(&self.writer);
        let mut batches = stream.ready_chunks(BATCH);
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return Ok(Ended::Told),
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else {
                return Ok(Ended::AtItsEnd);
            };
            for frame in batch {
                match frame {
                    Ok(frame) => replay.take(frame, &mut self.writer).await?,
                    Err(error) => return Ok(Ended::Broken(error)),
                }
            }
        }
    }

    /// After the exit: reads the end once more and keeps what a follow stream may have lost.
    ///
    /// # Errors
    /// The outer error is the log store's, the inner one the engine's; both may pass.
    pub(crate) async fn complete(&mut self) -> Result<Result<(), ExecutorError>, LogError> {
        match self.read_end().await {
            Ok(missing) => {
                for frame in missing {
                    self.writer.append(frame).await?;
                }
                Ok(Ok(()))
            }
            Err(End::Unaligned) => self.read_all().await,
            Err(End::Engine(error)) => Ok(Err(error)),
        }
    }

    async fn read_end(&self) -> Result<Vec<Frame>, End> {
        let window = limits::LOG_END_FRAMES;
        let mut last = self
            .collect(LogRange::Last(window))
            .await
            .map_err(End::Engine)?;
        let kept = self.writer.frames();
        let known = if last.len() < window {
            // This is the whole log: counting is enough.
            usize::try_from(kept)
                .ok()
                .filter(|kept| *kept <= last.len())
        } else {
            let recent: Vec<Frame> = self.writer.recent().cloned().collect();
            crate::alignment::already_kept(&recent, &last)
        };
        known
            .map(|known| last.split_off(known))
            .ok_or(End::Unaligned)
    }

    async fn read_all(&mut self) -> Result<Result<(), ExecutorError>, LogError> {
        let stream = match self.executor.logs(&self.handle, LogRange::All).await {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error)),
        };
        let mut replay = Replay::of(&self.writer);
        let mut batches = stream.ready_chunks(BATCH);
        while let Some(batch) = next_within(&mut batches).await {
            for frame in batch {
                match frame {
                    Ok(frame) => replay.take(frame, &mut self.writer).await?,
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        if !replay.is_done() {
            self.gap("the engine no longer has the start of this log")
                .await?;
        }
        Ok(Ok(()))
    }

    /// Marks in the log that something is missing here.
    pub(crate) async fn gap(&mut self, why: &str) -> Result<(), LogError> {
        self.writer.append(note(why)).await
    }

    async fn collect(&self, range: LogRange) -> Result<Vec<Frame>, ExecutorError> {
        let mut batches = self
            .executor
            .logs(&self.handle, range)
            .await?
            .ready_chunks(BATCH);
        let mut frames = Vec::new();
        while let Some(batch) = next_within(&mut batches).await {
            for frame in batch {
                frames.push(frame?);
            }
        }
        Ok(frames)
    }
}

/// How a follow stream ended.
enum Ended {
    AtItsEnd,
    Told,
    Broken(ExecutorError),
}

/// Why the end of a log could not be compared.
enum End {
    Unaligned,
    Engine(ExecutorError),
}

/// Skips the frames that are kept already.
struct Replay {
    to_skip: u64,
    last_kept: Option<Frame>,
    /// Set when the frames turned out to be others than those that were kept.
    only_after: Option<Timestamp>,
}

impl Replay {
    fn of(writer: &LogWriter) -> Self {
        let last_kept = writer.recent().next_back().cloned();
        Self {
            to_skip: writer.frames(),
            last_kept,
            only_after: None,
        }
    }

    fn is_done(&self) -> bool {
        self.to_skip == 0
    }

    async fn take(&mut self, frame: Frame, writer: &mut LogWriter) -> Result<(), LogError> {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            let is_other =
                self.to_skip == 0 && self.last_kept.as_ref().is_some_and(|kept| *kept != frame);
            if !is_other {
                return Ok(());
            }
            self.only_after = self.last_kept.as_ref().map(|kept| kept.at);
            writer
                .append(note("output was lost: the engine rotated its log away"))
                .await?;
        }
        if self.only_after.is_some_and(|after| frame.at <= after) {
            return Ok(());
        }
        writer.append(frame).await
    }
}

fn note(text: &str) -> Frame {
    Frame {
        stream: Stream::Note,
        at: Timestamp::now(),
        bytes: Bytes::from(format!("[longshore: {text}]\n")),
    }
}

/// The next frames; a stream that stays silent for too long is over with an error.
async fn next_within(
    batches: &mut (impl futures::Stream<Item = Vec<Result<Frame, ExecutorError>>> + Unpin),
) -> Option<Vec<Result<Frame, ExecutorError>>> {
    match tokio::time::timeout(limits::DRAIN_CALL, batches.next()).await {
        Ok(batch) => batch,
        Err(_) => Some(vec![Err(Fault::TimedOut.into())]),
    }
}
