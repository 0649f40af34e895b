//! What can go wrong with an import as a whole. Single rows that cannot be taken are no errors: they
//! stand in the report.

use std::path::PathBuf;
use std::time::Duration;

use longshore_store::{LogError, StoreError};

/// The import stopped. What it took until then stays, and a repeated import goes on behind it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not there.
    #[error("no database `{}`", path.display())]
    NoFile {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error("cannot open {database}")]
    Open {
        /// Which, without its password.
        database: String,
        /// What it says.
        #[source]
        source: sqlx::Error,
    },
    /// The database does not answer.
    #[error("{database} gave no answer within {} seconds", limit.as_secs())]
    Silent {
        /// Which, without its password.
        database: String,
        /// How long it had.
        limit: Duration,
    },
    /// The tables are not those of a version that is known.
    #[error("{database} has not the tables of django-container-manager 1.0.0 to 1.0.14: it lacks {}", missing.join(", "))]
    OtherTables {
        /// Which, without its password.
        database: String,
        /// Tables, and columns as `table.column`.
        missing: Vec<String>,
    },
    /// The database refuses a reading.
    #[error("cannot read {database}")]
    Read {
        /// Which, without its password.
        database: String,
        /// What it says.
        #[source]
        source: sqlx::Error,
    },
    /// Our own store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own logs.
    #[error(transparent)]
    Log(#[from] LogError),
}
