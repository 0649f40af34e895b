//! One container of the mock: its stages, and what it has printed so far.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::attempt::{Exit, Observed, Refusal};
use longshore_core::launch::{Handle, LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL, Launch};
use longshore_core::log::Frame;
use longshore_core::share::Share;
use longshore_core::spec::ImageReference;
use longshore_core::{AttemptId, PoolId};
use tokio::sync::watch;

use super::behaviour::{Behaviour, Consumption, OnTerm, Output};
use super::clock::after;
use super::foreign::Foreign;
use crate::Owned;

/// Exit code of a process that was killed.
pub(super) const KILLED: i32 = 137;
/// The signal that asks.
pub(super) const TERM: i32 = 15;
/// The signal that does not ask.
pub(super) const KILL: i32 = 9;

#[derive(Debug)]
pub(super) struct Container {
    pub(super) serial: u64,
    /// What it was made from, unless somebody else made it.
    pub(super) launch: Option<Launch>,
    pub(super) name: String,
    pub(super) image: ImageReference,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) limits: Share,
    pub(super) created_at: Timestamp,
    pub(super) stage: Stage,
    /// Somebody sent it a signal.
    pub(super) was_signalled: bool,
    /// When the removal that is under way will be done.
    pub(super) gone_at: Option<Timestamp>,
    /// Woken whenever its fate changes; closed when it is removed.
    pub(super) changed: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) enum Stage {
    Created { refused: Option<Refusal> },
    Running(Run, Option<Ending>),
    Exited(Run, Exit),
}

/// A container that was started.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) started_at: Timestamp,
    pub(super) on_term: OnTerm,
    pub(super) consumption: Consumption,
    /// Everything that it would print, in order.
    pub(super) frames: Arc<[Frame]>,
}

/// How a running container is going to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) at: Timestamp,
    pub(super) code: i32,
    pub(super) oom_killed: bool,
    /// The signal that ends it, if one does that is not announced yet.
    pub(super) signal: Option<i32>,
    pub(super) message: Option<String>,
}

impl Ending {
    pub(super) fn with_code(at: Timestamp, code: i32) -> Self {
        Self {
            at,
            code,
            oom_killed: false,
            signal: None,
            message: None,
        }
    }

    pub(super) fn kill(at: Timestamp) -> Self {
        Self {
            signal: Some(KILL),
            ..Self::with_code(at, KILLED)
        }
    }
}

impl Run {
    pub(super) fn new(behaviour: Behaviour, started_at: Timestamp) -> Self {
        Self {
            started_at,
            on_term: behaviour.on_term,
            consumption: behaviour.consumption,
            frames: frames(behaviour.output, started_at),
        }
    }

    /// How it answers to TERM, within the grace.
    pub(super) fn asked_to_stop(&self, now: Timestamp, grace: Duration) -> Option<Ending> {
        let killed = after(now, grace).map(Ending::kill);
        match self.on_term {
            OnTerm::Ends(time, code) if time <= grace => {
                after(now, time).map(|at| Ending::with_code(at, code))
            }
            OnTerm::Ends(..) | OnTerm::Ignores => killed,
        }
    }
}

impl Container {
    pub(super) fn new(serial: u64, launch: &Launch, now: Timestamp) -> Self {
        Self {
            serial,
            launch: Some(launch.clone()),
            name: launch.container_name(),
            image: launch.image.clone(),
            labels: launch.labels(),
            limits: Share::of_job(&launch.spec),
            created_at: now,
            stage: Stage::Created { refused: None },
            was_signalled: false,
            gone_at: None,
            changed: watch::Sender::new(()),
        }
    }

    /// One that somebody else made and has not started.
    pub(super) fn foreign(serial: u64, foreign: Foreign) -> Self {
        Self {
            serial,
            launch: None,
            name: foreign.name,
            image: foreign.image,
            labels: foreign.labels,
            limits: foreign.limits,
            created_at: foreign.created_at,
            stage: Stage::Created { refused: None },
            was_signalled: false,
            gone_at: None,
            changed: watch::Sender::new(()),
        }
    }

    /// The engine's id. No two begin alike, as long as there are few.
    pub(super) fn id(&self) -> String {
        format!("{:016x}", self.serial.reverse_bits())
    }

    /// The serial number of the container with this id.
    pub(super) fn serial_of(id: &str) -> Option<u64> {
        let reversed = u64::from_str_radix(id, 16).ok()?;
        (id.len() == 16).then(|| reversed.reverse_bits())
    }

    pub(super) fn handle(&self) -> Handle {
        handle(self.id())
    }

    /// The pool that its label names.
    pub(super) fn pool(&self) -> Option<PoolId> {
        self.labels.get(LABEL_POOL)?.parse().ok()
    }

    /// The attempt that its label names.
    pub(super) fn attempt(&self) -> Option<AttemptId> {
        self.labels.get(LABEL_ATTEMPT)?.parse().ok()
    }

    /// When it began to run, if it ever did.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Created { .. } => None,
            Stage::Running(run, _) | Stage::Exited(run, _) => Some(run.started_at),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        match self.stage {
            Stage::Running(..) => true,
            Stage::Created { .. } | Stage::Exited(..) => false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        match self.stage {
            Stage::Exited(..) => true,
            Stage::Created { .. } | Stage::Running(..) => false,
        }
    }

    /// When something will happen to it by itself.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let end = match &self.stage {
            Stage::Running(_, ending) => ending.as_ref().map(|ending| ending.at),
            Stage::Created { .. } | Stage::Exited(..) => None,
        };
        end.into_iter().chain(self.gone_at).min()
    }

    pub(super) fn observed(&self) -> Observed {
        if self.gone_at.is_some() {
            return Observed::Removing;
        }
        match &self.stage {
            Stage::Created { refused } => Observed::Created {
                refused: refused.clone(),
            },
            Stage::Running(run, _) => Observed::Running {
                started_at: Some(run.started_at),
            },
            Stage::Exited(_, exit) => Observed::Exited(exit.clone()),
        }
    }

    pub(super) fn owned(&self) -> Owned {
        Owned {
            handle: self.handle(),
            attempt: self.attempt(),
            job: self.labels.get(LABEL_JOB).and_then(|id| id.parse().ok()),
            name: self.name.clone(),
            created_at: self.created_at,
            is_running: self.is_running(),
        }
    }

    /// Everything that it has printed by `now`.
    pub(super) fn printed(&self, now: Timestamp) -> &[Frame] {
        let (run, until) = match &self.stage {
            Stage::Created { .. } => return &[],
            Stage::Running(run, _) => (run, now),
            Stage::Exited(run, exit) => (run, exit.finished_at.unwrap_or(now)),
        };
        &run.frames[..run.frames.partition_point(|frame| frame.at <= until)]
    }

    /// When it will print the frame of this number, if it lives so long.
    pub(super) fn prints_at(&self, number: usize) -> Option<Timestamp> {
        match &self.stage {
            Stage::Running(run, _) => run.frames.get(number).map(|frame| frame.at),
            Stage::Created { .. } | Stage::Exited(..) => None,
        }
    }
}

/// The handle of the container with this id.
pub(super) fn handle(id: String) -> Handle {
    Handle {
        version: 1,
        content: id,
    }
}

/// The output in order of time, a frame a line.
fn frames(mut output: Vec<Output>, started_at: Timestamp) -> Arc<[Frame]> {
    output.sort_by_key(|piece| piece.after);
    output
        .iter()
        .flat_map(|piece| lines(piece, started_at))
        .collect()
}

fn lines(piece: &Output, started_at: Timestamp) -> impl Iterator<Item = Frame> {
    let at = after(started_at, piece.after).unwrap_or(Timestamp::MAX);
    let lines = piece.bytes.split_inclusive(|byte| *byte == b'\n');
    lines.map(move |line| Frame {
        stream: piece.stream,
        at,
        bytes: piece.bytes.slice_ref(line),
    })
}
