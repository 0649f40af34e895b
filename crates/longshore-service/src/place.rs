//! A host with its executor, and how it is called: again when it cannot be reached.

use longshore_core::fault::Fault;
use longshore_core::host::Host;
use longshore_core::limits;
use longshore_executor::{ExecutorError, Images, Inventory, SharedExecutor};

use crate::error::{ServiceError, Why};

/// A host, and the executor that speaks to it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) host: Host,
    pub(crate) executor: SharedExecutor,
    pub(crate) retries: u32,
}

impl Place {
    /// Calls the host, and again after a pause while it cannot be reached.
    pub(crate) async fn call<T, F>(&self, call: impl Fn() -> F) -> Result<T, ExecutorError>
    where
        F: Future<Output = Result<T, ExecutorError>>,
    {
        let mut pause = limits::RETRY_CALL_FIRST;
        for _ in 0..self.retries {
            match call().await {
                Err(error) if error.fault() == Fault::Unreachable => {
                    tracing::debug!(host.name = %self.host.name, %error, "trying again");
                }
                answer => return answer,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        }
        call().await
    }

    /// A failed call in the words of the legacy system.
    pub(crate) fn error(&self, tried: &'static str, error: ExecutorError) -> ServiceError {
        if error.fault().is_silence() {
            return ServiceError::connection(self.host.id, &self.host.name, error);
        }
        ServiceError::execution(tried, error)
    }

    /// Everything on the host.
    pub(crate) fn inventory(&self, tried: &'static str) -> Result<&dyn Inventory, ServiceError> {
        let inventory = self.executor.inventory();
        inventory.ok_or_else(|| self.unable(tried))
    }

    /// Its images.
    pub(crate) fn images(&self, tried: &'static str) -> Result<&dyn Images, ServiceError> {
        self.executor.images().ok_or_else(|| self.unable(tried))
    }

    fn unable(&self, tried: &'static str) -> ServiceError {
        ServiceError::execution(tried, Why::Unable(self.host.name.clone()))
    }
}
