//! The store itself: what it holds, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use longshore_core::PoolId;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::changes::Changes;
use crate::database::{Connection, Readers};
use crate::error::StoreError;
use crate::location::{Location, Served};
use crate::log_place::LogPlace;
use crate::logs::LogStore;
use crate::opening::{self, Opened};
use crate::operation::Operation;
use crate::rows::settings;
use crate::signal::Signal;
use crate::writer::Writer;

/// A pool's jobs, attempts, events, hosts and logs. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    local: Option<PathBuf>,
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
        Self::open_folder(folder, &folder.join("logs").into()).await
    }

    /// Opens the store that is there. A folder is made if it is missing; a server and its database
    /// are there already, and get their tables at the first time.
    ///
    /// Guarantees: processes that share a server share the logs, too: one that names another place
    /// for them than the first one did is refused.
    ///
    /// # Errors
    /// As [`Self::open`]; the server cannot be reached or refuses us; the logs are elsewhere.
    pub async fn open_at(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Folder { folder, logs: None } => Self::open(folder).await,
            Location::Folder {
                folder,
                logs: Some(logs),
            } => Self::open_folder(folder, logs).await,
            Location::Server(served) => Self::open_served(served).await,
        }
    }

    async fn open_folder(folder: &Path, logs: &LogPlace) -> Result<Self, StoreError> {
        let opened = opening::folder(folder).await?;
        Self::start(opened, open_logs(logs).await?, |_| Some(folder.to_owned())).await
    }

    async fn open_served(served: &Served) -> Result<Self, StoreError> {
        let logs = open_logs(&served.logs).await?;
        let opened = opening::server(&served.database).await?;
        let store = Self::start(opened, logs, |pool| {
            let local = served.local.as_ref();
            local.map(|folder| folder.join(pool.to_string()))
        })
        .await?;
        store.share_logs(&served.logs).await?;
        Ok(store)
    }

    async fn start(
        opened: Opened,
        logs: LogStore,
        local: impl FnOnce(PoolId) -> Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        let (readers, signal) = (opened.readers, opened.signal);
        let writer = Writer::start(opened.transactions, Arc::clone(&signal));
        let pool = pool_id(&readers, &writer).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                local: local(pool),
                pool,
                writer,
                readers,
                signal,
                logs,
                stale_reports: AtomicU64::new(0),
            }),
        })
    }

    /// The pool: the same for everybody who opens this store.
    pub fn pool(&self) -> PoolId {
        self.inner.pool
    }

    /// A folder for what is of this machine alone, such as locks; `None` where none was named.
    pub fn local_folder(&self) -> Option<&Path> {
        self.inner.local.as_deref()
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
        self.stale_counted(self.write(work).await)
    }

    /// Has an operation done that answers there; see [`Writer::queue`]. Counts stale reports.
    pub(crate) async fn queue<T>(
        &self,
        operation: Box<dyn Operation>,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.stale_counted(self.inner.writer.queue(operation, answer).await)
    }

    fn stale_counted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Stale { attempt }) = &result {
            self.inner.stale_reports.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(attempt.id = %attempt, "refused a stale report");
        }
        result
    }
}

/// Reads the pool's id, or makes it.
async fn pool_id(readers: &Readers, writer: &Writer) -> Result<PoolId, StoreError> {
    let found = settings::get(&mut readers.acquire().await?, settings::POOL).await?;
    let text = if let Some(text) = found {
        text
    } else {
        let new = Uuid::new_v4().to_string();
        writer
            .run(|db| Box::pin(async move { settings::first(db, settings::POOL, &new).await }))
            .await?
    };
    text.parse().map_err(
        |error: longshore_core::ids::IdError| StoreError::Unreadable {
            table: "settings",
            id: settings::POOL.into(),
            reason: error.to_string(),
        },
    )
}

async fn open_logs(place: &LogPlace) -> Result<LogStore, StoreError> {
    let opened = LogStore::open(place).await;
    opened.map_err(|source| StoreError::Logs {
        place: place.clone(),
        source,
    })
}
