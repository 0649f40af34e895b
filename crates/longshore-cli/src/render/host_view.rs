//! A host and what its last probe found, as `--json` prints it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_core::census::Census;
use longshore_core::health::Breaker;
use longshore_core::host::{Host, HostFacts};
use longshore_core::share::Share;
use serde::Serialize;

use crate::render::tables::HostRow;
use crate::render::views::SCHEMA;

/// A host in a list.
#[derive(Debug, Serialize)]
pub(crate) struct HostView<'a> {
    schema: u32,
    id: String,
    name: &'a str,
    kind: &'static str,
    address: &'a str,
    tls: bool,
    state: &'static str,
    drain_until: Option<Timestamp>,
    slots: u32,
    busy: u32,
    given: ShareView,
    census: Option<CensusView>,
    weight: u32,
    cpus: Option<String>,
    memory: Option<String>,
    maintenance: Vec<String>,
    auto_pull: bool,
    labels: &'a BTreeMap<String, String>,
    created_at: Timestamp,
    breaker: BreakerView<'a>,
    facts: Option<FactsView<'a>>,
    trouble: Option<&'a str>,
    probed_at: Option<Timestamp>,
    seen_at: Option<Timestamp>,
    failed_probes: u32,
    failing_since: Option<Timestamp>,
    unknown_attempts: usize,
    unknown_since: Option<Timestamp>,
}

/// CPU and memory.
#[derive(Debug, Serialize)]
struct ShareView {
    cpus: f64,
    memory_bytes: u64,
}

impl ShareView {
    #[expect(clippy::cast_precision_loss, reason = "CPUs as people write them")]
    fn new(share: Share) -> Self {
        Self {
            cpus: share.cpu_nanos as f64 / 1e9,
            memory_bytes: share.memory_bytes,
        }
    }
}

/// What stands on a host beside attempts.
#[derive(Debug, Serialize)]
struct CensusView {
    image_names: usize,
    foreign_running: u32,
    foreign_without_memory_limit: u32,
    foreign: ShareView,
}

impl CensusView {
    fn new(census: &Census) -> Self {
        Self {
            image_names: census.images.len(),
            foreign_running: census.foreign_running,
            foreign_without_memory_limit: census.foreign_endless,
            foreign: ShareView::new(census.foreign),
        }
    }
}

/// The state of a breaker with its story.
#[derive(Debug, Serialize)]
struct BreakerView<'a> {
    state: &'static str,
    strikes: u32,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    reason: Option<&'a str>,
}

impl<'a> BreakerView<'a> {
    fn new(breaker: &'a Breaker) -> Self {
        let (strikes, trip) = match breaker {
            Breaker::Closed { strikes, .. } => (*strikes, None),
            Breaker::Open(trip) | Breaker::HalfOpen(trip) => (0, Some(trip)),
        };
        Self {
            state: breaker.word(),
            strikes,
            since: trip.map(|trip| trip.since),
            until: trip.map(|trip| trip.until),
            reason: trip.map(|trip| trip.reason.as_str()),
        }
    }
}

impl<'a> HostView<'a> {
    pub(crate) fn new(row: &'a HostRow) -> Self {
        let Host {
            name,
            kind,
            endpoint,
            state,
            slots,
            weight,
            auto_pull,
            labels,
            cpus,
            memory,
            maintenance,
            ..
        } = &row.host;
        let report = row.report.as_ref();
        Self {
            schema: SCHEMA,
            id: row.host.id.to_string(),
            name,
            kind: kind.word(),
            address: &endpoint.address,
            tls: endpoint.tls.is_some(),
            state: state.word(),
            drain_until: state.drain_until(),
            slots: *slots,
            busy: row.load.busy,
            given: ShareView::new(row.load.given),
            census: row.census.as_ref().map(CensusView::new),
            cpus: cpus.map(|cpus| cpus.to_string()),
            memory: memory.map(|memory| memory.to_string()),
            maintenance: maintenance.iter().map(ToString::to_string).collect(),
            breaker: BreakerView::new(&row.breaker),
            weight: *weight,
            auto_pull: *auto_pull,
            labels,
            created_at: row.host.created_at,
            facts: row.facts().map(FactsView::new),
            trouble: row.trouble(),
            probed_at: report.map(|report| report.probed_at),
            seen_at: report.and_then(|report| report.seen_at),
            failed_probes: report.map_or(0, |report| report.failed_probes),
            failing_since: report.and_then(|report| report.failing_since),
            unknown_attempts: row.unknown.attempts,
            unknown_since: row.unknown.since,
        }
    }
}

#[derive(Debug, Serialize)]
struct FactsView<'a> {
    engine: &'a str,
    version: &'a str,
    api_version: &'a str,
    engine_id: &'a str,
    platform: &'a str,
    cpus: u32,
    memory_bytes: u64,
    storage_driver: &'a str,
    cgroup_version: u8,
    latency_ms: u128,
    clock_skew_ms: i128,
    engine_started_at: Option<Timestamp>,
    free_disk_bytes: Option<u64>,
    warnings: &'a [String],
}

impl<'a> FactsView<'a> {
    fn new(facts: &'a HostFacts) -> Self {
        Self {
            engine: &facts.engine,
            version: &facts.version,
            api_version: &facts.api_version,
            engine_id: &facts.engine_id,
            platform: &facts.platform,
            cpus: facts.cpus,
            memory_bytes: facts.memory_bytes,
            storage_driver: &facts.storage_driver,
            cgroup_version: facts.cgroup_version,
            latency_ms: facts.latency.as_millis(),
            clock_skew_ms: facts.clock_skew.as_millis(),
            engine_started_at: facts.engine_started_at,
            free_disk_bytes: facts.free_disk_bytes,
            warnings: &facts.warnings,
        }
    }
}
