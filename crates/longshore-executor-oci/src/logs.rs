//! A container's output as a stream of frames.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use longshore_core::limits;
use longshore_core::log::Frame;
use longshore_executor::{ExecutorError, LogRange};
use longshore_runtime::{LogFile, Status};
use tokio::sync::watch;

use crate::faults;
use crate::ground::Ground;
use crate::handle::ContainerId;
use crate::observe;
use crate::opened::Opened;

/// Frames that are read at once.
const BATCH: usize = 512;
/// New output is heard; that a supervisor was killed is only seen.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The log of a container; empty when there is no such container.
pub(crate) async fn logs(
    ground: &Arc<Ground>,
    id: ContainerId,
    range: LogRange,
) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ExecutorError> {
    let changes = match range {
        LogRange::Follow => Some(ground.lookout().await?.changes(&id.name())),
        LogRange::All | LogRange::Last(_) => None,
    };
    let last = match range {
        LogRange::Last(count) => Some(count),
        LogRange::Follow | LogRange::All => None,
    };
    let reading = Reading {
        ground: Arc::clone(ground),
        id,
        log: None,
        last,
        changes,
    };
    let batches = stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        match reading.next().await {
            Ok(batch) if batch.is_empty() => None,
            Ok(batch) => Some((batch.into_iter().map(Ok).collect(), Some(reading))),
            Err(why) => Some((vec![Err(why)], None)),
        }
    });
    Ok(batches.flat_map(stream::iter).boxed())
}

/// One reader of one log.
struct Reading {
    ground: Arc<Ground>,
    id: ContainerId,
    /// The file, as far as it was read; none until there is one.
    log: Option<LogFile>,
    /// So many of the last frames are wanted; all, if absent.
    last: Option<usize>,
    /// Where more is waited for.
    changes: Option<watch::Receiver<u64>>,
}

impl Reading {
    /// The frames that come next; none at the end.
    async fn next(&mut self) -> Result<Vec<Frame>, ExecutorError> {
        loop {
            let batch = self.read(BATCH).await?;
            if !batch.is_empty() || self.changes.is_none() {
                return Ok(batch);
            }
            // What was written before its end is read after it.
            if self.is_over().await? {
                return self.read(BATCH).await;
            }
            if let Some(changes) = &mut self.changes {
                let _ = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
            }
        }
    }

    async fn read(&mut self, most: usize) -> Result<Vec<Frame>, ExecutorError> {
        let (id, log, last) = (self.id.clone(), self.log.take(), self.last);
        let tried = format!("read the log of container {id}");
        let read = self.ground.call(limits::DRAIN_CALL, &tried, move |opened| {
            let log = match log {
                Some(log) => Some(log),
                None => open(opened, &id, last)?,
            };
            let Some(mut log) = log else {
                return Ok((None, Vec::new()));
            };
            let frames = take(&mut log, most);
            let frames = frames
                .map_err(|why| faults::of_file(&format!("read the log of container {id}"), why))?;
            Ok((Some(log), frames))
        });
        let (log, frames) = read.await?;
        self.log = log;
        Ok(frames)
    }

    async fn is_over(&self) -> Result<bool, ExecutorError> {
        let id = self.id.clone();
        let tried = format!("look at container {id}");
        let look = self
            .ground
            .call(limits::CONTROL_CALL, &tried, move |opened| {
                observe::status(opened, &id)
            });
        Ok(match look.await? {
            Some(Status::Starting | Status::Running { .. }) => false,
            Some(Status::Created { .. } | Status::Ended(_) | Status::Lost { .. }) | None => true,
        })
    }
}

fn open(
    opened: &Opened,
    id: &ContainerId,
    last: Option<usize>,
) -> Result<Option<LogFile>, ExecutorError> {
    if opened.container_of(id)?.is_none() {
        return Ok(None);
    }
    let tried = format!("open the log of container {id}");
    let log = opened.runtime.log(&id.name());
    let mut log = log.map_err(|why| faults::of_runtime(&tried, why))?;
    if let (Some(log), Some(count)) = (&mut log, last) {
        let sought = log.seek_last(count);
        sought.map_err(|why| faults::of_file(&tried, why))?;
    }
    Ok(log)
}

fn take(log: &mut LogFile, most: usize) -> io::Result<Vec<Frame>> {
    let mut frames = Vec::new();
    while frames.len() < most
        && let Some(frame) = log.next_frame()?
    {
        frames.push(frame);
    }
    Ok(frames)
}
