//! What happened to a job, in order: the lines of its timeline.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::ids::JobId;
use crate::outcome::UnknownWord;

/// One line of a job's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// Position among all events of the pool; grows.
    pub sequence: i64,
    /// The job.
    pub job: JobId,
    /// Number of the attempt that it is about, if one.
    pub attempt: Option<u32>,
    /// When, by the clock of the process that wrote it.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// More, for people; never a secret.
    pub detail: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the store and in `--json`.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// The job was stored.
    Submitted = "submitted",
    /// A schedule made it.
    Scheduled = "scheduled",
    /// It waits for a slot.
    Queued = "queued",
    /// It was taken for a host: by a worker, or by the caller that drives it.
    Claimed = "claimed",
    /// The image is being pulled.
    Pulling = "pulling",
    /// The image is on the host.
    ImageReady = "image_ready",
    /// The container exists.
    Created = "created",
    /// The container is about to be started by the caller that drives the job.
    Launching = "launching",
    /// The container runs.
    Started = "started",
    /// Another worker took the attempt over.
    Adopted = "adopted",
    /// The host stopped answering.
    HostUnreachable = "host_unreachable",
    /// The host answers again.
    HostReachable = "host_reachable",
    /// Somebody wishes it cancelled.
    CancelRequested = "cancel_requested",
    /// The container was asked to stop.
    Stopping = "stopping",
    /// The container ended.
    Exited = "exited",
    /// The attempt's log is complete.
    LogComplete = "log_complete",
    /// The attempt has its verdict.
    AttemptEnded = "attempt_ended",
    /// Another attempt will follow.
    RetryScheduled = "retry_scheduled",
    /// The job is final.
    Finished = "finished",
    /// The container is gone from the host.
    Removed = "removed",
    /// Somebody wants the finished job tried again.
    RetryRequested = "retry_requested",
    /// It came from another system, with its history.
    Imported = "imported",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for EventKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| UnknownWord::new("event", word))
    }
}
