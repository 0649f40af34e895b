//! Wishes about a job that exists: cancel it, try it again.

use longshore_core::dependency::Upstream;
use longshore_core::event::EventKind;
use longshore_core::job::Driver;
use longshore_core::outcome::{CancelReason, JobStatus, Outcome};
use longshore_core::{JobId, Timestamp};

use crate::database::Connection;
use crate::dependents;
use crate::error::StoreError;
use crate::rows::attempts;
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change::{self, Standing};
use crate::store::Store;

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelAnswer {
    /// The job only waited; it is final now.
    Cancelled,
    /// An attempt is under way; whoever moves it has been told.
    Requested,
    /// Its caller moves it and has begun an attempt: it alone can end it.
    OfService,
    /// Too late.
    AlreadyFinal(JobStatus),
}

/// What became of a wish to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAnswer {
    /// The job waits for a slot again.
    Queued,
    /// It ended because of one that it waited for, which stands as it did: that one is to be tried
    /// again, and brings this one back.
    InVain(Upstream),
    /// Its caller moves it: it alone begins another attempt.
    OfService,
    /// It is not over yet.
    NotFinal(JobStatus),
    /// It has done what it should; submit it anew to run it again.
    AlreadyCompleted,
}

impl Store {
    /// Wishes a job cancelled. A repeated wish changes nothing.
    ///
    /// # Errors
    /// There is no such job, or the store is busy, full or damaged.
    pub async fn request_cancel(
        &self,
        job: JobId,
        now: Timestamp,
    ) -> Result<CancelAnswer, StoreError> {
        self.write(move |db| Box::pin(cancel(db, job, now))).await
    }

    /// Wishes a job tried again that ended otherwise than completed. Its budgets and clocks start
    /// anew; its attempts and events stay. Jobs that ended only because they waited for it in vain
    /// wait for it again.
    ///
    /// # Errors
    /// There is no such job, or the store is busy, full or damaged.
    pub async fn request_retry(
        &self,
        job: JobId,
        now: Timestamp,
    ) -> Result<RetryAnswer, StoreError> {
        self.write(move |db| Box::pin(retry(db, job, now))).await
    }
}

pub(crate) async fn cancel(
    db: &mut Connection,
    job: JobId,
    now: Timestamp,
) -> Result<CancelAnswer, StoreError> {
    let Standing { status, driver } = change::standing(db, job).await?;
    if driver == Driver::Service && is_under_way(db, job, status).await? {
        return Ok(CancelAnswer::OfService);
    }
    let requested = NewEvent::of_job(job, EventKind::CancelRequested, now);
    match status {
        JobStatus::Pending | JobStatus::Queued | JobStatus::Retrying => {
            let outcome = Outcome::Cancelled(CancelReason::User);
            change::give_up(db, job, outcome, "cancelled before it was started", now).await?;
            let finished = NewEvent::of_job(job, EventKind::Finished, now).with("cancelled user");
            events::insert_all(db, &[requested, finished]).await?;
            dependents::ended(db, &[job], now).await?;
            Ok(CancelAnswer::Cancelled)
        }
        JobStatus::Launching | JobStatus::Running => {
            if change::wish_cancel(db, job, now).await? {
                events::insert(db, requested).await?;
            }
            Ok(CancelAnswer::Requested)
        }
        JobStatus::Completed | JobStatus::Failed | JobStatus::Timeout | JobStatus::Cancelled => {
            Ok(CancelAnswer::AlreadyFinal(status))
        }
    }
}

/// Whether the caller that drives a job has begun an attempt that is not over.
async fn is_under_way(
    db: &mut Connection,
    job: JobId,
    status: JobStatus,
) -> Result<bool, StoreError> {
    Ok(!status.is_final() && attempts::under_way(db, job).await?.is_some())
}

async fn retry(db: &mut Connection, job: JobId, now: Timestamp) -> Result<RetryAnswer, StoreError> {
    let Standing { status, driver } = change::standing(db, job).await?;
    if driver == Driver::Service {
        return Ok(RetryAnswer::OfService);
    }
    match status {
        JobStatus::Failed | JobStatus::Timeout | JobStatus::Cancelled => {
            if dependents::is_fallen(db, job).await?
                && let Some(upstream) = dependents::obstacle(db, job).await?
            {
                return Ok(RetryAnswer::InVain(upstream));
            }
            change::revive(db, job, now).await?;
            let requested = NewEvent::of_job(job, EventKind::RetryRequested, now);
            let queued = NewEvent::of_job(job, EventKind::Queued, now);
            events::insert_all(db, &[requested, queued]).await?;
            dependents::revived(db, job, now).await?;
            Ok(RetryAnswer::Queued)
        }
        JobStatus::Completed => Ok(RetryAnswer::AlreadyCompleted),
        JobStatus::Pending
        | JobStatus::Queued
        | JobStatus::Launching
        | JobStatus::Running
        | JobStatus::Retrying => Ok(RetryAnswer::NotFinal(status)),
    }
}
