//! The table of jobs: those whose time has come.

use longshore_core::outcome::Limit;
use longshore_core::{JobId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

pub(crate) const RELEASE: &str = "UPDATE jobs SET status = 'queued', queued_at = $1, not_before = NULL, \
    started_at = NULL, queue_deadline = $1 + queue_limit WHERE id IN ( \
        SELECT id FROM jobs WHERE status IN ('pending', 'retrying') \
        AND driver = 'engine' AND waits_for = 0 AND not_before <= $1 \
        ORDER BY not_before LIMIT $2) RETURNING id";
pub(crate) const NEXT: &str = "SELECT MIN(due) AS due FROM ( \
    SELECT MIN(not_before) AS due FROM jobs \
        WHERE status IN ('pending', 'retrying') AND driver = 'engine' AND waits_for = 0 \
    UNION ALL SELECT MIN(queue_deadline) FROM jobs \
        WHERE status = 'queued' AND queue_deadline IS NOT NULL \
    UNION ALL SELECT MIN(total_deadline) FROM jobs \
        WHERE status IN ('pending', 'queued', 'retrying') AND total_deadline IS NOT NULL \
        AND driver = 'engine') AS dues";
pub(crate) const QUEUE_LIMIT_PASSED: &str = "SELECT id FROM jobs WHERE status = 'queued' \
    AND queue_deadline IS NOT NULL AND queue_deadline <= $1 ORDER BY queue_deadline LIMIT $2";
pub(crate) const TOTAL_LIMIT_PASSED: &str = "SELECT id FROM jobs \
    WHERE status IN ('pending', 'queued', 'retrying') AND driver = 'engine' \
    AND total_deadline IS NOT NULL AND total_deadline <= $1 ORDER BY total_deadline LIMIT $2";
pub(crate) const FINISHED: &str = "SELECT id FROM jobs WHERE finished_at < $1 \
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE job_id = jobs.id AND removed_at IS NULL) \
    ORDER BY finished_at LIMIT $2";
const DELETE: &str = "DELETE FROM jobs WHERE id = $1";
const DELETE_EVENTS: &str = "DELETE FROM events WHERE job_id = $1";

/// Pending or retrying, and due → queued.
pub(crate) async fn release(
    db: &mut Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<JobId>, StoreError> {
    ids(&query(RELEASE)
        .bind(time(now))
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?)
}

/// When the next job is due for release, or out of time.
pub(crate) async fn next(db: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    let row = query(NEXT).fetch_one(db).await?;
    Cells::new("jobs", &row).time_option("due")
}

/// Jobs that wait, and whose limit has passed.
pub(crate) async fn out_of_time(
    db: &mut Connection,
    limit: Limit,
    now: Timestamp,
    most: u32,
) -> Result<Vec<JobId>, StoreError> {
    let sql = match limit {
        Limit::Queue => QUEUE_LIMIT_PASSED,
        Limit::Total => TOTAL_LIMIT_PASSED,
        // The clocks of attempts; whoever moves the attempt watches them.
        Limit::Pull | Limit::Start | Limit::Run => return Ok(Vec::new()),
    };
    ids(&query(sql)
        .bind(time(now))
        .bind(i64::from(most))
        .fetch_all(db)
        .await?)
}

/// Final jobs that ended before a time and have no container left.
pub(crate) async fn finished(
    db: &mut Connection,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<JobId>, StoreError> {
    ids(&query(FINISHED)
        .bind(time(before))
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?)
}

/// Deletes a job with its labels, attempts and events.
pub(crate) async fn delete(db: &mut Connection, job: JobId) -> Result<(), StoreError> {
    for sql in [DELETE_EVENTS, DELETE] {
        query(sql).bind(job.to_string()).execute(db).await?;
    }
    Ok(())
}

fn ids(rows: &[Row]) -> Result<Vec<JobId>, StoreError> {
    rows.iter()
        .map(|row| Cells::new("jobs", row).parse("id"))
        .collect()
}
