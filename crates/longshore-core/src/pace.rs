//! How pulls are paced at a registry that limits them.
//!
//! A *pace* is a bucket that holds one token: a pull takes it, and the next token is there after a
//! while. That while is learnt, since all that is heard of a limit is the refusal: it doubles when the
//! registry refuses, halves when it serves, and a registry that refuses nothing has no pace at all.

use std::time::Duration;

use jiff::Timestamp;

use crate::limits::{PACE_FIRST, PACE_FORGET, PACE_LAST};

/// The pace of pulls from one registry that refused some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time between two pulls.
    pub every: Duration,
    /// When the next pull may begin.
    pub next_at: Timestamp,
    /// When the registry last refused a pull that kept to the pace.
    pub refused_at: Timestamp,
}

/// What a registry that limits pulls says to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It gave the image.
    Served,
    /// It asked to come back later.
    Refused,
}

/// Whether a pull may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Now,
    /// Not before then.
    Later(Timestamp),
}

impl Pace {
    /// The pace after a registry answered a pull that began then; `None` when there is none any more.
    ///
    /// Guarantees: answers to pulls that began before the last refusal change nothing, so that a
    /// burst of pulls that is refused slows down once.
    #[must_use]
    pub fn after(
        before: Option<Self>,
        answer: Answer,
        began_at: Timestamp,
        now: Timestamp,
    ) -> Option<Self> {
        match (before, answer) {
            (None, Answer::Served) => None,
            (Some(pace), _) if began_at <= pace.refused_at => Some(pace),
            (before, Answer::Refused) => {
                let every = before.map_or(PACE_FIRST, |pace| (pace.every * 2).min(PACE_LAST));
                Some(Self {
                    every,
                    next_at: later(now, every),
                    refused_at: now,
                })
            }
            (Some(pace), Answer::Served) if pace.every <= PACE_FIRST => None,
            (Some(pace), Answer::Served) => {
                let every = pace.every / 2;
                Some(Self {
                    every,
                    next_at: pace.next_at.min(later(now, every)),
                    ..pace
                })
            }
        }
    }

    /// Whether a pull may begin, and the pace when it has.
    pub fn take(self, now: Timestamp) -> (Turn, Self) {
        if now < self.next_at {
            return (Turn::Later(self.next_at), self);
        }
        let next_at = later(now, self.every);
        (Turn::Now, Self { next_at, ..self })
    }

    /// Whether the registry was left alone for so long that nothing is known of its limit any more.
    pub fn is_forgotten(self, now: Timestamp) -> bool {
        later(self.next_at, PACE_FORGET) <= now
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn pace(every_secs: u64, next: i64, refused: i64) -> Pace {
        Pace {
            every: Duration::from_secs(every_secs),
            next_at: at(next),
            refused_at: at(refused),
        }
    }

    #[test]
    fn refusals_slow_the_pace_down_and_service_speeds_it_up_again() {
        use Answer::{Refused, Served};
        let last = PACE_LAST.as_secs();
        for (before, answer, began, after) in [
            (None, Served, 90, None),
            (None, Refused, 90, Some(pace(2, 102, 100))),
            (Some(pace(2, 90, 80)), Refused, 90, Some(pace(4, 104, 100))),
            (
                Some(pace(last, 90, 80)),
                Refused,
                90,
                Some(pace(last, 100 + i64::try_from(last).unwrap(), 100)),
            ),
            (Some(pace(8, 98, 80)), Served, 90, Some(pace(4, 98, 80))),
            (Some(pace(8, 198, 80)), Served, 90, Some(pace(4, 104, 80))),
            (Some(pace(2, 98, 80)), Served, 90, None),
        ] {
            let found = Pace::after(before, answer, at(began), at(100));
            assert_eq!(found, after, "{before:?} {answer:?}");
        }
    }

    #[test]
    fn pulls_that_began_before_the_last_refusal_change_nothing() {
        let before = Some(pace(2, 102, 100));
        for answer in [Answer::Served, Answer::Refused] {
            assert_eq!(Pace::after(before, answer, at(99), at(101)), before);
            assert_eq!(Pace::after(before, answer, at(100), at(101)), before);
        }
    }

    #[test]
    fn one_pull_may_begin_in_each_interval() {
        let before = pace(4, 10, 0);
        assert_eq!(before.take(at(9)), (Turn::Later(at(10)), before));
        let (turn, after) = before.take(at(12));
        assert_eq!((turn, after), (Turn::Now, pace(4, 16, 0)));
        assert_eq!(after.take(at(12)).0, Turn::Later(at(16)));
    }

    #[test]
    fn a_registry_that_was_left_alone_for_long_has_no_pace() {
        let forget = i64::try_from(PACE_FORGET.as_secs()).unwrap();
        assert!(!pace(4, 0, 0).is_forgotten(at(forget - 1)));
        assert!(pace(4, 0, 0).is_forgotten(at(forget)));
    }
}
