//! A container's output as a stream of frames.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use longshore_core::limits;
use longshore_core::log::{Frame, Stream};
use longshore_executor::{ExecutorError, LogRange};
use longshore_runtime::{Ended, LogFile, Status};
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
        seen_bytes: 0,
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
    /// Bytes of output that were read, or told to be missing at the end.
    seen_bytes: u64,
}

impl Reading {
    /// The frames that come next; none at the end.
    async fn next(&mut self) -> Result<Vec<Frame>, ExecutorError> {
        loop {
            let batch = self.read(BATCH).await?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            // What was written before its end is read after it.
            match (self.status().await?, &mut self.changes) {
                (Some(Status::Ended(ended)), _) => {
                    let rest = self.read(BATCH).await?;
                    return Ok(if rest.is_empty() {
                        self.missing(&ended)
                    } else {
                        rest
                    });
                }
                (Some(Status::Created { .. } | Status::Lost { .. }) | None, _) => {
                    return self.read(BATCH).await;
                }
                (Some(Status::Starting | Status::Running { .. }), None) => return Ok(Vec::new()),
                (Some(Status::Starting | Status::Running { .. }), Some(changes)) => {
                    let _ = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
                }
            }
        }
    }

    /// An end is on the disk before the last output: a machine that goes down in between takes that
    /// along.
    fn missing(&mut self, ended: &Ended) -> Vec<Frame> {
        let kept = ended.log.written_bytes - ended.log.dropped_bytes;
        let missing = kept.saturating_sub(self.seen_bytes);
        if self.last.is_some() || missing == 0 {
            return Vec::new();
        }
        self.seen_bytes = kept;
        let text = format!("{missing} bytes of output went down with the machine\n");
        vec![Frame {
            stream: Stream::Note,
            at: ended.finished_at,
            bytes: text.into(),
        }]
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
        let output = frames.iter().filter(|frame| frame.stream != Stream::Note);
        self.seen_bytes += output.map(|frame| frame.bytes.len() as u64).sum::<u64>();
        Ok(frames)
    }

    async fn status(&self) -> Result<Option<Status>, ExecutorError> {
        let id = self.id.clone();
        let tried = format!("look at container {id}");
        let look = self
            .ground
            .call(limits::CONTROL_CALL, &tried, move |opened| {
                observe::status(opened, &id)
            });
        look.await
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
