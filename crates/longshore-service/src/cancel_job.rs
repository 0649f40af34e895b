//! `cancel_job`: stops a job for good.

use longshore_core::JobId;
use longshore_core::attempt::{Observed, StopCause};
use longshore_core::launch::Handle;
use longshore_core::outcome::{CancelReason, Provenance, Verdict};
use longshore_executor::{EndedBy, Force};
use longshore_store::{CancelAnswer, LogTotals};

use crate::charge::Charge;
use crate::conclude::Ending;
use crate::error::{ServiceError, Why};
use crate::service::DockerService;
use crate::subject::Subject;

const TRIED: &str = "cancelling failed";
const CAUSE: StopCause = StopCause::Cancel(CancelReason::User);

impl DockerService {
    /// Cancels a job: a container that runs is asked to stop and killed after the job's grace, and
    /// its log is kept. `false` if it came too late: the job is over.
    ///
    /// # Errors
    /// The host cannot be spoken to, and then nothing is known and nothing is changed; the host
    /// refuses, or the store cannot be used.
    pub async fn cancel_job(&self, job: JobId) -> Result<bool, ServiceError> {
        let subject = self.driven(job, TRIED).await?;
        if subject.job.status.is_final() {
            return Ok(false);
        }
        match self.charge(subject.clone().under_way()).await? {
            Some(charge) => charge.cancel().await,
            None => self.cancel_unbegun(&subject).await,
        }
    }

    async fn cancel_unbegun(&self, subject: &Subject) -> Result<bool, ServiceError> {
        let job = subject.job.id;
        match self.store().request_cancel(job, self.now()).await? {
            CancelAnswer::Cancelled => Ok(true),
            CancelAnswer::AlreadyFinal(_) => Ok(false),
            // Somebody began it between our look and our wish: the next call finds that.
            CancelAnswer::OfService | CancelAnswer::Requested => {
                let status = Why::Status(subject.job.status);
                Err(ServiceError::execution(TRIED, status))
            }
        }
    }
}

impl Charge {
    async fn cancel(mut self) -> Result<bool, ServiceError> {
        let Some(handle) = self.container(TRIED).await? else {
            self.end_without(cancelled()).await?;
            return Ok(true);
        };
        let looked = self.look(&handle, EndedBy::Itself).await;
        let (observed, evidence) = looked.map_err(|error| self.place.error(TRIED, error))?;
        self.settle(&handle, &observed).await?;
        match observed {
            Observed::Absent | Observed::Removing => {
                self.end_without(cancelled()).await?;
                Ok(true)
            }
            Observed::Created { .. } => self.cancel_unstarted(&handle).await,
            Observed::Running { .. } => self.cancel_running(handle).await,
            Observed::Exited(exit) => {
                let verdict = self.judged(&exit, None, &evidence);
                self.wind_up(handle, verdict).await?;
                Ok(false)
            }
        }
    }

    async fn cancel_unstarted(mut self, handle: &Handle) -> Result<bool, ServiceError> {
        self.remove(handle, Force::Never).await?;
        self.finish(cancelled(), None, LogTotals::default()).await?;
        self.gone().await;
        Ok(true)
    }

    async fn cancel_running(mut self, handle: Handle) -> Result<bool, ServiceError> {
        let grace = self.job.spec.timeouts.stop_grace.duration();
        self.ask_to_stop(&handle, grace, "cancelled").await?;
        let looked = self.look(&handle, EndedBy::Us).await;
        let (observed, evidence) = looked.map_err(|error| self.place.error(TRIED, error))?;
        match observed {
            Observed::Exited(exit) => {
                let verdict = self.judged(&exit, Some(CAUSE), &evidence);
                self.wind_up(handle, verdict).await?;
            }
            Observed::Absent | Observed::Removing | Observed::Created { .. } => {
                self.end_without(cancelled()).await?;
            }
            Observed::Running { .. } => {
                return Err(ServiceError::execution(TRIED, Why::StillRunning(grace)));
            }
        }
        Ok(true)
    }

    async fn wind_up(self, handle: Handle, verdict: Verdict) -> Result<(), ServiceError> {
        let afterwards = self.afterwards();
        let ending = Ending {
            handle,
            verdict,
            usage: None,
        };
        self.conclude(ending, afterwards).await?;
        Ok(())
    }
}

fn cancelled() -> Verdict {
    let why = Some("cancelled before it ran".to_owned());
    Verdict::without_run(CAUSE.outcome(), Provenance::Decision, why)
}
