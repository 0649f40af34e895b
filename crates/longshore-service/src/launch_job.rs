//! `launch_job`: makes the container of a pending job and starts it.

use std::collections::BTreeMap;

use longshore_core::JobId;
use longshore_core::outcome::JobStatus;
use longshore_core::retry::Next;
use longshore_core::with_causes;
use longshore_store::{End, Fenced, LogTotals};

use crate::error::{ServiceError, Swallow};
use crate::prepare::{Setback, Unprepared};
use crate::service::DockerService;

impl DockerService {
    /// Makes the container of a pending job and starts it; `true` if it runs.
    ///
    /// `false` if the job is not pending, and it is left as it is; or if it could not be launched,
    /// and then it has failed, with reason and message. Where the start got no answer, it stays
    /// launching until the next operation finds out.
    ///
    /// # Errors
    /// There is no such job in our charge, no host takes it, or the store cannot be used.
    pub async fn launch_job(&self, job: JobId) -> Result<bool, ServiceError> {
        let subject = self.driven(job, "launching failed").await?;
        if subject.job.status != JobStatus::Pending {
            return Ok(false);
        }
        match self.prepare(job, &BTreeMap::new()).await {
            Ok(prepared) => {
                let started = prepared.charge.start().await;
                Swallow::RefusalsAndSilence.instead(started, false)
            }
            Err(Unprepared::Refused(error)) => {
                Swallow::RefusalsAndSilence.instead(Err(error), false)
            }
            Err(Unprepared::Failed(setback)) => {
                self.fail(*setback).await?;
                Ok(false)
            }
        }
    }

    /// The job has failed for good. A container that may exist has no right to, and is left to the
    /// clean-up where it cannot be looked for now.
    async fn fail(&self, setback: Setback) -> Result<(), ServiceError> {
        let error = with_causes(&setback.error);
        tracing::warn!(job.id = %setback.attempt.job, %error, "the job cannot be launched");
        let end = End {
            verdict: setback.verdict(),
            next: Next::Final,
            usage: None,
            log: LogTotals::default(),
            now: self.now(),
        };
        let fenced = Fenced::from(&*setback.attempt);
        self.store().end(fenced, end).await?;
        self.clear_remains(&setback).await;
        Ok(())
    }
}
