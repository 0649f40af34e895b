//! The table of jobs: those that their caller drives. Each statement names driver and state.

use longshore_core::{HostId, JobId, Timestamp};

use super::change::Try;
use crate::columns::time;
use crate::database::Connection;
use crate::error::StoreError;
use crate::statement::query;

// The total clock begins with the first attempt: how long a caller waits before is not its affair.
const BEGIN: &str = "UPDATE jobs SET attempt = $2, host_id = $3, started_at = NULL, \
    message = NULL, total_deadline = COALESCE(total_deadline, $4 + total_limit) \
    WHERE id = $1 AND status = 'pending' AND driver = 'service'";
const LAUNCH: &str = "UPDATE jobs SET status = 'launching', message = NULL \
    WHERE id = $1 AND attempt = $2 AND status = 'pending' AND driver = 'service'";
const ABANDON: &str = "UPDATE jobs SET status = 'pending', message = $3 \
    WHERE id = $1 AND attempt = $2 AND status IN ('pending', 'launching') AND driver = 'service'";
const REMARK: &str = "UPDATE jobs SET message = $3 \
    WHERE id = $1 AND attempt = $2 AND status IN ('pending', 'launching', 'running') \
    AND driver = 'service'";
const REOPEN: &str = "UPDATE jobs SET status = 'pending', reason = NULL, exit_code = NULL, \
    message = NULL, finished_at = NULL, started_at = NULL, cancel_requested_at = NULL, \
    not_before = NULL, retries_used = 0, infra_retries_used = 0, queued_at = NULL, \
    total_deadline = NULL WHERE id = $1 AND driver = 'service' \
    AND status IN ('completed', 'failed', 'timeout', 'cancelled')";

/// Pending: an attempt on this host is under way.
pub(crate) async fn begin(
    db: &mut Connection,
    one: Try,
    host: HostId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let begun = query(BEGIN)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .bind(host.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(begun > 0)
}

/// Pending → launching.
pub(crate) async fn launch(db: &mut Connection, one: Try) -> Result<bool, StoreError> {
    let moved = query(LAUNCH)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .execute(db)
        .await?;
    Ok(moved > 0)
}

/// Pending or launching → pending.
pub(crate) async fn abandon(
    db: &mut Connection,
    one: Try,
    message: Option<&str>,
) -> Result<bool, StoreError> {
    say(db, ABANDON, one, message).await
}

/// Under way: what went wrong.
pub(crate) async fn remark(
    db: &mut Connection,
    one: Try,
    message: &str,
) -> Result<bool, StoreError> {
    say(db, REMARK, one, Some(message)).await
}

/// Final → pending, with everything reset that a new start resets.
pub(crate) async fn reopen(db: &mut Connection, job: JobId) -> Result<bool, StoreError> {
    let moved = query(REOPEN).bind(job.to_string()).execute(db).await?;
    Ok(moved > 0)
}

async fn say(
    db: &mut Connection,
    sql: &'static str,
    one: Try,
    message: Option<&str>,
) -> Result<bool, StoreError> {
    let said = query(sql)
        .bind(one.job.to_string())
        .bind(i64::from(one.number))
        .bind(message)
        .execute(db)
        .await?;
    Ok(said > 0)
}
