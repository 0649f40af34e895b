//! What the kernel counts for a container.

use serde::{Deserialize, Serialize};

/// What the kernel counted for a container so far. What is absent is not counted on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Memory in use, with the page cache.
    pub memory_bytes: Option<u64>,
    /// The part of it that is page cache which nobody used lately.
    pub inactive_file_bytes: Option<u64>,
    /// The most memory that was ever in use.
    pub peak_memory_bytes: Option<u64>,
    /// Processes that were killed because memory ran out.
    pub oom_kills: Option<u64>,
    /// CPU time.
    pub cpu_nanos: Option<u64>,
    /// Time that it waited because it had used up its CPU time.
    pub throttled_nanos: Option<u64>,
    /// Bytes read from block devices.
    pub block_read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub block_write_bytes: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}
