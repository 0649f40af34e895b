//! Connections to SQLite that read. The one that was used last is lent first: readings that follow each
//! other find in its memory what the one before has read.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_core::limits::{STORE_BUSY, STORE_READERS};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::StoreError;

/// Connections, opened when they are needed.
pub(crate) struct SqliteReaders {
    options: SqliteConnectOptions,
    room: Arc<Semaphore>,
    idle: Arc<Idle>,
}

#[derive(Default)]
struct Idle(Mutex<Vec<SqliteConnection>>);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteReaders {
    /// With these options; nothing is opened yet.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            options,
            room: Arc::new(Semaphore::new(STORE_READERS as usize)),
            idle: Arc::default(),
        }
    }

    /// Lends a connection; it comes back when it is dropped.
    ///
    /// # Errors
    /// All are lent for too long, or the database cannot be opened.
    pub(crate) async fn acquire(&self) -> Result<LentReader, StoreError> {
        let room = Arc::clone(&self.room).acquire_owned();
        let room = tokio::time::timeout(STORE_BUSY, room).await;
        let room = room.map_err(|_| StoreError::Busy)?;
        let room = room.map_err(|_| StoreError::Closed)?;
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Box::pin(self.options.connect()).await?,
        };
        Ok(LentReader {
            connection: Some(connection),
            idle: Arc::clone(&self.idle),
            _room: room,
        })
    }
}

/// A connection that goes back when it is dropped.
pub(crate) struct LentReader {
    connection: Option<SqliteConnection>,
    idle: Arc<Idle>,
    _room: OwnedSemaphorePermit,
}

const THERE: &str = "it is there until it is dropped";

impl Deref for LentReader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect(THERE)
    }
}

impl DerefMut for LentReader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect(THERE)
    }
}

impl Drop for LentReader {
    fn drop(&mut self) {
        self.idle.lock().extend(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_back_is_lent_again_and_one_is_enough_for_who_reads_alone() {
        let readers = SqliteReaders::new(SqliteConnectOptions::new().in_memory(true));
        let mut first = readers.acquire().await.unwrap();
        sqlx::raw_sql("CREATE TABLE mine (a)")
            .execute(&mut *first)
            .await
            .unwrap();
        let other = readers.acquire().await.unwrap();
        drop(other);
        drop(first);
        let mut again = readers.acquire().await.unwrap();
        let found = sqlx::raw_sql("SELECT a FROM mine")
            .execute(&mut *again)
            .await;
        found.unwrap();
        assert_eq!(readers.idle.lock().len(), 1);
    }
}
