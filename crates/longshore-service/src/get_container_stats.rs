//! `get_container_stats`: what the container of a job uses.

use longshore_core::JobId;
use longshore_core::attempt::Phase;
use longshore_core::job::Driver;

use crate::charge::Charge;
use crate::container_stats::ContainerStats;
use crate::error::{ServiceError, Swallow};
use crate::service::DockerService;

const TRIED: &str = "reading the statistics failed";

impl DockerService {
    /// What the job's container uses at this moment; `None` if there is none or it does not run. The
    /// reading counts for the peak that the job's record keeps.
    ///
    /// # Errors
    /// The host cannot be spoken to, there is no such job, or the store cannot be used.
    pub async fn get_container_stats(
        &self,
        job: JobId,
    ) -> Result<Option<ContainerStats>, ServiceError> {
        let subject = self.subject(job).await?;
        let Some(charge) = self.charge(subject.under_way()).await? else {
            return Ok(None);
        };
        Swallow::Refusals.instead(charge.stats().await, None)
    }
}

impl Charge {
    async fn stats(mut self) -> Result<Option<ContainerStats>, ServiceError> {
        let handle = match self.job.driver {
            Driver::Service => self.container(TRIED).await?,
            Driver::Engine => self.attempt.handle.clone(),
        };
        let Some(handle) = handle else {
            return Ok(None);
        };
        let stats = self.place.stats(&handle).await?;
        if let (Some(stats), Driver::Service) = (&stats, self.job.driver) {
            self.keep(stats).await;
        }
        Ok(stats)
    }

    /// The worker of a job keeps such readings itself.
    async fn keep(&self, stats: &ContainerStats) {
        let started_at = self.attempt.started_at.unwrap_or_else(|| self.now());
        let mut usage = self.attempt.usage.clone().unwrap_or_default();
        usage.add(&stats.sample, started_at);
        if self.attempt.phase != Phase::Running {
            return;
        }
        if let Err(error) = self.store().metered(self.fenced(), &usage).await {
            tracing::debug!(%error, "what the container uses is not kept");
        }
    }
}
