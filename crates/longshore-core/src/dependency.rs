//! What a job waits for: how other jobs end.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{ArrayId, JobId};
use crate::outcome::{CancelReason, FailReason, JobStatus, Outcome, UnknownWord};

/// How another job has to end.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Completed; of an array, all its jobs.
    #[default]
    Succeeded,
    /// In any way; of an array, all its jobs.
    Finished,
    /// Failed or out of time, not cancelled; of an array, at least one of its jobs.
    Failed,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Finished, Self::Failed];

    /// The word in the store, in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    /// Where it stands when those that are waited for have come so far.
    pub fn standing(self, ends: Ends) -> Standing {
        let is_broken = match self {
            Self::Succeeded => ends.has_failed || ends.has_cancelled,
            Self::Finished => false,
            Self::Failed => !ends.is_open && !ends.has_failed,
        };
        let is_met = match self {
            Self::Succeeded | Self::Finished => !ends.is_open,
            Self::Failed => ends.has_failed,
        };
        match (is_broken, is_met) {
            (true, _) => Standing::Broken,
            (false, true) => Standing::Met,
            (false, false) => Standing::Open,
        }
    }

    /// How a job ends that waits for it in vain: it fails with a failure, and is otherwise not needed.
    pub fn outcome_in_vain(self, ends: Ends) -> Outcome {
        match self {
            Self::Succeeded if ends.has_failed => Outcome::Failed(FailReason::Dependency),
            Self::Succeeded | Self::Finished | Self::Failed => {
                Outcome::Cancelled(CancelReason::Dependency)
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Condition {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.word() == word)
            .ok_or_else(|| UnknownWord::new("condition", word))
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not yet, but it may.
    Open,
    /// It does, for ever.
    Met,
    /// It never will, unless what is waited for is tried again.
    Broken,
}

/// How far those have come that are waited for: one job, or all of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// One of them is not final.
    pub is_open: bool,
    /// One of them failed or ran out of time.
    pub has_failed: bool,
    /// One of them was cancelled.
    pub has_cancelled: bool,
}

impl FromIterator<JobStatus> for Ends {
    fn from_iter<I: IntoIterator<Item = JobStatus>>(statuses: I) -> Self {
        let mut ends = Self::default();
        for status in statuses {
            match status {
                JobStatus::Completed => {}
                JobStatus::Failed | JobStatus::Timeout => ends.has_failed = true,
                JobStatus::Cancelled => ends.has_cancelled = true,
                JobStatus::Pending
                | JobStatus::Queued
                | JobStatus::Launching
                | JobStatus::Running
                | JobStatus::Retrying => ends.is_open = true,
            }
        }
        ends
    }
}

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Upstream {
    /// One job.
    Job(JobId),
    /// All jobs of an array.
    Array(ArrayId),
}

impl Upstream {
    /// What people type for it.
    pub fn short(self) -> String {
        match self {
            Self::Job(job) => job.short(),
            Self::Array(array) => array.short(),
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(job) => write!(f, "job {}", job.short()),
            Self::Array(array) => write!(f, "array {}", array.short()),
        }
    }
}

/// That a job waits for others, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dependency {
    /// Who is waited for.
    pub upstream: Upstream,
    /// How they have to end.
    pub condition: Condition,
}

#[cfg(test)]
mod tests {
    use JobStatus::{Cancelled, Completed, Failed, Running, Timeout};
    use Standing::{Broken, Met, Open};

    use super::*;

    #[test]
    fn a_condition_is_decided_as_soon_as_nothing_can_change_it() {
        for (statuses, succeeded, finished, failed) in [
            (&[Running][..], Open, Open, Open),
            (&[Completed], Met, Met, Broken),
            (&[Failed], Broken, Met, Met),
            (&[Timeout], Broken, Met, Met),
            (&[Cancelled], Broken, Met, Broken),
            (&[Running, Completed], Open, Open, Open),
            (&[Running, Failed], Broken, Open, Met),
            (&[Running, Cancelled], Broken, Open, Open),
            (&[Completed, Cancelled, Failed], Broken, Met, Met),
            (&[], Met, Met, Broken),
        ] {
            let ends: Ends = statuses.iter().copied().collect();
            let found = Condition::ALL.map(|condition| condition.standing(ends));
            assert_eq!(found, [succeeded, finished, failed], "{statuses:?}");
        }
    }

    #[test]
    fn who_waits_in_vain_fails_with_a_failure_and_is_else_cancelled() {
        let failed = Ends::from_iter([Failed]);
        let cancelled = Ends::from_iter([Cancelled]);
        let in_vain = |condition: Condition, ends| condition.outcome_in_vain(ends).status();
        assert_eq!(in_vain(Condition::Succeeded, failed), Failed);
        assert_eq!(in_vain(Condition::Succeeded, cancelled), Cancelled);
        assert_eq!(in_vain(Condition::Failed, Ends::default()), Cancelled);
    }

    #[test]
    fn every_condition_reads_back_its_word() {
        for condition in Condition::ALL {
            assert_eq!(condition.to_string().parse(), Ok(condition));
        }
    }
}
