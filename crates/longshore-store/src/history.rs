//! What is known of a job of another system, and of its last try there.

use longshore_core::launch::Handle;
use longshore_core::outcome::{Outcome, Verdict};
use longshore_core::spec::JobSpec;
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, JobId, Timestamp};

/// A job of another system.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedJob {
    /// Its id there, which it keeps.
    pub id: JobId,
    /// What was wished; validated, with all defaults applied.
    pub spec: JobSpec,
    /// When it was created there.
    pub created_at: Timestamp,
    /// When it last began to wait for its turn.
    pub queued_at: Option<Timestamp>,
    /// When it was to be started; kept as it was, nothing follows from it.
    pub not_before: Option<Timestamp>,
    /// How far it had come.
    pub state: ImportedState,
    /// What was last said about it, for people.
    pub message: Option<String>,
    /// Retries that it had used.
    pub retries_used: u32,
}

/// How far a job of another system had come.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportedState {
    /// It never ran, or is to run again.
    Pending,
    /// Its container runs.
    Running {
        /// Id of the attempt that is made for it.
        attempt: AttemptId,
        /// Where.
        host: HostId,
        /// The container.
        handle: Handle,
        /// Since when.
        started_at: Timestamp,
    },
    /// It was over.
    Final {
        /// How it ended.
        outcome: Outcome,
        /// Exit code, where there was one.
        exit_code: Option<i32>,
        /// Its last try, where it had one.
        attempt: Option<Box<ImportedAttempt>>,
        /// When it was over.
        finished_at: Timestamp,
    },
}

/// The last try of a job that was over.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedAttempt {
    /// Id of the attempt that is made for it; also names its log.
    pub id: AttemptId,
    /// Where.
    pub host: HostId,
    /// The container, where it is known.
    pub handle: Option<Handle>,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub verdict: Verdict,
    /// What it used.
    pub usage: Option<Usage>,
    /// Its container is gone; otherwise it is left to the clean-up.
    pub removed: bool,
}

impl ImportedState {
    /// Where its attempt is, if it has one.
    pub(crate) fn host(&self) -> Option<HostId> {
        match self {
            Self::Pending => None,
            Self::Running { host, .. } => Some(*host),
            Self::Final { attempt, .. } => attempt.as_ref().map(|attempt| attempt.host),
        }
    }
}
