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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{CancelReason, Limit, Provenance};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn failed() -> Showing {
        Showing::Failed("lost".into())
    }

    fn after(showings: &[Showing]) -> Breaker {
        showings.iter().fold(Breaker::CLOSED, |breaker, showing| {
            breaker.after(showing, at(0))
        })
    }

    fn opened_by_strikes() -> Vec<Showing> {
        vec![failed(); BREAKER_STRIKES as usize]
    }

    fn pause_of(breaker: &Breaker) -> i64 {
        match breaker {
            Breaker::Open(trip) => trip.until.duration_since(at(0)).as_secs(),
            Breaker::Closed { .. } | Breaker::HalfOpen(_) => 0,
        }
    }

    #[test]
    fn only_strikes_in_a_row_open_the_breaker() {
        let mut showings = opened_by_strikes();
        assert_eq!(after(&showings).position(), Position::Open);
        showings.insert(1, Showing::Worked);
        assert_eq!(after(&showings).position(), Position::Closed);
        assert_eq!(after(&[failed()]).position(), Position::Closed);
    }

    #[test]
    fn attempts_do_not_lead_out_of_the_open_state() {
        let open = after(&opened_by_strikes());
        for showing in [Showing::Started, Showing::Worked, failed()] {
            assert_eq!(open.clone().after(&showing, at(9)), open);
        }
        assert_eq!(open.after(&Showing::Vouched, at(9)), Breaker::CLOSED);
    }

    #[test]
    fn a_canary_half_opens_and_the_next_attempt_decides() {
        let half = after(&[opened_by_strikes(), vec![Showing::CanaryReturned]].concat());
        assert_eq!(half.position(), Position::HalfOpen);
        let worked = half.clone().after(&Showing::Worked, at(1));
        assert_eq!(worked, Breaker::CLOSED);
        assert_eq!(
            half.clone().after(&failed(), at(1)).position(),
            Position::Open
        );
        let runs = half.after(&Showing::Started, at(1));
        assert_eq!(runs.position(), Position::Closed);
        assert_eq!(runs.after(&failed(), at(1)).position(), Position::Open);
    }

    #[test]
    fn the_pause_doubles_until_an_attempt_came_to_its_end() {
        let mut breaker = after(&opened_by_strikes());
        let first = pause_of(&breaker);
        breaker = breaker.after(&Showing::CanaryLost("no".into()), at(0));
        assert_eq!(pause_of(&breaker), 2 * first);
        for _ in 0..20 {
            breaker = breaker.after(&Showing::CanaryReturned, at(0));
            breaker = breaker.after(&failed(), at(0));
        }
        assert_eq!(
            Duration::from_secs(pause_of(&breaker).unsigned_abs()),
            BREAKER_PAUSE_LAST
        );
        breaker = breaker.after(&Showing::CanaryReturned, at(0));
        breaker = breaker.after(&Showing::Worked, at(0));
        for strike in opened_by_strikes() {
            breaker = breaker.after(&strike, at(0));
        }
        assert_eq!(pause_of(&breaker), first);
    }

    #[test]
    fn most_of_what_is_learnt_about_a_host_that_is_well_is_no_news() {
        for showing in [Showing::Started, Showing::Worked] {
            assert!(!Breaker::CLOSED.is_moved_by(&showing, at(0)));
        }
        assert!(Breaker::CLOSED.is_moved_by(&failed(), at(0)));
    }

    #[test]
    fn only_what_the_host_is_to_blame_for_is_a_strike() {
        let verdict = |outcome, ran: bool| Verdict {
            started_at: ran.then(|| at(0)),
            ..Verdict::without_run(outcome, Provenance::Event, None)
        };
        let lost = Outcome::Failed(FailReason::Lost);
        let exit = Outcome::Failed(FailReason::Exit(1));
        let pull = Outcome::Failed(FailReason::ImagePull);
        let full = Some(Fault::ImagePull(PullFault::DiskFull));
        let limited = Some(Fault::ImagePull(PullFault::RateLimited));
        let strike = |outcome: Outcome| Some(Showing::Failed(outcome.to_string()));
        for (outcome, ran, fault, expected) in [
            (lost, true, None, strike(lost)),
            (
                Outcome::TimedOut(Limit::Start),
                false,
                None,
                strike(Outcome::TimedOut(Limit::Start)),
            ),
            (pull, false, full, strike(pull)),
            (pull, false, limited, None),
            (exit, true, None, Some(Showing::Worked)),
            (Outcome::Completed, true, None, Some(Showing::Worked)),
            (Outcome::Cancelled(CancelReason::User), false, None, None),
            (Outcome::Failed(FailReason::Evicted), true, None, None),
            (
                Outcome::Failed(FailReason::ImageNotFound),
                false,
                None,
                None,
            ),
        ] {
            assert_eq!(
                showing_of(&verdict(outcome, ran), fault),
                expected,
                "{outcome:?}"
            );
        }
    }
}
