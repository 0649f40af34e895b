//! Two readings of a running container's counters, as `docker stats` shows them.

use std::time::Duration;

use jiff::Timestamp;
use longshore_core::limits;
use longshore_executor::{ExecutorError, Statistics};
use longshore_runtime::Counters;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::ground::Ground;
use crate::handle::ContainerId;
use crate::{machine, usage};

/// Between the two readings.
const APART: Duration = Duration::from_millis(500);

/// The statistics now; `None` when the container does not run.
pub(crate) async fn statistics(
    ground: &Ground,
    id: &ContainerId,
) -> Result<Option<Statistics>, ExecutorError> {
    let Some(before) = read(ground, id).await? else {
        return Ok(None);
    };
    let read_at = Instant::now();
    sleep(APART).await;
    let Some(now) = read(ground, id).await? else {
        return Ok(None);
    };
    let passed = read_at.elapsed();
    let own = id.clone();
    let limit = ground.call(limits::USAGE_CALL, "look at its limits", move |opened| {
        let config = opened.container_of(&own)?;
        Ok(config.and_then(|config| config.bounds.memory_bytes))
    });
    let limit = limit.await?.or_else(machine::memory_bytes);
    let at = Timestamp::now();
    Ok(Some(Statistics {
        cpu_percent: percent(&before, &now, passed),
        sample: usage::of(&now, at),
        memory_limit_bytes: limit,
        pids: now.pids,
        raw: raw(&now, at, limit),
    }))
}

async fn read(ground: &Ground, id: &ContainerId) -> Result<Option<Counters>, ExecutorError> {
    let own = id.clone();
    let tried = format!("read the counters of container {id}");
    let read = ground.call(limits::USAGE_CALL, &tried, move |opened| {
        usage::counters(opened, &own)
    });
    read.await
}

/// In percent of one core.
#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage needs no exact nanoseconds"
)]
fn percent(before: &Counters, now: &Counters, passed: Duration) -> f64 {
    let cpu = |counters: &Counters| counters.cpu_nanos.unwrap_or(0);
    let used = cpu(now).saturating_sub(cpu(before));
    used as f64 / passed.as_nanos().max(1) as f64 * 100.0
}

/// In the form of an engine's answer, for those who read that.
fn raw(counters: &Counters, at: Timestamp, limit: Option<u64>) -> Value {
    json!({
        "read": at,
        "cpu_stats": {
            "cpu_usage": { "total_usage": counters.cpu_nanos },
            "throttling_data": { "throttled_time": counters.throttled_nanos },
        },
        "memory_stats": {
            "usage": counters.memory_bytes,
            "max_usage": counters.peak_memory_bytes,
            "limit": limit,
            "stats": { "total_inactive_file": counters.inactive_file_bytes },
        },
        "pids_stats": { "current": counters.pids },
        "blkio_stats": {
            "io_service_bytes_recursive": [
                { "op": "read", "value": counters.block_read_bytes },
                { "op": "write", "value": counters.block_write_bytes },
            ],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_use_is_in_percent_of_one_core() {
        let counters = |cpu_nanos| Counters {
            cpu_nanos: Some(cpu_nanos),
            ..Counters::default()
        };
        let second = Duration::from_secs(1);
        let of = |before, now| percent(&counters(before), &counters(now), second);
        assert!((of(0, 500_000_000) - 50.0).abs() < 1e-9);
        assert!((of(5, 0)).abs() < 1e-9);
    }
}
