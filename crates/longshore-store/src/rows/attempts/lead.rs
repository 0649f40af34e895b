//! The table of attempts: who leads one. Claims, leases, take-overs.

use longshore_core::job::{AttemptRecord, Lease};
use longshore_core::limits::STORE_ROWS;
use longshore_core::share::Share;
use longshore_core::{AttemptId, HostId, JobId, Timestamp, WorkerId};

use super::{columns, holds_slot, read};
use crate::columns::{amount, time};
use crate::database::Connection;
use crate::error::StoreError;
use crate::statement::{Builder, query};

// Slots and shares are counted in the statement itself: two workers that claim at one time cannot
// both have the last one.
pub(crate) const CLAIM: &str = concat!(
    "INSERT INTO attempts \
     (id, job_id, number, host_id, phase, worker_id, lease_until, fence, claimed_at, \
      cpu_nanos, memory_bytes, lane) \
     SELECT $1, jobs.id, jobs.attempt + 1, hosts.id, 'claimed', $4, $5, 1, $6, $7, $8, jobs.lane \
     FROM jobs, hosts \
     WHERE jobs.id = $2 AND jobs.status = 'queued' AND jobs.attempt = $11 \
     AND hosts.id = $3 AND hosts.state = 'active' \
     AND hosts.slots > (SELECT COUNT(*) FROM attempts \
        WHERE host_id = $3 AND ",
    holds_slot!(),
    ") AND $9 - $7 >= (SELECT COALESCE(SUM(cpu_nanos), 0) FROM attempts \
        WHERE host_id = $3 AND ",
    holds_slot!(),
    ") AND $10 - $8 >= (SELECT COALESCE(SUM(memory_bytes), 0) FROM attempts \
        WHERE host_id = $3 AND ",
    holds_slot!(),
    ") AND (hosts.breaker = 'closed' OR (hosts.breaker = 'half_open' \
        AND NOT EXISTS (SELECT 1 FROM attempts WHERE host_id = $3 \
        AND claimed_at >= hosts.breaker_since AND ",
    holds_slot!(),
    "))) RETURNING ",
    columns!()
);
const RELEASE: &str =
    "UPDATE attempts SET lease_until = $2 WHERE worker_id = $1 AND phase <> 'ended'";
const RENEW: &str = "UPDATE attempts SET lease_until = ";
const TAKE_OVER: &str = concat!(
    "UPDATE attempts SET fence = fence + 1, worker_id = $3, lease_until = $4 \
     WHERE id = $1 AND fence = $2 AND phase <> 'ended' AND driver = 'engine' \
     AND (lease_until IS NULL OR lease_until <= $5 OR worker_id = $3) RETURNING ",
    columns!()
);

/// A wish to start a queued job on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// Id of the attempt that is made for it.
    pub attempt: AttemptId,
    /// Number of the attempt before it, 0 if it is the first; a job that has had another one since it
    /// was looked at is not claimed.
    pub after: u32,
    /// Where.
    pub host: HostId,
    /// What the attempt is given of the host as long as it holds a slot.
    pub share: Share,
    /// The most that may be given there together, this one included.
    pub most: Share,
    /// Why there, for the timeline.
    pub why: String,
}

/// Makes the next attempt of a job; `None` if that is not possible.
pub(crate) async fn claim(
    db: &mut Connection,
    claim: &Claim,
    lease: Lease,
    now: Timestamp,
) -> Result<Option<AttemptRecord>, StoreError> {
    let row = query(CLAIM)
        .bind(claim.attempt.to_string())
        .bind(claim.job.to_string())
        .bind(claim.host.to_string())
        .bind(lease.worker.to_string())
        .bind(time(lease.until))
        .bind(time(now))
        .bind(amount(claim.share.cpu_nanos))
        .bind(amount(claim.share.memory_bytes))
        .bind(amount(claim.most.cpu_nanos))
        .bind(amount(claim.most.memory_bytes))
        .bind(i64::from(claim.after))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Moves the end of a worker's leases of these attempts; says how many of them it has.
pub(crate) async fn renew(
    db: &mut Connection,
    worker: WorkerId,
    attempts: &[AttemptId],
    until: Timestamp,
) -> Result<u64, StoreError> {
    let mut renewed = 0;
    for part in attempts.chunks(STORE_ROWS) {
        let mut query = Builder::new(RENEW);
        query.push_bind(time(until)).push(" WHERE worker_id = ");
        query.push_bind(worker.to_string());
        query.push(" AND phase <> 'ended' AND id IN (");
        let ids = part.iter().map(|attempt| attempt.to_string().into());
        query.push_list(ids).push(")");
        let is_usual = part.len() == 1;
        renewed += query.build().usual(is_usual).execute(db).await?;
    }
    Ok(renewed)
}

/// Ends all leases of a worker.
pub(crate) async fn release(
    db: &mut Connection,
    worker: WorkerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(RELEASE)
        .bind(worker.to_string())
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(())
}

/// Gives an attempt that nobody leads a new leader; `None` if somebody was quicker.
pub(crate) async fn take_over(
    db: &mut Connection,
    (attempt, fence): (AttemptId, i64),
    lease: Lease,
    now: Timestamp,
) -> Result<Option<AttemptRecord>, StoreError> {
    let row = query(TAKE_OVER)
        .bind(attempt.to_string())
        .bind(fence)
        .bind(lease.worker.to_string())
        .bind(time(lease.until))
        .bind(time(now))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}
