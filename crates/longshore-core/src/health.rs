//! Whether a host can be trusted with attempts, told by what it did to the last ones.
//!
//! Terms: a *strike* is an attempt that failed by its host's fault; a *breaker* opens after several
//! strikes in a row, so that a host that takes and loses everything does not eat the queue; a
//! *canary* is a container of ours that does nothing, sent to such a host before jobs are.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::fault::{Blame, Fault, PullFault};
use crate::limits::{BREAKER_PAUSE_FIRST, BREAKER_PAUSE_LAST, BREAKER_STRIKES};
use crate::outcome::{FailReason, Outcome, UnknownWord, Verdict};

#[cfg(test)]
mod tests;

/// What stands between a host and the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// The host gets attempts.
    Closed {
        /// Strikes in a row.
        strikes: u32,
        /// Openings since the host last carried an attempt to its end. After any, one strike opens
        /// the breaker again.
        trips: u32,
    },
    /// The host gets nothing.
    Open(Trip),
    /// A canary came back: the host gets one attempt, and more once that one runs.
    HalfOpen(Trip),
}

/// An opening of a breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Since when the breaker is in its state.
    pub since: Timestamp,
    /// When the next canary is due.
    pub until: Timestamp,
    /// How often it opened since the host last carried an attempt to its end.
    pub trips: u32,
    /// What went wrong last.
    pub reason: String,
}

/// What is learnt about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Showing {
    /// An attempt's container runs there.
    Started,
    /// An attempt came to an end that is not the host's fault, having run.
    Worked,
    /// An attempt failed by the host's fault.
    Failed(String),
    /// A canary was made, started and removed.
    CanaryReturned,
    /// It was not.
    CanaryLost(String),
    /// A person says that the host is well.
    Vouched,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::CLOSED
    }
}

impl Breaker {
    /// Closed, with nothing against the host.
    pub const CLOSED: Self = Self::Closed {
        strikes: 0,
        trips: 0,
    };

    /// The word in the store and on the command line.
    pub fn word(&self) -> &'static str {
        self.position().word()
    }

    /// Where it stands, without the story.
    pub fn position(&self) -> Position {
        match self {
            Self::Closed { .. } => Position::Closed,
            Self::Open(_) => Position::Open,
            Self::HalfOpen(_) => Position::HalfOpen,
        }
    }

    /// The breaker after something was learnt.
    ///
    /// Guarantees: only a canary or a person leads out of the open state; the pauses between two
    /// canaries grow until an attempt has come to its end there.
    #[must_use]
    pub fn after(self, showing: &Showing, now: Timestamp) -> Self {
        match (self, showing) {
            (_, Showing::Vouched) | (Self::Closed { .. } | Self::HalfOpen(_), Showing::Worked) => {
                Self::CLOSED
            }
            (Self::Open(trip), Showing::CanaryReturned) => {
                Self::HalfOpen(Trip { since: now, ..trip })
            }
            (Self::Open(trip), Showing::CanaryLost(reason)) => {
                let since = trip.since;
                Self::Open(Trip {
                    since,
                    ..opened(trip.trips, reason, now)
                })
            }
            (Self::HalfOpen(trip), Showing::Started) => Self::Closed {
                strikes: 0,
                trips: trip.trips,
            },
            (Self::HalfOpen(trip), Showing::Failed(reason) | Showing::CanaryLost(reason)) => {
                Self::Open(opened(trip.trips, reason, now))
            }
            (Self::Closed { strikes, trips }, Showing::Failed(reason)) => {
                strike(strikes + 1, trips, reason, now)
            }
            // What was under way before the breaker opened decides nothing about it, and canaries
            // go to open ones alone.
            (open @ Self::Open(_), Showing::Started | Showing::Worked | Showing::Failed(_)) => open,
            (half_open @ Self::HalfOpen(_), Showing::CanaryReturned) => half_open,
            (
                closed @ Self::Closed { .. },
                Showing::Started | Showing::CanaryReturned | Showing::CanaryLost(_),
            ) => closed,
        }
    }

    /// Whether this would be news at all: most of what is learnt about a host that is well is not.
    pub fn is_moved_by(&self, showing: &Showing, now: Timestamp) -> bool {
        self.clone().after(showing, now) != *self
    }
}

fn strike(strikes: u32, trips: u32, reason: &str, now: Timestamp) -> Breaker {
    if trips > 0 || strikes >= BREAKER_STRIKES {
        return Breaker::Open(opened(trips, reason, now));
    }
    Breaker::Closed { strikes, trips }
}

fn opened(trips_before: u32, reason: &str, now: Timestamp) -> Trip {
    Trip {
        since: now,
        until: now
            .saturating_add(pause(trips_before))
            .unwrap_or(Timestamp::MAX),
        trips: trips_before.saturating_add(1),
        reason: reason.to_owned(),
    }
}

/// Doubles with every opening.
fn pause(trips_before: u32) -> Duration {
    let factor = 2_u32.saturating_pow(trips_before.min(30));
    BREAKER_PAUSE_FIRST
        .saturating_mul(factor)
        .min(BREAKER_PAUSE_LAST)
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// Lets everything through.
    Closed,
    /// Lets nothing through.
    Open,
    /// Lets one attempt through.
    HalfOpen,
}

impl Position {
    /// Every position.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The word in the store and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Position {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|position| position.word() == word)
            .ok_or_else(|| UnknownWord::new("position of a breaker", word))
    }
}

/// What the end of an attempt says about its host; `None` if nothing. `fault` is how the last call to
/// the host failed, if that ended the attempt.
pub fn showing_of(verdict: &Verdict, fault: Option<Fault>) -> Option<Showing> {
    let outcome = verdict.outcome;
    let failed = || {
        let said = verdict.message.clone();
        Some(Showing::Failed(said.unwrap_or_else(|| outcome.to_string())))
    };
    match outcome {
        // A registry that is down is no fault of the host; a host without room is.
        Outcome::Failed(FailReason::ImagePull) => match fault {
            Some(Fault::ImagePull(PullFault::DiskFull)) => failed(),
            Some(_) | None => None,
        },
        Outcome::TimedOut(crate::outcome::Limit::Pull) | Outcome::Failed(FailReason::Evicted) => {
            None
        }
        Outcome::Completed | Outcome::Cancelled(_) | Outcome::TimedOut(_) | Outcome::Failed(_) => {
            match outcome.blame() {
                Some(Blame::Infrastructure) => failed(),
                Some(Blame::Job) | None => verdict.started_at.map(|_| Showing::Worked),
            }
        }
    }
}
