//! `wait_for_container`: waits until the container of a job has ended.
//!
//! It drives the same state machine that workers drive, from a container that runs: the same events,
//! limits and verdicts.

use std::time::Duration;

use longshore_core::JobId;
use longshore_core::attempt::{Action, Machine, Observed, Phase, Seen, State};
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::outcome::{Provenance, Verdict};
use longshore_executor::{EndedBy, ExecutorError, Heard, Meter, Observer};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::charge::Charge;
use crate::conclude::{Afterwards, Ending};
use crate::error::{ServiceError, Why};
use crate::log_keeper::LogKeeper;
use crate::service::DockerService;
use crate::watches::Waiter;

const TRIED: &str = "waiting for the container failed";

impl DockerService {
    /// Waits until the job's container has ended and answers with its exit code; writes down how it
    /// ended, its log and what it used. It does not remove the container. The job's own run limit
    /// stops the container; a `limit` of the caller leaves it alone.
    ///
    /// `None` if there is no container, or it is gone, and then the job has failed as lost. A job
    /// that is over gives its exit code again.
    ///
    /// # Errors
    /// The host cannot be spoken to; the container was not started; the caller's limit passed; the
    /// host refuses; or the store cannot be used. The record stays as it is then.
    pub async fn wait_for_container(
        &self,
        job: JobId,
        limit: Option<Duration>,
    ) -> Result<Option<i32>, ServiceError> {
        let subject = self.driven(job, TRIED).await?;
        let is_final = subject.job.status.is_final();
        let Some(mut charge) = self.charge(subject).await? else {
            return Ok(None);
        };
        if charge.attempt.phase == Phase::Ended {
            let verdict = charge.attempt.verdict.filter(|_| is_final);
            return Ok(verdict.and_then(|verdict| verdict.exit_code));
        }
        let Some(handle) = charge.container(TRIED).await? else {
            return Ok(None);
        };
        let place = charge.place.clone();
        let observed = place.call(|| place.executor.observe(&handle)).await;
        let observed = observed.map_err(|error| place.error(TRIED, error))?;
        charge.settle(&handle, &observed).await?;
        match observed {
            Observed::Created { .. } => Err(ServiceError::execution(TRIED, Why::NotStarted)),
            Observed::Absent if charge.attempt.phase == Phase::Claimed => {
                charge.lose().await?;
                Ok(None)
            }
            Observed::Running { .. }
            | Observed::Exited(_)
            | Observed::Removing
            | Observed::Absent => Waiting::begin(charge, handle, limit).await.run().await,
        }
    }
}

/// A wait under way.
struct Waiting {
    charge: Charge,
    handle: Handle,
    machine: Machine,
    observer: Observer,
    meter: Meter,
    limit: Option<(Duration, Instant)>,
    pause: Duration,
    /// Silences in a row.
    silences: u32,
    /// Keeps the host's events coming.
    _waiter: Waiter,
    /// Ends the tasks that carry the log and read the counters.
    tasks: Option<DropGuard>,
}

impl Waiting {
    async fn begin(charge: Charge, handle: Handle, limit: Option<Duration>) -> Self {
        let limit = limit.map(|limit| (limit, Instant::now() + limit.min(FAR)));
        let (service, place) = (&charge.service, &charge.place);
        let pool = service.store().pool();
        let waiter = service
            .watches()
            .listen((place, pool), charge.attempt.id, service.tasks())
            .await;
        let hints = waiter.listener.hints();
        let started_at = charge.attempt.started_at;
        Self {
            machine: Machine::new(charge.job.terms(), started_at, charge.now()),
            observer: Observer::new(
                place.executor.clone(),
                charge.attempt.id,
                hints,
                Heard::Late,
            ),
            meter: Meter::default(),
            limit,
            pause: limits::RETRY_CALL_FIRST,
            silences: 0,
            _waiter: waiter,
            tasks: None,
            charge,
            handle,
        }
    }

    /// Carries the log and reads the counters until the end.
    fn accompany(&mut self) {
        let stop = CancellationToken::new();
        let (charge, tasks) = (&self.charge, self.charge.service.tasks());
        let log = LogKeeper::of(charge, &self.handle);
        tasks.spawn(log.follow(stop.clone(), self.observer.output_ended()));
        let started_at = charge.attempt.started_at.unwrap_or_else(|| charge.now());
        let executor = charge.place.executor.clone();
        let handle = self.handle.clone();
        tasks.spawn(
            self.meter
                .clone()
                .run(executor, handle, started_at, stop.clone()),
        );
        self.tasks = Some(stop.drop_guard());
    }

    async fn run(mut self) -> Result<Option<i32>, ServiceError> {
        self.accompany();
        let ended = self.end().await;
        drop(self.tasks.take());
        if let Ok(End::OfContainer(verdict)) = &ended
            && let Some(started_at) = verdict.started_at
        {
            let executor = &self.charge.place.executor;
            self.meter.close(executor, &self.handle, started_at).await;
        }
        let usage = self.meter.totals();
        match ended {
            Ok(End::OfContainer(verdict)) => {
                let ending = Ending {
                    handle: self.handle,
                    verdict,
                    usage,
                };
                let verdict = self.charge.conclude(ending, Afterwards::Keep).await?;
                Ok(verdict.exit_code)
            }
            Ok(End::Without(verdict)) => {
                self.charge.end_without(verdict).await?;
                Ok(None)
            }
            Err(error) => {
                self.keep_usage(usage).await;
                Err(error)
            }
        }
    }

    async fn keep_usage(&self, usage: Option<longshore_core::usage::Usage>) {
        let Some(usage) = usage else { return };
        let usage = match self.charge.attempt.usage.clone() {
            Some(earlier) => earlier.with(&usage),
            None => usage,
        };
        let (store, fenced) = (self.charge.store(), self.charge.fenced());
        if let Err(error) = store.metered(fenced, &usage).await {
            tracing::debug!(%error, "what the container used is not kept");
        }
    }

    /// Steps until the machine knows how the attempt ended.
    async fn end(&mut self) -> Result<End, ServiceError> {
        let mut action = self.machine.first();
        loop {
            let seen = self.next(action).await?;
            let (machine, next) = self.machine.clone().step(seen, self.charge.now());
            self.machine = machine;
            action = match next {
                Action::Again => {
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(limits::RETRY_CALL_LAST);
                    self.machine.first()
                }
                Action::Keep => self.machine.first(),
                action @ (Action::Find
                | Action::EnsureImage
                | Action::Create
                | Action::Start(_)
                | Action::Watch(_)
                | Action::Stop(_)
                | Action::Drain(_)
                | Action::Finish(_)) => action,
            };
            match (&action, self.machine.state()) {
                (Action::Drain(_), State::Draining(_, verdict)) => {
                    return Ok(End::OfContainer(verdict.clone()));
                }
                (Action::Finish(verdict), _) => return Ok(End::Without(verdict.clone())),
                _ => {}
            }
        }
    }

    /// Does what the machine asks for, until that, a clock of the job or the caller's limit is there.
    async fn next(&mut self, action: Action) -> Result<Seen, ServiceError> {
        let now = self.charge.now();
        let clock = self.machine.deadline().map(|until| {
            let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            // A moment later than the clock says, so that it has run out for sure.
            Instant::now() + left.min(FAR) + Duration::from_millis(1)
        });
        let is_watching = matches!(action, Action::Find | Action::Watch(_));
        let limit = self.limit.filter(|_| is_watching);
        let (charge, observer) = (self.charge.clone(), self.observer.clone());
        let by = match self.machine.state() {
            State::Stopping(..) => EndedBy::Us,
            State::Finding
            | State::Preparing
            | State::Creating
            | State::Starting(_)
            | State::Running(_)
            | State::Draining(..)
            | State::Ended(_) => EndedBy::Itself,
        };
        let doing = perform(charge, (observer, by), self.handle.clone(), action);
        let seen = tokio::select! {
            seen = doing => seen?,
            () = until(clock) => Seen::Clock,
            () = until(limit.map(|(_, at)| at)) => {
                let passed = limit.map_or(Duration::ZERO, |(limit, _)| limit);
                return Err(ServiceError::execution(TRIED, Why::StillRunning(passed)));
            }
        };
        self.heard(&seen)?;
        Ok(seen)
    }

    /// Gives up when the host cannot be reached or is in trouble again and again: nothing is decided
    /// then.
    fn heard(&mut self, seen: &Seen) -> Result<(), ServiceError> {
        let Seen::Failed(fault, message) = seen else {
            (self.silences, self.pause) = (0, limits::RETRY_CALL_FIRST);
            return Ok(());
        };
        self.silences += 1;
        let may_pass = fault.is_transient() && *fault != Fault::TimedOut;
        if may_pass && self.silences <= self.charge.place.retries {
            return Ok(());
        }
        let error = ExecutorError::new(*fault, message.clone());
        Err(self.charge.place.error(TRIED, error))
    }
}

/// A wait that is longer than anybody waits.
const FAR: Duration = Duration::from_hours(24 * 365);

/// How an attempt ended.
enum End {
    /// Its container shows how.
    OfContainer(Verdict),
    /// There is no container any more.
    Without(Verdict),
}

async fn perform(
    mut charge: Charge,
    (eyes, by): (Observer, EndedBy),
    handle: Handle,
    action: Action,
) -> Result<Seen, ServiceError> {
    match action {
        Action::Find => {
            let looked = eyes.look(&handle, by, Provenance::Inspect).await;
            Ok(match looked {
                Ok((observed, evidence)) => Seen::Found(Some((handle, observed)), evidence),
                Err(error) => Seen::from(&error),
            })
        }
        Action::Watch(handle) => Ok(eyes.watch(handle, by).await),
        Action::Stop(handle) => {
            let grace = charge.job.spec.timeouts.stop_grace.duration();
            charge
                .ask_to_stop(&handle, grace, "time limit passed")
                .await?;
            Ok(Seen::Stopped)
        }
        Action::EnsureImage | Action::Create | Action::Start(_) => {
            Err(ServiceError::execution(TRIED, Why::NotStarted))
        }
        Action::Drain(_) | Action::Again | Action::Keep | Action::Finish(_) => {
            std::future::pending().await
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
