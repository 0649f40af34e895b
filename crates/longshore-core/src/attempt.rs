//! The life of one attempt as a pure state machine: what is seen goes in, what to do comes out.
//!
//! The supervisor performs one [`Action`] at a time and feeds what came of it back as [`Seen`].
//! Cancel wishes and time limits enter as inputs like any other. A crash loses nothing: a new
//! machine begins in [`State::Finding`] and learns from the container's name where it stands.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::fault::{Fault, PullFault};
use crate::launch::Handle;
use crate::outcome::{CancelReason, FailReason, Limit, Outcome, Provenance, UnknownWord, Verdict};

mod judge;
mod step;
#[cfg(test)]
mod tests;

pub use judge::{Evidence, judge};

/// How far an attempt has come, as the store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A worker took it: image, create, start.
    Claimed,
    /// Its container runs.
    Running,
    /// Its end is known; its log is not complete yet. Holds no slot.
    Draining,
    /// Verdict written, log complete.
    Ended,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 4] = [Self::Claimed, Self::Running, Self::Draining, Self::Ended];

    /// The word in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Phase {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.word() == word)
            .ok_or_else(|| UnknownWord::new("phase", word))
    }
}

/// What an engine says about a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// There is none.
    Absent,
    /// It exists and never ran; `refused` when a start was tried and the engine gave up.
    Created {
        /// Fault and text of a failed start.
        refused: Option<Refusal>,
    },
    /// It runs.
    Running {
        /// Since when, by the host's clock.
        started_at: Option<Timestamp>,
    },
    /// It ran and ended.
    Exited(Exit),
    /// It is being removed.
    Removing,
}

/// A start that the engine refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, as the start itself would answer it.
    pub fault: Fault,
    /// What the engine said.
    pub message: String,
}

/// The facts of an ended container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The code that the engine reports.
    pub code: i32,
    /// The kernel killed something of it for lack of memory.
    pub oom_killed: bool,
    /// When it started, by the host's clock.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the host's clock.
    pub finished_at: Option<Timestamp>,
    /// What the engine says about the end.
    pub message: Option<String>,
    /// What ended it, as far as whoever ran it knows.
    pub cause: ExitCause,
}

/// What ended a container, in the eyes of whoever ran it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExitCause {
    /// Itself, or a signal, as its code says.
    #[default]
    Itself,
    /// Whoever ran it, since somebody asked for it.
    Stopped,
    /// Whoever ran it, since its time to run was over.
    RunLimit,
    /// Nobody knows: whoever ran it went first. The code means nothing.
    Unwitnessed,
}

/// The clocks that rule an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Limit of the pull.
    pub pull: Duration,
    /// Limit of create and start.
    pub start: Duration,
    /// Limit of the run.
    pub run: Option<Duration>,
    /// When the job as a whole must have ended.
    pub total_until: Option<Timestamp>,
    /// How long its host may be silent, once its container ran, before it is given up.
    pub lost_after: Option<Duration>,
}

/// Why a container is being stopped, or an attempt given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopCause {
    /// Somebody cancelled the job.
    Cancel(CancelReason),
    /// A limit passed.
    Limit(Limit),
    /// Its host is drained, and the deadline of that passed.
    Evict,
}

impl StopCause {
    /// The outcome of an attempt that ends for this cause.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Cancel(reason) => Outcome::Cancelled(reason),
            Self::Limit(limit) => Outcome::TimedOut(limit),
            Self::Evict => Outcome::Failed(FailReason::Evicted),
        }
    }
}

/// Where an attempt stands in the hands of its supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Looks the name up: what is there already?
    Finding,
    /// Brings the image to the host.
    Preparing,
    /// Creates the container.
    Creating,
    /// Starts it.
    Starting(Handle),
    /// It runs.
    Running(Handle),
    /// It was asked to stop.
    Stopping(Handle, StopCause),
    /// Its end is known; the rest of its log is read.
    Draining(Handle, Verdict),
    /// Over.
    Ended(Verdict),
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The look-up by name found this container, or none.
    Found(Option<(Handle, Observed)>, Evidence),
    /// The image is on the host.
    ImageReady,
    /// The container exists.
    Created(Handle),
    /// The start call succeeded.
    Started,
    /// The container was looked at.
    Looked(Observed, Evidence),
    /// The stop call returned.
    Stopped,
    /// The log is complete, or given up with a marked gap.
    Drained,
    /// The call that was under way failed.
    Failed(Fault, String),
    /// Somebody wishes the job cancelled.
    Cancel(CancelReason),
    /// The host is to be empty.
    Evict,
    /// A clock may have run out.
    Clock,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look the container up by its name.
    Find,
    /// Make sure that the image is on the host.
    EnsureImage,
    /// Create the container.
    Create,
    /// Start it; only ever after it was seen as created.
    Start(Handle),
    /// Wait until something happens to it, and look at it.
    Watch(Handle),
    /// Ask it to stop, and kill it after the grace.
    Stop(Handle),
    /// Read the rest of its log.
    Drain(Handle),
    /// Do the last action again, after a pause.
    Again,
    /// Leave the call that is under way alone.
    Keep,
    /// Write the verdict; the attempt is over.
    Finish(Verdict),
}

/// One attempt in the hands of its supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    terms: Terms,
    state: State,
    /// When the current state was entered; the pull and start clocks run from here.
    since: Timestamp,
    /// When the container began to run, by our clock.
    started_at: Option<Timestamp>,
    /// Why it should end, while a call is under way that must not be dropped.
    wish: Option<StopCause>,
    /// Since when its host does not answer.
    unknown_since: Option<Timestamp>,
    /// How often the image vanished between pull and create.
    image_losses: u8,
}

impl Machine {
    /// A machine for an attempt that may already have a past: it looks before it does anything.
    /// `started_at` is what the store knows of a container that ran.
    pub fn new(terms: Terms, started_at: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            terms,
            state: State::Finding,
            since: now,
            started_at,
            wish: None,
            unknown_since: None,
            image_losses: 0,
        }
    }

    /// The same for an attempt whose host was silent already when it was taken over.
    #[must_use]
    pub fn unknown_since(self, unknown_since: Option<Timestamp>) -> Self {
        Self {
            unknown_since,
            ..self
        }
    }

    /// Skips the look-up for an attempt that was claimed a moment ago: nothing can exist yet.
    pub fn fresh(terms: Terms, now: Timestamp) -> Self {
        Self {
            state: State::Preparing,
            ..Self::new(terms, None, now)
        }
    }

    /// A machine for an attempt whose verdict stands in the store and whose log is not complete.
    pub fn draining(terms: Terms, handle: Handle, verdict: Verdict, now: Timestamp) -> Self {
        Self {
            state: State::Draining(handle, verdict),
            ..Self::new(terms, None, now)
        }
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// When the container began to run, by our clock.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// The first action.
    pub fn first(&self) -> Action {
        match &self.state {
            State::Finding => Action::Find,
            State::Preparing => Action::EnsureImage,
            State::Creating => Action::Create,
            State::Starting(handle) => Action::Start(handle.clone()),
            State::Running(handle) => Action::Watch(handle.clone()),
            State::Stopping(handle, _) => Action::Stop(handle.clone()),
            State::Draining(handle, _) => Action::Drain(handle.clone()),
            State::Ended(verdict) => Action::Finish(verdict.clone()),
        }
    }

    /// Whether the call under way is only waited for so that its effect is known: the attempt is to
    /// end, and nothing runs as far as anybody knows.
    pub fn is_giving_up(&self) -> bool {
        let is_launching = match self.state {
            State::Finding | State::Creating | State::Starting(_) => true,
            State::Preparing
            | State::Running(_)
            | State::Stopping(..)
            | State::Draining(..)
            | State::Ended(_) => false,
        };
        is_launching && self.wish.is_some()
    }

    /// When [`Seen::Clock`] is due, if ever in this state.
    pub fn deadline(&self) -> Option<Timestamp> {
        let clock = self.clock().map(|(until, _)| until);
        clock.into_iter().chain(self.lost_at()).min()
    }

    /// When the attempt is given up because its host is silent, if nothing is heard until then.
    fn lost_at(&self) -> Option<Timestamp> {
        let may_run = match self.state {
            State::Finding => self.started_at.is_some(),
            State::Running(_) | State::Stopping(..) => true,
            State::Preparing
            | State::Creating
            | State::Starting(_)
            | State::Draining(..)
            | State::Ended(_) => false,
        };
        let since = self.unknown_since.filter(|_| may_run)?;
        since.checked_add(self.terms.lost_after?).ok()
    }

    /// The clock that runs out first, and the limit that it stands for.
    fn clock(&self) -> Option<(Timestamp, Limit)> {
        let own = match &self.state {
            State::Preparing => Some((self.since + self.terms.pull, Limit::Pull)),
            // It ran, and may still: no clock but the lost-policy's says what became of it.
            State::Finding if self.started_at.is_some() => None,
            State::Finding | State::Creating | State::Starting(_) => {
                Some((self.since + self.terms.start, Limit::Start))
            }
            State::Running(_) => match (self.started_at, self.terms.run) {
                (Some(started_at), Some(run)) => Some((started_at + run, Limit::Run)),
                (None, _) | (_, None) => None,
            },
            State::Stopping(..) | State::Draining(..) | State::Ended(_) => return None,
        };
        let total = self.terms.total_until.map(|until| (until, Limit::Total));
        // A clock that has already been noted must not wake the supervisor again.
        if self.wish.is_some() {
            return None;
        }
        own.into_iter().chain(total).min_by_key(|(until, _)| *until)
    }
}

/// The outcome of a fault that ends an attempt.
fn outcome_of(fault: Fault) -> Outcome {
    if fault == Fault::ImagePull(PullFault::TimedOut) {
        return Outcome::TimedOut(Limit::Pull);
    }
    Outcome::Failed(fault.into())
}

/// A verdict about a call that failed for good.
pub fn refused(fault: Fault, message: &str) -> Verdict {
    let text = format!("{}: {message}", fault.describe());
    Verdict::without_run(outcome_of(fault), Provenance::Call, Some(text))
}
