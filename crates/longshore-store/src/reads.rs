//! Reading jobs, attempts and events.

use longshore_core::event::JobEvent;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::outcome::JobStatus;
use longshore_core::{AttemptId, JobId};

use crate::error::StoreError;
use crate::rows::events::EventFilter;
use crate::rows::jobs::JobFilter;
use crate::rows::standings::{self, Standing};
use crate::rows::{attempts, events, jobs};
use crate::store::Store;

impl Store {
    /// One job.
    ///
    /// # Errors
    /// There is no such job, or it cannot be read.
    pub async fn job(&self, id: JobId) -> Result<Job, StoreError> {
        let job = jobs::get(&mut self.readers().acquire().await?, id).await?;
        job.ok_or_else(|| StoreError::not_found("job", id.to_string()))
    }

    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        jobs::list(&mut self.readers().acquire().await?, filter).await
    }

    /// How many jobs there are in each state, in the order of a job's life; all states are listed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn counts(&self) -> Result<Vec<(JobStatus, u64)>, StoreError> {
        let found = jobs::counts(&mut self.readers().acquire().await?).await?;
        let count = |status| {
            let of_status = found.iter().find(|(found, _)| *found == status);
            (status, of_status.map_or(0, |(_, jobs)| *jobs))
        };
        Ok(JobStatus::ALL.into_iter().map(count).collect())
    }

    /// Whether there is a job that workers move and that is not final.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn has_open_jobs(&self) -> Result<bool, StoreError> {
        jobs::any_open(&mut self.readers().acquire().await?).await
    }

    /// All attempts of a job, first to last.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<AttemptRecord>, StoreError> {
        attempts::of_job(&mut self.readers().acquire().await?, job).await
    }

    /// How jobs stand, and where their containers are: cheaper than the whole records. Jobs that do
    /// not exist are missing in the answer, which is in no order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn standings(&self, jobs: &[JobId]) -> Result<Vec<Standing>, StoreError> {
        standings::of(&mut self.readers().acquire().await?, jobs).await
    }

    /// How one job stands.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be read.
    pub async fn standing(&self, job: JobId) -> Result<Standing, StoreError> {
        let found = self.standings(&[job]).await?.pop();
        found.ok_or_else(|| StoreError::not_found("job", job.to_string()))
    }

    /// One attempt.
    ///
    /// # Errors
    /// There is no such attempt, or it cannot be read.
    pub async fn attempt(&self, id: AttemptId) -> Result<AttemptRecord, StoreError> {
        let attempt = attempts::get(&mut self.readers().acquire().await?, id).await?;
        attempt.ok_or_else(|| StoreError::not_found("attempt", id.to_string()))
    }

    /// A page of events in the order in which they were stored.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<JobEvent>, StoreError> {
        events::list(&mut self.readers().acquire().await?, filter).await
    }

    /// The newest event's sequence number; 0 before the first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn last_event_sequence(&self) -> Result<i64, StoreError> {
        events::last(&mut self.readers().acquire().await?).await
    }
}
