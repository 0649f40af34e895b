//! One reading of a running container's counters.

use jiff::Timestamp;
use longshore_core::usage::Sample;
use longshore_executor::ExecutorError;
use longshore_runtime::{Counters, Ended, Status};

use crate::faults;
use crate::handle::ContainerId;
use crate::observe;
use crate::opened::Opened;

/// The counters now; `None` when the container does not run.
pub(crate) fn sample(opened: &Opened, id: &ContainerId) -> Result<Option<Sample>, ExecutorError> {
    let counters = counters(opened, id)?;
    // Where an ordinary user was given no control groups, nobody counts before the end.
    let counted = counters.filter(|counters| *counters != Counters::default());
    Ok(counted.map(|counters| of(&counters, Timestamp::now())))
}

/// The kernel's own counters, while it runs.
pub(crate) fn counters(
    opened: &Opened,
    id: &ContainerId,
) -> Result<Option<Counters>, ExecutorError> {
    match observe::status(opened, id)? {
        Some(Status::Running { .. }) => {}
        // Its supervisor may still be there, and the counters of what has ended with it.
        Some(
            Status::Created { .. } | Status::Starting | Status::Ended(_) | Status::Lost { .. },
        )
        | None => return Ok(None),
    }
    let counters = opened.runtime.usage(&id.name());
    counters.map_err(|why| faults::of_runtime(&format!("read the counters of container {id}"), why))
}

/// As `docker stats` counts: memory without the file cache that nobody used lately.
pub(crate) fn of(counters: &Counters, at: Timestamp) -> Sample {
    let (used, cache) = (
        counters.memory_bytes.unwrap_or(0),
        counters.inactive_file_bytes.unwrap_or(0),
    );
    Sample {
        at,
        memory_bytes: used
            .checked_sub(cache)
            .filter(|left| *left > 0)
            .unwrap_or(used),
        kernel_peak_bytes: counters.peak_memory_bytes,
        cpu_nanos: counters.cpu_nanos.unwrap_or(0),
        network_rx_bytes: 0,
        network_tx_bytes: 0,
        block_read_bytes: counters.block_read_bytes.unwrap_or(0),
        block_write_bytes: counters.block_write_bytes.unwrap_or(0),
    }
}

/// What it used from its start to its end; `None` while it runs, and where nobody counted.
pub(crate) fn totals(opened: &Opened, id: &ContainerId) -> Result<Option<Sample>, ExecutorError> {
    let ended = match observe::status(opened, id)? {
        Some(Status::Ended(ended)) => ended,
        Some(
            Status::Created { .. }
            | Status::Starting
            | Status::Running { .. }
            | Status::Lost { .. },
        )
        | None => return Ok(None),
    };
    Ok(of_all(&ended))
}

/// What a container used in all that ended so.
pub(crate) fn of_all(ended: &Ended) -> Option<Sample> {
    let totals = &ended.totals;
    totals.cpu_nanos.map(|cpu_nanos| Sample {
        at: ended.finished_at,
        memory_bytes: 0,
        kernel_peak_bytes: totals.peak_memory_bytes,
        cpu_nanos,
        network_rx_bytes: 0,
        network_tx_bytes: 0,
        block_read_bytes: totals.block_read_bytes.unwrap_or(0),
        block_write_bytes: totals.block_write_bytes.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_file_cache_is_no_memory_in_use() {
        let counters = |memory, cache| Counters {
            memory_bytes: Some(memory),
            inactive_file_bytes: Some(cache),
            ..Counters::default()
        };
        let used = |memory, cache| of(&counters(memory, cache), Timestamp::UNIX_EPOCH).memory_bytes;
        assert_eq!(
            [used(100, 30), used(100, 100), used(100, 101)],
            [70, 100, 100]
        );
    }
}
