//! `restart_job`: runs a job anew, whatever became of it.

use longshore_core::JobId;
use longshore_core::outcome::JobStatus;

use crate::error::ServiceError;
use crate::service::DockerService;

impl DockerService {
    /// Runs a job anew, in an attempt of its own: one that is over is opened again, one that is under
    /// way is cancelled first. `true` if it was launched.
    ///
    /// # Errors
    /// As [`cancel_job`](Self::cancel_job) and [`launch_job`](Self::launch_job).
    pub async fn restart_job(&self, job: JobId) -> Result<bool, ServiceError> {
        let subject = self.driven(job, "restarting failed").await?;
        let has_begun = subject.clone().under_way().attempt.is_some();
        if has_begun && subject.job.status != JobStatus::Pending {
            self.cancel_job(job).await?;
        }
        // Whatever is not final by now is pending, which launching asks for.
        self.store().reopen(job, self.now()).await?;
        self.launch_job(job).await
    }
}
