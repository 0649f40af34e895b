//! `remove_container`: takes the container of a job away.

use std::time::Duration;

use longshore_core::JobId;
use longshore_core::attempt::{Observed, Phase, StopCause};
use longshore_core::launch::Handle;
use longshore_core::outcome::{CancelReason, Outcome, Provenance, Verdict};
use longshore_executor::{EndedBy, Force, Removed};

use crate::charge::Charge;
use crate::conclude::{Afterwards, Ending};
use crate::error::{ServiceError, Swallow};
use crate::service::DockerService;

const TRIED: &str = "container removal failed";

impl DockerService {
    /// Removes the job's container; `true` if there was one and it is gone.
    ///
    /// One that has ended is harvested first. One that never ran leaves the job pending. One that
    /// runs is removed by [`Force::Kill`] alone, and cancels the job. `false` if there is none, if it
    /// runs, or if the host did not do it.
    ///
    /// # Errors
    /// There is no such job in our charge, or the store cannot be used.
    pub async fn remove_container(&self, job: JobId, force: Force) -> Result<bool, ServiceError> {
        let subject = self.driven(job, TRIED).await?;
        let removed = match self.charge(subject).await {
            Ok(Some(charge)) => charge.take_away(force).await,
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        Swallow::RefusalsAndSilence.instead(removed, false)
    }
}

impl Charge {
    async fn take_away(mut self, force: Force) -> Result<bool, ServiceError> {
        if self.attempt.removed_at.is_some() {
            return Ok(false);
        }
        let Some(handle) = self.container(TRIED).await? else {
            self.note_absence().await;
            return Ok(false);
        };
        if self.attempt.phase == Phase::Ended {
            return Ok(self.remove_ended(&handle).await? != Removed::WasAbsent);
        }
        let looked = self.look(&handle, EndedBy::Itself).await;
        let (observed, evidence) = looked.map_err(|error| self.place.error(TRIED, error))?;
        self.settle(&handle, &observed).await?;
        match observed {
            Observed::Absent | Observed::Removing => self.take_away_absent().await,
            Observed::Created { .. } => self.take_away_unstarted(&handle).await,
            Observed::Exited(exit) => {
                let verdict = self.judged(&exit, None, &evidence);
                self.take_away_ended(handle, verdict).await
            }
            Observed::Running { .. } => match force {
                Force::Never => Ok(false),
                Force::Kill => self.take_away_running(handle).await,
            },
        }
    }

    /// Nothing bears the name of an attempt that is over.
    async fn note_absence(&self) {
        if self.attempt.phase == Phase::Ended {
            self.gone().await;
        }
    }

    /// Somebody else removed it.
    async fn take_away_absent(mut self) -> Result<bool, ServiceError> {
        if self.attempt.phase == Phase::Claimed {
            self.abandon("its container was removed before it was started")
                .await?;
        } else {
            self.lose().await?;
        }
        Ok(false)
    }

    async fn take_away_unstarted(mut self, handle: &Handle) -> Result<bool, ServiceError> {
        let removed = self.remove(handle, Force::Never).await?;
        self.abandon("removed before it was started").await?;
        Ok(removed != Removed::WasAbsent)
    }

    async fn take_away_ended(self, handle: Handle, verdict: Verdict) -> Result<bool, ServiceError> {
        let ending = Ending {
            handle: handle.clone(),
            verdict,
            usage: None,
        };
        let charge = self.clone();
        charge.conclude(ending, Afterwards::Keep).await?;
        Ok(self.remove_ended(&handle).await? != Removed::WasAbsent)
    }

    async fn take_away_running(mut self, handle: Handle) -> Result<bool, ServiceError> {
        self.ask_to_stop(&handle, Duration::ZERO, "removed by force")
            .await?;
        let looked = self.look(&handle, EndedBy::Us).await;
        let (observed, evidence) = looked.map_err(|error| self.place.error(TRIED, error))?;
        let Observed::Exited(exit) = observed else {
            return Ok(false);
        };
        let cause = StopCause::Cancel(CancelReason::User);
        let verdict = self.judged(&exit, Some(cause), &evidence);
        self.take_away_ended(handle, verdict).await
    }

    /// Ends the attempt of a container that never ran; its job is pending.
    pub(crate) async fn abandon(&mut self, why: &str) -> Result<(), ServiceError> {
        let outcome = Outcome::Cancelled(CancelReason::User);
        let verdict = Verdict::without_run(outcome, Provenance::Decision, Some(why.to_owned()));
        let report = self
            .store()
            .abandon(self.fenced(), &verdict, self.now())
            .await;
        self.take_in(report).await?;
        self.gone().await;
        Ok(())
    }
}
