//! `discover_running_containers`: what runs on a host and is ours, or the legacy system's.

use longshore_core::host::Host;
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL};
use longshore_core::legacy::LegacyOrigin;
use longshore_core::{AttemptId, JobId, PoolId};
use longshore_executor::{Listed, Which};

use crate::error::{ServiceError, Swallow};
use crate::service::DockerService;

/// A container that runs and is ours, or the legacy system's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// It.
    pub container: Listed,
    /// Whose it is.
    pub origin: Origin,
}

/// Whose a container is, by its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This pool's; ids that cannot be read are missing.
    Pool {
        /// The job.
        job: Option<JobId>,
        /// The attempt.
        attempt: Option<AttemptId>,
    },
    /// The legacy system's, in any of its three label schemes.
    Legacy(LegacyOrigin),
}

impl Origin {
    /// Reads the labels; `None` for everything else: another program's, or another pool's.
    pub fn of(container: &Listed, pool: PoolId) -> Option<Self> {
        let labels = &container.labels;
        let Some(label) = labels.get(LABEL_POOL) else {
            return LegacyOrigin::read(labels).map(Self::Legacy);
        };
        (*label == pool.to_string()).then(|| Self::Pool {
            job: labels.get(LABEL_JOB).and_then(|id| id.parse().ok()),
            attempt: labels.get(LABEL_ATTEMPT).and_then(|id| id.parse().ok()),
        })
    }
}

impl DockerService {
    /// The containers of this pool and of the legacy system that run on the host; none if the host
    /// does not answer.
    ///
    /// # Errors
    /// None that a host causes.
    pub async fn discover_running_containers(
        &self,
        host: &Host,
    ) -> Result<Vec<Discovered>, ServiceError> {
        Swallow::RefusalsAndSilence.instead(self.discovered(host).await, Vec::new())
    }

    /// The same, with the host's errors.
    pub(crate) async fn discovered(&self, host: &Host) -> Result<Vec<Discovered>, ServiceError> {
        let pool = self.store().pool();
        let running = self.list_containers(host, Which::Running).await?;
        let discovered = running.into_iter().filter_map(|container| {
            let origin = Origin::of(&container, pool)?;
            Some(Discovered { container, origin })
        });
        Ok(discovered.collect())
    }
}
