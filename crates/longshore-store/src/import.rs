//! Jobs of another system, taken over with their history.
//!
//! Their caller drives them: no worker ever starts one of them by itself.

use std::collections::BTreeSet;

use longshore_core::event::EventKind;
use longshore_core::job::Driver;
use longshore_core::launch::Handle;
use longshore_core::outcome::{Outcome, Verdict};
use longshore_core::spec::JobSpec;
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, JobId, Timestamp};

use crate::error::StoreError;
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::insert::{self, JobRow};
use crate::rows::{attempts, hosts, jobs, labels};
use crate::sqlite::Connection;
use crate::store::Store;
use crate::transitions::describe;

/// A job of another system.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedJob {
    /// Its id there, which it keeps.
    pub id: JobId,
    /// What was wished; validated, with all defaults applied.
    pub spec: JobSpec,
    /// When it was created there.
    pub created_at: Timestamp,
    /// When it last began to wait for its turn.
    pub queued_at: Option<Timestamp>,
    /// When it was to be started; kept as it was, nothing follows from it.
    pub not_before: Option<Timestamp>,
    /// How far it had come.
    pub state: ImportedState,
    /// What was last said about it, for people.
    pub message: Option<String>,
    /// Retries that it had used.
    pub retries_used: u32,
}

/// How far a job of another system had come.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportedState {
    /// It never ran, or is to run again.
    Pending,
    /// Its container runs.
    Running {
        /// Id of the attempt that is made for it.
        attempt: AttemptId,
        /// Where.
        host: HostId,
        /// The container.
        handle: Handle,
        /// Since when.
        started_at: Timestamp,
    },
    /// It was over.
    Final {
        /// How it ended.
        outcome: Outcome,
        /// Exit code, where there was one.
        exit_code: Option<i32>,
        /// Its last try, where it had one.
        attempt: Option<Box<ImportedAttempt>>,
        /// When it was over.
        finished_at: Timestamp,
    },
}

/// The last try of a job that was over.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedAttempt {
    /// Id of the attempt that is made for it; also names its log.
    pub id: AttemptId,
    /// Where.
    pub host: HostId,
    /// The container, where it is known.
    pub handle: Option<Handle>,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub verdict: Verdict,
    /// What it used.
    pub usage: Option<Usage>,
    /// Its container is gone; otherwise it is left to the clean-up.
    pub removed: bool,
}

/// What became of an imported job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It was added.
    Added,
    /// A job with its id, or its idempotency key, was there before; that one stays as it is.
    AlreadyThere,
}

impl ImportedState {
    /// Where its attempt is, if it has one.
    fn host(&self) -> Option<HostId> {
        match self {
            Self::Pending => None,
            Self::Running { host, .. } => Some(*host),
            Self::Final { attempt, .. } => attempt.as_ref().map(|attempt| attempt.host),
        }
    }

    /// For the timeline: how far it had come.
    fn describe(&self) -> String {
        match self {
            Self::Pending => "pending".to_owned(),
            Self::Running { .. } => "running".to_owned(),
            Self::Final { outcome, .. } => describe(*outcome),
        }
    }
}

impl Store {
    /// Adds jobs of another system with their history, all or none; answers in the same order.
    ///
    /// Guarantees: a repeated import adds nothing and changes nothing; what is acknowledged survives
    /// a power loss.
    ///
    /// # Errors
    /// There is no such host as one of them names, or the store is busy, full or damaged.
    pub async fn import(
        &self,
        jobs: &[ImportedJob],
        now: Timestamp,
    ) -> Result<Vec<Imported>, StoreError> {
        let jobs = jobs.to_vec();
        self.write(move |db| Box::pin(async move { add(db, &jobs, now).await }))
            .await
    }
}

async fn add(
    db: &mut Connection,
    jobs: &[ImportedJob],
    now: Timestamp,
) -> Result<Vec<Imported>, StoreError> {
    require_hosts(db, jobs).await?;
    let rows: Vec<JobRow<'_>> = jobs
        .iter()
        .map(|job| JobRow {
            id: job.id,
            spec: &job.spec,
            driver: Driver::Service,
            not_before: job.not_before,
            now: job.created_at,
        })
        .collect();
    let mut new = insert::insert(db, &rows).await?;
    let mut answers = Vec::with_capacity(jobs.len());
    let mut news = Vec::with_capacity(new.len());
    for job in jobs {
        // Taken out, so that one that is listed twice is added once.
        if !new.remove(&job.id) {
            answers.push(Imported::AlreadyThere);
            continue;
        }
        labels::insert(db, std::iter::once((job.id, &job.spec))).await?;
        jobs::history::insert(db, job).await?;
        attempts::history::insert(db, job).await?;
        let event = NewEvent::of_job(job.id, EventKind::Imported, now);
        news.push(event.with(job.state.describe()));
        answers.push(Imported::Added);
    }
    events::insert_all(db, &news).await?;
    Ok(answers)
}

/// Every host that is named must be there.
async fn require_hosts(db: &mut Connection, jobs: &[ImportedJob]) -> Result<(), StoreError> {
    let named: BTreeSet<HostId> = jobs.iter().filter_map(|job| job.state.host()).collect();
    for host in named {
        if hosts::get(db, host).await?.is_none() {
            return Err(StoreError::not_found("host", host.to_string()));
        }
    }
    Ok(())
}
