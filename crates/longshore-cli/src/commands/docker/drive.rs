//! What is done to the containers of jobs: start, stop, rm, harvest, cancel, restart.

use std::time::Duration;

use longshore_core::JobId;
use longshore_core::job::Job;
use longshore_service::{Force, ServiceError};

use super::{Desk, together};
use crate::args::{RmArgs, SomeJobs, StopArgs};
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::tables;

/// The words for one operation: what was done, and what was not.
struct Words {
    done: &'static str,
    refused: &'static str,
    /// Why it may not have been done, where the record does not tell.
    why: &'static str,
}

type Results = Result<Vec<(JobId, Result<bool, ServiceError>)>, ServiceError>;

pub(super) async fn start(desk: &Desk<'_>, args: SomeJobs) -> Result<u8, Failure> {
    let words = Words {
        done: "started",
        refused: "not started",
        why: "its host did not do it",
    };
    let jobs = desk.jobs(&args.jobs).await?;
    let results = desk.service.start_all(&ids(&jobs)).await;
    tell(desk, results, &words).await
}

pub(super) async fn stop(desk: &Desk<'_>, args: StopArgs) -> Result<u8, Failure> {
    let words = Words {
        done: "stopped",
        refused: "not stopped",
        why: "there is no container, or its host did not do it",
    };
    let jobs = desk.jobs(&args.jobs.jobs).await?;
    let timeout = Duration::from_secs(args.time.into());
    let results = desk.service.stop_all(&ids(&jobs), timeout).await;
    tell(desk, results, &words).await
}

pub(super) async fn remove(desk: &Desk<'_>, args: RmArgs) -> Result<u8, Failure> {
    let words = Words {
        done: "removed",
        refused: "not removed",
        why: "there is no container, or it runs: stop it first, or use --force",
    };
    let force = if args.force {
        Force::Kill
    } else {
        Force::Never
    };
    let jobs = desk.jobs(&args.jobs.jobs).await?;
    let results = desk.service.remove_all(&ids(&jobs), force).await;
    tell(desk, results, &words).await
}

pub(super) async fn harvest(desk: &Desk<'_>, args: SomeJobs) -> Result<u8, Failure> {
    let words = Words {
        done: "harvested",
        refused: "not harvested",
        why: "its container runs, was never started, or is gone",
    };
    let jobs = desk.jobs(&args.jobs).await?;
    let results = desk.service.harvest_all(&ids(&jobs)).await;
    tell(desk, results, &words).await
}

pub(super) async fn cancel(desk: &Desk<'_>, args: SomeJobs) -> Result<u8, Failure> {
    let words = Words {
        done: "cancelled",
        refused: "not cancelled",
        why: "it is over",
    };
    let jobs = desk.jobs(&args.jobs).await?;
    let results = desk.service.cancel_all(&ids(&jobs)).await;
    tell(desk, results, &words).await
}

pub(super) async fn restart(desk: &Desk<'_>, args: SomeJobs) -> Result<u8, Failure> {
    let words = Words {
        done: "started anew",
        refused: "not started anew",
        why: "its host did not do it",
    };
    let jobs = desk.jobs(&args.jobs).await?;
    let results = desk.service.restart_all(&ids(&jobs)).await;
    tell(desk, results, &words).await
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// A line for each job, with its status afterwards where something was not done.
async fn tell(desk: &Desk<'_>, results: Results, words: &Words) -> Result<u8, Failure> {
    let mut codes = Vec::new();
    for (id, result) in results? {
        codes.push(match result {
            Ok(true) => {
                let job = desk.session.job_by_id(id).await?;
                desk.answer(&job, &words.done.replace(' ', "_"), words.done)?;
                SUCCESS
            }
            Ok(false) => {
                let job = desk.session.job_by_id(id).await?;
                let why = job.message.as_deref().unwrap_or(words.why);
                let text = format!("{}, is {}: {why}", words.refused, tables::status(&job));
                desk.answer(&job, &words.refused.replace(' ', "_"), &text)?;
                FAILURE
            }
            Err(error) => {
                let failure = Failure::from(error).of(&id.short());
                desk.complain(&failure)
            }
        });
    }
    Ok(together(codes))
}
