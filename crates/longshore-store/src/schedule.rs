//! What time alone brings about: waiting jobs are released, or run out of time.

use longshore_core::event::EventKind;
use longshore_core::limits::PAGE;
use longshore_core::outcome::{Limit, Outcome};
use longshore_core::{JobId, Timestamp};

use crate::database::Connection;
use crate::dependents;
use crate::error::StoreError;
use crate::rows::events::{self, NewEvent, describe};
use crate::rows::jobs::{change, due};
use crate::store::Store;

impl Store {
    /// Releases all pending and retrying jobs whose time has come; says how many.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn release_due(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut released = 0;
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(released);
        }
        loop {
            let page = self
                .write(move |db| Box::pin(release_page(db, now)))
                .await?;
            released += u64::try_from(page).unwrap_or(u64::MAX);
            if page < PAGE as usize {
                return Ok(released);
            }
        }
    }

    /// When there is next something to release or to expire; `None` if nothing waits for a time.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        due::next(&mut self.readers().acquire().await?).await
    }

    /// Ends all waiting jobs whose queue limit or total limit has passed; says which.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn expire_queued(&self, now: Timestamp) -> Result<Vec<JobId>, StoreError> {
        let mut expired = Vec::new();
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(expired);
        }
        for limit in [Limit::Total, Limit::Queue] {
            loop {
                let page = self
                    .write(move |db| Box::pin(expire_page(db, limit, now)))
                    .await?;
                let is_last = page.len() < PAGE as usize;
                expired.extend(page);
                if is_last {
                    break;
                }
            }
        }
        Ok(expired)
    }
}

async fn release_page(db: &mut Connection, now: Timestamp) -> Result<usize, StoreError> {
    let jobs = due::release(db, now, PAGE).await?;
    let queued = |job: &JobId| NewEvent::of_job(*job, EventKind::Queued, now);
    events::insert_all(db, &jobs.iter().map(queued).collect::<Vec<_>>()).await?;
    Ok(jobs.len())
}

async fn expire_page(
    db: &mut Connection,
    limit: Limit,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let outcome = Outcome::TimedOut(limit);
    let message = format!("the {} limit passed before it was started", limit.word());
    let jobs = due::out_of_time(db, limit, now, PAGE).await?;
    for job in &jobs {
        change::give_up(db, *job, outcome, &message, now).await?;
        let finished = NewEvent::of_job(*job, EventKind::Finished, now);
        events::insert(db, finished.with(describe(outcome))).await?;
    }
    dependents::ended(db, &jobs, now).await?;
    Ok(jobs)
}
