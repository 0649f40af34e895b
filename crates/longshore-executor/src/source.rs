//! One executor a host, shared, and rebuilt when the host's record changes.

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

/// The executors in use.
pub struct ExecutorPool {
    source: Arc<dyn ExecutorSource>,
    open: Mutex<HashMap<HostId, (Timestamp, SharedExecutor)>>,
}

impl ExecutorPool {
    /// An empty pool.
    pub fn new(source: Arc<dyn ExecutorSource>) -> Self {
        Self {
            source,
            open: Mutex::default(),
        }
    }

    /// The host's executor.
    ///
    /// # Errors
    /// The host's record cannot be used.
    pub fn get(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((updated_at, executor)) = open.get(&host.id)
            && *updated_at == host.updated_at
        {
            return Ok(Arc::clone(executor));
        }
        let executor = self.source.open(host)?;
        open.insert(host.id, (host.updated_at, Arc::clone(&executor)));
        Ok(executor)
    }
}
