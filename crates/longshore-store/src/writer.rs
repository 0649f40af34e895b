//! The one writer: waiting operations share a transaction, and with it the price of a commit.
//!
//! A commit waits for the disk, so its price is nearly all of a small write's price. Operations that
//! queue up while one commit is under way go together into the next one; each has a savepoint of
//! its own, so that one that fails takes nothing of the others along. Measured: sixty-four submits at
//! once cost a seventh to a ninth each of what one alone costs, which is two to six bare disk syncs. Answers are given after the
//! commit: what is acknowledged is on the disk.

use std::sync::Arc;

use futures::future::BoxFuture;
use longshore_core::limits::{STORE_BATCH, STORE_QUEUE};
use tokio::sync::{mpsc, oneshot};

use crate::changes::Signal;
use crate::error::StoreError;
use crate::sqlite::{self, Connection};

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Operation>>,
}

impl Writer {
    /// Starts the writer; it ends when the last clone of this handle is dropped.
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with its queue, which the store owns"
    )]
    pub(crate) fn start(connection: Connection, signal: Arc<Signal>) -> Self {
        let (queue, operations) = mpsc::channel(STORE_QUEUE);
        tokio::spawn(write(connection, operations, signal));
        Self { queue }
    }

    /// Runs an operation in a transaction and answers when it is on the disk. Once queued it runs
    /// even if the caller goes away.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queued = Queued {
            work: Some(work),
            result: None,
            reply,
        };
        self.queue
            .send(Box::new(queued))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// An operation that waits for its turn.
trait Operation: Send {
    /// Does its work and keeps the result for [`Self::answer`].
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Ran>;

    /// Tells the caller: its own result if the commit succeeded.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

/// Whether an operation's writes should stay.
enum Ran {
    Well,
    Badly(StoreError),
}

struct Queued<T, W> {
    work: Option<W>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Operation for Queued<T, W>
where
    T: Send,
    W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send,
{
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Ran::Badly(StoreError::Closed);
            };
            let result = work(connection).await;
            let ran = result.as_ref().err().cloned().map_or(Ran::Well, Ran::Badly);
            self.result = Some(result);
            ran
        })
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (commit, self.result) {
            (Ok(()), Some(result)) | (Err(_), Some(result @ Err(_))) => result,
            (Err(error), Some(Ok(_)) | None) => Err(error),
            (Ok(()), None) => Err(StoreError::Closed),
        };
        // A caller that went away does not need the answer.
        let _ = self.reply.send(result);
    }
}

async fn write(
    mut connection: Connection,
    mut operations: mpsc::Receiver<Box<dyn Operation>>,
    signal: Arc<Signal>,
) {
    let mut batch = Vec::with_capacity(STORE_BATCH);
    while operations.recv_many(&mut batch, STORE_BATCH).await > 0 {
        let committed = transact(&mut connection, &mut batch).await;
        if committed.is_ok() {
            signal.committed();
        }
        for operation in batch.drain(..) {
            operation.answer(committed.clone());
        }
    }
}

/// Runs a batch in one transaction.
async fn transact(
    connection: &mut Connection,
    batch: &mut [Box<dyn Operation>],
) -> Result<(), StoreError> {
    sqlite::begin(connection).await?;
    match run_all(connection, batch).await {
        Ok(()) => sqlite::commit(connection).await,
        Err(error) => {
            sqlite::roll_back(connection).await;
            Err(error)
        }
    }
}

/// Runs each operation under its own savepoint. An error here means that the transaction is gone:
/// a full disk makes SQLite give up all of it.
async fn run_all(
    connection: &mut Connection,
    batch: &mut [Box<dyn Operation>],
) -> Result<(), StoreError> {
    for operation in batch {
        sqlx::query("SAVEPOINT operation")
            .execute(&mut *connection)
            .await?;
        if let Ran::Badly(error) = operation.run(connection).await {
            let undone = sqlx::query("ROLLBACK TO operation")
                .execute(&mut *connection)
                .await;
            undone.map_err(|_| error)?;
        }
        sqlx::query("RELEASE operation")
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
