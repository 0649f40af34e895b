//! The table of jobs: moving one from state to state. Each statement names the state it expects.

use longshore_core::job::Driver;
use longshore_core::outcome::{JobStatus, Outcome, Verdict};
use longshore_core::retry::Budget;
use longshore_core::spec::ByteSize;
use longshore_core::{HostId, JobId, Timestamp};

use crate::columns::{Cells, amount, time};
use crate::database::Connection;
use crate::error::StoreError;
use crate::statement::query;

/// Jobs that this attempt speaks for. One that its caller drives is pending until it is started.
macro_rules! under_way {
    () => {
        "WHERE id = $1 AND attempt = $2 AND (status IN ('launching', 'running') \
         OR (status = 'pending' AND driver = 'service'))"
    };
}

const STANDING: &str = "SELECT id, status, driver FROM jobs WHERE id = $1";
const CLAIM: &str = "UPDATE jobs SET status = 'launching', attempt = $2, host_id = $3, \
    started_at = NULL, queue_deadline = NULL WHERE id = $1 AND status = 'queued'";
const IMAGE: &str = "UPDATE jobs SET image_digest = COALESCE(image_digest, $2) WHERE id = $1";
const RUN: &str = concat!(
    "UPDATE jobs SET status = 'running', started_at = COALESCE(started_at, $3), \
     message = CASE driver WHEN 'service' THEN NULL ELSE message END ",
    under_way!()
);
const WISH: &str = "UPDATE jobs SET cancel_requested_at = $2 \
    WHERE id = $1 AND status IN ('launching', 'running') AND cancel_requested_at IS NULL";
const GIVE_UP: &str = "UPDATE jobs SET status = $2, reason = $3, finished_at = $4, message = $5, \
    cancel_requested_at = $6, queue_deadline = NULL, not_before = NULL \
    WHERE id = $1 AND status IN ('pending', 'queued', 'retrying')";
const UNDER_WAY: &str = concat!(
    "SELECT id, driver, cancel_requested_at FROM jobs ",
    under_way!()
);
const FINISH: &str = concat!(
    "UPDATE jobs SET status = $3, reason = $4, exit_code = $5, message = $6, finished_at = $7 ",
    under_way!()
);
const RETRY: &str = "UPDATE jobs SET status = 'retrying', exit_code = $3, message = $4, \
    not_before = $5, retries_used = retries_used + $6, \
    infra_retries_used = infra_retries_used + $7, memory_bytes = COALESCE($8, memory_bytes) \
    WHERE id = $1 AND attempt = $2 AND status IN ('launching', 'running')";
const REVIVE: &str = "UPDATE jobs SET status = 'queued', reason = NULL, exit_code = NULL, \
    message = NULL, finished_at = NULL, started_at = NULL, cancel_requested_at = NULL, \
    not_before = NULL, retries_used = 0, infra_retries_used = 0, queued_at = $2, \
    queue_deadline = $2 + queue_limit, total_deadline = $2 + total_limit \
    WHERE id = $1 AND status IN ('failed', 'timeout', 'cancelled')";

/// One attempt of one job, by numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

/// Where a job stands, and who moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: JobStatus,
    pub(crate) driver: Driver,
}

/// Where a job stands, and who moves it.
pub(crate) async fn standing(db: &mut Connection, job: JobId) -> Result<Standing, StoreError> {
    let row = query(STANDING)
        .bind(job.to_string())
        .fetch_optional(db)
        .await?;
    let row = row.ok_or_else(|| StoreError::not_found("job", job.to_string()))?;
    let cells = Cells::new("jobs", &row);
    Ok(Standing {
        status: cells.parse("status")?,
        driver: cells.parse("driver")?,
    })
}

/// Where a job stands.
pub(crate) async fn status(db: &mut Connection, job: JobId) -> Result<JobStatus, StoreError> {
    Ok(standing(db, job).await?.status)
}

/// Queued → launching.
pub(crate) async fn claim(db: &mut Connection, one: Try, host: HostId) -> Result<bool, StoreError> {
    let claimed = query(CLAIM)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .bind(host.to_string())
        .execute(db)
        .await?;
    Ok(claimed > 0)
}

/// Keeps the digest of the image, the first time.
pub(crate) async fn set_image(
    db: &mut Connection,
    job: JobId,
    digest: &str,
) -> Result<(), StoreError> {
    query(IMAGE)
        .bind(job.to_string())
        .bind(digest)
        .execute(db)
        .await?;
    Ok(())
}

/// Under way → running.
pub(crate) async fn run(db: &mut Connection, one: Try, now: Timestamp) -> Result<bool, StoreError> {
    let moved = query(RUN)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(moved > 0)
}

/// Notes the wish that a job under way be cancelled; `false` if it was noted before.
pub(crate) async fn wish_cancel(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let noted = query(WISH)
        .bind(job.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(noted > 0)
}

/// A job that no attempt works on → final. `cancelled_at` is set when somebody wished it.
pub(crate) async fn give_up(
    db: &mut Connection,
    job: JobId,
    outcome: Outcome,
    message: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let moved = query(GIVE_UP)
        .bind(job.to_string())
        .bind(outcome.status().word())
        .bind(outcome.to_string())
        .bind(time(now))
        .bind(message)
        .bind(cancelled_at(outcome, now))
        .execute(db)
        .await?;
    Ok(moved > 0)
}

/// When it was wished that a job ends so that no attempt works on.
pub(crate) fn cancelled_at(outcome: Outcome, now: Timestamp) -> Option<i64> {
    match outcome {
        Outcome::Cancelled(_) => Some(time(now)),
        Outcome::Completed | Outcome::Failed(_) | Outcome::TimedOut(_) => None,
    }
}

/// Whether this attempt is the current one of a job under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnderWay {
    /// It is, and nobody wishes the job cancelled.
    Wanted,
    /// It is, and somebody wishes the job cancelled.
    Unwanted,
    /// It is, and the job's caller decides what follows.
    OfService,
    /// It is not.
    No,
}

/// Says whether the attempt speaks for its job.
pub(crate) async fn under_way(db: &mut Connection, one: Try) -> Result<UnderWay, StoreError> {
    let row = query(UNDER_WAY)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .fetch_optional(db)
        .await?;
    let Some(row) = row else {
        return Ok(UnderWay::No);
    };
    let cells = Cells::new("jobs", &row);
    let wish = cells.time_option("cancel_requested_at")?;
    Ok(match (cells.parse("driver")?, wish) {
        (Driver::Service, _) => UnderWay::OfService,
        (Driver::Engine, Some(_)) => UnderWay::Unwanted,
        (Driver::Engine, None) => UnderWay::Wanted,
    })
}

/// Under way → final, with an outcome that may differ from the attempt's own.
pub(crate) async fn finish(
    db: &mut Connection,
    one: Try,
    outcome: Outcome,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(FINISH)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .bind(outcome.status().word())
        .bind(outcome.to_string())
        .bind(verdict.exit_code.map(i64::from))
        .bind(&verdict.message)
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(())
}

/// What the next attempt costs, and what it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextTry {
    pub(crate) budget: Budget,
    pub(crate) not_before: Timestamp,
    /// Set when it is to have more memory than the one before.
    pub(crate) memory: Option<ByteSize>,
}

/// Launching or running → retrying.
pub(crate) async fn retry(
    db: &mut Connection,
    one: Try,
    verdict: &Verdict,
    next: NextTry,
) -> Result<(), StoreError> {
    let (own, infra) = match next.budget {
        Budget::Job => (1_i64, 0_i64),
        Budget::Infrastructure => (0, 1),
        Budget::Free => (0, 0),
    };
    query(RETRY)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .bind(verdict.exit_code.map(i64::from))
        .bind(&verdict.message)
        .bind(time(next.not_before))
        .bind(own)
        .bind(infra)
        .bind(next.memory.map(|memory| amount(memory.bytes())))
        .execute(db)
        .await?;
    Ok(())
}

/// Final, but not completed → queued, with everything reset that a new start resets.
pub(crate) async fn revive(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let moved = query(REVIVE)
        .bind(job.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(moved > 0)
}
