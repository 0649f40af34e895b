//! What is done to the containers of jobs: start, stop, rm, harvest, cancel, restart.

use std::time::Duration;

use longshore_core::JobId;
use longshore_service::{DockerService, Force, ServiceError};

use super::{Desk, together};
use crate::args::{RmArgs, SomeJobs, StopArgs};
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::tables;

/// An operation on jobs that have containers already.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    Start,
    Stop { timeout: Duration },
    Remove { force: Force },
    Harvest,
    Cancel,
    Restart,
}

/// The words for one operation: what was done, and what was not.
struct Words {
    done: &'static str,
    refused: &'static str,
    /// Why it may not have been done, where the record does not tell.
    why: &'static str,
}

type Results = Result<Vec<(JobId, Result<bool, ServiceError>)>, ServiceError>;

impl Deed {
    pub(super) fn stop(args: &StopArgs) -> Self {
        let timeout = Duration::from_secs(args.time.into());
        Self::Stop { timeout }
    }

    pub(super) fn remove(args: &RmArgs) -> Self {
        let force = if args.force {
            Force::Kill
        } else {
            Force::Never
        };
        Self::Remove { force }
    }

    /// Does it to all named jobs, once all of them are found.
    pub(super) async fn carry_out(self, desk: &Desk<'_>, jobs: &SomeJobs) -> Result<u8, Failure> {
        let jobs = desk.jobs(&jobs.jobs).await?;
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let results = self.upon(&desk.service, &ids).await;
        tell(desk, results, &self.words()).await
    }

    async fn upon(self, service: &DockerService, jobs: &[JobId]) -> Results {
        match self {
            Self::Start => service.start_all(jobs).await,
            Self::Stop { timeout } => service.stop_all(jobs, timeout).await,
            Self::Remove { force } => service.remove_all(jobs, force).await,
            Self::Harvest => service.harvest_all(jobs).await,
            Self::Cancel => service.cancel_all(jobs).await,
            Self::Restart => service.restart_all(jobs).await,
        }
    }

    fn words(self) -> Words {
        let (done, refused, why) = match self {
            Self::Start => ("started", "not started", "its host did not do it"),
            Self::Stop { .. } => (
                "stopped",
                "not stopped",
                "there is no container, or its host did not do it",
            ),
            Self::Remove { .. } => (
                "removed",
                "not removed",
                "there is no container, or it runs: stop it first, or use --force",
            ),
            Self::Harvest => (
                "harvested",
                "not harvested",
                "its container runs, was never started, or is gone",
            ),
            Self::Cancel => ("cancelled", "not cancelled", "it is over"),
            Self::Restart => ("started anew", "not started anew", "its host did not do it"),
        };
        Words { done, refused, why }
    }
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
