//! `get_container_logs`: the output of a job's container, as real streams.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use longshore_core::JobId;
use longshore_core::attempt::{Observed, Phase};
use longshore_core::fault::Fault;
use longshore_core::job::Driver;
use longshore_core::launch::Handle;
use longshore_core::log::Frame;
use longshore_core::outcome::UnknownWord;
use longshore_executor::{ExecutorError, LogRange};
use longshore_store::LogQuery;

use crate::charge::Charge;
use crate::error::ServiceError;
use crate::place::Place;
use crate::service::DockerService;

const TRIED: &str = "reading the log failed";

/// Which part of a log is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogWish {
    /// And on, until the container ends.
    pub follow: bool,
    /// How much of what is there.
    pub tail: Tail,
}

/// How much of what is there is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// Everything.
    #[default]
    All,
    /// The last so many lines.
    Last(usize),
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Last(count) => count.fmt(f),
        }
    }
}

impl FromStr for Tail {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if text == "all" {
            return Ok(Self::All);
        }
        let count = text.parse().map_err(|_| UnknownWord::new("tail", text))?;
        Ok(Self::Last(count))
    }
}

type Frames = BoxStream<'static, Result<Frame, ServiceError>>;

/// A frame in the form of the legacy system: the time when the engine took it, one space, the text.
pub fn legacy_line(frame: &Frame) -> String {
    let at = frame.at.strftime("%Y-%m-%dT%H:%M:%S%.9fZ");
    format!("{at} {}", String::from_utf8_lossy(&frame.bytes))
}

impl DockerService {
    /// The output of the job's container, whoever moves the job; nothing if it has none. Where the
    /// container is gone, what was kept of its output.
    ///
    /// Nothing is asked before the first item is wanted. A stream that breaks goes on where it broke.
    pub fn get_container_logs(&self, job: JobId, wish: LogWish) -> Frames {
        let service = self.clone();
        let opened = async move { service.open_log(job, wish).await };
        stream::once(opened).try_flatten().boxed()
    }

    async fn open_log(&self, job: JobId, wish: LogWish) -> Result<Frames, ServiceError> {
        let subject = self.subject(job).await?;
        let Some(mut charge) = self.charge(subject).await? else {
            return Ok(stream::empty().boxed());
        };
        if charge.attempt.phase == Phase::Ended {
            return Ok(charge.kept_log(wish.tail));
        }
        let handle = match charge.job.driver {
            Driver::Service => charge.container(TRIED).await?,
            Driver::Engine => charge.attempt.handle.clone(),
        };
        let Some(handle) = handle else {
            return Ok(stream::empty().boxed());
        };
        let place = charge.place.clone();
        let observed = place.call(|| place.executor.observe(&handle)).await;
        match observed.map_err(|error| place.error(TRIED, error))? {
            Observed::Absent => Ok(charge.kept_log(wish.tail)),
            Observed::Created { .. }
            | Observed::Running { .. }
            | Observed::Exited(_)
            | Observed::Removing => Reading::open(place, handle, wish).await,
        }
    }
}

impl Charge {
    /// What the store has of the log.
    fn kept_log(&self, tail: Tail) -> Frames {
        let tail = match tail {
            Tail::All => None,
            Tail::Last(count) => Some(count),
        };
        let query = LogQuery {
            tail,
            ..LogQuery::default()
        };
        let frames = self.store().logs().read(self.attempt.id, query);
        frames.map_err(ServiceError::from).boxed()
    }
}

/// A log that is read from its engine.
struct Reading {
    place: Arc<Place>,
    handle: Handle,
    range: LogRange,
    /// Frames from the start that are not wanted, or were handed out.
    passed: usize,
    tries_left: u32,
    open: Option<BoxStream<'static, Result<Frame, ExecutorError>>>,
}

impl Reading {
    async fn open(
        place: Arc<Place>,
        handle: Handle,
        wish: LogWish,
    ) -> Result<Frames, ServiceError> {
        let (range, passed) = match (wish.follow, wish.tail) {
            (false, Tail::All) => (LogRange::All, 0),
            (false, Tail::Last(count)) => (LogRange::Last(count), 0),
            (true, Tail::All) => (LogRange::Follow, 0),
            (true, Tail::Last(count)) => {
                let there = count_frames(&place, &handle).await;
                let there = there.map_err(|error| place.error(TRIED, error))?;
                (LogRange::Follow, there.saturating_sub(count))
            }
        };
        let reading = Self {
            tries_left: place.retries,
            place,
            handle,
            range,
            passed,
            open: None,
        };
        let frames = stream::try_unfold(reading, async |mut reading| {
            let frame = reading.next().await?;
            Ok(frame.map(|frame| (frame, reading)))
        });
        Ok(frames.boxed())
    }

    async fn next(&mut self) -> Result<Option<Frame>, ServiceError> {
        loop {
            let mut frames = match self.open.take() {
                Some(frames) => frames,
                None => self.opened().await?,
            };
            let error = match frames.next().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    self.passed += 1;
                    self.open = Some(frames);
                    return Ok(Some(frame));
                }
                Some(Err(error)) => error,
            };
            // The last frames of a moment are not those of a later one.
            let can_go_on = !matches!(self.range, LogRange::Last(_));
            if error.fault() != Fault::Unreachable || self.tries_left == 0 || !can_go_on {
                return Err(self.place.error(TRIED, error));
            }
            self.tries_left -= 1;
        }
    }

    async fn opened(
        &mut self,
    ) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ServiceError> {
        let (place, handle, range) = (self.place.clone(), self.handle.clone(), self.range);
        let opened = place.call(|| place.executor.logs(&handle, range)).await;
        let frames = opened.map_err(|error| place.error(TRIED, error))?;
        let mut to_skip = self.passed;
        let wanted = frames.filter(move |frame| {
            let is_passed = to_skip > 0 && frame.is_ok();
            to_skip -= usize::from(is_passed);
            std::future::ready(!is_passed)
        });
        Ok(wanted.boxed())
    }
}

/// How many frames there are now: they are the same at every reading, so they can be counted.
async fn count_frames(place: &Place, handle: &Handle) -> Result<usize, ExecutorError> {
    let frames = place
        .call(|| place.executor.logs(handle, LogRange::All))
        .await?;
    frames
        .try_fold(0, |count, _| std::future::ready(Ok(count + 1)))
        .await
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use longshore_core::log::Stream;

    use super::*;

    #[test]
    fn a_tail_is_a_number_or_all() {
        for tail in [Tail::All, Tail::Last(0), Tail::Last(12)] {
            assert_eq!(tail.to_string().parse(), Ok(tail));
        }
        assert!("-1".parse::<Tail>().is_err());
        assert!("some".parse::<Tail>().is_err());
    }

    #[test]
    fn a_line_keeps_its_indentation_behind_the_time_stamp() {
        let frame = Frame {
            stream: Stream::Stdout,
            at: "2026-11-25T10:00:00.5Z".parse().unwrap(),
            bytes: Bytes::from_static(b"  indented\n"),
        };
        let line = legacy_line(&frame);
        assert_eq!(line, "2026-11-25T10:00:00.500000000Z   indented\n");
        assert_eq!(
            longshore_core::legacy_text::strip_timestamp(&line),
            "  indented\n"
        );
    }
}
