//! `cleanup_old_containers`: removes from all hosts what ended long enough ago.

use jiff::SignedDuration;

use crate::cleanup::{Cleanup, LegacyContainers};
use crate::error::ServiceError;
use crate::service::DockerService;

impl DockerService {
    /// Removes the containers of this pool, and of the legacy system's jobs that this store knows,
    /// that ended more than so many hours ago, and says how many. Hosts that do not answer are left
    /// for the next time.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn cleanup_old_containers(&self, orphaned_hours: u32) -> Result<u64, ServiceError> {
        let age = SignedDuration::from_hours(i64::from(orphaned_hours));
        let cleanup = Cleanup {
            cutoff: self.now().saturating_sub(age).unwrap_or_default(),
            legacy: LegacyContainers::OfKnownJobs,
        };
        let cleaned = self.cleanup_everywhere(cleanup).await?;
        let mut removed = 0;
        for on_host in cleaned {
            match on_host.answer {
                Ok(count) => removed += count,
                Err(error) => {
                    let error = longshore_core::with_causes(&error);
                    tracing::warn!(host.name = %on_host.host.name, %error, "not cleaned up");
                }
            }
        }
        Ok(removed)
    }
}
