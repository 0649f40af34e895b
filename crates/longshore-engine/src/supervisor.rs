//! Moves one attempt: performs the actions of its state machine and records what happens.
//!
//! Guarantees: intent is in the store before the side effect; a report that another worker has
//! overtaken is refused by the store and ends this supervisor without touching the container.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::attempt::{Action, Machine, Phase, Seen};
use longshore_core::fault::Fault;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::limits;
use longshore_executor::{Heard, Listener, Observer};
use tokio::sync::watch;
use tracing::Instrument;

use crate::clock::{Clock, SteadyClock};
use crate::context::{ActiveHost, Context, Wish};

mod calls;
mod logs;
mod outputs;
mod record;
mod unwritten;

use calls::Calls;
use record::Recorder;

/// Why a supervisor stops before the attempt has its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// The attempt belongs to another worker now.
    Overtaken,
    /// The worker leaves; another will go on.
    Leaving,
}

/// Whether the attempt has a past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Claimed a moment ago by this worker.
    Claimed,
    /// Taken over from another worker.
    Adopted,
}

type Call = Pin<Box<dyn Future<Output = Seen> + Send>>;

/// One attempt in this worker's hands.
struct Supervisor {
    context: Arc<Context>,
    clock: SteadyClock,
    machine: Machine,
    recorder: Recorder,
    calls: Calls,
    wish: watch::Receiver<Option<Wish>>,
    pause: Duration,
    /// Keeps the host watch telling us.
    _listener: Listener,
}

/// Begins to move an attempt, unless it is being moved here already.
pub(crate) fn supervise(
    context: &Arc<Context>,
    host: &ActiveHost,
    job: Job,
    attempt: &AttemptRecord,
    origin: Origin,
) {
    let Some(wish) = context.enter(attempt.id, attempt.host) else {
        return;
    };
    let listener = host.watch.listen(attempt.id);
    let heard = match origin {
        Origin::Claimed => Heard::Whole,
        Origin::Adopted => Heard::Late,
    };
    let executor = Arc::clone(&host.executor);
    let observer = Observer::new(executor, attempt.id, listener.hints(), heard);
    // Its limits are lengths of time: they do not follow a clock that is put forward or back.
    let clock = SteadyClock::showing(context.now());
    let machine = machine(&job, attempt, origin, clock.now());
    let launch = job.launch(context.store.pool(), attempt.id, &host.host.name);
    let recorder = Recorder::new(
        Arc::clone(context),
        host,
        job,
        attempt,
        observer.output_ended(),
    );
    let calls = Calls {
        context: Arc::clone(context),
        host: host.clone(),
        launch: Arc::new(launch),
        observer,
        outputs: recorder.outputs(),
    };
    let supervisor = Supervisor {
        context: Arc::clone(context),
        clock,
        machine,
        recorder,
        calls,
        wish,
        pause: limits::RETRY_CALL_FIRST,
        _listener: listener,
    };
    let (owner, id) = (Arc::clone(context), attempt.id);
    let task = async move {
        supervisor.run().await;
        owner.exit(id);
    };
    context.spawn(task.instrument(tracing::info_span!("attempt", attempt.id = %id)));
}

fn machine(job: &Job, attempt: &AttemptRecord, origin: Origin, now: Timestamp) -> Machine {
    let terms = job.terms();
    if origin == Origin::Claimed {
        return Machine::fresh(terms, now);
    }
    match (attempt.phase, &attempt.handle, &attempt.verdict) {
        (Phase::Draining, Some(handle), Some(verdict)) => {
            Machine::draining(terms, handle.clone(), verdict.clone(), now)
        }
        _ => Machine::new(terms, attempt.started_at, now).unknown_since(attempt.unknown_since),
    }
}

impl Supervisor {
    async fn run(mut self) {
        match self.steps().await {
            Ok(()) => {}
            Err(Left::Overtaken) => {
                tracing::warn!("another worker has taken this attempt over");
            }
            Err(Left::Leaving) => {
                tracing::debug!("left for the next worker");
                // Tried once; what cannot be written is learnt again.
                let _ = self.recorder.write_down().await;
            }
        }
        self.recorder.close().await;
    }

    async fn steps(&mut self) -> Result<(), Left> {
        let mut call = self.calls.begin(self.machine.first());
        loop {
            let (seen, is_answer) = self.next(&mut call).await?;
            self.recorder.heard(&seen).await?;
            let before = self.machine.state().clone();
            let (machine, action) = self.machine.clone().step(seen, self.clock.now());
            self.machine = machine;
            if *self.machine.state() != before {
                self.recorder.entered(self.machine.state()).await?;
            }
            call = match action {
                Action::Finish(verdict) => return self.recorder.finish(verdict).await,
                Action::Keep if !is_answer => continue,
                Action::Again => self.again(),
                // Nothing came of the answer: do what the state asks for.
                Action::Keep => self.calls.begin(self.machine.first()),
                next @ (Action::Find
                | Action::EnsureImage
                | Action::Create
                | Action::Start(_)
                | Action::Watch(_)
                | Action::Stop(_)
                | Action::Drain(_)) => {
                    self.pause = limits::RETRY_CALL_FIRST;
                    self.calls.begin(next)
                }
            };
        }
    }

    /// What is seen next: the answer of the call under way, a cancel wish, or a clock. Where that takes
    /// longer, the steps before are written meanwhile.
    async fn next(&mut self, call: &mut Call) -> Result<(Seen, bool), Left> {
        loop {
            let patience = self.recorder.patience();
            tokio::select! {
                seen = self.see(call) => return seen,
                () = sleep_or_never(patience) => {}
            }
            self.recorder.write_down().await?;
        }
    }

    async fn see(&mut self, call: &mut Call) -> Result<(Seen, bool), Left> {
        let now = self.clock.now();
        let clock = self.machine.deadline().map(|until| until_from(now, until));
        let patience = self.machine.is_giving_up().then_some(limits::GIVE_UP_GRACE);
        tokio::select! {
            () = self.context.leave.cancelled() => Err(Left::Leaving),
            seen = call => Ok((seen, true)),
            Ok(()) = self.wish.changed() => {
                let seen = match *self.wish.borrow_and_update() {
                    None => Seen::Clock,
                    Some(Wish::Cancel(reason)) => Seen::Cancel(reason),
                    Some(Wish::Evict) => Seen::Evict,
                };
                Ok((seen, false))
            }
            () = sleep_or_never(clock) => Ok((Seen::Clock, false)),
            () = sleep_or_never(patience) => {
                let said = "no answer before it was given up".to_owned();
                Ok((Seen::Failed(Fault::TimedOut, said), true))
            }
        }
    }

    /// The current action again, after a pause that grows.
    fn again(&mut self) -> Call {
        let pause = self.pause;
        self.pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        let call = self.calls.begin(self.machine.first());
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            call.await
        })
    }
}

fn until_from(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)
}

async fn sleep_or_never(pause: Option<Duration>) {
    match pause {
        // A moment later than the clock says, so that it has run out for sure.
        Some(pause) => tokio::time::sleep(pause + Duration::from_millis(1)).await,
        None => std::future::pending().await,
    }
}
