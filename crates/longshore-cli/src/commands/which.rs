//! Which jobs are meant by filters, read page by page.

use longshore_core::dependency::Upstream;
use longshore_core::job::Job;
use longshore_core::limits::PAGE;
use longshore_core::outcome::JobStatus;
use longshore_store::{JobCursor, JobFilter};

use crate::args::Which;
use crate::failure::Failure;
use crate::session::Session;

/// What the store is asked for.
pub(super) async fn filter(session: &Session, which: &Which) -> Result<JobFilter, Failure> {
    let label = match which.label.as_deref().map(|label| label.split_once('=')) {
        Some(Some((key, value))) => Some((key.to_owned(), value.to_owned())),
        Some(None) => return Err(Failure::usage("--label: use KEY=VALUE")),
        None => None,
    };
    let statuses = if which.dead {
        vec![JobStatus::Failed, JobStatus::Timeout]
    } else {
        Vec::new()
    };
    let array = match &which.array {
        None => None,
        Some(text) => match session.store().await?.resolve_upstream(text).await? {
            Upstream::Array(array) => Some(array),
            Upstream::Job(job) => {
                let text = format!("--array: `{text}` is job {}, not an array", job.short());
                return Err(Failure::usage(text).hint("the name of an array is that of its submit"));
            }
        },
    };
    Ok(JobFilter {
        statuses,
        name: which.name.clone(),
        label,
        owner: which.owner.clone(),
        queue: which.queue.clone(),
        array,
        ..JobFilter::default()
    })
}

/// So many jobs, newest first.
pub(super) async fn read(
    session: &Session,
    filter: JobFilter,
    wanted: u32,
) -> Result<Vec<Job>, Failure> {
    let store = session.store().await?;
    let mut jobs: Vec<Job> = Vec::new();
    let mut before = None;
    loop {
        let missing = wanted - u32::try_from(jobs.len()).unwrap_or(u32::MAX).min(wanted);
        let limit = missing.min(PAGE);
        let page = store
            .jobs(&JobFilter {
                limit,
                before,
                ..filter.clone()
            })
            .await?;
        let is_last = page.len() < limit as usize || missing <= PAGE;
        before = page.last().map(JobCursor::from);
        jobs.extend(page);
        if is_last {
            return Ok(jobs);
        }
    }
}
