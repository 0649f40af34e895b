//! Submitting jobs: many at once, each once.

use longshore_core::event::EventKind;
use longshore_core::job::Driver;
use longshore_core::spec::JobSpec;
use longshore_core::{JobId, Timestamp, limits};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::insert::{self, JobRow};
use crate::rows::labels;
use crate::store::Store;

/// A job to submit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its id, made by the caller.
    pub id: JobId,
    /// What is wished; validated, with all defaults applied.
    pub spec: JobSpec,
    /// Who moves it. One that its caller drives is pending until its caller begins it.
    pub driver: Driver,
    /// Not to be started before this time; means nothing where its caller decides.
    pub not_before: Option<Timestamp>,
}

/// What became of a submitted job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The job: the new one, or the first one with the same idempotency key.
    pub id: JobId,
    /// Whether it was added by this call.
    pub is_new: bool,
}

impl Store {
    /// Adds jobs, all or none; answers in the same order.
    ///
    /// Guarantees: a job whose id or idempotency key is known already is not added again, and the
    /// answer names the first; what is acknowledged survives a power loss.
    ///
    /// # Errors
    /// More than [`limits::SUBMIT_BATCH`] jobs, or the store is busy, full or damaged.
    pub async fn submit(
        &self,
        jobs: &[NewJob],
        now: Timestamp,
    ) -> Result<Vec<Submitted>, StoreError> {
        if jobs.len() > limits::SUBMIT_BATCH {
            return Err(StoreError::TooMany {
                count: jobs.len(),
                most: limits::SUBMIT_BATCH,
            });
        }
        let jobs = jobs.to_vec();
        self.write(move |db| Box::pin(async move { add(db, &jobs, now).await }))
            .await
    }
}

pub(crate) async fn add(
    db: &mut Connection,
    jobs: &[NewJob],
    now: Timestamp,
) -> Result<Vec<Submitted>, StoreError> {
    let rows: Vec<JobRow<'_>> = jobs
        .iter()
        .map(|job| {
            let not_before = job.not_before.filter(|not_before| *not_before > now);
            JobRow {
                id: job.id,
                spec: &job.spec,
                driver: job.driver,
                not_before: not_before.filter(|_| job.driver == Driver::Engine),
                now,
            }
        })
        .collect();
    let new = insert::insert(db, &rows).await?;
    let added = || rows.iter().filter(|row| new.contains(&row.id));
    labels::insert(db, added().map(|row| (row.id, row.spec))).await?;
    events::insert_all(db, &added().flat_map(first_events).collect::<Vec<_>>()).await?;
    let mut submitted = Vec::with_capacity(jobs.len());
    for job in jobs {
        let is_new = new.contains(&job.id);
        let id = if is_new {
            job.id
        } else {
            first_of(db, job).await?
        };
        submitted.push(Submitted { id, is_new });
    }
    Ok(submitted)
}

fn first_events(row: &JobRow<'_>) -> Vec<NewEvent> {
    let submitted = NewEvent::of_job(row.id, EventKind::Submitted, row.now);
    match (row.driver, row.not_before) {
        (Driver::Engine, Some(not_before)) => {
            vec![submitted.with(format!("waits until {not_before}"))]
        }
        (Driver::Engine, None) => vec![
            submitted,
            NewEvent::of_job(row.id, EventKind::Queued, row.now),
        ],
        (Driver::Service, _) => vec![submitted],
    }
}

/// The job that was there before this one.
async fn first_of(db: &mut Connection, job: &NewJob) -> Result<JobId, StoreError> {
    let Some(key) = &job.spec.idempotency_key else {
        return Ok(job.id);
    };
    Ok(insert::by_key(db, &key.to_string())
        .await?
        .unwrap_or(job.id))
}
