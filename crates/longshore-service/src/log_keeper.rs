//! Carries a container's output into the log store: while somebody waits for it, and at its end.

use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;
use longshore_core::attempt::Observed;
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::{AttemptId, limits};
use longshore_executor::{Batches, ExecutorError, Kept, LogReader, note};
use longshore_store::{LogError, LogStore, LogTotals, LogWriter};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::charge::Charge;
use crate::error::ServiceError;
use crate::place::Place;

/// Keeps the log of one attempt.
pub(crate) struct LogKeeper {
    logs: LogStore,
    attempt: AttemptId,
    limit_bytes: u64,
    place: Arc<Place>,
    handle: Handle,
}

impl LogKeeper {
    /// The log of this container.
    pub(crate) fn of(charge: &Charge, handle: &Handle) -> Self {
        Self {
            logs: charge.store().logs().clone(),
            attempt: charge.attempt.id,
            limit_bytes: charge.job.spec.log_limit_bytes(),
            place: Arc::clone(&charge.place),
            handle: handle.clone(),
        }
    }

    /// Follows the output until it ends, and rings then, or until told to stop. What could not be
    /// kept is read when the log is completed.
    pub(crate) async fn follow(self, stop: CancellationToken, ended: Arc<Notify>) {
        let mut pause = limits::RETRY_CALL_FIRST;
        loop {
            match self.follow_once(&stop).await {
                Ok(Ok(())) => return ended.notify_one(),
                Ok(Err(error)) => tracing::debug!(%error, "the log stream broke"),
                // Somebody else waits for the same container, and keeps its log.
                Err(LogError::InUse { .. }) => {}
                Err(error) => tracing::error!(%error, "the log cannot be kept; trying again"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        }
    }

    async fn follow_once(
        &self,
        stop: &CancellationToken,
    ) -> Result<Result<(), ExecutorError>, LogError> {
        let mut writer = self.open().await?;
        match self.reader().follow(kept(&writer)).await {
            Ok(batches) => take_in(&mut writer, batches, stop).await,
            Err(error) => Ok(Err(error)),
        }
    }

    /// Reads what is left of an ended container's log and completes it. Where the container is gone
    /// meanwhile, the log says so.
    pub(crate) async fn complete(&self) -> Result<LogTotals, ServiceError> {
        let mut writer = self.open_in_turn().await?;
        if let Err(error) = self.take_rest(&mut writer).await? {
            let found = self.place.executor.observe(&self.handle).await;
            if error.fault().is_silence() || !matches!(found, Ok(Observed::Absent)) {
                return Err(self.place.error("reading the log failed", error));
            }
            let lost = format!("the rest of the output was lost: {error}");
            append(&mut writer, &lost).await?;
        }
        Ok(writer.finish().await?)
    }

    /// Completes the log of a container that is gone.
    pub(crate) async fn give_up(&self) -> Result<LogTotals, ServiceError> {
        let mut writer = self.open_in_turn().await?;
        append(
            &mut writer,
            "the rest of the output was lost with its container",
        )
        .await?;
        Ok(writer.finish().await?)
    }

    async fn take_rest(
        &self,
        writer: &mut LogWriter,
    ) -> Result<Result<(), ExecutorError>, LogError> {
        let (never, mut pause) = (CancellationToken::new(), limits::RETRY_CALL_FIRST);
        for tries_left in (0..=self.place.retries).rev() {
            let taken = match self.reader().rest(kept(writer)).await {
                Ok(batches) => take_in(writer, batches, &never).await?,
                Err(error) => Err(error),
            };
            match taken {
                Err(error) if error.fault() == Fault::Unreachable && tries_left > 0 => {
                    tracing::debug!(%error, "the rest of the log is read again");
                }
                taken => return Ok(taken),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        }
        Ok(Ok(()))
    }

    /// Opens the log when whoever else of this process is at it has done: opening waits for a writer
    /// that is there, but not for one that comes at the same moment.
    async fn open_in_turn(&self) -> Result<LogWriter, LogError> {
        for _ in 0..limits::LOG_TURNS {
            match self.open().await {
                Err(LogError::InUse { .. }) => {}
                opened => return opened,
            }
        }
        self.open().await
    }

    async fn open(&self) -> Result<LogWriter, LogError> {
        LogWriter::open(&self.logs, self.attempt, self.limit_bytes).await
    }

    fn reader(&self) -> LogReader {
        LogReader {
            executor: self.place.executor.clone(),
            handle: self.handle.clone(),
        }
    }
}

fn kept(writer: &LogWriter) -> Kept {
    Kept {
        frames: writer.frames(),
        recent: writer.recent().cloned().collect(),
    }
}

/// Takes frames in until they end or somebody says stop: never in the middle of one.
async fn take_in(
    writer: &mut LogWriter,
    mut batches: Batches,
    stop: &CancellationToken,
) -> Result<Result<(), ExecutorError>, LogError> {
    loop {
        let batch = tokio::select! {
            () = stop.cancelled() => None,
            batch = batches.next() => batch,
        };
        let frames = match batch {
            None => return Ok(Ok(())),
            Some(Err(error)) => return Ok(Err(error)),
            Some(Ok(frames)) => frames,
        };
        for frame in frames {
            writer.append(frame).await?;
        }
    }
}

/// Adds a line of ours behind the last frame.
async fn append(writer: &mut LogWriter, text: &str) -> Result<(), LogError> {
    let last = writer.recent().next_back().map(|frame| frame.at);
    writer
        .append(note(text, last.unwrap_or(Timestamp::UNIX_EPOCH)))
        .await
}
