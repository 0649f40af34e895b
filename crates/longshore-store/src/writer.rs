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

use crate::database::Connection;
use crate::error::StoreError;
use crate::signal::Signal;
use crate::transactions::Transactions;

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
    pub(crate) fn start(transactions: Transactions, signal: Arc<Signal>) -> Self {
        let (queue, operations) = mpsc::channel(STORE_QUEUE);
        tokio::spawn(write(transactions, operations, signal));
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

impl From<Ran> for Result<(), StoreError> {
    fn from(ran: Ran) -> Self {
        match ran {
            Ran::Well => Ok(()),
            Ran::Badly(error) => Err(error),
        }
    }
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
    mut transactions: Transactions,
    mut operations: mpsc::Receiver<Box<dyn Operation>>,
    signal: Arc<Signal>,
) {
    let mut batch = Vec::with_capacity(STORE_BATCH);
    while operations.recv_many(&mut batch, STORE_BATCH).await > 0 {
        let committed = transact(&mut transactions, &mut batch).await;
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
    transactions: &mut Transactions,
    batch: &mut [Box<dyn Operation>],
) -> Result<(), StoreError> {
    let connection = transactions.begin().await?;
    let ran = match batch {
        [alone] => alone.run(connection).await.into(),
        several => run_all(connection, several).await,
    };
    if ran.is_err() {
        transactions.roll_back().await;
        return ran;
    }
    transactions.commit().await
}

/// Runs each operation under its own savepoint. An error here means that the transaction is gone:
/// with its connection, or because a full disk makes SQLite give up all of it.
async fn run_all(
    connection: &mut Connection,
    batch: &mut [Box<dyn Operation>],
) -> Result<(), StoreError> {
    connection.run("SAVEPOINT operation").await?;
    for operation in batch {
        match operation.run(connection).await {
            Ran::Well => {
                let next = "RELEASE operation; SAVEPOINT operation";
                connection.run(next).await?;
            }
            Ran::Badly(error) => {
                let undone = connection.run("ROLLBACK TO operation").await;
                undone.map_err(|_| error)?;
            }
        }
    }
    Ok(())
}
