//! The table of jobs: how far an imported one had come.

use longshore_core::outcome::JobStatus;

use crate::columns::time;
use crate::database::Connection;
use crate::error::StoreError;
use crate::history::{ImportedJob, ImportedState};
use crate::statement::query;

const SET: &str = "UPDATE jobs SET status = $2, reason = $3, exit_code = $4, message = $5, \
    attempt = $6, host_id = $7, queued_at = $8, started_at = $9, finished_at = $10, \
    retries_used = $11 WHERE id = $1 AND status = 'pending' AND driver = 'service'";

/// What the state says about the job's row.
#[derive(Default)]
struct History {
    status: &'static str,
    reason: Option<String>,
    exit_code: Option<i64>,
    attempt: i64,
    host: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

/// Writes the history of a job that was added a moment ago.
pub(crate) async fn insert(db: &mut Connection, job: &ImportedJob) -> Result<(), StoreError> {
    let history = history(&job.state);
    query(SET)
        .bind(job.id.to_string())
        .bind(history.status)
        .bind(history.reason)
        .bind(history.exit_code)
        .bind(&job.message)
        .bind(history.attempt)
        .bind(history.host)
        .bind(job.queued_at.map(time))
        .bind(history.started_at)
        .bind(history.finished_at)
        .bind(i64::from(job.retries_used))
        .execute(db)
        .await?;
    Ok(())
}

fn history(state: &ImportedState) -> History {
    match state {
        ImportedState::Pending => History {
            status: JobStatus::Pending.word(),
            ..History::default()
        },
        ImportedState::Running {
            host, started_at, ..
        } => History {
            status: JobStatus::Running.word(),
            attempt: 1,
            host: Some(host.to_string()),
            started_at: Some(time(*started_at)),
            ..History::default()
        },
        ImportedState::Final {
            outcome,
            exit_code,
            attempt,
            finished_at,
        } => History {
            status: outcome.status().word(),
            reason: Some(outcome.to_string()),
            exit_code: exit_code.map(i64::from),
            attempt: i64::from(attempt.is_some()),
            host: attempt.as_ref().map(|attempt| attempt.host.to_string()),
            started_at: attempt
                .as_ref()
                .and_then(|attempt| attempt.started_at)
                .map(time),
            finished_at: Some(time(*finished_at)),
        },
    }
}
