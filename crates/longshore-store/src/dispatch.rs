//! What the dispatcher needs: the head of the queue, the free slots, and the claim.

use std::collections::HashMap;

use longshore_core::event::EventKind;
use longshore_core::job::{AttemptRecord, Job, Lease};
use longshore_core::{AttemptId, HostId, JobId, Timestamp, WorkerId};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::lead;
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change::{self, Try};
use crate::rows::{attempts, jobs};
use crate::store::Store;

/// A wish to start a queued job on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// Id of the attempt that is made for it.
    pub attempt: AttemptId,
    /// Where.
    pub host: HostId,
}

impl Store {
    /// The first jobs of the queue: by priority, then by how long they wait.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn queued(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        jobs::queued(&mut self.readers().acquire().await?, limit).await
    }

    /// How many slots are taken on each host that has any taken. An attempt that its job's caller
    /// drives takes one while it runs, whether one is free or not.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn busy_slots(&self) -> Result<HashMap<HostId, u32>, StoreError> {
        attempts::busy_slots(&mut self.readers().acquire().await?).await
    }

    /// How many attempts run on each host or may be started there at any moment: those that hold a
    /// slot, and those whose callers have begun them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn begun_attempts(&self) -> Result<HashMap<HostId, u32>, StoreError> {
        attempts::begun(&mut self.readers().acquire().await?).await
    }

    /// Makes an attempt of each job that is still queued, on its host if that is active and has a
    /// free slot. The answer has the attempts that were made; whatever is missing was not possible.
    ///
    /// Guarantees: one transaction; of any number of workers that claim one job, one gets it; no
    /// claim takes a slot that is not free; what is answered survives a power loss.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn claim(
        &self,
        claims: &[Claim],
        worker: WorkerId,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<AttemptRecord>, StoreError> {
        let claims = claims.to_vec();
        let lease = Lease {
            worker,
            until: lease_until,
        };
        self.write(move |db| Box::pin(async move { claim_all(db, &claims, lease, now).await }))
            .await
    }
}

async fn claim_all(
    db: &mut Connection,
    claims: &[Claim],
    lease: Lease,
    now: Timestamp,
) -> Result<Vec<AttemptRecord>, StoreError> {
    let mut made = Vec::with_capacity(claims.len());
    let mut news = Vec::with_capacity(claims.len());
    for claim in claims {
        let ids = (claim.attempt, claim.job, claim.host);
        let Some(attempt) = lead::claim(db, ids, lease, now).await? else {
            continue;
        };
        let one = Try {
            job: attempt.job,
            number: attempt.number,
        };
        change::claim(db, one, attempt.host).await?;
        let claimed = NewEvent::of_job(attempt.job, EventKind::Claimed, now);
        news.push(claimed.in_attempt(attempt.number));
        made.push(attempt);
    }
    events::insert_all(db, &news).await?;
    Ok(made)
}
