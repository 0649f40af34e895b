//! `list_containers`: the containers of a host, whoever made them.

use longshore_core::host::Host;
use longshore_executor::{Listed, Which};

use crate::error::ServiceError;
use crate::service::DockerService;

const TRIED: &str = "listing containers failed";

impl DockerService {
    /// The host's containers, in one call to its engine.
    ///
    /// # Errors
    /// The host cannot be spoken to, or refuses.
    pub async fn list_containers(
        &self,
        host: &Host,
        which: Which,
    ) -> Result<Vec<Listed>, ServiceError> {
        let place = self.place(host)?;
        let inventory = place.inventory(TRIED)?;
        let listed = place.call(|| inventory.containers(which)).await;
        listed.map_err(|error| place.error(TRIED, error))
    }
}
