//! `get_client`: the executor of a host that answers.

use longshore_core::host::Host;
use longshore_executor::SharedExecutor;

use crate::error::ServiceError;
use crate::service::DockerService;

impl DockerService {
    /// The host's executor, which has answered a moment ago. It is one for all, and renewed when the
    /// host's record changes.
    ///
    /// # Errors
    /// The host cannot be spoken to.
    pub async fn get_client(&self, host: &Host) -> Result<SharedExecutor, ServiceError> {
        self.probe(host).await?;
        Ok(self.place(host)?.executor.clone())
    }
}
