//! A host and what its last probe found, as `--json` prints it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_core::host::{Host, HostFacts};
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
    slots: u32,
    weight: u32,
    auto_pull: bool,
    labels: &'a BTreeMap<String, String>,
    created_at: Timestamp,
    facts: Option<FactsView<'a>>,
    trouble: Option<&'a str>,
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
            ..
        } = &row.host;
        Self {
            schema: SCHEMA,
            id: row.host.id.to_string(),
            name,
            kind: kind.word(),
            address: &endpoint.address,
            tls: endpoint.tls.is_some(),
            state: state.word(),
            slots: *slots,
            weight: *weight,
            auto_pull: *auto_pull,
            labels,
            created_at: row.host.created_at,
            facts: row.facts.as_ref().map(FactsView::new),
            trouble: row.trouble.as_deref(),
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
            warnings: &facts.warnings,
        }
    }
}
