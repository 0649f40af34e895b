//! The table of attempts: reading them.

use std::collections::HashMap;

use longshore_core::job::{AttemptRecord, Driver, Lease};
use longshore_core::outcome::{JobStatus, Outcome, Verdict};
use longshore_core::share::Share;
use longshore_core::{AttemptId, HostId, JobId, Timestamp, WorkerId};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

pub(crate) mod change;
pub(crate) mod direct;
pub(crate) mod history;
pub(crate) mod lead;

macro_rules! columns {
    () => {
        "id, job_id, number, host_id, phase, handle, worker_id, lease_until, fence, claimed_at, \
         image_ready_at, started_at, ended_at, log_complete_at, removed_at, unknown_since, usage, \
         verdict_status, verdict_reason, exit_code, oom_killed, provenance, \
         container_started_at, container_finished_at, verdict_message, driver, \
         cpu_nanos, memory_bytes"
    };
}
pub(crate) use columns;

/// Which attempts hold a slot: all that run, and those that a worker is about to start. One that its
/// caller drives holds none before it runs: nobody knows when that will be.
macro_rules! holds_slot {
    () => {
        "(phase = 'running' OR (phase = 'claimed' AND driver = 'engine'))"
    };
}
pub(crate) use holds_slot;

const GET: &str = concat!("SELECT ", columns!(), " FROM attempts WHERE id = $1");
const OF_JOB: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM attempts WHERE job_id = $1 ORDER BY number"
);
const UNDER_WAY: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM attempts WHERE job_id = $1 AND phase <> 'ended'"
);
pub(crate) const EXPIRED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM attempts WHERE phase <> 'ended' AND driver = 'engine' \
     AND (lease_until IS NULL OR lease_until <= $1) \
     ORDER BY lease_until, id LIMIT $2"
);
pub(crate) const UNREMOVED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM attempts WHERE driver = $3 AND phase = 'ended' AND removed_at IS NULL AND id > $1 \
     ORDER BY id LIMIT $2"
);
pub(crate) const LOADS: &str = concat!(
    "SELECT host_id, COUNT(*) AS busy, CAST(SUM(cpu_nanos) AS BIGINT) AS cpu_nanos, \
     CAST(SUM(memory_bytes) AS BIGINT) AS memory_bytes FROM attempts WHERE ",
    holds_slot!(),
    " GROUP BY host_id"
);
const BEGUN: &str = "SELECT host_id, COUNT(*) AS busy FROM attempts \
    WHERE phase IN ('claimed', 'running') AND removed_at IS NULL GROUP BY host_id";
const UNWANTED: &str = "SELECT attempts.id AS id FROM attempts \
    JOIN jobs ON jobs.id = attempts.job_id AND jobs.attempt = attempts.number \
    WHERE attempts.worker_id = $1 AND attempts.phase <> 'ended' \
    AND jobs.cancel_requested_at IS NOT NULL ORDER BY attempts.id";
const ON_HOST: &str = "SELECT COUNT(*) AS attempts FROM attempts \
    WHERE host_id = $1 AND removed_at IS NULL";
const IDS_OF_JOB: &str = "SELECT id FROM attempts WHERE job_id = $1 ORDER BY number";

/// Reads one.
pub(crate) async fn get(
    db: &mut Connection,
    id: AttemptId,
) -> Result<Option<AttemptRecord>, StoreError> {
    let row = query(GET).bind(id.to_string()).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// Reads all of a job, first to last.
pub(crate) async fn of_job(
    db: &mut Connection,
    job: JobId,
) -> Result<Vec<AttemptRecord>, StoreError> {
    read_all(&query(OF_JOB).bind(job.to_string()).fetch_all(db).await?)
}

/// Reads the one of a job that is not over.
pub(crate) async fn under_way(
    db: &mut Connection,
    job: JobId,
) -> Result<Option<AttemptRecord>, StoreError> {
    let query = query(UNDER_WAY).bind(job.to_string());
    query
        .fetch_optional(db)
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The ids of all attempts of a job.
pub(crate) async fn ids_of_job(
    db: &mut Connection,
    job: JobId,
) -> Result<Vec<AttemptId>, StoreError> {
    ids(&query(IDS_OF_JOB)
        .bind(job.to_string())
        .fetch_all(db)
        .await?)
}

/// Those of workers under way that nobody leads.
pub(crate) async fn expired(
    db: &mut Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<AttemptRecord>, StoreError> {
    let query = query(EXPIRED).bind(time(now)).bind(i64::from(limit));
    read_all(&query.fetch_all(db).await?)
}

/// Those that are over and whose containers may still be there.
pub(crate) async fn unremoved(
    db: &mut Connection,
    driver: Driver,
    limit: u32,
    after: Option<AttemptId>,
) -> Result<Vec<AttemptRecord>, StoreError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let query = query(UNREMOVED)
        .bind(after)
        .bind(i64::from(limit))
        .bind(driver.word());
    read_all(&query.fetch_all(db).await?)
}

/// How many slots are taken on each host that has any taken, and what was given with them.
pub(crate) async fn loads(
    db: &mut Connection,
) -> Result<HashMap<HostId, (u32, Share)>, StoreError> {
    let rows = query(LOADS).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("attempts", row);
        let share = Share {
            cpu_nanos: cells.number("cpu_nanos")?,
            memory_bytes: cells.number("memory_bytes")?,
        };
        Ok((cells.parse("host_id")?, (cells.number("busy")?, share)))
    };
    rows.iter().map(read).collect()
}

/// How many attempts run on each host or may be started there at any moment.
pub(crate) async fn begun(db: &mut Connection) -> Result<HashMap<HostId, u32>, StoreError> {
    let rows = query(BEGUN).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("attempts", row);
        Ok((cells.parse("host_id")?, cells.number("busy")?))
    };
    rows.iter().map(read).collect()
}

/// Attempts led by a worker whose jobs somebody wishes cancelled.
pub(crate) async fn unwanted(
    db: &mut Connection,
    worker: WorkerId,
) -> Result<Vec<AttemptId>, StoreError> {
    ids(&query(UNWANTED)
        .bind(worker.to_string())
        .fetch_all(db)
        .await?)
}

/// How many attempts of a host are not over, or not removed.
pub(crate) async fn on_host(db: &mut Connection, host: HostId) -> Result<u64, StoreError> {
    let row = query(ON_HOST).bind(host.to_string()).fetch_one(db).await?;
    Cells::new("attempts", &row).number("attempts")
}

fn ids(rows: &[Row]) -> Result<Vec<AttemptId>, StoreError> {
    rows.iter()
        .map(|row| Cells::new("attempts", row).parse("id"))
        .collect()
}

fn read_all(rows: &[Row]) -> Result<Vec<AttemptRecord>, StoreError> {
    rows.iter().map(read).collect()
}

/// Reads a row with all [`columns`].
pub(crate) fn read(row: &Row) -> Result<AttemptRecord, StoreError> {
    let cells = Cells::new("attempts", row);
    Ok(AttemptRecord {
        id: cells.parse("id")?,
        job: cells.parse("job_id")?,
        number: cells.number("number")?,
        host: cells.parse("host_id")?,
        driver: cells.parse("driver")?,
        phase: cells.parse("phase")?,
        handle: cells.json_option("handle")?,
        lease: read_lease(&cells)?,
        fence: cells.get("fence")?,
        claimed_at: cells.time("claimed_at")?,
        image_ready_at: cells.time_option("image_ready_at")?,
        started_at: cells.time_option("started_at")?,
        ended_at: cells.time_option("ended_at")?,
        verdict: read_verdict(&cells)?,
        log_complete_at: cells.time_option("log_complete_at")?,
        removed_at: cells.time_option("removed_at")?,
        unknown_since: cells.time_option("unknown_since")?,
        usage: cells.json_option("usage")?,
        given: Share {
            cpu_nanos: cells.number("cpu_nanos")?,
            memory_bytes: cells.number("memory_bytes")?,
        },
    })
}

fn read_lease(cells: &Cells<'_>) -> Result<Option<Lease>, StoreError> {
    let Some(worker) = cells.parse_option("worker_id")? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        worker,
        until: cells.time("lease_until")?,
    }))
}

fn read_verdict(cells: &Cells<'_>) -> Result<Option<Verdict>, StoreError> {
    let Some(status) = cells.parse_option::<JobStatus>("verdict_status")? else {
        return Ok(None);
    };
    let reason: String = cells.get("verdict_reason")?;
    Ok(Some(Verdict {
        outcome: Outcome::parse(status, &reason)
            .map_err(|error| cells.unreadable("verdict_reason", &error))?,
        exit_code: cells.number_option("exit_code")?,
        oom_killed: cells.get::<i64>("oom_killed")? != 0,
        provenance: cells.parse("provenance")?,
        started_at: cells.time_option("container_started_at")?,
        finished_at: cells.time_option("container_finished_at")?,
        message: cells.get("verdict_message")?,
    }))
}
