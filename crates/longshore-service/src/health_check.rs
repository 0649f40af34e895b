//! `health_check`: whether a host can be worked with.

use longshore_core::host::{Host, HostFacts};
use longshore_core::with_causes;

use crate::error::ServiceError;
use crate::service::DockerService;

impl DockerService {
    /// Whether the host answers as it should; what was found is kept in its record.
    pub async fn health_check(&self, host: &Host) -> bool {
        let found = self.probe(host).await;
        if let Err(error) = &found {
            tracing::warn!(host.name = %host.name, error = %with_causes(error), "host is not healthy");
        }
        let said = found.as_ref().err().map(|error| with_causes(error));
        let told = match (&found, &said) {
            (Ok(facts), _) => Ok(facts),
            (Err(_), said) => Err(said.as_deref().unwrap_or_default()),
        };
        if let Err(error) = self.store().save_facts(host.id, told, self.now()).await {
            tracing::debug!(%error, "what the probe found is not kept");
        }
        found.is_ok()
    }

    /// What the host says about itself.
    pub(crate) async fn probe(&self, host: &Host) -> Result<HostFacts, ServiceError> {
        let place = self.place(host)?;
        let found = place.call(|| place.executor.probe()).await;
        found.map_err(|error| ServiceError::connection(host.id, &host.name, error))
    }
}
