//! One of a kind for each host, shared, and made anew when the host's record changes: above all its
//! executor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use longshore_core::HostId;
use longshore_core::host::Host;

use crate::{ExecutorError, SharedExecutor};

/// Makes executors of hosts; the binary knows which kinds there are.
pub trait ExecutorSource: Send + Sync {
    /// An executor for this host. Does not speak to it yet.
    ///
    /// # Errors
    /// The host's record cannot be used: unknown kind, bad address, missing certificates.
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError>;
}

/// Something that is kept for each host as long as the host's record stays as it is.
pub struct PerHost<T>(Mutex<HashMap<HostId, (Timestamp, T)>>);

impl<T> Default for PerHost<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> PerHost<T> {
    /// What is kept for the host, if its record was last changed then.
    pub fn get(&self, host: HostId, updated_at: Timestamp) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, value) = kept.get(&host)?;
        (*of == updated_at).then(|| value.clone())
    }

    /// What is kept for the host; made first where there is none for its record.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn get_or_make<E>(&self, host: &Host, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, value)) = kept.get(&host.id)
            && *of == host.updated_at
        {
            return Ok(value.clone());
        }
        let value = make()?;
        kept.insert(host.id, (host.updated_at, value.clone()));
        Ok(value)
    }
}

/// The executors in use.
pub struct ExecutorPool {
    source: Arc<dyn ExecutorSource>,
    open: PerHost<SharedExecutor>,
}

impl ExecutorPool {
    /// An empty pool.
    pub fn new(source: Arc<dyn ExecutorSource>) -> Self {
        Self {
            source,
            open: PerHost::default(),
        }
    }

    /// The host's executor.
    ///
    /// # Errors
    /// The host's record cannot be used.
    pub fn get(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        self.open.get_or_make(host, || self.source.open(host))
    }
}
