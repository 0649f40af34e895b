//! The store itself: what it holds, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use longshore_core::{AttemptId, PoolId};
use uuid::Uuid;

use crate::changes::{Changes, Signal};
use crate::error::StoreError;
use crate::logs::LogStore;
use crate::rows::settings;
use crate::sqlite::{self, Connection, Readers};
use crate::writer::Writer;

/// A pool's jobs, attempts, events, hosts and logs. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    pool: PoolId,
    writer: Writer,
    readers: Readers,
    signal: Arc<Signal>,
    logs: LogStore,
    stale_reports: AtomicU64,
}

impl Store {
    /// Opens the store in a folder; makes folder, database and pool id where they are missing.
    ///
    /// Flow: wait for others who open it → bring the schema up to date → start the writer. Any
    /// number of processes may have one folder open.
    ///
    /// # Errors
    /// The folder cannot be used, the store is damaged, or a newer version wrote it.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let opened = sqlite::open(folder).await?;
        let logs = LogStore::local(&folder.join("logs")).map_err(|source| StoreError::Folder {
            folder: folder.join("logs"),
            source: Arc::new(std::io::Error::other(source)),
        })?;
        let signal = Signal::new(&folder.join(sqlite::BELL), opened.bell, opened.watcher);
        let writer = Writer::start(opened.writer, Arc::clone(&signal));
        let pool = writer.run(|db| Box::pin(pool_id(db))).await?;
        let readers = opened.readers;
        let stale_reports = AtomicU64::new(0);
        Ok(Self {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                pool,
                writer,
                readers,
                signal,
                logs,
                stale_reports,
            }),
        })
    }

    /// The pool: the same for everybody who opens this store.
    pub fn pool(&self) -> PoolId {
        self.inner.pool
    }

    /// The folder that it lives in.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The logs of its attempts.
    pub fn logs(&self) -> &LogStore {
        &self.inner.logs
    }

    /// A view of all changes from now on, by this process and others.
    pub fn changes(&self) -> Changes {
        self.inner.signal.changes()
    }

    /// How many reports this process was refused because their attempt had moved on.
    pub fn stale_reports(&self) -> u64 {
        self.inner.stale_reports.load(Ordering::Relaxed)
    }

    /// Connections to read from.
    pub(crate) fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// Runs a writing operation; see [`Writer::run`].
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        self.inner.writer.run(work).await
    }

    /// Like [`Self::write`], for reports about an attempt: counts those that are stale.
    pub(crate) async fn report<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let result = self.write(work).await;
        if let Err(StoreError::Stale { attempt }) = &result {
            self.count_stale(*attempt);
        }
        result
    }

    fn count_stale(&self, attempt: AttemptId) {
        self.inner.stale_reports.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(attempt.id = %attempt, "refused a stale report");
    }
}

/// Reads the pool's id, or makes it.
async fn pool_id(db: &mut Connection) -> Result<PoolId, StoreError> {
    settings::insert(db, settings::POOL, &Uuid::new_v4().to_string()).await?;
    let text = settings::get(db, settings::POOL).await?.unwrap_or_default();
    text.parse().map_err(
        |error: longshore_core::ids::IdError| StoreError::Unreadable {
            table: "settings",
            id: settings::POOL.into(),
            reason: error.to_string(),
        },
    )
}
