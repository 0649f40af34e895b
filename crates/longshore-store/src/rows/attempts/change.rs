//! The table of attempts: moving one from phase to phase. Each statement names fence and phase.

use longshore_core::attempt::Phase;
use longshore_core::job::AttemptRecord;
use longshore_core::launch::Handle;
use longshore_core::outcome::Verdict;
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, Timestamp};

use crate::columns::{Cells, json, time};
use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::jobs::change::Try;
use crate::statement::{Statement, query};

/// Who reports: the attempt, and the number under which the reporter was given its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The attempt.
    pub attempt: AttemptId,
    /// The fence at the time.
    pub fence: i64,
}

impl From<&AttemptRecord> for Fenced {
    fn from(record: &AttemptRecord) -> Self {
        Self {
            attempt: record.id,
            fence: record.fence,
        }
    }
}

const LOOK: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase <> 'ended'";
const IMAGE_READY: &str = "UPDATE attempts SET image_ready_at = COALESCE(image_ready_at, $3) \
    WHERE id = $1 AND fence = $2 AND phase = 'claimed' RETURNING id, job_id, number";
const CREATED: &str = "UPDATE attempts SET handle = $3 \
    WHERE id = $1 AND fence = $2 AND phase = 'claimed' RETURNING id, job_id, number";
const IS_CREATED: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase = 'claimed' AND handle = $3";
const STARTED: &str = "UPDATE attempts SET phase = 'running', handle = $3, started_at = $4 \
    WHERE id = $1 AND fence = $2 AND phase = 'claimed' RETURNING id, job_id, number";
const IS_RUNNING: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase = 'running'";
const EXITED: &str = "UPDATE attempts SET phase = 'draining', handle = $3, ended_at = $4, \
    unknown_since = NULL, verdict_status = $5, verdict_reason = $6, exit_code = $7, \
    oom_killed = $8, provenance = $9, container_started_at = $10, container_finished_at = $11, \
    verdict_message = $12 \
    WHERE id = $1 AND fence = $2 AND phase IN ('claimed', 'running') RETURNING id, job_id, number";
const END: &str = "UPDATE attempts SET phase = 'ended', usage = COALESCE($3, usage), \
    ended_at = COALESCE(ended_at, $4), log_complete_at = $4, unknown_since = NULL, \
    worker_id = NULL, lease_until = NULL, verdict_status = $5, verdict_reason = $6, \
    exit_code = $7, oom_killed = $8, provenance = $9, container_started_at = $10, \
    container_finished_at = $11, verdict_message = $12 \
    WHERE id = $1 AND fence = $2 AND phase <> 'ended' RETURNING id, job_id, number";
const UNREACHABLE: &str = "UPDATE attempts SET unknown_since = $3 WHERE id = $1 AND fence = $2 \
    AND phase <> 'ended' AND unknown_since IS NULL RETURNING id, job_id, number";
const REACHABLE: &str = "UPDATE attempts SET unknown_since = NULL WHERE id = $1 AND fence = $2 \
    AND phase <> 'ended' AND unknown_since IS NOT NULL RETURNING id, job_id, number";
const REMOVED: &str = "UPDATE attempts SET removed_at = $2 \
    WHERE id = $1 AND phase = 'ended' AND removed_at IS NULL RETURNING id, job_id, number";

/// Whether the reporter still leads the attempt.
pub(crate) async fn look(db: &mut Connection, fenced: Fenced) -> Result<Try, StoreError> {
    one(db, fenced.attempt, fence(LOOK, fenced)).await
}

/// Claimed: the image is there.
pub(crate) async fn image_ready(
    db: &mut Connection,
    fenced: Fenced,
    now: Timestamp,
) -> Result<Try, StoreError> {
    one(
        db,
        fenced.attempt,
        fence(IMAGE_READY, fenced).bind(time(now)),
    )
    .await
}

/// Claimed: the container is there.
pub(crate) async fn created(
    db: &mut Connection,
    fenced: Fenced,
    handle: &Handle,
) -> Result<Try, StoreError> {
    one(
        db,
        fenced.attempt,
        fence(CREATED, fenced).bind(json(handle)),
    )
    .await
}

/// Whether that container is known already.
pub(crate) async fn is_created(
    db: &mut Connection,
    fenced: Fenced,
    handle: &Handle,
) -> Result<bool, StoreError> {
    let query = fence(IS_CREATED, fenced).bind(json(handle));
    Ok(fetch(db, query).await?.is_some())
}

/// Claimed → running.
pub(crate) async fn started(
    db: &mut Connection,
    fenced: Fenced,
    handle: &Handle,
    now: Timestamp,
) -> Result<Try, StoreError> {
    let query = fence(STARTED, fenced).bind(json(handle)).bind(time(now));
    one(db, fenced.attempt, query).await
}

/// Whether it runs by what we know already.
pub(crate) async fn is_running(db: &mut Connection, fenced: Fenced) -> Result<bool, StoreError> {
    Ok(fence(IS_RUNNING, fenced)
        .fetch_optional(db)
        .await?
        .is_some())
}

/// Claimed or running → draining.
pub(crate) async fn exited(
    db: &mut Connection,
    fenced: Fenced,
    handle: &Handle,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<Try, StoreError> {
    let query = fence(EXITED, fenced).bind(json(handle)).bind(time(now));
    one(db, fenced.attempt, bind_verdict(query, verdict)).await
}

/// What a report of this verdict means that came too late: nothing new, if this reporter has brought
/// the attempt to this phase with the same verdict before.
pub(crate) async fn known(
    db: &mut Connection,
    fenced: Fenced,
    phase: Phase,
    verdict: &Verdict,
) -> Result<Try, StoreError> {
    let record = super::get(db, fenced.attempt).await?;
    let known = record.filter(|record| {
        record.fence == fenced.fence
            && record.phase == phase
            && record.verdict.as_ref() == Some(verdict)
    });
    known
        .map(|record| Try {
            job: record.job,
            number: record.number,
        })
        .ok_or(StoreError::Stale {
            attempt: fenced.attempt,
        })
}

/// Any phase but the last → ended.
pub(crate) async fn end(
    db: &mut Connection,
    fenced: Fenced,
    verdict: &Verdict,
    usage: Option<&Usage>,
    now: Timestamp,
) -> Result<Try, StoreError> {
    let query = fence(END, fenced).bind(usage.map(json)).bind(time(now));
    one(db, fenced.attempt, bind_verdict(query, verdict)).await
}

/// Notes since when the host does not answer, or that it does; `None` if that was known.
pub(crate) async fn set_unknown(
    db: &mut Connection,
    fenced: Fenced,
    since: Option<Timestamp>,
) -> Result<Option<Try>, StoreError> {
    let query = match since {
        Some(since) => fence(UNREACHABLE, fenced).bind(time(since)),
        None => fence(REACHABLE, fenced),
    };
    fetch(db, query).await
}

/// Ended: the container is gone; `None` if that was known.
pub(crate) async fn removed(
    db: &mut Connection,
    attempt: AttemptId,
    now: Timestamp,
) -> Result<Option<Try>, StoreError> {
    fetch(db, query(REMOVED).bind(attempt.to_string()).bind(time(now))).await
}

pub(super) fn fence(sql: &'static str, fenced: Fenced) -> Statement {
    query(sql)
        .bind(fenced.attempt.to_string())
        .bind(fenced.fence)
}

/// Binds a verdict to eight columns in their order.
pub(super) fn bind_verdict(query: Statement, verdict: &Verdict) -> Statement {
    query
        .bind(verdict.outcome.status().word())
        .bind(verdict.outcome.to_string())
        .bind(verdict.exit_code.map(i64::from))
        .bind(i64::from(verdict.oom_killed))
        .bind(verdict.provenance.word())
        .bind(verdict.started_at.map(time))
        .bind(verdict.finished_at.map(time))
        .bind(&verdict.message)
}

/// Runs a guarded statement; no row means that the report is stale.
pub(super) async fn one(
    db: &mut Connection,
    attempt: AttemptId,
    query: Statement,
) -> Result<Try, StoreError> {
    fetch(db, query).await?.ok_or(StoreError::Stale { attempt })
}

async fn fetch(db: &mut Connection, query: Statement) -> Result<Option<Try>, StoreError> {
    let Some(row) = query.fetch_optional(db).await? else {
        return Ok(None);
    };
    let cells = Cells::new("attempts", &row);
    Ok(Some(Try {
        job: cells.parse("job_id")?,
        number: cells.number("number")?,
    }))
}
