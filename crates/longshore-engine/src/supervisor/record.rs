//! Writes an attempt's steps into the store, and holds what the calls bring along.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::attempt::{Seen, State, StopCause};
use longshore_core::fault::Fault;
use longshore_core::health::{Showing, showing_of};
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::outcome::Verdict;
use longshore_core::retry::{self, Used};
use longshore_executor::{Meter, SharedExecutor};
use longshore_store::{End, Fenced, ImageSeen, LogTotals, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::logs::{self, LogState, LogTask};
use super::outputs::{Outputs, carry_pulls};
use super::unwritten::Unwritten;
use super::{Left, sleep_or_never};
use crate::context::{ActiveHost, Context, Remains};
use crate::health;
use crate::pump::Past;

/// The record of one attempt.
pub(super) struct Recorder {
    context: Arc<Context>,
    executor: SharedExecutor,
    job: Job,
    attempt: AttemptRecord,
    fenced: Fenced,
    outputs: Outputs,
    output_ended: Arc<Notify>,
    meter: Meter,
    metering: Option<DropGuard>,
    handle: Option<Handle>,
    unwritten: Unwritten,
    /// A create was, or may have been, sent.
    creating: bool,
    unknown: bool,
    /// How the last call to the host failed that did.
    fault: Option<Fault>,
    /// Ends the task that carries pull progress into the store.
    _pulls: DropGuard,
}

impl Recorder {
    pub(super) fn new(
        context: Arc<Context>,
        host: &ActiveHost,
        job: Job,
        attempt: &AttemptRecord,
        output_ended: Arc<Notify>,
    ) -> Self {
        let fenced = Fenced {
            attempt: attempt.id,
            fence: attempt.fence,
        };
        let outputs = Outputs::new();
        let pulls = CancellationToken::new();
        context.spawn(carry_pulls(
            Arc::clone(&context),
            fenced,
            outputs.clone(),
            pulls.clone(),
        ));
        Self {
            executor: Arc::clone(&host.executor),
            fenced,
            handle: attempt.handle.clone(),
            unwritten: Unwritten::default(),
            creating: attempt.fence > 1,
            unknown: attempt.unknown_since.is_some(),
            fault: None,
            attempt: attempt.clone(),
            context,
            job,
            outputs,
            output_ended,
            meter: Meter::default(),
            metering: None,
            _pulls: pulls.drop_guard(),
        }
    }

    pub(super) fn outputs(&self) -> Outputs {
        self.outputs.clone()
    }

    /// Notes whether the host answers.
    pub(super) async fn heard(&mut self, seen: &Seen) -> Result<(), Left> {
        let is_silent = match seen {
            Seen::Failed(fault, _) => {
                self.fault = Some(*fault);
                fault.is_silence()
            }
            Seen::Cancel(_) | Seen::Evict | Seen::Clock => return Ok(()),
            Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained => false,
        };
        if is_silent == self.unknown {
            return Ok(());
        }
        self.unknown = is_silent;
        if is_silent {
            self.context.knowledge.doubt(self.attempt.host);
        }
        self.write_down().await?;
        let now = self.context.now();
        let since = is_silent.then_some(now);
        self.persist(|| self.context.store.unknown_since(self.fenced, since, now))
            .await
    }

    /// Writes that the attempt entered a state, before anything is done in it.
    pub(super) async fn entered(&mut self, state: &State) -> Result<(), Left> {
        let now = self.context.now();
        match state {
            State::Finding | State::Preparing | State::Ended(_) => Ok(()),
            State::Creating => {
                self.creating = true;
                let digest = self.outputs.digest();
                self.unwritten.has_image(ImageSeen { digest, at: now });
                Ok(())
            }
            State::Starting(handle) => {
                self.handle = Some(handle.clone());
                let image = self.unwritten.take_image();
                let (store, fenced) = (&self.context.store, self.fenced);
                self.persist(|| store.created_from(fenced, image.clone(), handle, now))
                    .await
            }
            State::Running(handle) => {
                self.runs(handle.clone(), now).await;
                Ok(())
            }
            State::Stopping(handle, cause) => {
                if self.metering.is_none() {
                    self.runs(handle.clone(), now).await;
                }
                self.outputs.set_stopping();
                self.write_down().await?;
                let (store, why) = (&self.context.store, describe(*cause));
                self.persist(|| store.stopping(self.fenced, why, now)).await
            }
            State::Draining(handle, verdict) => {
                self.handle = Some(handle.clone());
                self.metering = None;
                self.outputs.set_draining();
                self.unwritten
                    .has_exited(handle.clone(), verdict.clone(), now);
                if let Some(started_at) = verdict.started_at {
                    let executor = &self.executor;
                    self.meter.close(executor, handle, started_at).await;
                }
                Ok(())
            }
        }
    }

    /// How long steps that are not written may still wait; `None` if there are none.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.unwritten.patience()
    }

    /// Writes the steps that are not written, each by itself.
    pub(super) async fn write_down(&mut self) -> Result<(), Left> {
        let steps = self.unwritten.take();
        let (store, fenced) = (&self.context.store, self.fenced);
        if let Some(ImageSeen { digest, at }) = steps.image {
            self.persist(|| store.image_ready(fenced, digest.as_deref(), at))
                .await?;
        }
        if let Some((handle, at)) = steps.started {
            self.persist(|| store.started(fenced, &handle, at)).await?;
        }
        if let Some((handle, verdict, at)) = steps.exited {
            self.persist(|| store.exited(fenced, &handle, &verdict, at))
                .await?;
            self.context.dispatch.notify_one();
        }
        Ok(())
    }

    /// The container runs: noted, listened to and measured.
    async fn runs(&mut self, handle: Handle, now: Timestamp) {
        self.handle = Some(handle.clone());
        self.follow(&handle).await;
        if self.attempt.started_at.is_none() {
            self.unwritten.has_started(handle.clone(), now);
        }
        self.showed(Showing::Started).await;
        let stop = CancellationToken::new();
        self.metering = Some(stop.clone().drop_guard());
        let started_at = self.attempt.started_at.unwrap_or(now);
        let executor = Arc::clone(&self.executor);
        self.context
            .spawn(self.meter.clone().run(executor, handle, started_at, stop));
    }

    async fn follow(&self, handle: &Handle) {
        let task = LogTask {
            logs: self.context.store.logs().clone(),
            executor: Arc::clone(&self.executor),
            attempt: self.attempt.id,
            handle: handle.clone(),
            limit_bytes: self.job.spec.log_limit_bytes(),
            past: self.past(),
        };
        let mut log = self.outputs.log().await;
        if matches!(*log, LogState::Untouched) {
            *log = task.follow(&self.context, Arc::clone(&self.output_ended));
        }
    }

    /// One that was claimed here and has had no trouble yet was started a moment ago.
    fn past(&self) -> Past {
        let was_taken_over = self.attempt.fence > 1;
        if was_taken_over || self.fault.is_some() {
            Past::Doubtful
        } else {
            Past::Whole
        }
    }

    /// Writes the verdict; what is left of the container goes to the reaper.
    pub(super) async fn finish(&mut self, verdict: Verdict) -> Result<(), Left> {
        self.metering = None;
        let log = self.log_totals().await?;
        let run = self.unwritten.take_run();
        self.write_down().await?;
        let used = Used {
            job: self.job.retries_used,
            infrastructure: self.job.infra_retries_used,
        };
        let next = retry::after(&verdict, &self.job.spec, used, fastrand::f64());
        let usage = self.meter.totals();
        let now = self.context.now();
        let end = End {
            verdict,
            next,
            usage,
            log,
            now,
        };
        let store = &self.context.store;
        let status = self
            .persist(|| store.end_run(self.fenced, run.clone(), end.clone()))
            .await?;
        tracing::info!(
            job.id = %self.job.id,
            job.status = %status,
            reason = %end.verdict.outcome,
            "attempt ended"
        );
        if let Some(showing) = showing_of(&end.verdict, self.fault) {
            self.showed(showing).await;
        }
        let remains = Remains {
            attempt: self.attempt.id,
            host: self.attempt.host,
            may_come_late: self.creating && self.handle.is_none(),
            handle: self.handle.take(),
        };
        // The reaper lives as long as the worker; without it the next worker's reaper finds it.
        let _ = self.context.remains.send(remains);
        Ok(())
    }

    /// Ends the log. Where that takes longer, the steps before are written meanwhile.
    async fn log_totals(&mut self) -> Result<LogTotals, Left> {
        let state = std::mem::take(&mut *self.outputs.log().await);
        let mut totals = pin!(logs::totals(state));
        let ended = tokio::select! {
            ended = &mut totals => ended,
            () = sleep_or_never(self.patience()) => {
                self.write_down().await?;
                totals.await
            }
        };
        ended.map_err(|error| {
            tracing::error!(error = %error, "the end of the log could not be written");
            Left::Leaving
        })
    }

    /// Keeps what the attempt showed of its host.
    async fn showed(&self, showing: Showing) {
        health::showed(&self.context, self.attempt.host, showing).await;
    }

    /// Leaves the log in order, whatever happened before.
    pub(super) async fn close(&mut self) {
        self.metering = None;
        let state = std::mem::take(&mut *self.outputs.log().await);
        logs::leave(state).await;
    }

    /// Writes until it is written. A store that is full or busy delays, and loses nothing.
    async fn persist<T, F>(&self, mut write: impl FnMut() -> F) -> Result<T, Left>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut pause = limits::RETRY_CALL_FIRST;
        loop {
            match write().await {
                Ok(value) => return Ok(value),
                Err(StoreError::Stale { .. }) => return Err(Left::Overtaken),
                Err(error) => {
                    tracing::error!(error = %error, "the store cannot be written; trying again");
                }
            }
            tokio::select! {
                () = self.context.leave.cancelled() => return Err(Left::Leaving),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        }
    }
}

fn describe(cause: StopCause) -> &'static str {
    match cause {
        StopCause::Cancel(_) => "cancelled",
        StopCause::Evict => "its host is drained",
        StopCause::Limit(limit) => match limit {
            longshore_core::outcome::Limit::Run => "run limit passed",
            longshore_core::outcome::Limit::Total => "total limit passed",
            longshore_core::outcome::Limit::Start => "start limit passed",
            longshore_core::outcome::Limit::Pull => "pull limit passed",
            longshore_core::outcome::Limit::Queue => "queue limit passed",
        },
    }
}
