//! What the dispatcher needs beside the queue: the free slots, and the claim.

use std::collections::{BTreeSet, HashMap};

use longshore_core::event::EventKind;
use longshore_core::health::Position;
use longshore_core::job::{AttemptRecord, Lease};
use longshore_core::lane::{Holding, Lane};
use longshore_core::share::Share;
use longshore_core::{HostId, JobId, Timestamp, WorkerId};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::lead::{self, Claim, Room};
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change;
use crate::rows::{attempts, lanes, paused_queues};
use crate::store::Store;

/// What attempts take of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostLoad {
    /// Slots that are taken. An attempt that its job's caller drives takes one while it runs, whether
    /// one is free or not.
    pub busy: u32,
    /// What the attempts in those slots were given; those of callers are given nothing.
    pub given: Share,
}

impl Store {
    /// What is taken of each host that has any slot taken.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn loads(&self) -> Result<HashMap<HostId, HostLoad>, StoreError> {
        let loads = attempts::loads(&mut self.readers().acquire().await?).await?;
        let load = |(host, (busy, given))| (host, HostLoad { busy, given });
        Ok(loads.into_iter().map(load).collect())
    }

    /// How many attempts run on each host or may be started there at any moment: those that hold a
    /// slot, and those whose callers have begun them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn begun_attempts(&self) -> Result<HashMap<HostId, u32>, StoreError> {
        attempts::begun(&mut self.readers().acquire().await?).await
    }

    /// Makes an attempt of each job that is still queued, in a queue that is open and behind no full
    /// limit, on its host if that is active, has a free slot and room for the attempt's share, and no
    /// open breaker. The answer has the attempts that
    /// were made; whatever is missing was not possible.
    ///
    /// Guarantees: one transaction; of any number of workers that claim one job, one gets it; no
    /// claim takes a slot or a share that is not free, or goes over its job's own limits; a host whose breaker is half open gets one
    /// attempt at a time; what is answered survives a power loss.
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
    let mut gates = Gates::look(db, claims).await?;
    let hosts: BTreeSet<HostId> = claims.iter().map(|claim| claim.host).collect();
    let mut rooms = lead::rooms(db, hosts.into_iter()).await?;
    let mut passed = Vec::with_capacity(claims.len());
    for claim in claims {
        let room = rooms.get_mut(&claim.host);
        if gates.is_open(claim.job) && room.is_some_and(|room| room.take(claim)) {
            gates.passed(claim.job);
            passed.push(claim);
        }
    }
    let mut records = lead::claim(db, &passed, lease, now).await?;
    let mut made = Vec::with_capacity(records.len());
    let mut news = Vec::with_capacity(records.len());
    for claim in passed {
        let Some(attempt) = records.remove(&claim.attempt) else {
            continue;
        };
        let claimed = NewEvent::of_job(attempt.job, EventKind::Claimed, now);
        news.push(claimed.in_attempt(attempt.number).with(&claim.why));
        made.push(attempt);
    }
    change::claim(db, made.iter()).await?;
    events::insert_all(db, &news).await?;
    Ok(made)
}

impl Room {
    /// Takes what a claim asks for, if it is there.
    fn take(&mut self, claim: &Claim) -> bool {
        let given = self.given.plus(claim.share);
        let has_room = self.busy < self.slots
            && given.cpu_nanos <= claim.most.cpu_nanos
            && given.memory_bytes <= claim.most.memory_bytes;
        let is_trusted = match self.breaker {
            Position::Closed => true,
            Position::Open => false,
            Position::HalfOpen => self.trials == 0,
        };
        if !has_room || !is_trusted {
            return false;
        }
        self.given = given;
        self.busy += 1;
        self.trials += 1;
        true
    }
}

/// What of the queue stands between jobs and their start. Nobody else claims while it is looked at:
/// whoever writes has the pool's one write lock.
struct Gates {
    lanes: HashMap<JobId, Lane>,
    holding: Holding,
}

impl Gates {
    async fn look(db: &mut Connection, claims: &[Claim]) -> Result<Self, StoreError> {
        let mut lanes = lanes::of_queued(db, claims.iter().map(|claim| claim.job)).await?;
        let paused = paused_queues::list(db).await?;
        lanes.retain(|_, lane| !paused.contains_key(&lane.queue));
        let holding = if lanes.values().any(Lane::is_limited) {
            lanes::holding(db).await?
        } else {
            Holding::default()
        };
        Ok(Self { lanes, holding })
    }

    fn is_open(&self, job: JobId) -> bool {
        let lane = self.lanes.get(&job);
        lane.is_some_and(|lane| self.holding.full(lane).is_none())
    }

    /// The job is claimed: it is not claimed twice.
    fn passed(&mut self, job: JobId) {
        if let Some(lane) = self.lanes.remove(&job) {
            self.holding.add(&lane, 1);
        }
    }
}
