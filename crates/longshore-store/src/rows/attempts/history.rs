//! The table of attempts: the try of an imported job.

use longshore_core::launch::Handle;
use longshore_core::{AttemptId, HostId, JobId, Timestamp};

use super::change::bind_verdict;
use crate::columns::{json, time};
use crate::database::Connection;
use crate::error::StoreError;
use crate::history::{ImportedAttempt, ImportedJob, ImportedState};
use crate::statement::{Statement, query};

const RUNNING: &str = "INSERT INTO attempts (id, job_id, host_id, claimed_at, handle, number, fence, \
    driver, phase, started_at) VALUES ($1, $2, $3, $4, $5, 1, 1, 'service', 'running', $4)";
const ENDED: &str = "INSERT INTO attempts (id, job_id, host_id, claimed_at, handle, number, fence, \
    driver, phase, started_at, ended_at, log_complete_at, removed_at, usage, verdict_status, \
    verdict_reason, exit_code, oom_killed, provenance, container_started_at, \
    container_finished_at, verdict_message) VALUES ($1, $2, $3, $4, $5, 1, 1, 'service', 'ended', \
    $6, $7, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

/// Writes the try of a job that was added a moment ago, if it had one.
pub(crate) async fn insert(db: &mut Connection, job: &ImportedJob) -> Result<(), StoreError> {
    let query = match &job.state {
        ImportedState::Pending | ImportedState::Final { attempt: None, .. } => return Ok(()),
        ImportedState::Running {
            attempt,
            host,
            handle,
            started_at,
        } => keys(
            RUNNING,
            (*attempt, job.id, *host),
            *started_at,
            Some(handle),
        ),
        ImportedState::Final {
            attempt: Some(attempt),
            finished_at,
            ..
        } => bind_verdict(ended(job.id, attempt, *finished_at), &attempt.verdict),
    };
    query.execute(db).await?;
    Ok(())
}

/// All but the verdict. What the other system did not keep is taken from what it did.
fn ended(job: JobId, attempt: &ImportedAttempt, finished_at: Timestamp) -> Statement {
    let claimed_at = attempt.started_at.unwrap_or(finished_at);
    let ids = (attempt.id, job, attempt.host);
    keys(ENDED, ids, claimed_at, attempt.handle.as_ref())
        .bind(attempt.started_at.map(time))
        .bind(time(finished_at))
        .bind(attempt.removed.then(|| time(finished_at)))
        .bind(attempt.usage.as_ref().map(json))
}

fn keys(
    sql: &'static str,
    (attempt, job, host): (AttemptId, JobId, HostId),
    claimed_at: Timestamp,
    handle: Option<&Handle>,
) -> Statement {
    query(sql)
        .bind(attempt.to_string())
        .bind(job.to_string())
        .bind(host.to_string())
        .bind(time(claimed_at))
        .bind(handle.map(json))
}
