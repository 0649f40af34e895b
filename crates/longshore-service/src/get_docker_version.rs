//! `get_docker_version`: the version of a host's engine.

use longshore_core::host::Host;

use crate::error::ServiceError;
use crate::service::DockerService;

impl DockerService {
    /// The version of the host's engine, such as `20.10.7`.
    ///
    /// # Errors
    /// The host cannot be spoken to.
    pub async fn get_docker_version(&self, host: &Host) -> Result<String, ServiceError> {
        Ok(self.probe(host).await?.version)
    }
}
