//! The task behind a log's writer: brings chunks to the object store, and flushes the open one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use longshore_core::AttemptId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::chunk::{Chunk, Stage};
use super::error::LogError;
use super::live::Live;
use super::store::LogStore;

/// Chunks of this size and more are compressed off the event loop.
const LARGE_BYTES: usize = 16 * 1024;
/// The open chunk is rewritten less often by one more flush period for each of these.
const PATIENCE_BYTES: usize = 64 * 1024;

/// What the writer wants.
#[derive(Debug)]
pub(crate) enum Order {
    /// Store a sealed chunk, then delete those that the cap has no room for.
    Store {
        number: u64,
        chunk: Arc<Chunk>,
        surplus: Vec<u64>,
    },
    /// Store everything that there is.
    Flush(oneshot::Sender<Result<(), LogError>>),
    /// Complete the log; the answer is how many chunks it has.
    Finish {
        dropped_bytes: u64,
        reply: oneshot::Sender<Result<u64, LogError>>,
    },
}

/// Starts the task; it ends with its writer.
#[expect(
    clippy::disallowed_methods,
    reason = "ends with the writer that it serves"
)]
pub(crate) fn start(
    store: LogStore,
    attempt: AttemptId,
    live: Arc<Live>,
    orders: mpsc::Receiver<Order>,
) {
    let version = live.subscribe();
    let task = Task {
        store,
        attempt,
        live,
        version,
        unsynced: BTreeSet::new(),
        syncing: None,
        is_flushed: true,
    };
    tokio::spawn(task.run(orders));
}

struct Task {
    store: LogStore,
    attempt: AttemptId,
    live: Arc<Live>,
    version: watch::Receiver<u64>,
    /// What this task has stored, and must bring to the disk before the log is complete.
    unsynced: BTreeSet<u64>,
    /// Brings earlier chunks to the disk meanwhile, so that little is left to wait for at the end.
    syncing: Option<JoinHandle<Result<(), LogError>>>,
    /// Nothing was appended to the open chunk since it was last stored.
    is_flushed: bool,
}

impl Task {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        if let Err(error) = self.work(&mut orders).await {
            tracing::warn!(attempt.id = %self.attempt, %error, "the log cannot be stored");
        }
        // A writer that asks from now on learns that this task is gone.
        orders.close();
        self.store.leave(self.attempt);
        self.live.end();
    }

    /// Follows orders until there are no more, or one fails.
    async fn work(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<(), LogError> {
        let mut flush_at = None;
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => if self.obey(order).await? == Then::End { return Ok(()) },
                    None => return self.flush().await,
                },
                () = until(flush_at) => { self.flush().await?; flush_at = None; }
                _ = self.version.changed(), if flush_at.is_none() => {
                    self.is_flushed = false;
                    flush_at = Some(Instant::now() + self.patience());
                }
            }
        }
    }

    async fn obey(&mut self, order: Order) -> Result<Then, LogError> {
        match order {
            Order::Store {
                number,
                chunk,
                surplus,
            } => {
                self.put(number, Arc::clone(&chunk)).await?;
                self.live.stored(number);
                if self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
                    self.synced().await?;
                    self.sync();
                }
                for number in surplus {
                    self.store.delete_chunk(self.attempt, number).await?;
                    self.unsynced.remove(&number);
                }
                Ok(Then::GoOn)
            }
            Order::Flush(reply) => {
                self.is_flushed = false;
                let flushed = self.flush().await;
                let _ = reply.send(flushed.clone());
                flushed.map(|()| Then::GoOn)
            }
            Order::Finish {
                dropped_bytes,
                reply,
            } => {
                let finished = self.finish(dropped_bytes).await;
                self.store.leave(self.attempt);
                let _ = reply.send(finished.clone());
                finished.map(|_| Then::End)
            }
        }
    }

    /// Stores the open chunk if something has come.
    async fn flush(&mut self) -> Result<(), LogError> {
        self.is_flushed = self.is_flushed && !self.version.has_changed().unwrap_or(false);
        self.version.mark_unchanged();
        let (number, chunk) = self.live.open();
        if self.is_flushed || chunk.frames.is_empty() {
            return Ok(());
        }
        self.put(number, Arc::new(chunk)).await?;
        self.is_flushed = true;
        Ok(())
    }

    /// Stores the last chunk and brings everything to the disk. An empty log has no chunk.
    async fn finish(&mut self, dropped_bytes: u64) -> Result<u64, LogError> {
        let (number, mut chunk) = self.live.open();
        if number == 0 && chunk.frames.is_empty() {
            return Ok(0);
        }
        chunk.stage = Stage::Last;
        chunk.dropped_bytes = dropped_bytes;
        let bytes = encoded(Arc::new(chunk)).await?;
        self.synced().await?;
        let unsynced = std::mem::take(&mut self.unsynced);
        self.store
            .complete(self.attempt, (number, bytes), unsynced)
            .await
    }

    async fn put(&mut self, number: u64, chunk: Arc<Chunk>) -> Result<(), LogError> {
        let bytes = encoded(chunk).await?;
        self.store.put(self.attempt, number, bytes).await?;
        self.unsynced.insert(number);
        Ok(())
    }

    /// Begins to bring what was stored to the disk.
    fn sync(&mut self) {
        let numbers = std::mem::take(&mut self.unsynced);
        self.syncing = self.store.sync(self.attempt, numbers);
    }

    /// Waits for what was begun.
    async fn synced(&mut self) -> Result<(), LogError> {
        match self.syncing.take() {
            Some(syncing) => syncing.await.map_err(|_| LogError::Closed)?,
            None => Ok(()),
        }
    }

    /// How long the open chunk may wait: a large one is costly to write anew.
    fn patience(&self) -> Duration {
        let steps = 1 + self.live.open_bytes() / PATIENCE_BYTES;
        self.store.flush_period() * u32::try_from(steps).unwrap_or(u32::MAX)
    }
}

async fn encoded(chunk: Arc<Chunk>) -> Result<Vec<u8>, LogError> {
    if chunk.content_bytes() < LARGE_BYTES {
        return Ok(chunk.encode());
    }
    let encoded = tokio::task::spawn_blocking(move || chunk.encode()).await;
    encoded.map_err(|_| LogError::Closed)
}

/// Whether the task goes on.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
