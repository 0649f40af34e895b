//! `docker create` and `docker launch`: a job and its container at once.

use std::collections::BTreeMap;

use longshore_core::JobId;
use longshore_core::job::{Driver, Job};
use longshore_store::NewJob;

use super::{Desk, together};
use crate::args::MakeArgs;
use crate::commands::intake::{self, When};
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::tables;
use crate::render::views::{self, SCHEMA};

pub(super) async fn create(desk: &Desk<'_>, args: MakeArgs) -> Result<u8, Failure> {
    let mut codes = Vec::new();
    for id in jobs(desk, args).await? {
        let created = desk.service.create_container(id, &BTreeMap::new()).await;
        codes.push(match created {
            Ok(container) => told(desk, id, Some(container.as_str()))?,
            Err(error) => desk.complain(&again(error.into(), id)),
        });
    }
    Ok(together(codes))
}

pub(super) async fn launch(desk: &Desk<'_>, args: MakeArgs) -> Result<u8, Failure> {
    let mut codes = Vec::new();
    for id in jobs(desk, args).await? {
        codes.push(match desk.service.launch_job(id).await {
            Ok(true) => {
                let attempts = desk.session.store().await?.attempts(id).await?;
                let handle = attempts.last().and_then(|attempt| attempt.handle.as_ref());
                told(desk, id, handle.map(|handle| &*handle.content))?
            }
            Ok(false) => desk.complain(&not_launched(&desk.session.job_by_id(id).await?)),
            Err(error) => desk.complain(&again(error.into(), id)),
        });
    }
    Ok(together(codes))
}

/// The job that exists, or those that are stored now.
async fn jobs(desk: &Desk<'_>, args: MakeArgs) -> Result<Vec<JobId>, Failure> {
    if let Some(text) = &args.existing {
        return Ok(vec![desk.job(text).await?.id]);
    }
    if args.job.delay.is_some() || args.job.at.is_some() {
        let failure = Failure::usage("--delay and --at are for jobs that workers start");
        return Err(failure.hint("`longshore submit` stores such a job"));
    }
    let session = desk.session;
    let driven = |job| NewJob {
        driver: Driver::Service,
        ..job
    };
    let taken = intake::take_in(session, &args.job, When::Now).await?;
    if taken.iter().any(|job| !job.after.is_empty()) {
        let failure = Failure::usage("--after is for jobs that workers start");
        return Err(failure.hint("`longshore submit` stores such a job"));
    }
    if taken.iter().any(|job| job.array.is_some()) {
        let failure = Failure::usage("--array is for jobs that workers start");
        return Err(failure.hint("`longshore submit --array …` stores such jobs"));
    }
    let new: Vec<NewJob> = taken.into_iter().map(driven).collect();
    let submitted = session.store().await?.submit(&new, session.now()).await?;
    Ok(submitted.into_iter().map(|job| job.id).collect())
}

/// Prints the container's id, as docker does; the job's id stands beside it.
fn told(desk: &Desk<'_>, job: JobId, container: Option<&str>) -> Result<u8, Failure> {
    let console = &desk.session.console;
    if desk.session.global.json {
        let view = serde_json::json!({ "schema": SCHEMA, "job": job, "container": container });
        console.print(&views::line(&view))?;
        return Ok(SUCCESS);
    }
    console.print(container.unwrap_or_default())?;
    console.say(&format!("job {}", job.short()));
    Ok(SUCCESS)
}

fn not_launched(job: &Job) -> Failure {
    let (short, status) = (job.id.short(), tables::status(job));
    let why = job
        .message
        .as_ref()
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    Failure::refused(format!("job {short} was not launched, it is {status}{why}")).hint(format!(
        "`longshore events {short}` shows what happened, `longshore docker restart {short}` tries again"
    ))
}

fn again(failure: Failure, job: JobId) -> Failure {
    let short = job.short();
    failure.or_hint(|| {
        format!(
            "the job is kept: `longshore docker create --job {short}` tries again, `longshore \
             docker cancel {short}` gives it up"
        )
    })
}
