//! One reading of a running container's counters.

use std::collections::HashMap;

use jiff::Timestamp;
use longshore_core::usage::Sample;
use longshore_executor::ExecutorError;
use serde::Deserialize;

use crate::client::{Call, Client};

/// The counters in an answer of the engine.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Stats {
    read: String,
    #[serde(rename = "cpu_stats")]
    cpu: CpuStats,
    #[serde(rename = "memory_stats")]
    memory: MemoryStats,
    networks: HashMap<String, NetworkStats>,
    #[serde(rename = "blkio_stats")]
    blkio: BlkioStats,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuStats {
    cpu_usage: CpuUsage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuUsage {
    total_usage: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MemoryStats {
    usage: u64,
    max_usage: Option<u64>,
    stats: HashMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkStats {
    rx_bytes: u64,
    tx_bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BlkioStats {
    io_service_bytes_recursive: Option<Vec<BlkioEntry>>,
}

#[derive(Debug, Deserialize)]
struct BlkioEntry {
    op: String,
    value: u64,
}

/// The counters now; `None` when the container does not run.
pub(crate) async fn sample(client: &Client, id: &str) -> Result<Option<Sample>, ExecutorError> {
    let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
    let call = Call::get(
        path,
        client.deadlines().usage,
        format!("read the counters of container {id}"),
    );
    match client.json::<Stats>(call).await {
        Ok(stats) => Ok(stats.sample()),
        Err(failure) if matches!(failure.status(), Some(404 | 409)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

impl Stats {
    /// An ended container has zeros and the year 1.
    pub(crate) fn sample(&self) -> Option<Sample> {
        let at: Timestamp = self.read.parse().ok()?;
        if self.read.starts_with("0001-") || self.memory.usage == 0 {
            return None;
        }
        Some(Sample {
            at,
            memory_bytes: self.memory.in_use(),
            kernel_peak_bytes: self.memory.max_usage,
            cpu_nanos: self.cpu.cpu_usage.total_usage,
            network_rx_bytes: self.networks.values().map(|network| network.rx_bytes).sum(),
            network_tx_bytes: self.networks.values().map(|network| network.tx_bytes).sum(),
            block_read_bytes: self.blkio.bytes("read"),
            block_write_bytes: self.blkio.bytes("write"),
        })
    }
}

impl MemoryStats {
    /// As `docker stats` counts: without inactive file cache. Control groups of version 1 name it
    /// `total_inactive_file`.
    fn in_use(&self) -> u64 {
        let stat = |name: &str| self.stats.get(name).copied();
        let cache = stat("total_inactive_file")
            .or_else(|| stat("inactive_file"))
            .unwrap_or(0);
        if cache < self.usage {
            self.usage - cache
        } else {
            self.usage
        }
    }
}

impl BlkioStats {
    fn bytes(&self, op: &str) -> u64 {
        let entries = self.io_service_bytes_recursive.iter().flatten();
        entries
            .filter(|entry| entry.op.eq_ignore_ascii_case(op))
            .map(|entry| entry.value)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sampled(stats: serde_json::Value) -> Option<Sample> {
        serde_json::from_value::<Stats>(stats).unwrap().sample()
    }

    #[test]
    fn both_versions_of_control_groups_are_counted_as_docker_stats_counts() {
        let of = |stats: serde_json::Value, op: &str| {
            sampled(json!({
                "read": "2026-11-22T10:00:00Z",
                "memory_stats": { "usage": 100, "stats": stats },
                "networks": { "eth0": { "rx_bytes": 1, "tx_bytes": 2 }, "eth1": { "rx_bytes": 3 } },
                "blkio_stats": { "io_service_bytes_recursive": [{ "op": op, "value": 9 }] },
            }))
            .unwrap()
        };
        let v1 = of(
            json!({ "total_inactive_file": 30, "inactive_file": 1 }),
            "Read",
        );
        assert_eq!((v1.memory_bytes, v1.block_read_bytes), (70, 9));
        let v2 = of(json!({ "inactive_file": 40 }), "read");
        assert_eq!((v2.memory_bytes, v2.block_read_bytes), (60, 9));
        assert_eq!((v2.network_rx_bytes, v2.network_tx_bytes), (4, 2));
        assert_eq!(of(json!({ "inactive_file": 101 }), "x").memory_bytes, 100);
    }

    #[test]
    fn the_zeros_of_an_ended_container_are_no_sample() {
        assert_eq!(
            sampled(json!({ "read": "0001-01-01T00:00:00Z", "memory_stats": {} })),
            None
        );
        assert_eq!(
            sampled(json!({ "read": "2026-11-22T10:00:00Z", "memory_stats": {} })),
            None
        );
    }
}
