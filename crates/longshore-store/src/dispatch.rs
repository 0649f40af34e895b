//! What the dispatcher needs beside the queue: the free slots, and the claim.

use std::collections::HashMap;

use longshore_core::event::EventKind;
use longshore_core::job::{AttemptRecord, Lease};
use longshore_core::lane::{Holding, Lane};
use longshore_core::share::Share;
use longshore_core::{HostId, JobId, Timestamp, WorkerId};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::lead::{self, Claim};
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change::{self, Try};
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
    let mut made = Vec::with_capacity(claims.len());
    let mut news = Vec::with_capacity(claims.len());
    let mut gates = Gates::look(db, claims).await?;
    for claim in claims {
        if !gates.let_in(claim.job) {
            continue;
        }
        let Some(attempt) = lead::claim(db, claim, lease, now).await? else {
            continue;
        };
        let one = Try {
            job: attempt.job,
            number: attempt.number,
        };
        change::claim(db, one, attempt.host).await?;
        gates.passed(attempt.job);
        let claimed = NewEvent::of_job(attempt.job, EventKind::Claimed, now);
        news.push(claimed.in_attempt(attempt.number).with(&claim.why));
        made.push(attempt);
    }
    events::insert_all(db, &news).await?;
    Ok(made)
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

    fn let_in(&self, job: JobId) -> bool {
        let lane = self.lanes.get(&job);
        lane.is_some_and(|lane| self.holding.full(lane).is_none())
    }

    fn passed(&mut self, job: JobId) {
        if let Some(lane) = self.lanes.get(&job) {
            self.holding.add(lane, 1);
        }
    }
}
