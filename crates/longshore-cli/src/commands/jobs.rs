//! `jobs`: what there is and how far it has come.

use longshore_core::job::Job;
use longshore_core::limits::PAGE;
use longshore_store::{JobCursor, JobFilter};

use crate::args::JobsArgs;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::tables::{self, Look};
use crate::render::views::{self, JobView};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: JobsArgs) -> Result<u8, Failure> {
    let wanted = args.last.unwrap_or(PAGE);
    let jobs = read(session, filter(&args)?, wanted).await?;
    if args.ids {
        for job in &jobs {
            let id = if args.no_trunc {
                job.id.to_string()
            } else {
                job.id.short()
            };
            session.console.print(&id)?;
        }
        return Ok(SUCCESS);
    }
    let hosts = session.host_names().await?;
    if session.global.json {
        let views: Vec<JobView> = jobs.iter().map(|job| JobView::new(job, &hosts)).collect();
        session.console.print(&views::pretty(&views))?;
        return Ok(SUCCESS);
    }
    let look = Look {
        full: args.no_trunc,
        ..session.look()
    };
    session.console.print(&tables::jobs(&jobs, &hosts, look))?;
    if args.last.is_none() && jobs.len() >= PAGE as usize {
        session
            .console
            .say(&format!("the newest {PAGE}; -n NUMBER shows more"));
    }
    Ok(SUCCESS)
}

fn filter(args: &JobsArgs) -> Result<JobFilter, Failure> {
    let label = match args.label.as_deref().map(|label| label.split_once('=')) {
        Some(Some((key, value))) => Some((key.to_owned(), value.to_owned())),
        Some(None) => return Err(Failure::usage("--label: use KEY=VALUE")),
        None => None,
    };
    Ok(JobFilter {
        statuses: args.status.clone(),
        name: args.name.clone(),
        label,
        schedule: args.schedule.clone(),
        ..JobFilter::default()
    })
}

/// Page by page, newest first.
async fn read(session: &Session, filter: JobFilter, wanted: u32) -> Result<Vec<Job>, Failure> {
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
