//! Leases: who may move an attempt, and how another worker takes over.

use longshore_core::event::EventKind;
use longshore_core::job::{AttemptRecord, Lease};
use longshore_core::{AttemptId, Timestamp, WorkerId};

use crate::error::StoreError;
use crate::rows::attempts::{self, lead};
use crate::rows::events::{self, NewEvent};
use crate::store::Store;

impl Store {
    /// Renews a worker's leases of these attempts; says how many of them it has.
    ///
    /// Guarantees: a lease that is not named runs out, also one that this worker was given without
    /// hearing of it, because the answer was lost.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn renew(
        &self,
        worker: WorkerId,
        attempts: &[AttemptId],
        until: Timestamp,
    ) -> Result<u64, StoreError> {
        let attempts = attempts.to_vec();
        self.write(move |db| {
            Box::pin(async move { lead::renew(db, worker, &attempts, until).await })
        })
        .await
    }

    /// Ends all leases of a worker now, so that another one need not wait for them to expire.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn release(&self, worker: WorkerId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| Box::pin(lead::release(db, worker, now)))
            .await
    }

    /// Attempts under way that nobody leads.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn expired(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AttemptRecord>, StoreError> {
        attempts::expired(&mut self.readers().acquire().await?, now, limit).await
    }

    /// Takes over an attempt that nobody leads. From then on reports with an older fence are stale.
    /// `None` if another worker was quicker, the lease was renewed, or the attempt is over.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn take_over(
        &self,
        (attempt, expected_fence): (AttemptId, i64),
        worker: WorkerId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<AttemptRecord>, StoreError> {
        let lease = Lease { worker, until };
        self.write(move |db| {
            Box::pin(async move {
                let taken = lead::take_over(db, (attempt, expected_fence), lease, now).await?;
                if let Some(record) = &taken {
                    let adopted = NewEvent::of_job(record.job, EventKind::Adopted, now);
                    events::insert(db, adopted.in_attempt(record.number)).await?;
                }
                Ok(taken)
            })
        })
        .await
    }

    /// Attempts led by this worker whose jobs somebody wishes cancelled.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn cancel_requested(&self, worker: WorkerId) -> Result<Vec<AttemptId>, StoreError> {
        attempts::unwanted(&mut self.readers().acquire().await?, worker).await
    }
}
