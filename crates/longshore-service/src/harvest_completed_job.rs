//! `harvest_completed_job`: collects exit code, log and usage of a container that has ended.

use longshore_core::JobId;
use longshore_core::attempt::{Observed, Phase};
use longshore_executor::EndedBy;

use crate::charge::Charge;
use crate::conclude::{Afterwards, Ending};
use crate::error::{ServiceError, Swallow};
use crate::service::DockerService;

const TRIED: &str = "harvesting failed";

impl DockerService {
    /// Writes down how the job's container ended, with its whole log, and removes it unless it is to
    /// be kept; `true` if that is done. A job that was waited for is only cleaned up.
    ///
    /// `false` if there is nothing to harvest: the container runs, or was never started, and the job
    /// is left as it is; it is gone, and the job has failed as lost; or its host does not answer.
    ///
    /// # Errors
    /// There is no such job in our charge, or the store cannot be used.
    pub async fn harvest_completed_job(&self, job: JobId) -> Result<bool, ServiceError> {
        let subject = self.driven(job, TRIED).await?;
        let harvested = match self.charge(subject).await {
            Ok(Some(charge)) => charge.harvest().await,
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        Swallow::RefusalsAndSilence.instead(harvested, false)
    }
}

impl Charge {
    async fn harvest(mut self) -> Result<bool, ServiceError> {
        if self.attempt.phase == Phase::Ended {
            return self.harvested_before().await;
        }
        let Some(handle) = self.container(TRIED).await? else {
            return Ok(false);
        };
        let looked = self.look(&handle, EndedBy::Itself).await;
        let (observed, evidence) = looked.map_err(|error| self.place.error(TRIED, error))?;
        self.settle(&handle, &observed).await?;
        match observed {
            Observed::Exited(exit) => {
                let (verdict, afterwards) =
                    (self.judged(&exit, None, &evidence), self.afterwards());
                let ending = Ending {
                    handle,
                    verdict,
                    usage: None,
                };
                self.conclude(ending, afterwards).await?;
                Ok(true)
            }
            Observed::Absent => {
                self.lose().await?;
                Ok(false)
            }
            Observed::Created { .. } | Observed::Running { .. } | Observed::Removing => Ok(false),
        }
    }

    async fn harvested_before(self) -> Result<bool, ServiceError> {
        let is_ours = self.job.status.is_final() && self.attempt.removed_at.is_none();
        let Some(handle) = self.attempt.handle.clone().filter(|_| is_ours) else {
            return Ok(false);
        };
        if self.afterwards() == Afterwards::Clean {
            self.clear_away(&handle).await;
        }
        Ok(true)
    }
}
