//! What the caller that drives a job itself reports about it, beside what every attempt goes through.
//!
//! Flow: [`begin`](Store::begin) → create → [`created`](Store::created) →
//! [`launching`](Store::launching) → start → [`started`](Store::started) → … →
//! [`end`](Store::end). The job is pending until `launching`.

use longshore_core::event::EventKind;
use longshore_core::job::{AttemptRecord, Driver};
use longshore_core::outcome::{JobStatus, Verdict};
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, JobId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::change::Fenced;
use crate::rows::attempts::{self, direct};
use crate::rows::events::{self, NewEvent, describe};
use crate::rows::hosts;
use crate::rows::jobs::change::{self, Try, UnderWay};
use crate::rows::jobs::direct as job_direct;
use crate::store::Store;
use crate::transitions::tell;

/// What became of the wish to begin an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// An attempt was made.
    New(AttemptRecord),
    /// One is under way already, perhaps on another host.
    UnderWay(AttemptRecord),
    /// The job is not pending.
    NotPending(JobStatus),
    /// Workers move the job.
    OfEngine,
}

impl Store {
    /// Begins the next attempt of a pending job that its caller drives, on a host. The job stays
    /// pending. While an attempt is under way it is the answer, and nothing changes.
    ///
    /// Guarantees: of any number of callers that begin one job, all get the same attempt. Slots and
    /// the host's state are not asked: the caller knows what it does.
    ///
    /// # Errors
    /// There is no such job or host, or the store is busy, full or damaged.
    pub async fn begin(
        &self,
        job: JobId,
        attempt: AttemptId,
        host: HostId,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        self.write(move |db| Box::pin(begin(db, (attempt, job, host), now)))
            .await
    }

    /// The container is about to be started: the job is launching from now on. Said again, it
    /// changes nothing.
    ///
    /// # Errors
    /// The report is stale, workers move the job, or the store is busy, full or damaged.
    pub async fn launching(&self, fenced: Fenced, now: Timestamp) -> Result<(), StoreError> {
        self.report(move |db| {
            Box::pin(async move {
                let one = direct::claimed(db, fenced).await?;
                if job_direct::launch(db, one).await? {
                    return tell(db, one, EventKind::Launching, String::new(), now).await;
                }
                if change::under_way(db, one).await? == UnderWay::OfService {
                    return Ok(());
                }
                Err(stale(fenced))
            })
        })
        .await
    }

    /// Ends an attempt whose container never ran: its verdict stands, and the job is pending again,
    /// with the verdict's message.
    ///
    /// # Errors
    /// The report is stale, workers move the job, or the store is busy, full or damaged.
    pub async fn abandon(
        &self,
        fenced: Fenced,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let verdict = verdict.clone();
        self.report(move |db| {
            Box::pin(async move {
                let one = direct::abandon(db, fenced, &verdict, now).await?;
                if !job_direct::abandon(db, one, verdict.message.as_deref()).await? {
                    return Err(stale(fenced));
                }
                let detail = describe(verdict.outcome);
                tell(db, one, EventKind::AttemptEnded, detail, now).await
            })
        })
        .await
    }

    /// Keeps what went wrong with a job under way as its message: nothing is decided by it. The next
    /// report that the job goes on takes it away.
    ///
    /// # Errors
    /// The report is stale, workers move the job, or the store is busy, full or damaged.
    pub async fn remark(&self, fenced: Fenced, message: &str) -> Result<(), StoreError> {
        let message = message.to_owned();
        self.report(move |db| {
            Box::pin(async move {
                let one = attempts::change::look(db, fenced).await?;
                if job_direct::remark(db, one, &message).await? {
                    return Ok(());
                }
                Err(stale(fenced))
            })
        })
        .await
    }

    /// Keeps what an attempt under way has used so far, in the place of what was kept before.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn metered(&self, fenced: Fenced, usage: &Usage) -> Result<(), StoreError> {
        let usage = usage.clone();
        self.report(move |db| {
            Box::pin(async move { direct::meter(db, fenced, &usage).await.map(|_| ()) })
        })
        .await
    }

    /// Makes a final job that its caller drives pending again, so that another attempt can begin.
    /// Its budgets and clocks start anew; its attempts and events stay. `false` if it is not final,
    /// or workers move it.
    ///
    /// # Errors
    /// There is no such job, or the store is busy, full or damaged.
    pub async fn reopen(&self, job: JobId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |db| {
            Box::pin(async move {
                change::status(db, job).await?;
                if !job_direct::reopen(db, job).await? {
                    return Ok(false);
                }
                let requested = NewEvent::of_job(job, EventKind::RetryRequested, now);
                events::insert(db, requested).await?;
                Ok(true)
            })
        })
        .await
    }
}

async fn begin(
    db: &mut Connection,
    (attempt, job, host): (AttemptId, JobId, HostId),
    now: Timestamp,
) -> Result<Begun, StoreError> {
    let standing = change::standing(db, job).await?;
    if standing.driver == Driver::Engine {
        return Ok(Begun::OfEngine);
    }
    if let Some(under_way) = attempts::under_way(db, job).await? {
        return Ok(Begun::UnderWay(under_way));
    }
    if hosts::get(db, host).await?.is_none() {
        return Err(StoreError::not_found("host", host.to_string()));
    }
    let Some(record) = direct::begin(db, (attempt, job, host), now).await? else {
        return Ok(Begun::NotPending(standing.status));
    };
    let one = Try {
        job,
        number: record.number,
    };
    job_direct::begin(db, one, host, now).await?;
    let detail = "by the caller that drives it".to_owned();
    tell(db, one, EventKind::Claimed, detail, now).await?;
    Ok(Begun::New(record))
}

fn stale(fenced: Fenced) -> StoreError {
    StoreError::Stale {
        attempt: fenced.attempt,
    }
}
