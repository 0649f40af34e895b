//! Two readings of a running container's counters, as `docker stats` shows them.

use longshore_executor::{ExecutorError, Statistics};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Call, Client};
use crate::usage::Stats;

/// What is read beyond the counters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Readings {
    #[serde(rename = "cpu_stats")]
    now: Cpu,
    #[serde(rename = "precpu_stats")]
    before: Cpu,
    #[serde(rename = "memory_stats")]
    memory: Memory,
    #[serde(rename = "pids_stats")]
    pids: Pids,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cpu {
    #[serde(rename = "cpu_usage")]
    used: CpuUsage,
    /// Time of all cores of the host.
    #[serde(rename = "system_cpu_usage")]
    passed: u64,
    #[serde(rename = "online_cpus")]
    cores: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuUsage {
    total_usage: u64,
    /// Of each core; control groups of version 2 do not tell.
    percpu_usage: Option<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Memory {
    limit: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pids {
    current: Option<u64>,
}

/// The engine's answer, read twice and kept as it was.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Answer {
    stats: Stats,
    readings: Readings,
    raw: Value,
}

impl TryFrom<Value> for Answer {
    type Error = serde_json::Error;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            stats: Stats::deserialize(&raw)?,
            readings: Readings::deserialize(&raw)?,
            raw,
        })
    }
}

/// The statistics now; `None` when the container does not run. The engine takes one to two seconds
/// for them: without `one-shot` it waits for the second reading.
pub(crate) async fn statistics(
    client: &Client,
    id: &str,
) -> Result<Option<Statistics>, ExecutorError> {
    let path = format!("/containers/{id}/stats?stream=false");
    let call = Call::get(
        path,
        client.deadlines().usage,
        format!("read the statistics of container {id}"),
    );
    match client.json::<Answer>(call).await {
        Ok(answer) => Ok(answer.statistics()),
        Err(failure) if matches!(failure.status(), Some(404 | 409)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

impl Answer {
    fn statistics(self) -> Option<Statistics> {
        Some(Statistics {
            sample: self.stats.sample()?,
            cpu_percent: self.readings.cpu_percent(),
            memory_limit_bytes: Some(self.readings.memory.limit).filter(|limit| *limit > 0),
            pids: self.readings.pids.current,
            raw: self.raw,
        })
    }
}

impl Readings {
    /// As Docker's client counts: the container's share of the time of all cores, times the cores.
    /// An engine that reads once only (Podman) gives the mean since its counters began.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a percentage needs no exact nanoseconds"
    )]
    fn cpu_percent(&self) -> f64 {
        let (now, before) = (&self.now, &self.before);
        let grown = |now: u64, before: u64| now.saturating_sub(before) as f64;
        let used = grown(now.used.total_usage, before.used.total_usage);
        let passed = grown(now.passed, before.passed);
        if passed > 0.0 {
            used / passed * self.cores() * 100.0
        } else {
            0.0
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no machine has so many cores")]
    fn cores(&self) -> f64 {
        match (self.now.cores, &self.now.used.percpu_usage) {
            (0, Some(cores)) => cores.len() as f64,
            (cores, _) => cores.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(now: &Value, before: &Value, wanted: f64) {
        let readings = json!({ "cpu_stats": now, "precpu_stats": before });
        let readings = Readings::deserialize(readings).unwrap();
        let found = readings.cpu_percent();
        assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
    }

    fn cpu(total: u64, system: u64) -> Value {
        json!({
            "cpu_usage": { "total_usage": total },
            "system_cpu_usage": system,
            "online_cpus": 4,
        })
    }

    #[test]
    fn cpu_use_is_the_share_of_all_cores_between_the_readings_times_the_cores() {
        check(&cpu(1_500, 12_000), &cpu(500, 8_000), 100.0);
        check(&cpu(1_500, 12_000), &json!({}), 50.0);
    }

    #[test]
    fn counters_that_stand_still_or_went_back_are_no_use() {
        check(&cpu(500, 8_000), &cpu(500, 8_000), 0.0);
        check(&cpu(400, 9_000), &cpu(500, 8_000), 0.0);
    }

    #[test]
    fn cores_are_counted_one_by_one_where_their_number_is_not_told() {
        let now = json!({
            "cpu_usage": { "total_usage": 10, "percpu_usage": [4, 6] },
            "system_cpu_usage": 20,
        });
        check(&now, &json!({}), 100.0);
    }
}
