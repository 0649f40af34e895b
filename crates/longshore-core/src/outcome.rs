//! How jobs and attempts end: status, typed reason, and the verdict that says how it was learnt.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::{Blame, Fault, PullFault};

mod verdict;

pub use verdict::{Provenance, Verdict};

/// Where a job stands. The words are those of the legacy system, so that old clients read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Created but not released.
    Pending,
    /// Waits for a slot.
    Queued,
    /// Claimed: image, create, start.
    Launching,
    /// The container runs.
    Running,
    /// The last attempt failed; the next is due later.
    Retrying,
    /// Ended with exit code 0.
    Completed,
    /// Ended otherwise; the reason is typed.
    Failed,
    /// A time limit passed.
    Timeout,
    /// Given up by a user or with a dependency.
    Cancelled,
}

impl JobStatus {
    /// Every status, in the order of a job's life.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Queued,
        Self::Launching,
        Self::Running,
        Self::Retrying,
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::Cancelled,
    ];

    /// Whether nothing more happens to the job by itself.
    pub fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Timeout | Self::Cancelled => true,
            Self::Pending | Self::Queued | Self::Launching | Self::Running | Self::Retrying => {
                false
            }
        }
    }

    /// The word in the store, the API and the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Launching => "launching",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{word}`")]
pub struct UnknownWord {
    /// What the word should have been.
    pub what: &'static str,
    /// The word.
    pub word: String,
}

impl UnknownWord {
    /// Names the kind of word and the word itself.
    pub fn new(what: &'static str, word: &str) -> Self {
        Self {
            what,
            word: word.to_owned(),
        }
    }
}

impl FromStr for JobStatus {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|status| status.word() == word)
            .ok_or_else(|| UnknownWord::new("status", word))
    }
}

/// The end of an attempt, and of its job unless another attempt follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Exit code 0.
    Completed,
    /// Anything else that was not asked for.
    Failed(FailReason),
    /// A limit passed.
    TimedOut(Limit),
    /// Given up.
    Cancelled(CancelReason),
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// The main process ended with this code.
    Exit(i32),
    /// The main process was ended by this signal, where the executor can tell.
    Signal(i32),
    /// Ended with a failure after the kernel killed for lack of memory.
    Oom,
    /// No such image.
    ImageNotFound,
    /// No access to the image.
    ImageDenied,
    /// The image could not be pulled.
    ImagePull,
    /// The container could not be started: 125, 126 or 127.
    Start(u8),
    /// The host refuses the spec.
    Rejected,
    /// A job that this one waits for did not end as wanted.
    Dependency,
    /// Nobody knows how it ended: host or engine failed.
    Lost,
    /// It was stopped because its host was drained; it is tried again elsewhere, at nobody's cost.
    Evicted,
}

/// Which limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Waited too long for a slot.
    Queue,
    /// The image took too long.
    Pull,
    /// Create and start took too long.
    Start,
    /// Ran too long.
    Run,
    /// Took too long from submit to end.
    Total,
}

/// Who gave the job up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// Somebody cancelled it.
    User,
    /// A job that it waits for was cancelled.
    Dependency,
}

impl Outcome {
    /// The status of a job whose last attempt ended so.
    pub fn status(self) -> JobStatus {
        match self {
            Self::Completed => JobStatus::Completed,
            Self::Failed(_) => JobStatus::Failed,
            Self::TimedOut(_) => JobStatus::Timeout,
            Self::Cancelled(_) => JobStatus::Cancelled,
        }
    }

    /// Whose fault it was; `None` when nothing went wrong or it was wished.
    pub fn blame(self) -> Option<Blame> {
        match self {
            Self::Completed | Self::Cancelled(_) => None,
            Self::Failed(FailReason::Lost | FailReason::ImagePull | FailReason::Evicted)
            | Self::TimedOut(Limit::Pull | Limit::Start) => Some(Blame::Infrastructure),
            Self::Failed(
                FailReason::Exit(_)
                | FailReason::Signal(_)
                | FailReason::Oom
                | FailReason::ImageNotFound
                | FailReason::ImageDenied
                | FailReason::Start(_)
                | FailReason::Rejected
                | FailReason::Dependency,
            )
            | Self::TimedOut(Limit::Queue | Limit::Run | Limit::Total) => Some(Blame::Job),
        }
    }
}

impl From<Fault> for FailReason {
    /// The reason when a fault is final for the attempt.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::ImageNotFound | Fault::ImagePull(PullFault::WrongPlatform) => {
                Self::ImageNotFound
            }
            Fault::ImageDenied => Self::ImageDenied,
            Fault::ImagePull(_) => Self::ImagePull,
            Fault::StartRefused(code) => Self::Start(code),
            Fault::Unsupported | Fault::Configuration => Self::Rejected,
            Fault::Unreachable
            | Fault::TimedOut
            | Fault::Conflict
            | Fault::Resources
            | Fault::Internal => Self::Lost,
        }
    }
}

impl Outcome {
    /// Whether the job ended because of another one that it waited for.
    pub fn is_for_dependency(self) -> bool {
        match self {
            Self::Failed(reason) => reason == FailReason::Dependency,
            Self::Cancelled(reason) => reason == CancelReason::Dependency,
            Self::Completed | Self::TimedOut(_) => false,
        }
    }
}

impl fmt::Display for Outcome {
    /// The reason alone: `exit(7)`, `oom`, `run`, `user`; empty for a completed job.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => Ok(()),
            Self::Failed(reason) => reason.fmt(f),
            Self::TimedOut(limit) => f.write_str(limit.word()),
            Self::Cancelled(CancelReason::User) => f.write_str("user"),
            Self::Cancelled(CancelReason::Dependency) => f.write_str("dependency"),
        }
    }
}

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit({code})"),
            Self::Signal(number) => write!(f, "signal({number})"),
            Self::Start(code) => write!(f, "start({code})"),
            Self::Oom => f.write_str("oom"),
            Self::ImageNotFound => f.write_str("image_not_found"),
            Self::ImageDenied => f.write_str("image_denied"),
            Self::ImagePull => f.write_str("image_pull"),
            Self::Rejected => f.write_str("rejected"),
            Self::Dependency => f.write_str("dependency"),
            Self::Lost => f.write_str("lost"),
            Self::Evicted => f.write_str("evicted"),
        }
    }
}

impl FromStr for FailReason {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let unknown = || UnknownWord::new("reason", text);
        if let Some((word, rest)) = text.split_once('(') {
            let number: i32 = rest
                .strip_suffix(')')
                .and_then(|n| n.parse().ok())
                .ok_or_else(unknown)?;
            return match word {
                "exit" => Ok(Self::Exit(number)),
                "signal" => Ok(Self::Signal(number)),
                "start" => u8::try_from(number).map(Self::Start).map_err(|_| unknown()),
                _ => Err(unknown()),
            };
        }
        match text {
            "oom" => Ok(Self::Oom),
            "image_not_found" => Ok(Self::ImageNotFound),
            "image_denied" => Ok(Self::ImageDenied),
            "image_pull" => Ok(Self::ImagePull),
            "rejected" => Ok(Self::Rejected),
            "dependency" => Ok(Self::Dependency),
            "lost" => Ok(Self::Lost),
            "evicted" => Ok(Self::Evicted),
            _ => Err(unknown()),
        }
    }
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 5] = [Self::Queue, Self::Pull, Self::Start, Self::Run, Self::Total];

    /// The word in the store and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Pull => "pull",
            Self::Start => "start",
            Self::Run => "run",
            Self::Total => "total",
        }
    }
}

impl Outcome {
    /// Reads back status and reason as the store keeps them.
    ///
    /// # Errors
    /// The status is not final, or the reason is none of this version's words.
    pub fn parse(status: JobStatus, reason: &str) -> Result<Self, UnknownWord> {
        let unknown = || UnknownWord::new("reason", reason);
        match status {
            JobStatus::Completed => Ok(Self::Completed),
            JobStatus::Failed => reason.parse().map(Self::Failed),
            JobStatus::Timeout => Limit::ALL
                .into_iter()
                .find(|limit| limit.word() == reason)
                .map(Self::TimedOut)
                .ok_or_else(unknown),
            JobStatus::Cancelled => match reason {
                "user" => Ok(Self::Cancelled(CancelReason::User)),
                "dependency" => Ok(Self::Cancelled(CancelReason::Dependency)),
                _ => Err(unknown()),
            },
            JobStatus::Pending
            | JobStatus::Queued
            | JobStatus::Launching
            | JobStatus::Running
            | JobStatus::Retrying => Err(UnknownWord::new("final status", status.word())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_reads_back_from_status_and_reason() {
        let outcomes = [
            Outcome::Completed,
            Outcome::Failed(FailReason::Exit(7)),
            Outcome::Failed(FailReason::Signal(9)),
            Outcome::Failed(FailReason::Start(127)),
            Outcome::Failed(FailReason::Oom),
            Outcome::Failed(FailReason::ImageNotFound),
            Outcome::Failed(FailReason::ImageDenied),
            Outcome::Failed(FailReason::ImagePull),
            Outcome::Failed(FailReason::Rejected),
            Outcome::Failed(FailReason::Dependency),
            Outcome::Failed(FailReason::Lost),
            Outcome::Failed(FailReason::Evicted),
            Outcome::TimedOut(Limit::Queue),
            Outcome::TimedOut(Limit::Run),
            Outcome::Cancelled(CancelReason::User),
            Outcome::Cancelled(CancelReason::Dependency),
        ];
        for outcome in outcomes {
            assert_eq!(
                Outcome::parse(outcome.status(), &outcome.to_string()),
                Ok(outcome)
            );
        }
    }

    #[test]
    fn a_status_that_is_not_final_has_no_outcome() {
        assert!(Outcome::parse(JobStatus::Running, "").is_err());
        assert!(Outcome::parse(JobStatus::Failed, "start(400)").is_err());
        assert!(Outcome::parse(JobStatus::Failed, "bored").is_err());
    }

    #[test]
    fn lost_is_never_the_jobs_fault() {
        assert_eq!(
            Outcome::Failed(FailReason::Lost).blame(),
            Some(Blame::Infrastructure)
        );
        assert_eq!(
            Outcome::Failed(FailReason::Exit(1)).blame(),
            Some(Blame::Job)
        );
    }
}
