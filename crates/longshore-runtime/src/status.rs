//! How a container stands, as its folder tells.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a container stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is there and never ran; `refused` when a start was tried.
    Created {
        /// Why it could not be started.
        refused: Option<Refused>,
    },
    /// Its supervisor is about to start it.
    Starting,
    /// It runs.
    Running {
        /// Since when, by the machine's clock.
        started_at: Timestamp,
    },
    /// It ran and ended, and its supervisor wrote down how.
    Ended(Ended),
    /// Its supervisor is gone and left no word about its end: the machine was restarted, or
    /// somebody killed the supervisor. The container is gone with it.
    Lost {
        /// When it began to run, if it did.
        started_at: Option<Timestamp>,
    },
}

/// A start that was refused: nothing of the job ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// 126: it cannot be executed; 127: it is not there; 125: anything else.
    pub code: u8,
    /// What was tried and what was said.
    pub message: String,
}

/// The end of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub code: i32,
    /// Why it ended.
    pub cause: EndCause,
    /// The kernel killed something of it for lack of memory.
    pub oom_killed: bool,
    /// When it began to run, by the machine's clock.
    pub started_at: Timestamp,
    /// When it ended; never before its start, also when the clock is put back.
    pub finished_at: Timestamp,
    /// What it used.
    pub totals: Totals,
    /// What became of its output.
    pub log: LogTotals,
}

/// Why a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// By itself, or by something in it.
    Itself,
    /// It was asked to stop, or killed, through its supervisor.
    Stopped,
    /// Its time to run was over.
    RunLimit,
}

/// What a container used, from the kernel's own counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Largest memory, where the kernel keeps it.
    pub peak_memory_bytes: Option<u64>,
    /// CPU time.
    pub cpu_nanos: Option<u64>,
    /// Bytes read from block devices.
    pub block_read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub block_write_bytes: Option<u64>,
}

/// What became of a container's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTotals {
    /// Bytes that it wrote.
    pub written_bytes: u64,
    /// Bytes of these that the log does not hold any more.
    pub dropped_bytes: u64,
}
