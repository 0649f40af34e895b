//! What can go wrong between a caller and the store.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_core::AttemptId;

use crate::log_place::LogPlace;
use crate::logs::LogError;

/// A request to the store failed. Unless it says otherwise, nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process held the write lock for longer than we wait.
    #[error("the store is busy: another process holds its write lock; nothing was changed")]
    Busy,
    /// No space left for the database.
    #[error("the disk of the store is full: nothing was changed; free some space and try again")]
    DiskFull,
    /// The database's server is away, or refuses to speak to us.
    #[error("the store's database cannot be reached: nothing was changed")]
    Unreachable {
        /// What was tried, and what came of it.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The connection to the database's server was lost when everything had been said, and before
    /// the answer came. The change may be there, or not: look, or say it again.
    #[error("the store's database did not answer: whether the change was made is not known")]
    Unsure {
        /// What came instead of the answer.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The database file is not what it should be.
    #[error("the store is damaged: restore its database from a backup")]
    Damaged {
        /// What the database says.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// This version cannot read a row.
    #[error("cannot read {table} `{id}`: {reason}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row's key.
        id: String,
        /// The column and what is wrong with it.
        reason: String,
    },
    /// More jobs than one call may add.
    #[error("{count} jobs at once are too many: submit at most {most} in one call")]
    TooMany {
        /// How many were given.
        count: usize,
        /// How many are allowed.
        most: usize,
    },
    /// There is no such thing.
    #[error("no {what} `{id}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Its key.
        id: String,
    },
    /// Another one has the name already.
    #[error("there is already a {what} named `{name}`")]
    NameTaken {
        /// Kind of thing.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A host still has attempts or containers that are not removed.
    #[error("host `{host}` is in use: {attempts} attempts there are not over or not removed")]
    HostInUse {
        /// The host's id.
        host: String,
        /// How many attempts.
        attempts: u64,
    },
    /// The attempt has moved on: another worker leads it, or it is in a later phase.
    #[error("stale report about attempt {attempt}: it has moved on")]
    Stale {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A newer longshore wrote the store.
    #[error("the store has format {found}, this longshore knows formats up to {known}: upgrade it")]
    TooNew {
        /// Format of the store.
        found: i64,
        /// Newest format that this version knows.
        known: i64,
    },
    /// The store's folder cannot be used.
    #[error("cannot use the store's folder `{}`", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The place of the logs cannot be used.
    #[error("cannot keep logs in `{place}`")]
    Logs {
        /// The place.
        place: LogPlace,
        /// Why.
        #[source]
        source: LogError,
    },
    /// The place that was named is not the one that the pool's other processes keep logs in.
    #[error("the logs of this pool are not in `{place}`: its other processes keep them elsewhere")]
    OtherLogs {
        /// The place.
        place: LogPlace,
    },
    /// The store's writer has ended.
    #[error("the store is closed")]
    Closed,
    /// Anything else that the database says.
    #[error("the store's database refused a request")]
    Database {
        /// What the database says.
        #[source]
        source: Arc<sqlx::Error>,
    },
}

impl StoreError {
    /// Nobody to talk to.
    pub(crate) fn unreachable(error: sqlx::Error) -> Self {
        Self::Unreachable {
            source: Arc::new(error),
        }
    }

    /// What the error means when it came instead of the answer to a commit.
    pub(crate) fn after_commit(self) -> Self {
        if let Self::Unreachable { source } = self {
            return Self::Unsure { source };
        }
        self
    }

    /// Names a thing that is not there.
    pub(crate) fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            id: id.into(),
        }
    }
}
