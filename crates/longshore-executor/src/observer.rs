//! Looks at a container when there is a reason to, and gathers what its end is judged by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use longshore_core::attempt::{Evidence, Exit, Observed, Refusal, Seen};
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::outcome::Provenance;
use longshore_core::{AttemptId, with_causes};
use tokio::sync::{Notify, watch};

use crate::host_watch::Hints;
use crate::{ExecutorError, SharedExecutor};

/// Who ends the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// We asked it to stop: its end needs no explanation.
    Us,
    /// Not us.
    Itself,
}

/// Since when the host's events are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Since before the container was made.
    Whole,
    /// It may have run before: signals that it was sent then are asked for.
    Late,
}

/// One attempt's container in the eyes of whoever moves the attempt.
#[derive(Clone)]
pub struct Observer {
    executor: SharedExecutor,
    attempt: AttemptId,
    hints: watch::Receiver<Hints>,
    heard: Heard,
    /// The reasons that were there at the last look.
    looked: Arc<AtomicU64>,
    /// The container's output came to its end, as it does with the container.
    output_ended: Arc<Notify>,
}

impl Observer {
    /// With ears: `hints` come from the watch of its host.
    pub fn new(
        executor: SharedExecutor,
        attempt: AttemptId,
        hints: watch::Receiver<Hints>,
        heard: Heard,
    ) -> Self {
        Self {
            executor,
            attempt,
            hints,
            heard,
            looked: Arc::default(),
            output_ended: Arc::default(),
        }
    }

    /// Without ears: all that it knows of an end is what the engine says afterwards.
    pub fn deaf(executor: SharedExecutor, attempt: AttemptId) -> Self {
        let (_, hints) = watch::channel(Hints {
            broken: true,
            ..Hints::default()
        });
        Self::new(executor, attempt, hints, Heard::Late)
    }

    /// To be rung when the container's output comes to its end.
    pub fn output_ended(&self) -> Arc<Notify> {
        Arc::clone(&self.output_ended)
    }

    /// Looks the container up by its name.
    pub async fn find(&self) -> Seen {
        let handle = match self.executor.find(self.attempt).await {
            Ok(Some(handle)) => handle,
            Ok(None) => return Seen::Found(None, Evidence::plain(Provenance::Recovery)),
            Err(error) => return Seen::from(&error),
        };
        let looked = self.look(&handle, EndedBy::Itself, Provenance::Recovery);
        let (observed, evidence) = match looked.await {
            Ok(looked) => looked,
            Err(error) => return Seen::from(&error),
        };
        match self.doubted(&handle, observed).await {
            Ok(observed) => Seen::Found(Some((handle, observed)), evidence),
            Err(error) => Seen::from(&error),
        }
    }

    /// A container that seems never to have run, and may have: an engine that is killed while it starts
    /// one has no record of that.
    async fn doubted(
        &self,
        handle: &Handle,
        observed: Observed,
    ) -> Result<Observed, ExecutorError> {
        let never_ran = observed == Observed::Created { refused: None };
        if !never_ran || !self.executor.restarted_since(handle, None).await? {
            return Ok(observed);
        }
        let refused = Some(Refusal {
            fault: Fault::Internal,
            message: "the engine was restarted since the container was made, which may have run"
                .to_owned(),
        });
        Ok(Observed::Created { refused })
    }

    /// Waits for a reason to look, and looks.
    pub async fn watch(mut self, handle: Handle, by: EndedBy) -> Seen {
        let looked = self.looked.load(Ordering::Relaxed);
        tokio::select! {
            // The sender lives as long as the listener, which outlives every observer.
            _ = self.hints.wait_for(|hints| hints.reasons > looked) => {}
            () = self.output_ended.notified() => {}
            () = tokio::time::sleep(limits::OBSERVE_PERIOD) => {}
        }
        match self.look(&handle, by, Provenance::Inspect).await {
            Ok((observed, evidence)) => Seen::Looked(observed, evidence),
            Err(error) => Seen::from(&error),
        }
    }

    /// Looks now. `otherwise` is how an end is said to be learnt that no event told of.
    ///
    /// # Errors
    /// The host does not answer, or not as it should.
    pub async fn look(
        &self,
        handle: &Handle,
        by: EndedBy,
        otherwise: Provenance,
    ) -> Result<(Observed, Evidence), ExecutorError> {
        let hints = *self.hints.borrow();
        let observed = self.executor.observe(handle).await?;
        self.looked.store(hints.reasons, Ordering::Relaxed);
        let heard = hints.exited && !hints.broken && otherwise != Provenance::Recovery;
        let provenance = if heard { Provenance::Event } else { otherwise };
        let exit = match &observed {
            Observed::Exited(exit) if by == EndedBy::Itself => exit,
            Observed::Absent
            | Observed::Created { .. }
            | Observed::Running { .. }
            | Observed::Exited(_)
            | Observed::Removing => return Ok((observed, Evidence::plain(provenance))),
        };
        let signalled = hints.signalled || self.was_signalled(handle, exit).await?;
        if heard && !signalled {
            return Ok((observed, Evidence::plain(provenance)));
        }
        let engine_started_at = self.engine_start(signalled).await?;
        let evidence = Evidence {
            provenance,
            foreign_kill: signalled,
            engine_started_at,
        };
        Ok((observed, evidence))
    }

    /// Whether it was sent a signal that was not heard: its engine may be stopping it.
    async fn was_signalled(&self, handle: &Handle, exit: &Exit) -> Result<bool, ExecutorError> {
        match (self.heard, exit.finished_at) {
            (Heard::Late, Some(until)) => self.executor.was_signalled(handle, until).await,
            (Heard::Whole, _) | (Heard::Late, None) => Ok(false),
        }
    }

    /// When the engine started; asked after a moment when it may be going down right now.
    async fn engine_start(&self, may_go_down: bool) -> Result<Option<Timestamp>, ExecutorError> {
        if may_go_down {
            tokio::time::sleep(limits::SETTLE).await;
        }
        Ok(self.executor.probe().await?.engine_started_at)
    }
}

/// A failed call as the attempt's life sees it.
impl From<&ExecutorError> for Seen {
    fn from(error: &ExecutorError) -> Self {
        Self::Failed(error.fault(), with_causes(error))
    }
}
