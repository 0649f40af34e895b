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
        then: Then::GoOn,
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
    then: Then,
}

/// What comes after the frames that were read.
enum Then {
    /// More of them.
    GoOn,
    /// Nothing for now: the container runs.
    Wait,
    /// Nothing ever; how it ended, where that is known.
    Over(Option<Ended>),
}

impl Reading {
    /// The frames that come next; none at the end.
    async fn next(&mut self) -> Result<Vec<Frame>, ExecutorError> {
        loop {
            match (&self.then, &mut self.changes) {
                (Then::GoOn, _) => {}
                (Then::Wait, Some(changes)) => {
                    let _ = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
                }
                (Then::Wait, None) | (Then::Over(_), _) => return Ok(Vec::new()),
            }
            let mut batch = self.read().await?;
            let output = batch.iter().filter(|frame| frame.stream != Stream::Note);
            self.seen_bytes += output.map(|frame| frame.bytes.len() as u64).sum::<u64>();
            if let Then::Over(Some(ended)) = &self.then {
                batch.extend(self.missing(ended));
            }
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// An end is on the disk before the last output: a machine that goes down in between takes that
    /// along.
    fn missing(&self, ended: &Ended) -> Option<Frame> {
        let kept = ended.log.written_bytes - ended.log.dropped_bytes;
        let missing = kept.saturating_sub(self.seen_bytes);
        let text = format!("{missing} bytes of output went down with the machine\n");
        (self.last.is_none() && missing > 0).then(|| Frame {
            stream: Stream::Note,
            at: ended.finished_at,
            bytes: text.into(),
        })
    }

    /// What is there now, and whether that is all.
    async fn read(&mut self) -> Result<Vec<Frame>, ExecutorError> {
        let (id, mut log, last) = (self.id.clone(), self.log.take(), self.last);
        let tried = format!("read the log of container {id}");
        let read = self.ground.call(limits::DRAIN_CALL, &tried, move |opened| {
            let mut frames = take(opened, &id, last, &mut log)?;
            let mut then = Then::GoOn;
            if frames.len() < BATCH {
                then = look(opened, &id)?;
            }
            if matches!(then, Then::Over(_)) {
                // What was written before its end is read after it.
                let rest = take(opened, &id, last, &mut log)?;
                if rest.len() == BATCH {
                    then = Then::GoOn;
                }
                frames.extend(rest);
            }
            Ok((log, frames, then))
        });
        let (log, frames, then) = read.await?;
        (self.log, self.then) = (log, then);
        Ok(frames)
    }
}

fn look(opened: &Opened, id: &ContainerId) -> Result<Then, ExecutorError> {
    Ok(match observe::status(opened, id)? {
        Some(Status::Ended(ended)) => Then::Over(Some(ended)),
        Some(Status::Created { .. } | Status::Lost { .. }) | None => Then::Over(None),
        Some(Status::Starting | Status::Running { .. }) => Then::Wait,
    })
}

fn open(
    opened: &Opened,
    id: &ContainerId,
    last: Option<usize>,
) -> Result<Option<LogFile>, ExecutorError> {
    if !opened.has(id)? {
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

/// The frames that come next, as far as they are there.
fn take(
    opened: &Opened,
    id: &ContainerId,
    last: Option<usize>,
    log: &mut Option<LogFile>,
) -> Result<Vec<Frame>, ExecutorError> {
    if log.is_none() {
        *log = open(opened, id, last)?;
    }
    let Some(log) = log else {
        return Ok(Vec::new());
    };
    let frames = batch(log);
    frames.map_err(|why| faults::of_file(&format!("read the log of container {id}"), why))
}

fn batch(log: &mut LogFile) -> io::Result<Vec<Frame>> {
    let mut frames = Vec::new();
    while frames.len() < BATCH
        && let Some(frame) = log.next_frame()?
    {
        frames.push(frame);
    }
    Ok(frames)
}
