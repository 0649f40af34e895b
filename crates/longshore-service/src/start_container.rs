//! `start_container`: starts the container of a job, once.

use longshore_core::JobId;
use longshore_core::attempt::{Observed, Phase, refused};
use longshore_core::launch::Handle;
use longshore_core::with_causes;
use longshore_executor::{EndedBy, ExecutorError};
use longshore_store::LogTotals;

use crate::charge::Charge;
use crate::conclude::Afterwards;
use crate::error::{ServiceError, Swallow, Why};
use crate::service::DockerService;

const TRIED: &str = "container start failed";

impl DockerService {
    /// Starts the job's container; `true` if it was started now or before. One that has run is never
    /// run again.
    ///
    /// `false` if it cannot be: the job has failed then, with the reason, unless the host does not
    /// answer; then it stays launching until the next operation finds out.
    ///
    /// # Errors
    /// The job has no container, or is over.
    pub async fn start_container(&self, job: JobId) -> Result<bool, ServiceError> {
        let subject = self.driven(job, TRIED).await?;
        if subject.job.status.is_final() {
            let status = Why::Status(subject.job.status);
            return Err(ServiceError::execution(TRIED, status));
        }
        let started = match self.charge(subject.under_way()).await {
            Ok(Some(charge)) => charge.start().await,
            Ok(None) => Err(ServiceError::execution(TRIED, Why::NoContainer)),
            Err(error) => Err(error),
        };
        Swallow::RefusalsAndSilence.instead(started, false)
    }
}

impl Charge {
    /// Starts the container. Errors are the host's silence, and what is wrong with the job.
    pub(crate) async fn start(mut self) -> Result<bool, ServiceError> {
        let handle = self.container(TRIED).await?;
        let handle = handle.ok_or_else(|| ServiceError::execution(TRIED, Why::NoContainer))?;
        if self.attempt.phase != Phase::Claimed {
            return self.started_before(handle).await;
        }
        let intent = self.store().launching(self.fenced(), self.now()).await;
        if !self.take_in(intent).await? {
            return self.started_before(handle).await;
        }
        let place = &self.place;
        match place.call(|| place.executor.start(&handle)).await {
            Ok(()) => {
                self.runs(&handle).await?;
                Ok(true)
            }
            Err(error) if error.fault().is_silence() => Err(self.silence(error).await),
            Err(error) => self.refused(handle, error).await,
        }
    }

    /// Whether a container that was started is still there.
    async fn started_before(self, handle: Handle) -> Result<bool, ServiceError> {
        let looked = self.look(&handle, EndedBy::Itself).await;
        let (observed, _) = looked.map_err(|error| self.place.error(TRIED, error))?;
        match observed {
            Observed::Running { .. } | Observed::Exited(_) => Ok(true),
            Observed::Created { .. } | Observed::Removing => Ok(false),
            Observed::Absent => {
                self.lose().await?;
                Ok(false)
            }
        }
    }

    /// Nobody knows whether it was started: that is kept, and nothing is decided.
    async fn silence(&self, error: ExecutorError) -> ServiceError {
        let error = self.place.error(TRIED, error);
        self.remark(&error).await;
        error
    }

    /// The host refused: what its container shows decides.
    async fn refused(mut self, handle: Handle, error: ExecutorError) -> Result<bool, ServiceError> {
        let observed = match self.look(&handle, EndedBy::Itself).await {
            Ok((observed, _)) => observed,
            Err(silent) => return Err(self.silence(silent).await),
        };
        let verdict = match observed {
            Observed::Running { .. } | Observed::Exited(_) => {
                self.runs(&handle).await?;
                return Ok(true);
            }
            Observed::Absent | Observed::Removing => {
                self.lose().await?;
                return Ok(false);
            }
            Observed::Created {
                refused: Some(refusal),
            } => refused(refusal.fault, &refusal.message),
            Observed::Created { refused: None } => refused(error.fault(), &with_causes(&error)),
        };
        tracing::warn!(job.id = %self.job.id, %error, "the container cannot be started");
        self.finish(verdict, None, LogTotals::default()).await?;
        if self.afterwards() == Afterwards::Clean {
            self.clear_away(&handle).await;
        }
        Ok(false)
    }
}
