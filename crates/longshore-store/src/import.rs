//! Jobs of another system, taken over with their history.
//!
//! Their caller drives them: no worker ever starts one of them by itself.

use std::collections::BTreeSet;

use longshore_core::event::EventKind;
use longshore_core::job::Driver;
use longshore_core::{HostId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::history::{ImportedJob, ImportedState};
use crate::rows::events::{self, NewEvent, describe};
use crate::rows::jobs::insert::{self, JobRow};
use crate::rows::{attempts, hosts, jobs, labels};
use crate::store::Store;

/// What became of an imported job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It was added.
    Added,
    /// A job with its id, or its idempotency key, was there before; that one stays as it is.
    AlreadyThere,
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
            waits_for: 0,
            array: None,
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
        news.push(event.with(how_far(&job.state)));
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

/// For the timeline: how far it had come.
fn how_far(state: &ImportedState) -> String {
    match state {
        ImportedState::Pending => "pending".to_owned(),
        ImportedState::Running { .. } => "running".to_owned(),
        ImportedState::Final { outcome, .. } => describe(*outcome),
    }
}
