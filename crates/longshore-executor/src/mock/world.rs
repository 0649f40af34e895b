//! Everything on a mock host, as plain data that only moves when somebody looks.
//!
//! Nothing runs in the background: whatever is due by now is settled, in order of time, before any
//! look or change. So a thousand containers cost no task and no timer of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::attempt::{Exit, ExitCause, Observed};
use longshore_core::fault::Fault;
use longshore_core::launch::{Handle, Launch, container_name};
use longshore_core::limits::EVENT_QUEUE;
use longshore_core::{AttemptId, PoolId};
use tokio::sync::{broadcast, watch};

use super::behaviour::Behaviour;
use super::clock::after;
use super::container::{Container, Ending, KILL, Run, Stage, TERM};
use super::foreign::Foreign;
use super::knobs::Knobs;
use super::shelf::Shelf;
use crate::{ExecutorError, Force, HostEvent, Removed};

/// How often things were done to one attempt's container, over all containers of its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Containers that were made.
    pub creates: u32,
    /// Times that its program began to run.
    pub starts: u32,
    /// Times that it was asked to stop while it ran.
    pub stops: u32,
    /// Containers that were removed, by whomever.
    pub removes: u32,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) knobs: Knobs,
    pub(super) shelf: Shelf,
    pub(super) engine_started_at: Timestamp,
    pub(super) counts: HashMap<AttemptId, Counts>,
    pub(super) max_running: usize,
    events: broadcast::Sender<(PoolId, HostEvent)>,
    /// Woken when the next due time may have changed.
    rescheduled: watch::Sender<()>,
    running: usize,
    rng: fastrand::Rng,
    pub(super) containers: BTreeMap<u64, Container>,
    names: HashMap<String, u64>,
    agenda: BTreeSet<(Timestamp, u64)>,
    last_serial: u64,
}

impl World {
    pub(super) fn new(knobs: Knobs) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(knobs.seed),
            engine_started_at: knobs.base,
            knobs,
            shelf: Shelf::default(),
            counts: HashMap::new(),
            running: 0,
            max_running: 0,
            events: broadcast::Sender::new(EVENT_QUEUE),
            rescheduled: watch::Sender::new(()),
            containers: BTreeMap::new(),
            names: HashMap::new(),
            agenda: BTreeSet::new(),
            last_serial: 0,
        }
    }

    /// Lets everything happen that is due by `now`.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some((at, serial)) = self.agenda.first().copied().filter(|(at, _)| *at <= now) {
            self.agenda.remove(&(at, serial));
            let is_gone = self.containers[&serial]
                .gone_at
                .is_some_and(|gone_at| gone_at <= at);
            if is_gone {
                self.take_away(serial);
            } else {
                self.end(serial);
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    pub(super) fn subscribe(
        &self,
    ) -> (
        broadcast::Receiver<(PoolId, HostEvent)>,
        watch::Receiver<()>,
    ) {
        (self.events.subscribe(), self.rescheduled.subscribe())
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    pub(super) fn named(&self, attempt: AttemptId) -> Option<&Container> {
        let serial = self.names.get(&container_name(attempt))?;
        Some(&self.containers[serial]).filter(|found| found.attempt() == Some(attempt))
    }

    pub(super) fn container(&self, handle: &Handle) -> Option<&Container> {
        self.containers.get(&Container::serial_of(&handle.content)?)
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.values()
    }

    pub(super) fn observe(&self, handle: &Handle) -> Observed {
        self.container(handle)
            .map_or(Observed::Absent, Container::observed)
    }

    pub(super) fn create(
        &mut self,
        launch: &Launch,
        now: Timestamp,
    ) -> Result<Handle, ExecutorError> {
        if let Some(existing) = self.named(launch.attempt) {
            return Ok(existing.handle());
        }
        if !self.shelf.has(&self.knobs, &launch.image) {
            let message = format!("create {}: no such image: {}", launch.attempt, launch.image);
            return Err(ExecutorError::new(Fault::ImageNotFound, message));
        }
        if self.names.contains_key(&launch.container_name()) {
            let message = format!("create {}: somebody else holds the name", launch.attempt);
            return Err(ExecutorError::new(Fault::Conflict, message));
        }
        let serial = self.next_serial();
        let handle = self.put(Container::new(serial, launch, now));
        self.count(serial, |counts| counts.creates += 1);
        Ok(handle)
    }

    /// Adds a container of somebody else, as if it had been there since its creation.
    pub(super) fn add(&mut self, mut foreign: Foreign, now: Timestamp) -> Handle {
        let (behaviour, created_at) = (foreign.behaviour.take(), foreign.created_at);
        let serial = self.next_serial();
        let handle = self.put(Container::foreign(serial, foreign));
        if let Some(behaviour) = behaviour {
            // A start that is refused shows in the container.
            let _ = self.run(serial, behaviour, created_at);
        }
        self.settle(now);
        handle
    }

    fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    fn put(&mut self, container: Container) -> Handle {
        let handle = container.handle();
        self.names.insert(container.name.clone(), container.serial);
        self.containers.insert(container.serial, container);
        handle
    }

    pub(super) fn start(&mut self, handle: &Handle, now: Timestamp) -> Result<(), ExecutorError> {
        let Some(container) = self
            .container(handle)
            .filter(|found| found.gone_at.is_none())
        else {
            return Err(ExecutorError::new(
                Fault::Conflict,
                "start: the container is not there",
            ));
        };
        let serial = container.serial;
        match &container.stage {
            Stage::Running(..) | Stage::Exited(..) => Ok(()),
            Stage::Created { .. } => {
                let launch = container.launch.as_ref();
                let behaviour = launch.map(|launch| self.knobs.behaviour_for(launch));
                let behaviour = behaviour.unwrap_or_default().within(container.limits);
                self.run(serial, behaviour, now)
            }
        }
    }

    fn run(
        &mut self,
        serial: u64,
        behaviour: Behaviour,
        now: Timestamp,
    ) -> Result<(), ExecutorError> {
        if let Some(refusal) = behaviour.refusal {
            let error = ExecutorError::new(refusal.fault, refusal.message.clone());
            self.change(serial, |found| {
                found.stage = Stage::Created {
                    refused: Some(refusal),
                }
            });
            return Err(error);
        }
        let code = behaviour.exit.draw(&mut self.rng);
        let run_time = behaviour.run_time.draw(&mut self.rng);
        let ending = run_time
            .and_then(|run_time| after(now, run_time))
            .map(|at| Ending {
                oom_killed: behaviour.oom_killed,
                ..Ending::with_code(at, code)
            });
        let run = Run::new(behaviour, now);
        self.change(serial, |found| found.stage = Stage::Running(run, ending));
        self.running += 1;
        self.max_running = self.max_running.max(self.running);
        self.count(serial, |counts| counts.starts += 1);
        self.settle(now);
        Ok(())
    }

    /// Asks it to stop; whether and when it obeys is its own affair.
    pub(super) fn ask_to_stop(&mut self, handle: &Handle, grace: Duration, now: Timestamp) {
        let Some(container) = self.container(handle) else {
            return;
        };
        let Stage::Running(run, _) = &container.stage else {
            return;
        };
        let serial = container.serial;
        let ending = run.asked_to_stop(now, grace);
        self.count(serial, |counts| counts.stops += 1);
        self.signal(serial, TERM);
        if let Some(ending) = ending {
            self.end_by(serial, ending);
        }
        self.settle(now);
    }

    /// Sends a signal from outside, which ends it at once.
    pub(super) fn kill(&mut self, attempt: AttemptId, signal: i32, now: Timestamp) {
        if let Some(serial) = self.named(attempt).map(|found| found.serial) {
            self.kill_by(serial, signal, now);
        }
    }

    fn kill_by(&mut self, serial: u64, signal: i32, now: Timestamp) {
        let ending = Ending {
            signal: Some(signal),
            ..Ending::with_code(now, 128 + signal)
        };
        self.end_by(serial, ending);
        self.settle(now);
    }

    pub(super) fn remove(
        &mut self,
        handle: &Handle,
        force: Force,
        now: Timestamp,
    ) -> Result<Removed, ExecutorError> {
        let Some(container) = self.container(handle) else {
            return Ok(Removed::WasAbsent);
        };
        if container.gone_at.is_some() {
            return Ok(Removed::Pending);
        }
        let serial = container.serial;
        match (container.is_running(), force) {
            (true, Force::Never) => {
                let message = format!("remove {}: the container is running", container.name);
                return Err(ExecutorError::new(Fault::Conflict, message));
            }
            (true, Force::Kill) => self.kill_by(serial, KILL, now),
            (false, Force::Never | Force::Kill) => {}
        }
        let gone_at = after(now, self.knobs.removal_time);
        self.change(serial, |found| found.gone_at = gone_at);
        self.settle(now);
        let is_there = self.containers.contains_key(&serial);
        Ok(if is_there {
            Removed::Pending
        } else {
            Removed::Gone
        })
    }

    /// Takes it away behind everybody's back.
    pub(super) fn vanish(&mut self, attempt: AttemptId) {
        if let Some(serial) = self.named(attempt).map(|found| found.serial) {
            self.take_away(serial);
        }
    }

    /// Ends it like this unless it ends earlier anyway.
    pub(super) fn end_by(&mut self, serial: u64, ending: Ending) {
        self.change(serial, |found| match &mut found.stage {
            Stage::Running(_, Some(own)) if own.at < ending.at => {}
            Stage::Running(_, own) => *own = Some(ending),
            Stage::Created { .. } | Stage::Exited(..) => {}
        });
    }

    /// Its planned end has come.
    fn end(&mut self, serial: u64) {
        let mut signal = None;
        self.change(serial, |found| {
            let Stage::Running(run, Some(ending)) = &found.stage else {
                return;
            };
            signal = ending.signal;
            let exit = Exit {
                code: ending.code,
                oom_killed: ending.oom_killed,
                started_at: Some(run.started_at),
                finished_at: Some(ending.at),
                message: ending.message.clone(),
                cause: ExitCause::Itself,
            };
            found.stage = Stage::Exited(run.clone(), exit);
        });
        self.running -= 1;
        if let Some(signal) = signal {
            self.signal(serial, signal);
        }
        self.announce(serial, HostEvent::Exited);
    }

    fn take_away(&mut self, serial: u64) {
        self.announce(serial, HostEvent::Removed);
        self.count(serial, |counts| counts.removes += 1);
        let Some(taken) = self.containers.remove(&serial) else {
            return;
        };
        if taken.is_running() {
            self.running -= 1;
        }
        self.names.remove(&taken.name);
        if let Some(due) = taken.due() {
            self.agenda.remove(&(due, serial));
        }
        self.rescheduled.send_replace(());
    }

    pub(super) fn signal(&mut self, serial: u64, signal: i32) {
        self.change(serial, |found| found.was_signalled = true);
        self.announce(serial, |attempt| HostEvent::Signalled(attempt, signal));
    }

    fn announce(&self, serial: u64, event: impl FnOnce(AttemptId) -> HostEvent) {
        if self.knobs.drops_events {
            return;
        }
        let container = &self.containers[&serial];
        if let (Some(pool), Some(attempt)) = (container.pool(), container.attempt()) {
            // Nobody listens: the event is lost, as on a real host.
            let _ = self.events.send((pool, event(attempt)));
        }
    }

    /// Counts what is done to a container that an attempt has.
    fn count(&mut self, serial: u64, add: impl FnOnce(&mut Counts)) {
        if let Some(attempt) = self.containers[&serial].attempt() {
            add(self.counts.entry(attempt).or_default());
        }
    }

    /// Changes a container, keeps the agenda right, wakes whoever waits for it.
    fn change(&mut self, serial: u64, change: impl FnOnce(&mut Container)) {
        let Some(container) = self.containers.get_mut(&serial) else {
            return;
        };
        if let Some(due) = container.due() {
            self.agenda.remove(&(due, serial));
        }
        change(container);
        container.changed.send_replace(());
        if let Some(due) = container.due() {
            self.agenda.insert((due, serial));
        }
        self.rescheduled.send_replace(());
    }
}
