//! Carries a container's output into the log store, from the first byte, and across crashes.

use futures::StreamExt;
use jiff::Timestamp;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_executor::{Batches, ExecutorError, Kept, LogReader, SharedExecutor, note};
use longshore_store::{LogError, LogWriter};
use tokio_util::sync::CancellationToken;

/// One container's output on its way into the log store.
pub(crate) struct Pump {
    reader: LogReader,
    pub(crate) writer: LogWriter,
    past: Past,
    /// All output was read, for sure.
    is_complete: bool,
}

/// What may have happened to output before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// Nothing: the container's stream is being read since its start.
    Whole,
    /// It was not being read for a while, in which its engine may have gone down.
    Doubtful,
}

impl Pump {
    pub(crate) fn new(
        executor: SharedExecutor,
        handle: Handle,
        writer: LogWriter,
        past: Past,
    ) -> Self {
        Self {
            reader: LogReader { executor, handle },
            writer,
            past,
            is_complete: false,
        }
    }

    /// Follows until the output ends or somebody says stop; what came is kept.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<Self, LogError> {
        let mut pause = limits::RETRY_CALL_FIRST;
        while !stop.is_cancelled() {
            match self.follow_once(&stop).await? {
                Ended::AtItsEnd | Ended::Told => break,
                Ended::Broken(error) => {
                    self.past = Past::Doubtful;
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
        if let Err(error) = self.settle_past().await? {
            return Ok(Ended::Broken(error));
        }
        let is_whole = self.writer.frames() == 0 && self.reader.executor.follows_to_the_end();
        let opened = tokio::select! {
            () = stop.cancelled() => return Ok(Ended::Told),
            opened = self.reader.follow(self.kept()) => opened,
        };
        let mut batches = match opened {
            Ok(batches) => batches,
            Err(error) => return Ok(Ended::Broken(error)),
        };
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return Ok(Ended::Told),
                batch = batches.next() => batch,
            };
            let frames = match batch {
                None => {
                    self.is_complete = is_whole;
                    return Ok(Ended::AtItsEnd);
                }
                Some(Err(error)) => return Ok(Ended::Broken(error)),
                Some(Ok(frames)) => frames,
            };
            for frame in frames {
                self.writer.append(frame).await?;
            }
        }
    }

    /// After the exit: reads the end once more and keeps what a follow stream may have lost.
    ///
    /// # Errors
    /// The outer error is the log store's, the inner one the engine's; both may pass.
    pub(crate) async fn complete(&mut self) -> Result<Result<(), ExecutorError>, LogError> {
        if let Err(error) = self.settle_past().await? {
            return Ok(Err(error));
        }
        if self.is_complete {
            return Ok(Ok(()));
        }
        match self.reader.rest(self.kept()).await {
            Ok(batches) => self.take_in(batches).await,
            Err(error) => Ok(Err(error)),
        }
    }

    /// Marks what the engine may have taken along, once it is known whether it went down.
    async fn settle_past(&mut self) -> Result<Result<(), ExecutorError>, LogError> {
        if self.past == Past::Whole {
            return Ok(Ok(()));
        }
        match self.reader.doubt(&self.kept()).await {
            Ok(Some(note)) => self.writer.append(note).await?,
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
        self.past = Past::Whole;
        Ok(Ok(()))
    }

    async fn take_in(
        &mut self,
        mut batches: Batches,
    ) -> Result<Result<(), ExecutorError>, LogError> {
        while let Some(batch) = batches.next().await {
            let frames = match batch {
                Ok(frames) => frames,
                Err(error) => return Ok(Err(error)),
            };
            for frame in frames {
                self.writer.append(frame).await?;
            }
        }
        Ok(Ok(()))
    }

    /// Marks in the log that something is missing here.
    pub(crate) async fn gap(&mut self, why: &str) -> Result<(), LogError> {
        self.writer.append(note(why, Timestamp::now())).await
    }

    fn kept(&self) -> Kept {
        Kept {
            frames: self.writer.frames(),
            recent: self.writer.recent().cloned().collect(),
        }
    }
}

/// How a follow stream ended.
enum Ended {
    AtItsEnd,
    Told,
    Broken(ExecutorError),
}
