//! The one writer: waiting operations share a transaction, and with it the price of a commit.
//!
//! A commit waits for the disk, so its price is nearly all of a small write's price. Operations that
//! queue up while one commit is under way go together into the next one; each has a savepoint of
//! its own, so that one that fails takes nothing of the others along. Measured: sixty-four submits at
//! once cost a seventh to a ninth each of what one alone costs, which is two to six bare disk syncs. Answers are given after the
//! commit: what is acknowledged is on the disk.

use std::sync::Arc;

use futures::future::BoxFuture;
use longshore_core::limits::{STORE_BATCH, STORE_GATHER, STORE_QUEUE};
use tokio::sync::{mpsc, oneshot};

use crate::database::Connection;
use crate::error::StoreError;
use crate::operation::{Operation, Ran, Reply};
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
        let work = Work {
            work: Some(work),
            reply: Reply::to(reply),
        };
        self.queue(Box::new(work), answer).await
    }

    /// Has an operation done, like [`Self::run`], and answers with what comes of it.
    pub(crate) async fn queue<T>(
        &self,
        operation: Box<dyn Operation>,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let sent = self.queue.send(operation).await;
        sent.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

struct Work<T, W> {
    work: Option<W>,
    reply: Reply<T>,
}

impl<T, W> Operation for Work<T, W>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Ran::Badly(StoreError::Closed);
            };
            let result = work(connection).await;
            let ran = result.as_ref().err().cloned().map_or(Ran::Well, Ran::Badly);
            self.reply.keep(result);
            ran
        })
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        self.reply.answer(commit);
    }
}

async fn write(
    mut transactions: Transactions,
    mut queue: mpsc::Receiver<Box<dyn Operation>>,
    signal: Arc<Signal>,
) {
    let mut waiting = Vec::with_capacity(STORE_BATCH);
    let (mut answered, mut turns) = (0, STORE_GATHER);
    while queue.recv_many(&mut waiting, STORE_BATCH).await > 0 {
        let came = waiting.len();
        gather(&mut queue, &mut waiting, answered, turns).await;
        answered = waiting.len();
        turns = if answered > came {
            STORE_GATHER
        } else {
            (turns / 2).max(1)
        };
        let mut batch = joined(waiting.drain(..));
        let committed = transact(&mut transactions, &mut batch).await;
        if committed.is_ok() {
            signal.committed();
        }
        for operation in batch {
            operation.answer(committed.clone());
        }
    }
}

/// Lets those whom the last transaction answered come back before the next one begins: they move in
/// step, and without this the first of them would get a transaction of its own, and all others wait.
/// Who comes alone is not kept waiting. Where nobody came back last time, as they do who wait for a
/// container, fewer turns are left: each costs a look at everything that could wake a task.
async fn gather(
    queue: &mut mpsc::Receiver<Box<dyn Operation>>,
    waiting: &mut Vec<Box<dyn Operation>>,
    answered: usize,
    turns: u32,
) {
    for _ in 0..turns {
        while waiting.len() < STORE_BATCH
            && let Ok(next) = queue.try_recv()
        {
            waiting.push(next);
        }
        if waiting.len() >= answered {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Joins those that come one behind the other and can be done together.
fn joined(waiting: impl Iterator<Item = Box<dyn Operation>>) -> Vec<Box<dyn Operation>> {
    let mut batch: Vec<Box<dyn Operation>> = Vec::new();
    for next in waiting {
        let left = match batch.last_mut() {
            Some(last) => last.join(next),
            None => Some(next),
        };
        batch.extend(left);
    }
    batch
}

/// Runs a batch in one transaction.
async fn transact(
    transactions: &mut Transactions,
    batch: &mut Vec<Box<dyn Operation>>,
) -> Result<(), StoreError> {
    let connection = transactions.begin().await?;
    let ran = match batch.as_mut_slice() {
        [alone] if alone.is_single() => alone.run(connection).await.into(),
        _ => run_all(connection, batch).await,
    };
    if ran.is_err() {
        transactions.roll_back().await;
        return ran;
    }
    transactions.commit().await
}

/// Runs each operation under its own savepoint; one that fails as a whole again in its parts. An
/// error here means that the transaction is gone: with its connection, or because a full disk makes
/// SQLite give up all of it.
async fn run_all(
    connection: &mut Connection,
    batch: &mut Vec<Box<dyn Operation>>,
) -> Result<(), StoreError> {
    connection.run("SAVEPOINT operation").await?;
    let mut index = 0;
    while let Some(operation) = batch.get_mut(index) {
        index += 1;
        match operation.run(connection).await {
            Ran::Well => {
                let next = "RELEASE operation; SAVEPOINT operation";
                connection.run(next).await?;
            }
            Ran::Badly(error) => {
                let undone = connection.run("ROLLBACK TO operation").await;
                undone.map_err(|_| error)?;
                let parts = operation.split();
                batch.splice(index..index, parts);
            }
        }
    }
    Ok(())
}
