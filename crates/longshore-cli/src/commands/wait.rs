//! `wait`: until jobs are final; ends with their exit code.

use std::collections::BTreeSet;

use longshore_core::JobId;
use longshore_core::job::Job;

use crate::args::WaitArgs;
use crate::exit_code::{self, SUCCESS};
use crate::failure::Failure;
use crate::moments;
use crate::render::tables;
use crate::render::views::{self, HostNames, JobView};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: WaitArgs) -> Result<u8, Failure> {
    let timeout = match args.timeout.as_deref().map(moments::parse_duration) {
        Some(Ok(duration)) => Some(duration),
        Some(Err(text)) => return Err(Failure::usage(format!("--timeout: {text}"))),
        None => None,
    };
    let jobs: Vec<JobId> = session
        .jobs(&args.jobs)
        .await?
        .iter()
        .map(|job| job.id)
        .collect();
    let waiting = wait(session, &jobs, args.any);
    let Some(timeout) = timeout else {
        return waiting.await;
    };
    tokio::time::timeout(timeout, waiting)
        .await
        .unwrap_or_else(|_| {
            Err(Failure::timed_out(format!(
                "not final after {timeout:?}; the jobs go on"
            )))
        })
}

/// The first code that is no success, in the order in which the jobs were named.
async fn wait(session: &Session, wanted: &[JobId], any: bool) -> Result<u8, Failure> {
    let mut changes = session.store().await?.changes();
    let mut told = BTreeSet::new();
    let hosts = session.host_names().await?;
    loop {
        let mut code = SUCCESS;
        for id in wanted {
            let job = session.job_by_id(*id).await?;
            if !job.status.is_final() {
                continue;
            }
            if told.insert(job.id) {
                tell(session, &job, &hosts)?;
            }
            if code == SUCCESS {
                code = exit_code::of_job(&job);
            }
            if any {
                return Ok(code);
            }
        }
        if wanted.iter().all(|id| told.contains(id)) {
            return Ok(code);
        }
        changes.changed().await;
    }
}

fn tell(session: &Session, job: &Job, hosts: &HostNames) -> Result<(), Failure> {
    if session.global.json {
        session
            .console
            .print(&views::line(&JobView::new(job, hosts)))?;
        return Ok(());
    }
    let code = exit_code::of_job(job);
    session.console.print(&format!(
        "{} {} {code}",
        job.id.short(),
        tables::status(job)
    ))?;
    Ok(())
}
