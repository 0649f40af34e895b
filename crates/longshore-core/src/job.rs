//! Jobs and attempts as everybody reads them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::array::ArrayPlace;
use crate::attempt::{Phase, Terms};
use crate::ids::{AttemptId, HostId, JobId, PoolId, WorkerId};
use crate::lane::Lane;
use crate::launch::{Handle, Launch};
use crate::limits::PRIORITY_WORTH;
use crate::outcome::{JobStatus, Outcome, UnknownWord, Verdict};
use crate::share::Share;
use crate::spec::{JobSpec, TimeLimit};
use crate::usage::Usage;

/// Who moves a job from state to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// Workers: they claim, start, watch, retry and remove by themselves.
    Engine,
    /// Its caller, call by call, through `DockerService`. Workers leave it alone.
    Service,
}

impl Driver {
    /// The word in the store and in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Driver {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Engine, Self::Service]
            .into_iter()
            .find(|driver| driver.word() == word)
            .ok_or_else(|| UnknownWord::new("driver", word))
    }
}

/// A job: the wish and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is wished, with all defaults applied, and with the memory that it was raised to.
    pub spec: JobSpec,
    /// Who moves it.
    pub driver: Driver,
    /// Where it stands.
    pub status: JobStatus,
    /// How it ended, once final.
    pub outcome: Option<Outcome>,
    /// Exit code of the last attempt, where there is one.
    pub exit_code: Option<i32>,
    /// What was last said about it, for people: the error, the reason to wait.
    pub message: Option<String>,
    /// Number of the current attempt; 0 before the first.
    pub attempt: u32,
    /// Retries used that the job itself caused.
    pub retries_used: u32,
    /// Retries used that host, registry or longshore caused.
    pub infra_retries_used: u32,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it last began to wait for a slot.
    pub queued_at: Option<Timestamp>,
    /// Not before this time (delayed, or the next try).
    pub not_before: Option<Timestamp>,
    /// When the current attempt's container began to run.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub finished_at: Option<Timestamp>,
    /// When somebody wished it cancelled.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it must have ended as a whole, if it has such a limit; counts anew from a manual retry.
    /// The clock of a job that its caller drives runs from its first attempt.
    pub total_deadline: Option<Timestamp>,
    /// Digest of the image that its attempts run, once known.
    pub image_digest: Option<String>,
    /// Host of the current or last attempt.
    pub host: Option<HostId>,
    /// Which job of which array it is, if it is of one.
    pub array: Option<ArrayPlace>,
}

impl Job {
    /// What an executor is handed for an attempt of this job on a host.
    pub fn launch(&self, pool: PoolId, attempt: AttemptId, host: &str) -> Launch {
        let image = match &self.image_digest {
            Some(digest) => self.spec.image.with_digest(digest).ok(),
            None => None,
        };
        Launch {
            pool,
            job: self.id,
            attempt,
            host: host.to_owned(),
            image: image.unwrap_or_else(|| self.spec.image.clone()),
            spec: self.spec.clone(),
            legacy: None,
        }
    }

    /// Its place among the queued jobs of its owner: how long it waits, and each point of priority as
    /// much as [`PRIORITY_WORTH`] of waiting. All grow older at one rate, so the order never changes.
    pub fn place(&self) -> Place {
        let queued_at = self.queued_at.unwrap_or(self.created_at);
        let worth =
            i128::from(i64::from(self.spec.priority)) * PRIORITY_WORTH.as_nanos().cast_signed();
        Place(queued_at.as_nanosecond() - worth, self.id)
    }

    /// The lane of the queue that it waits in.
    pub fn lane(&self) -> Lane {
        Lane::of(&self.spec)
    }

    /// The clocks that rule its attempts.
    pub fn terms(&self) -> Terms {
        let limits = &self.spec.timeouts;
        Terms {
            pull: limits.pull.duration(),
            start: limits.start.duration(),
            run: limits.run.map(TimeLimit::duration),
            total_until: self.total_deadline,
            lost_after: self.spec.lost.patience(),
        }
    }
}

/// A place among the queued jobs of one owner: smaller is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(i128, JobId);

/// One try of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// Its id; also names its container and its log.
    pub id: AttemptId,
    /// The job.
    pub job: JobId,
    /// 1 for the first.
    pub number: u32,
    /// Where.
    pub host: HostId,
    /// Who moves its job.
    pub driver: Driver,
    /// How far.
    pub phase: Phase,
    /// The container, once known.
    pub handle: Option<Handle>,
    /// Which worker leads it, and until when.
    pub lease: Option<Lease>,
    /// Grows with each worker that takes it; a write with an older number is refused.
    pub fence: i64,
    /// When it was claimed, by a worker or by the caller that drives its job.
    pub claimed_at: Timestamp,
    /// When the image was on the host.
    pub image_ready_at: Option<Timestamp>,
    /// When its container began to run, by our clock.
    pub started_at: Option<Timestamp>,
    /// When its end was learnt.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub verdict: Option<Verdict>,
    /// When its log was complete.
    pub log_complete_at: Option<Timestamp>,
    /// When its container was gone.
    pub removed_at: Option<Timestamp>,
    /// Since when its host does not answer.
    pub unknown_since: Option<Timestamp>,
    /// What it used.
    pub usage: Option<Usage>,
    /// What it was given of its host; nothing where a caller drives its job.
    pub given: Share,
}

/// A worker's right to move an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The worker.
    pub worker: WorkerId,
    /// Until when, unless renewed.
    pub until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_reads_back_its_word() {
        for driver in [Driver::Engine, Driver::Service] {
            assert_eq!(driver.to_string().parse(), Ok(driver));
        }
        assert!("nobody".parse::<Driver>().is_err());
    }
}
