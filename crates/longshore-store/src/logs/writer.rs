//! Writing the log of one attempt: collects frames into chunks and keeps to the size cap.

use std::collections::VecDeque;
use std::sync::Arc;

use longshore_core::AttemptId;
use longshore_core::limits::{CONTROL_CALL, LOG_CHUNK_BYTES, LOG_CHUNK_QUEUE};
use longshore_core::log::Frame;
use tokio::sync::{mpsc, oneshot};

use super::chunk::{FRAME_BYTES, Part, Position};
use super::error::LogError;
use super::live::Live;
use super::recover::{self, Recovered};
use super::store::LogStore;
use super::totals::LogTotals;
use super::write::{self, Order};

/// Smallest size at which a chunk is sealed, whatever the cap.
const LEAST_CHUNK_BYTES: u64 = 1024;
/// A capped log has so many chunks at least, so that dropping one drops little.
const CHUNKS_OF_CAP: u64 = 8;

/// The one writer of an attempt's log.
///
/// Frames are readable by others within [`LOG_FLUSH`](longshore_core::limits::LOG_FLUSH), in a bucket
/// within [`BUCKET_FLUSH`](longshore_core::limits::BUCKET_FLUSH) (later while the open chunk is large). Beyond the cap the first half is kept and, of the rest, the
/// newest output. Dropped without [`finish`](Self::finish) it stores what it has, and the log can be
/// opened again. After an error the writer is of no use: open the log again, which tells what is
/// kept.
#[derive(Debug)]
pub struct LogWriter {
    live: Arc<Live>,
    orders: mpsc::Sender<Order>,
    limit_bytes: u64,
    chunk_bytes: usize,
    /// Encoded size of the open chunk.
    open_bytes: usize,
    open_part: Part,
    /// Where the open chunk begins.
    open_start: Position,
    position: Position,
    head_bytes: u64,
    tail: VecDeque<(u64, u64)>,
    tail_bytes: u64,
    dropped_bytes: u64,
    recent: VecDeque<Frame>,
}

impl LogWriter {
    /// Opens the log of an attempt, and continues one that an earlier writer began.
    ///
    /// # Errors
    /// Another writer of this process has it and does not end, or the object store fails.
    pub async fn open(
        store: &LogStore,
        attempt: AttemptId,
        limit_bytes: u64,
    ) -> Result<Self, LogError> {
        let log = recover_alone(store, attempt).await?;
        Self::enter(store, attempt, log, limit_bytes)
    }

    /// Begins the log of an attempt that nobody has written to: nothing is looked for.
    ///
    /// # Errors
    /// Another writer of this process has it.
    pub fn begin(store: &LogStore, attempt: AttemptId, limit_bytes: u64) -> Result<Self, LogError> {
        Self::enter(store, attempt, Recovered::nothing(), limit_bytes)
    }

    fn enter(
        store: &LogStore,
        attempt: AttemptId,
        log: Recovered,
        limit_bytes: u64,
    ) -> Result<Self, LogError> {
        let live = Live::new(log.number, log.open.clone());
        if store.enter(attempt, &live).is_err() {
            return Err(LogError::InUse { attempt });
        }
        let (orders, receiver) = mpsc::channel(LOG_CHUNK_QUEUE);
        write::start(store.clone(), attempt, Arc::clone(&live), receiver);
        Ok(Self::after(log, live, orders, limit_bytes))
    }

    fn after(
        log: Recovered,
        live: Arc<Live>,
        orders: mpsc::Sender<Order>,
        limit_bytes: u64,
    ) -> Self {
        let chunk_bytes = (limit_bytes / CHUNKS_OF_CAP).max(LEAST_CHUNK_BYTES);
        let chunk_bytes = usize::try_from(chunk_bytes)
            .unwrap_or(usize::MAX)
            .min(LOG_CHUNK_BYTES);
        Self {
            live,
            orders,
            limit_bytes,
            chunk_bytes,
            open_bytes: log.open.content_bytes() + log.open.frames.len() * FRAME_BYTES,
            open_part: log.open.part,
            open_start: log.open.start,
            position: log.open.end(),
            head_bytes: log.head_bytes,
            tail_bytes: log.tail.iter().map(|(_, bytes)| bytes).sum(),
            tail: log.tail,
            dropped_bytes: log.dropped_bytes,
            recent: log.recent,
        }
    }

    /// How many frames of the container's streams the log has seen, whether or not it kept them:
    /// who reads the container's log again skips so many.
    pub fn frames(&self) -> u64 {
        self.position.frames
    }

    /// The last frames of the container's streams, oldest first: at least the last
    /// [`LOG_MEMORY`](longshore_core::limits::LOG_MEMORY) where there are so many.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Frame> + ExactSizeIterator {
        self.recent.iter()
    }

    /// Adds a frame. Waits while the object store is far behind.
    ///
    /// # Errors
    /// The object store failed; see [`LogWriter`].
    pub async fn append(&mut self, frame: Frame) -> Result<(), LogError> {
        let bytes = frame.bytes.len() as u64;
        let head = self.head_bytes + (self.position.bytes() - self.open_start.bytes()) + bytes;
        if self.open_part == Part::Head && head > self.limit_bytes / 2 {
            self.seal(Part::Tail).await?;
        }
        self.position.add(&frame);
        self.open_bytes += frame.bytes.len() + FRAME_BYTES;
        recover::remember(&mut self.recent, &frame);
        self.live.push(frame);
        if self.open_bytes >= self.chunk_bytes {
            self.seal(self.open_part).await?;
        }
        Ok(())
    }

    /// Stores everything that was appended.
    ///
    /// # Errors
    /// The object store failed; see [`LogWriter`].
    pub async fn flush(&mut self) -> Result<(), LogError> {
        self.ask(Order::Flush).await
    }

    /// Completes the log and brings it to the disk; its followers end.
    ///
    /// # Errors
    /// The object store failed; see [`LogWriter`].
    pub async fn finish(self) -> Result<LogTotals, LogError> {
        let dropped_bytes = self.dropped_bytes;
        let chunks = self
            .ask(move |reply| Order::Finish {
                dropped_bytes,
                reply,
            })
            .await?;
        Ok(LogTotals {
            frames: self.position.frames,
            stdout_bytes: self.position.stdout_bytes,
            stderr_bytes: self.position.stderr_bytes,
            dropped_bytes,
            chunks,
        })
    }

    /// Hands the open chunk over and begins the next; drops what the cap has no room for.
    async fn seal(&mut self, next: Part) -> Result<(), LogError> {
        let bytes = self.position.bytes() - self.open_start.bytes();
        let number = self.live.open_number();
        match self.open_part {
            Part::Head => self.head_bytes += bytes,
            Part::Tail => {
                self.tail.push_back((number, bytes));
                self.tail_bytes += bytes;
            }
        }
        let surplus = self.drop_surplus();
        let (number, chunk) = self.live.seal(self.dropped_bytes, next);
        self.open_bytes = 0;
        self.open_part = next;
        self.open_start = self.position;
        let order = Order::Store {
            number,
            chunk,
            surplus,
        };
        self.orders.send(order).await.map_err(|_| LogError::Closed)
    }

    /// Takes the oldest chunks of the tail out that are too many; the newest always stays.
    fn drop_surplus(&mut self) -> Vec<u64> {
        let room = self.limit_bytes.saturating_sub(self.head_bytes);
        let mut surplus = Vec::new();
        while self.tail_bytes > room && self.tail.len() > 1 {
            let Some((number, bytes)) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= bytes;
            self.dropped_bytes += bytes;
            surplus.push(number);
        }
        surplus
    }

    async fn ask<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Order,
    ) -> Result<T, LogError> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send(order(reply))
            .await
            .map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)?
    }
}

/// Reads what is there once no other writer of this process is at it.
async fn recover_alone(store: &LogStore, attempt: AttemptId) -> Result<Recovered, LogError> {
    if let Some(other) = store.live(attempt) {
        tokio::time::timeout(CONTROL_CALL, other.over())
            .await
            .map_err(|_| LogError::InUse { attempt })?;
    }
    recover::recover(store, attempt).await
}
