//! Dead jobs: what ended each, what was spent on it, and what to type.

use longshore_core::job::Job;

use crate::render::spans;
use crate::render::tables::{self, Look};

/// A line for each.
pub(crate) fn table(jobs: &[Job], look: Look) -> String {
    let head = [
        "ID", "NAME", "REASON", "ATTEMPTS", "RETRIES", "ENDED", "MESSAGE",
    ];
    let rows = jobs.iter().map(|job| {
        let id = if look.full {
            job.id.to_string()
        } else {
            job.id.short()
        };
        let name = job.spec.name.as_ref().map(ToString::to_string);
        let ended = job.finished_at.map(|at| spans::age(at, look.now));
        [
            id,
            tables::cut(&name.unwrap_or_default(), look),
            tables::status(job),
            job.attempt.to_string(),
            spent(job),
            ended.unwrap_or_default(),
            tables::cut(job.message.as_deref().unwrap_or_default(), look),
        ]
    });
    tables::plain(head, &rows.collect::<Vec<_>>(), look)
}

/// The budgets that were touched: `2 of 2`, `3 of 3 infra`.
fn spent(job: &Job) -> String {
    let policy = &job.spec.retry;
    let own = format!("{} of {}", job.retries_used, policy.retries);
    if job.infra_retries_used == 0 {
        return own;
    }
    let infra = format!(
        "{} of {} infra",
        job.infra_retries_used, policy.infra_retries
    );
    format!("{own}, {infra}")
}
