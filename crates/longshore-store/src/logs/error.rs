//! What can go wrong with logs.

use std::error::Error;
use std::sync::Arc;

use longshore_core::AttemptId;

/// A log could not be written or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// No space left for logs.
    #[error("the disk of the logs is full: free some space; the log is read again from the host")]
    DiskFull,
    /// Another writer of this process has the log.
    #[error("the log of attempt {attempt} is being written already")]
    InUse {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The writer has ended.
    #[error("the log's writer has ended")]
    Closed,
    /// Anything else that the object store says.
    #[error("the log store refused a request")]
    Store {
        /// What it says.
        #[source]
        source: Arc<object_store::Error>,
    },
    /// Anything else that the file system says.
    #[error("the log folder cannot be used")]
    Folder {
        /// What it says.
        #[source]
        source: Arc<std::io::Error>,
    },
}

impl LogError {
    /// An error of the file system.
    pub(crate) fn from_io(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull;
        }
        Self::Folder {
            source: Arc::new(error),
        }
    }
}

impl From<object_store::Error> for LogError {
    fn from(error: object_store::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            let io = inner.downcast_ref::<std::io::Error>();
            if io.is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull) {
                return Self::DiskFull;
            }
            cause = inner.source();
        }
        Self::Store {
            source: Arc::new(error),
        }
    }
}
