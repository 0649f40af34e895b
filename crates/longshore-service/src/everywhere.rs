//! What is done on all hosts at once: each answers for itself, and none waits for another.

use futures::future::join_all;
use longshore_core::host::Host;

use crate::cleanup::{Cleanup, Condemned};
use crate::discover_running_containers::Discovered;
use crate::error::ServiceError;
use crate::service::DockerService;

/// What one host answered.
#[derive(Debug)]
pub struct OnHost<T> {
    /// The host.
    pub host: Host,
    /// Its answer.
    pub answer: Result<T, ServiceError>,
}

impl DockerService {
    /// What is ours, or the legacy system's, and runs on each host.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn discover_everywhere(&self) -> Result<Vec<OnHost<Vec<Discovered>>>, ServiceError> {
        self.everywhere(async |host| self.discovered(host).await)
            .await
    }

    /// What a clean-up of each host would remove.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn plan_cleanup_everywhere(
        &self,
        cleanup: Cleanup,
    ) -> Result<Vec<OnHost<Vec<Condemned>>>, ServiceError> {
        self.everywhere(async |host| self.plan_cleanup(host, cleanup).await)
            .await
    }

    /// Removes what may go from each host, and says how much that was.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn cleanup_everywhere(
        &self,
        cleanup: Cleanup,
    ) -> Result<Vec<OnHost<u64>>, ServiceError> {
        self.everywhere(async |host| self.cleanup_old_containers_on(host, cleanup).await)
            .await
    }

    async fn everywhere<T>(
        &self,
        ask: impl AsyncFn(&Host) -> Result<T, ServiceError>,
    ) -> Result<Vec<OnHost<T>>, ServiceError> {
        let ask = &ask;
        let asked = self.store().hosts().await?.into_iter().map(|host| async {
            let answer = ask(&host).await;
            OnHost { host, answer }
        });
        Ok(join_all(asked).await)
    }
}
