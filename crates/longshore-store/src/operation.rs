//! What the writer does under one savepoint, and how whoever asked for it is answered.

use std::any::Any;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::database::Connection;
use crate::error::StoreError;

/// What is done under one savepoint.
pub(crate) trait Operation: Any + Send {
    /// Does its work and keeps the result for [`Self::answer`].
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Ran>;

    /// Takes in the one that waits behind it, if both can be done together; else gives it back.
    fn join(&mut self, next: Box<dyn Operation>) -> Option<Box<dyn Operation>> {
        Some(next)
    }

    /// What it consists of, to be run one by one where the whole has failed.
    fn split(&mut self) -> Vec<Box<dyn Operation>> {
        Vec::new()
    }

    /// Whether it has no parts.
    fn is_single(&self) -> bool {
        true
    }

    /// Tells the caller: its own result if the commit succeeded.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

/// Whether an operation's writes should stay.
pub(crate) enum Ran {
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

/// The way back to a caller.
pub(crate) struct Reply<T> {
    result: Option<Result<T, StoreError>>,
    sender: oneshot::Sender<Result<T, StoreError>>,
}

impl<T> Reply<T> {
    pub(crate) fn to(sender: oneshot::Sender<Result<T, StoreError>>) -> Self {
        let result = None;
        Self { result, sender }
    }

    /// Keeps a result until the commit.
    pub(crate) fn keep(&mut self, result: Result<T, StoreError>) {
        self.result = Some(result);
    }

    /// Tells the result, which is true only with the commit.
    pub(crate) fn answer(self, commit: Result<(), StoreError>) {
        let result = match (commit, self.result) {
            (Ok(()), Some(result)) | (Err(_), Some(result @ Err(_))) => result,
            (Err(error), Some(Ok(_)) | None) => Err(error),
            (Ok(()), None) => Err(StoreError::Closed),
        };
        // A caller that went away does not need the answer.
        let _ = self.sender.send(result);
    }
}
