//! The table of hosts: as registered, and what the last probe said.

use longshore_core::host::{Host, HostFacts, HostState};
use longshore_core::spec::{ByteSize, Cpus};
use longshore_core::{HostId, Timestamp};

use crate::columns::{Cells, amount, json, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

macro_rules! columns {
    () => {
        "id, name, kind, endpoint, state, slots, weight, labels, created_at, updated_at, auto_pull, \
         drain_until, cpu_nanos, memory_bytes, maintenance"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO hosts (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING"
);
const UPDATE: &str = "UPDATE hosts SET name = $2, kind = $3, endpoint = $4, state = $5, slots = $6, \
    weight = $7, labels = $8, created_at = $9, updated_at = $10, \
    auto_pull = $11, drain_until = $12, cpu_nanos = $13, memory_bytes = $14, maintenance = $15 \
    WHERE id = $1";
const LIST: &str = concat!("SELECT ", columns!(), " FROM hosts ORDER BY name");
const GET: &str = concat!("SELECT ", columns!(), " FROM hosts WHERE id = $1");
const GET_BY_NAME: &str = concat!("SELECT ", columns!(), " FROM hosts WHERE name = $1");
const DELETE: &str = "DELETE FROM hosts WHERE id = $1";
// The error, `$3`, is what tells a probe that failed from one that did not.
const SAVE_FACTS: &str = "UPDATE hosts SET facts = COALESCE($2, facts), facts_error = $3, \
    probed_at = $4, \
    seen_at = CASE WHEN $3 IS NULL THEN $4 ELSE seen_at END, \
    failed_probes = CASE WHEN $3 IS NULL THEN 0 ELSE failed_probes + 1 END, \
    failing_since = CASE WHEN $3 IS NULL THEN NULL ELSE COALESCE(failing_since, $4) END \
    WHERE id = $1";
const FACTS: &str = "SELECT id, facts, facts_error, probed_at, seen_at, failed_probes, \
    failing_since FROM hosts WHERE id = $1 AND probed_at IS NOT NULL";

/// What is known of a host from its probes.
#[derive(Clone, Debug, PartialEq)]
pub struct HostReport {
    /// What the last probe that succeeded found.
    pub facts: Option<HostFacts>,
    /// Why the last probe failed, if it did.
    pub error: Option<String>,
    /// When the last probe was.
    pub probed_at: Timestamp,
    /// When the last probe was that succeeded.
    pub seen_at: Option<Timestamp>,
    /// How many probes failed since then.
    pub failed_probes: u32,
    /// When the first of those was.
    pub failing_since: Option<Timestamp>,
}

/// Adds a host; `false` if id or name are taken.
pub(crate) async fn insert(db: &mut Connection, host: &Host) -> Result<bool, StoreError> {
    Ok(write(db, INSERT, host).await? > 0)
}

/// Replaces a host's record; `false` if there is none.
pub(crate) async fn update(db: &mut Connection, host: &Host) -> Result<bool, StoreError> {
    Ok(write(db, UPDATE, host).await? > 0)
}

/// Reads all, by name.
pub(crate) async fn list(db: &mut Connection) -> Result<Vec<Host>, StoreError> {
    query(LIST).fetch_all(db).await?.iter().map(read).collect()
}

/// Reads one.
pub(crate) async fn get(db: &mut Connection, id: HostId) -> Result<Option<Host>, StoreError> {
    let row = query(GET).bind(id.to_string()).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// Reads the one of a name.
pub(crate) async fn get_by_name(
    db: &mut Connection,
    name: &str,
) -> Result<Option<Host>, StoreError> {
    let row = query(GET_BY_NAME).bind(name).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// Removes one; `false` if there was none.
pub(crate) async fn delete(db: &mut Connection, id: HostId) -> Result<bool, StoreError> {
    Ok(query(DELETE).bind(id.to_string()).execute(db).await? > 0)
}

/// Keeps what a probe found; facts of before stay when it failed. `false` if there is no such host.
pub(crate) async fn save_facts(
    db: &mut Connection,
    id: HostId,
    found: &Result<HostFacts, String>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let saved = query(SAVE_FACTS)
        .bind(id.to_string())
        .bind(found.as_ref().ok().map(json))
        .bind(found.as_ref().err())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(saved > 0)
}

/// What the probes found; `None` before the first.
pub(crate) async fn facts(
    db: &mut Connection,
    id: HostId,
) -> Result<Option<HostReport>, StoreError> {
    let row = query(FACTS).bind(id.to_string()).fetch_optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let cells = Cells::new("hosts", &row);
    Ok(Some(HostReport {
        facts: cells.json_option("facts")?,
        error: cells.get("facts_error")?,
        probed_at: cells.time("probed_at")?,
        seen_at: cells.time_option("seen_at")?,
        failed_probes: cells.number("failed_probes")?,
        failing_since: cells.time_option("failing_since")?,
    }))
}

async fn write(db: &mut Connection, sql: &'static str, host: &Host) -> Result<u64, StoreError> {
    let written = query(sql)
        .bind(host.id.to_string())
        .bind(&host.name)
        .bind(host.kind.word())
        .bind(json(&host.endpoint))
        .bind(host.state.word())
        .bind(i64::from(host.slots))
        .bind(i64::from(host.weight))
        .bind(json(&host.labels))
        .bind(time(host.created_at))
        .bind(time(host.updated_at))
        .bind(i64::from(host.auto_pull))
        .bind(host.state.drain_until().map(time))
        .bind(host.cpus.map(|cpus| amount(cpus.nanos())))
        .bind(host.memory.map(|memory| amount(memory.bytes())))
        .bind(json(&host.maintenance))
        .execute(db)
        .await?;
    Ok(written)
}

fn read(row: &Row) -> Result<Host, StoreError> {
    let cells = Cells::new("hosts", row);
    Ok(Host {
        id: cells.parse("id")?,
        name: cells.get("name")?,
        kind: cells.parse("kind")?,
        endpoint: cells.json("endpoint")?,
        state: read_state(&cells)?,
        slots: cells.number("slots")?,
        weight: cells.number("weight")?,
        cpus: cells.number_option("cpu_nanos")?.map(Cpus::from_nanos),
        memory: cells
            .number_option("memory_bytes")?
            .map(ByteSize::from_bytes),
        maintenance: cells.json("maintenance")?,
        auto_pull: cells.get::<i64>("auto_pull")? != 0,
        labels: cells.json("labels")?,
        created_at: cells.time("created_at")?,
        updated_at: cells.time("updated_at")?,
    })
}

fn read_state(cells: &Cells<'_>) -> Result<HostState, StoreError> {
    let word: String = cells.get("state")?;
    let until = cells.time_option("drain_until")?;
    HostState::parse(&word, until).map_err(|error| cells.unreadable("state", &error))
}
