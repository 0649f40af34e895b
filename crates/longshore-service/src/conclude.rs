//! How the end of an attempt in our charge is written down: verdict, log, removal.

use longshore_core::attempt::{Evidence, Exit};
use longshore_core::attempt::{Phase, StopCause, judge};
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::outcome::{FailReason, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::usage::Usage;
use longshore_executor::{Force, Removed};
use longshore_store::{End, LogTotals};

use crate::charge::Charge;
use crate::error::ServiceError;
use crate::log_keeper::LogKeeper;

/// Whether the container of a finished job stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// It stays until somebody removes it.
    Keep,
    /// It is removed.
    Clean,
}

/// The end of a container.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) handle: Handle,
    pub(crate) verdict: Verdict,
    pub(crate) usage: Option<Usage>,
}

impl Charge {
    /// What is done to the container of a finished job when nobody says otherwise.
    pub(crate) fn afterwards(&self) -> Afterwards {
        if self.service.options().immediate_cleanup {
            Afterwards::Clean
        } else {
            Afterwards::Keep
        }
    }

    /// How an end is read; `cause` is what we ended it for.
    pub(crate) fn judged(
        &self,
        exit: &Exit,
        cause: Option<StopCause>,
        evidence: &Evidence,
    ) -> Verdict {
        judge(exit, cause, evidence, &self.job.terms())
    }

    /// Writes how a container ended and reads the rest of its log. A verdict that stands already
    /// stays. Goes on to its end even if nobody waits for it any more.
    pub(crate) async fn conclude(
        self,
        ending: Ending,
        afterwards: Afterwards,
    ) -> Result<Verdict, ServiceError> {
        let service = self.service.clone();
        let work = Box::pin(self.write_end(ending, afterwards));
        service.carry_through(work).await
    }

    async fn write_end(
        mut self,
        ending: Ending,
        afterwards: Afterwards,
    ) -> Result<Verdict, ServiceError> {
        let (handle, verdict) = (&ending.handle, &ending.verdict);
        if self.attempt.phase != Phase::Draining {
            let report = self
                .store()
                .exited(self.fenced(), handle, verdict, self.now());
            self.take_in(report.await).await?;
        }
        let verdict = self.attempt.verdict.clone().unwrap_or(ending.verdict);
        if self.attempt.phase != Phase::Ended {
            let log = LogKeeper::of(&self, &ending.handle).complete().await?;
            self.finish(verdict.clone(), ending.usage, log).await?;
        }
        if afterwards == Afterwards::Clean {
            self.clear_away(&ending.handle).await;
        }
        Ok(verdict)
    }

    /// The container is gone though nobody of ours took it away: nobody knows how it ended.
    pub(crate) async fn lose(self) -> Result<(), ServiceError> {
        let outcome = Outcome::Failed(FailReason::Lost);
        let why = "the container is gone from its host".to_owned();
        self.end_without(Verdict::without_run(
            outcome,
            Provenance::Inspect,
            Some(why),
        ))
        .await
    }

    /// Ends an attempt whose container is not there. A verdict that stands already stays.
    pub(crate) async fn end_without(mut self, verdict: Verdict) -> Result<(), ServiceError> {
        let log = match (self.attempt.phase, &self.attempt.handle) {
            (Phase::Running | Phase::Draining, Some(handle)) => {
                LogKeeper::of(&self, handle).give_up().await?
            }
            _ => LogTotals::default(),
        };
        let verdict = self.attempt.verdict.clone().unwrap_or(verdict);
        self.finish(verdict, None, log).await?;
        self.gone().await;
        Ok(())
    }

    /// Ends the attempt, and with it its job.
    pub(crate) async fn finish(
        &mut self,
        verdict: Verdict,
        usage: Option<Usage>,
        log: LogTotals,
    ) -> Result<(), ServiceError> {
        let usage = match (self.attempt.usage.clone(), usage) {
            (Some(earlier), Some(later)) => Some(earlier.with(&later)),
            (earlier, later) => later.or(earlier),
        };
        let end = End {
            verdict,
            next: Next::Final,
            usage,
            log,
            now: self.now(),
        };
        let report = self.store().end(self.fenced(), end).await.map(|_| ());
        self.take_in(report).await?;
        Ok(())
    }

    /// Takes the container of an ended attempt away. What does not succeed now is left to the
    /// clean-up.
    pub(crate) async fn clear_away(&self, handle: &Handle) {
        if let Err(error) = self.remove_ended(handle).await {
            let error = longshore_core::with_causes(&error);
            tracing::warn!(attempt.id = %self.attempt.id, %error, "the container is not removed yet");
        }
    }

    /// Removes the container of an ended attempt and writes that down.
    pub(crate) async fn remove_ended(&self, handle: &Handle) -> Result<Removed, ServiceError> {
        // Its attempt has its verdict: whatever still runs in it has no right to.
        let removed = self.remove(handle, Force::Kill).await?;
        match removed {
            Removed::Gone | Removed::WasAbsent => self.gone().await,
            Removed::Pending => {}
        }
        Ok(removed)
    }

    /// Removes the container, and waits for a while until it is gone.
    pub(crate) async fn remove(
        &self,
        handle: &Handle,
        force: Force,
    ) -> Result<Removed, ServiceError> {
        let place = &self.place;
        let mut removed = None;
        for _ in 0..limits::REMOVAL_ASKS {
            let answer = place.call(|| place.executor.remove(handle, force)).await;
            let answer = answer.map_err(|error| place.error("container removal failed", error))?;
            match (removed, answer) {
                // It was there at the first ask, so it is we who removed it.
                (Some(_), Removed::WasAbsent) => return Ok(Removed::Gone),
                (_, Removed::Gone | Removed::WasAbsent) => return Ok(answer),
                (_, Removed::Pending) => removed = Some(answer),
            }
            tokio::time::sleep(limits::RETRY_CALL_FIRST).await;
        }
        Ok(Removed::Pending)
    }

    /// The container of an ended attempt is gone.
    pub(crate) async fn gone(&self) {
        if let Err(error) = self.store().removed(self.attempt.id, self.now()).await {
            tracing::warn!(%error, "a removal could not be written down; the clean-up repeats it");
        }
    }
}
