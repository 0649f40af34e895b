//! The table of attempts: those of jobs that their caller drives. They have no lease.

use longshore_core::job::AttemptRecord;
use longshore_core::outcome::Verdict;
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, JobId, Timestamp};

use super::change::{Fenced, bind_verdict, fence, one};
use super::{columns, read};
use crate::columns::{json, time};
use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::jobs::change::Try;
use crate::statement::query;

const BEGIN: &str = concat!(
    "INSERT INTO attempts (id, job_id, number, host_id, phase, fence, claimed_at, driver) \
     SELECT $1, jobs.id, jobs.attempt + 1, $3, 'claimed', 1, $4, 'service' FROM jobs \
     WHERE jobs.id = $2 AND jobs.status = 'pending' AND jobs.driver = 'service' RETURNING ",
    columns!()
);
const CLAIMED: &str = "SELECT id, job_id, number FROM attempts \
    WHERE id = $1 AND fence = $2 AND phase = 'claimed' AND driver = 'service'";
const ABANDON: &str = "UPDATE attempts SET phase = 'ended', ended_at = $3, log_complete_at = $3, \
    unknown_since = NULL, verdict_status = $4, verdict_reason = $5, exit_code = $6, \
    oom_killed = $7, provenance = $8, container_started_at = $9, container_finished_at = $10, \
    verdict_message = $11 WHERE id = $1 AND fence = $2 AND phase = 'claimed' \
    AND driver = 'service' RETURNING id, job_id, number";
const METER: &str = "UPDATE attempts SET usage = $3 \
    WHERE id = $1 AND fence = $2 AND phase <> 'ended' RETURNING id, job_id, number";

/// Adds an attempt of a pending job; `None` if it is not so any more.
pub(crate) async fn begin(
    db: &mut Connection,
    (attempt, job, host): (AttemptId, JobId, HostId),
    now: Timestamp,
) -> Result<Option<AttemptRecord>, StoreError> {
    let row = query(BEGIN)
        .bind(attempt.to_string())
        .bind(job.to_string())
        .bind(host.to_string())
        .bind(time(now))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Whether it is still claimed.
pub(crate) async fn claimed(db: &mut Connection, fenced: Fenced) -> Result<Try, StoreError> {
    one(db, fenced.attempt, fence(CLAIMED, fenced)).await
}

/// Claimed → ended: nothing ever ran, so there is no log to read.
pub(crate) async fn abandon(
    db: &mut Connection,
    fenced: Fenced,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<Try, StoreError> {
    let query = fence(ABANDON, fenced).bind(time(now));
    one(db, fenced.attempt, bind_verdict(query, verdict)).await
}

/// Any phase but the last: what it has used so far.
pub(crate) async fn meter(
    db: &mut Connection,
    fenced: Fenced,
    usage: &Usage,
) -> Result<Try, StoreError> {
    one(db, fenced.attempt, fence(METER, fenced).bind(json(usage))).await
}
