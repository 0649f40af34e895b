//! Reading a log: what is there, or on and on until it is complete.

use std::future::Future;
use std::vec;

use futures::stream::{self, BoxStream};
use longshore_core::AttemptId;
use longshore_core::limits::FOLLOW_PERIOD;
use longshore_core::log::Frame;
use tokio::sync::watch;

use super::error::LogError;
use super::query::LogQuery;
use super::store::LogStore;
use super::tail;
use super::walk::Walk;

impl LogStore {
    /// The part of a log that is there now. Where output is missing, a note says so.
    pub fn read(
        &self,
        attempt: AttemptId,
        query: LogQuery,
    ) -> BoxStream<'static, Result<Frame, LogError>> {
        let reading = Reading::new(self.clone(), attempt, query);
        Box::pin(stream::try_unfold(reading, async |mut reading| {
            let frame = reading.next().await?;
            Ok(frame.map(|frame| (frame, reading)))
        }))
    }

    /// Like [`Self::read`], and then everything that comes, until the log is complete or `is_ended`
    /// says that the attempt is over, and everything was delivered.
    pub fn follow<E, F>(
        &self,
        attempt: AttemptId,
        query: LogQuery,
        is_ended: E,
    ) -> BoxStream<'static, Result<Frame, LogError>>
    where
        E: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = bool> + Send + 'static,
    {
        let following = (Reading::new(self.clone(), attempt, query), is_ended);
        Box::pin(stream::try_unfold(
            following,
            async |(mut reading, is_ended)| {
                let frame = follow_on(&mut reading, &is_ended).await?;
                Ok(frame.map(|frame| (frame, (reading, is_ended))))
            },
        ))
    }
}

/// A reader at work.
struct Reading {
    store: LogStore,
    attempt: AttemptId,
    query: LogQuery,
    /// `None` until the first frame is wanted.
    walk: Option<Walk>,
    frames: vec::IntoIter<Frame>,
}

impl Reading {
    fn new(store: LogStore, attempt: AttemptId, query: LogQuery) -> Self {
        Self {
            store,
            attempt,
            query,
            walk: None,
            frames: Vec::new().into_iter(),
        }
    }

    /// The next frame that is wanted; `None` if there is none at the moment.
    async fn next(&mut self) -> Result<Option<Frame>, LogError> {
        loop {
            if let Some(frame) = self.frames.find(|frame| self.query.wants(frame)) {
                return Ok(Some(frame));
            }
            let Some(frames) = self.walk().await?.next().await? else {
                return Ok(None);
            };
            self.frames = frames.into_iter();
        }
    }

    async fn walk(&mut self) -> Result<&mut Walk, LogError> {
        let walk = match (self.walk.take(), self.query.tail) {
            (Some(walk), _) => walk,
            (None, None) => Walk::new(self.store.clone(), self.attempt),
            (None, Some(lines)) => {
                let start = tail::find(&self.store, self.attempt, &self.query, lines).await?;
                match start {
                    Some(start) => Walk::from(self.store.clone(), self.attempt, start),
                    None => Walk::new(self.store.clone(), self.attempt),
                }
            }
        };
        Ok(self.walk.insert(walk))
    }

    fn is_complete(&self) -> bool {
        self.walk.as_ref().is_some_and(Walk::is_complete)
    }
}

async fn follow_on<E, F>(reading: &mut Reading, is_ended: &E) -> Result<Option<Frame>, LogError>
where
    E: Fn() -> F,
    F: Future<Output = bool>,
{
    let mut was_ended = false;
    loop {
        // Asked for before the look, so that nothing falls between.
        let live = reading
            .store
            .live(reading.attempt)
            .map(|live| live.subscribe());
        if let Some(frame) = reading.next().await? {
            return Ok(Some(frame));
        }
        if reading.is_complete() || was_ended {
            return Ok(None);
        }
        was_ended = is_ended().await;
        if !was_ended {
            wait(&reading.store, live).await;
        }
    }
}

/// Waits until there may be more. Another process's log is looked at half as often as it is written.
async fn wait(store: &LogStore, live: Option<watch::Receiver<u64>>) {
    match live {
        None => tokio::time::sleep(store.flush_period() * 2).await,
        Some(mut version) => {
            let _ = tokio::time::timeout(FOLLOW_PERIOD, version.changed()).await;
        }
    }
}
