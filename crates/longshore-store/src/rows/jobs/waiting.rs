//! The table of jobs: those that wait for others. Each statement names the state it expects.

use longshore_core::outcome::{JobStatus, Outcome};
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::rows::jobs::change::cancelled_at;
use crate::set::Set;
use crate::statement::query;

const STATUS: &str = "SELECT status FROM jobs WHERE id = $1";
// One seek for each status: it does not matter how many jobs an array has.
const STATUSES: &str = "SELECT word AS status FROM (SELECT 'pending' AS word \
    UNION ALL SELECT 'queued' UNION ALL SELECT 'launching' UNION ALL SELECT 'running' \
    UNION ALL SELECT 'retrying' UNION ALL SELECT 'completed' UNION ALL SELECT 'failed' \
    UNION ALL SELECT 'timeout' UNION ALL SELECT 'cancelled') AS words WHERE EXISTS ( \
    SELECT 1 FROM jobs WHERE jobs.array_id = $1 AND jobs.status = words.word)";
const RECOUNT: &str = "UPDATE jobs SET waits_for = (SELECT COUNT(*) FROM dependencies \
    WHERE job_id = jobs.id AND met_at IS NULL) FROM [job] AS said WHERE jobs.id = said.job";
const RELEASE: &str = "UPDATE jobs SET status = 'queued', not_before = NULL, \
    queued_at = said.now, queue_deadline = queue_limit + said.now FROM [job, now] AS said \
    WHERE jobs.id = said.job AND status = 'pending' AND driver = 'engine' AND waits_for = 0 \
    AND (not_before IS NULL OR not_before <= said.now) RETURNING jobs.id AS id";
const FALL: &str = "UPDATE jobs SET queue_deadline = NULL, not_before = NULL, \
    status = said.ended, reason = said.why, message = said.words, finished_at = said.now, \
    cancel_requested_at = said.wished FROM [job, ended, why, words, now, wished] AS said \
    WHERE jobs.id = said.job AND status = 'pending' AND driver = 'engine' \
    RETURNING jobs.id AS id";
const RISE: &str = "UPDATE jobs SET status = 'pending', reason = NULL, exit_code = NULL, \
    message = NULL, finished_at = NULL, started_at = NULL, cancel_requested_at = NULL, \
    not_before = NULL, retries_used = 0, infra_retries_used = 0, queued_at = NULL, \
    queue_deadline = NULL, total_deadline = $2 + total_limit, \
    waits_for = (SELECT COUNT(*) FROM dependencies \
        WHERE job_id = jobs.id AND met_at IS NULL) \
    WHERE id = $1 AND driver = 'engine' AND status IN ('failed', 'timeout', 'cancelled')";

/// The status of one job; `None` if it is gone.
pub(crate) async fn status(
    db: &mut Connection,
    job: JobId,
) -> Result<Option<JobStatus>, StoreError> {
    let row = query(STATUS)
        .bind(job.to_string())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read_status).transpose()
}

/// Each status that a job of an array has.
pub(crate) async fn statuses(
    db: &mut Connection,
    array: String,
) -> Result<Vec<JobStatus>, StoreError> {
    let rows = query(STATUSES).bind(array).fetch_all(db).await?;
    rows.iter().map(read_status).collect()
}

/// Counts anew how many dependencies of each of these jobs are not met.
pub(crate) async fn recount(db: &mut Connection, jobs: &[JobId]) -> Result<(), StoreError> {
    let rows = jobs.iter().map(|id| [id.to_string().into()]);
    Set::new(RECOUNT, rows).execute(db).await?;
    Ok(())
}

/// Pending, with nothing left to wait for → queued; says which.
pub(crate) async fn release(
    db: &mut Connection,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let rows = jobs
        .iter()
        .map(|id| [id.to_string().into(), time(now).into()]);
    ids(&Set::new(RELEASE, rows).fetch_all(db).await?)
}

/// Pending, and waiting in vain → final; says which.
pub(crate) async fn fall(
    db: &mut Connection,
    jobs: &[JobId],
    outcome: Outcome,
    message: &str,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let rows = jobs.iter().map(|id| {
        [
            id.to_string().into(),
            outcome.status().word().into(),
            outcome.to_string().into(),
            message.into(),
            time(now).into(),
            cancelled_at(outcome, now).into(),
        ]
    });
    ids(&Set::new(FALL, rows).fetch_all(db).await?)
}

/// Final, but not completed → pending, with everything reset that a new start resets.
pub(crate) async fn rise(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let risen = query(RISE)
        .bind(job.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(risen > 0)
}

fn read_status(row: &Row) -> Result<JobStatus, StoreError> {
    Cells::new("jobs", row).parse("status")
}

fn ids(rows: &[Row]) -> Result<Vec<JobId>, StoreError> {
    rows.iter()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .collect()
}
