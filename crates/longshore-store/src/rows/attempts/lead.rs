//! The table of attempts: who leads one. Claims, leases, take-overs.

use std::collections::HashMap;

use longshore_core::health::Position;
use longshore_core::job::{AttemptRecord, Lease};
use longshore_core::share::Share;
use longshore_core::{AttemptId, HostId, JobId, Timestamp, WorkerId};

use super::{columns, holds_slot, read};
use crate::columns::{Cells, amount, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::set::Set;
use crate::statement::query;

/// One number of all attempts that hold a slot on a host.
macro_rules! held_there {
    ($what:literal) => {
        concat!(
            "(SELECT CAST(",
            $what,
            " AS BIGINT) FROM attempts WHERE attempts.host_id = hosts.id AND ",
            holds_slot!(),
            ")"
        )
    };
}

pub(crate) const ROOMS: &str = concat!(
    "SELECT hosts.id AS id, hosts.slots AS slots, hosts.breaker AS breaker, ",
    held_there!("COUNT(*)"),
    " AS busy, ",
    held_there!("COALESCE(SUM(attempts.cpu_nanos), 0)"),
    " AS cpu_nanos, ",
    held_there!("COALESCE(SUM(attempts.memory_bytes), 0)"),
    " AS memory_bytes, CASE hosts.breaker WHEN 'half_open' THEN (SELECT COUNT(*) FROM attempts \
        WHERE attempts.host_id = hosts.id AND attempts.claimed_at >= hosts.breaker_since AND ",
    holds_slot!(),
    ") ELSE 0 END AS trials FROM [host] AS said JOIN hosts ON hosts.id = said.host \
     WHERE hosts.state = 'active'"
);
const CLAIM: &str = concat!(
    "INSERT INTO attempts \
     (id, job_id, number, host_id, phase, worker_id, lease_until, fence, claimed_at, \
      cpu_nanos, memory_bytes, lane) \
     SELECT said.attempt, jobs.id, jobs.attempt + 1, said.host, 'claimed', said.worker, \
        said.until, 1, said.now, said.cpu, said.memory, jobs.lane \
     FROM [attempt, job, after, host, worker, until, now, cpu, memory] AS said \
     JOIN jobs ON jobs.id = said.job AND jobs.attempt = said.after WHERE jobs.status = 'queued' RETURNING ",
    columns!()
);
const RELEASE: &str =
    "UPDATE attempts SET lease_until = $2 WHERE worker_id = $1 AND phase <> 'ended'";
const RENEW: &str = "UPDATE attempts SET lease_until = said.until \
    FROM [attempt, worker, until] AS said WHERE attempts.id = said.attempt \
    AND worker_id = said.worker AND phase <> 'ended'";
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

/// What is taken of a host that takes attempts.
pub(crate) struct Room {
    pub(crate) slots: u32,
    pub(crate) busy: u32,
    pub(crate) given: Share,
    pub(crate) breaker: Position,
    /// Attempts that hold a slot since the breaker is half open.
    pub(crate) trials: u32,
}

/// What is taken of those of these hosts that take attempts.
pub(crate) async fn rooms(
    db: &mut Connection,
    hosts: impl Iterator<Item = HostId>,
) -> Result<HashMap<HostId, Room>, StoreError> {
    let rows = hosts.map(|host| [host.to_string().into()]);
    let rows = Set::new(ROOMS, rows).fetch_all(db).await?;
    let read = |row: &Row| {
        let cells = Cells::new("hosts", row);
        let room = Room {
            slots: cells.number("slots")?,
            busy: cells.number("busy")?,
            given: Share {
                cpu_nanos: cells.number("cpu_nanos")?,
                memory_bytes: cells.number("memory_bytes")?,
            },
            breaker: cells.parse("breaker")?,
            trials: cells.number("trials")?,
        };
        Ok((cells.parse("id")?, room))
    };
    rows.iter().map(read).collect()
}

/// Adds attempts of queued jobs, on hosts that have room for them.
pub(crate) async fn claim(
    db: &mut Connection,
    claims: &[&Claim],
    lease: Lease,
    now: Timestamp,
) -> Result<HashMap<AttemptId, AttemptRecord>, StoreError> {
    let rows = claims.iter().map(|claim| {
        [
            claim.attempt.to_string().into(),
            claim.job.to_string().into(),
            i64::from(claim.after).into(),
            claim.host.to_string().into(),
            lease.worker.to_string().into(),
            time(lease.until).into(),
            time(now).into(),
            amount(claim.share.cpu_nanos).into(),
            amount(claim.share.memory_bytes).into(),
        ]
    });
    let rows = Set::new(CLAIM, rows).fetch_all(db).await?;
    let made = |row| read(row).map(|record| (record.id, record));
    rows.iter().map(made).collect()
}

/// Moves the end of a worker's leases of these attempts; says how many of them it has.
pub(crate) async fn renew(
    db: &mut Connection,
    worker: WorkerId,
    attempts: &[AttemptId],
    until: Timestamp,
) -> Result<u64, StoreError> {
    let (worker, until) = (worker.to_string(), time(until));
    let rows = attempts
        .iter()
        .map(|attempt| [attempt.to_string().into(), (&worker).into(), until.into()]);
    Set::new(RENEW, rows).execute(db).await
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
