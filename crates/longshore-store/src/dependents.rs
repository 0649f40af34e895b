//! What follows for other jobs from the end of one, and from its retry.
//!
//! All of it happens in the transaction that ends the job: whoever waits is released or ends with
//! it, through any chain, or nothing of it happened.

use std::collections::BTreeSet;

use longshore_core::dependency::{Condition, Ends, Standing, Upstream};
use longshore_core::event::EventKind;
use longshore_core::outcome::{JobStatus, Outcome};
use longshore_core::{JobId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::dependencies::{self, Waited};
use crate::rows::events::{self, NewEvent, describe};
use crate::rows::jobs::{self, waiting};
use crate::store::Store;

/// What a job waits for, and how far that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// For whom and for what, and since when it waits no more.
    pub waited: Waited,
    /// Whether the condition holds, or may still.
    pub standing: Standing,
}

impl Store {
    /// What a job waits for, or waited for; nothing for most.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn waits(&self, job: JobId) -> Result<Vec<Wait>, StoreError> {
        waits(&mut self.readers().acquire().await?, job).await
    }
}

/// These jobs are final now: whoever waits for them goes on, or ends.
pub(crate) async fn ended(
    db: &mut Connection,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<(), StoreError> {
    let upstreams = dependencies::waited_for(db, jobs).await?;
    settle(db, upstreams, now).await
}

/// Brings about what has become of those that wait for these.
pub(crate) async fn settle(
    db: &mut Connection,
    mut upstreams: Vec<Upstream>,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Who waits is younger than who is waited for: this comes to an end.
    while !upstreams.is_empty() {
        let (mut met, mut fallen) = (Vec::new(), Vec::new());
        for upstream in upstreams {
            decide(db, upstream, (&mut met, &mut fallen), now).await?;
        }
        release(db, &met, now).await?;
        upstreams = dependencies::waited_for(db, &fallen).await?;
    }
    Ok(())
}

/// Marks what is met, ends those that wait in vain, and says whose.
async fn decide(
    db: &mut Connection,
    upstream: Upstream,
    (met, fallen): (&mut Vec<JobId>, &mut Vec<JobId>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let ends = ends(db, upstream).await?;
    for condition in Condition::ALL {
        match condition.standing(ends) {
            Standing::Open => {}
            Standing::Met => {
                met.extend(dependencies::meet(db, upstream, condition, now).await?);
            }
            Standing::Broken => {
                let outcome = condition.outcome_in_vain(ends);
                fallen.extend(fall(db, (upstream, condition), outcome, now).await?);
            }
        }
    }
    Ok(())
}

async fn release(db: &mut Connection, met: &[JobId], now: Timestamp) -> Result<(), StoreError> {
    waiting::recount(db, met).await?;
    let released = waiting::release(db, met, now).await?;
    let queued = |job: &JobId| NewEvent::of_job(*job, EventKind::Queued, now);
    events::insert_all(db, &released.iter().map(queued).collect::<Vec<_>>()).await
}

/// Ends those that wait for this in vain.
async fn fall(
    db: &mut Connection,
    (upstream, condition): (Upstream, Condition),
    outcome: Outcome,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let jobs = dependencies::waiting(db, upstream, condition).await?;
    if jobs.is_empty() {
        return Ok(jobs);
    }
    let message = format!("it waited for {upstream} to have {condition}, in vain");
    let fallen = waiting::fall(db, &jobs, outcome, &message, now).await?;
    let finished =
        |job: &JobId| NewEvent::of_job(*job, EventKind::Finished, now).with(describe(outcome));
    events::insert_all(db, &fallen.iter().map(finished).collect::<Vec<_>>()).await?;
    Ok(fallen)
}

/// Brings back those that ended only because they waited for this job in vain, through any chain: it
/// is to be tried again.
pub(crate) async fn revived(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut revived = vec![job];
    while let Some(job) = revived.pop() {
        let mut candidates = BTreeSet::new();
        for upstream in dependencies::waited_for(db, &[job]).await? {
            for condition in Condition::ALL {
                candidates.extend(dependencies::waiting(db, upstream, condition).await?);
            }
        }
        for candidate in candidates {
            if is_fallen(db, candidate).await? && obstacle(db, candidate).await?.is_none() {
                waiting::rise(db, candidate, now).await?;
                let requested = NewEvent::of_job(candidate, EventKind::RetryRequested, now);
                let why = format!("with job {}, which it waits for", job.short());
                events::insert(db, requested.with(why)).await?;
                revived.push(candidate);
            }
        }
    }
    Ok(())
}

/// Whether a job ended because of one that it waited for.
pub(crate) async fn is_fallen(db: &mut Connection, job: JobId) -> Result<bool, StoreError> {
    let outcome = jobs::get(db, job).await?.and_then(|job| job.outcome);
    Ok(outcome.is_some_and(Outcome::is_for_dependency))
}

/// The first of those that a job waits for in vain.
pub(crate) async fn obstacle(
    db: &mut Connection,
    job: JobId,
) -> Result<Option<Upstream>, StoreError> {
    let waits = waits(db, job).await?;
    let broken = waits.iter().find(|wait| wait.standing == Standing::Broken);
    Ok(broken.map(|wait| wait.waited.dependency.upstream))
}

async fn waits(db: &mut Connection, job: JobId) -> Result<Vec<Wait>, StoreError> {
    let mut waits = Vec::new();
    for waited in dependencies::of_job(db, job).await? {
        let standing = if waited.met_at.is_some() {
            Standing::Met
        } else {
            let ends = ends(db, waited.dependency.upstream).await?;
            waited.dependency.condition.standing(ends)
        };
        waits.push(Wait { waited, standing });
    }
    Ok(waits)
}

/// How far they have come. What is not met and gone is as good as cancelled.
async fn ends(db: &mut Connection, upstream: Upstream) -> Result<Ends, StoreError> {
    let statuses = match upstream {
        Upstream::Job(job) => Vec::from_iter(waiting::status(db, job).await?),
        Upstream::Array(array) => waiting::statuses(db, array.to_string()).await?,
    };
    if statuses.is_empty() {
        return Ok(Ends::from_iter([JobStatus::Cancelled]));
    }
    Ok(statuses.into_iter().collect())
}
