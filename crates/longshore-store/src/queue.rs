//! The queue: whose turn it is, and what holds it back.

use std::collections::{BTreeMap, HashMap, VecDeque};

use longshore_core::Timestamp;
use longshore_core::job::Job;
use longshore_core::lane::{Holding, Lane};
use longshore_core::spec::{OwnerName, QueueName};
use longshore_core::turns::{Line, Stake, Turns, ahead};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::lanes;
use crate::rows::paused_queues::{self, Pause};
use crate::store::Store;

/// How a queue stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueStanding {
    /// Jobs that wait for a slot.
    pub waiting: u64,
    /// Attempts that hold a slot.
    pub running: u32,
    /// Since when the job waits that waits longest.
    pub oldest: Option<Timestamp>,
    /// Since when and why it starts nothing; `None` if it is open.
    pub pause: Option<Pause>,
}

impl Store {
    /// The first jobs of the queue, ready to be offered slots in the order of turns; about so many.
    /// Jobs of paused queues and behind full limits are not among them.
    ///
    /// Guarantees: the cost does not depend on how many jobs wait, but on how many lanes they wait in.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn turns(&self, jobs: usize) -> Result<Turns, StoreError> {
        turns(&mut self.readers().acquire().await?, jobs).await
    }

    /// The first jobs of the queue in the order in which they start if each that is offered a slot
    /// takes it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn queued(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let limit = limit as usize;
        Ok(self.turns(limit).await?.in_order(limit))
    }

    /// How many jobs of the queue start before this one if each that is offered a slot takes it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn ahead_of(&self, job: &Job) -> Result<u64, StoreError> {
        ahead_of(&mut self.readers().acquire().await?, job).await
    }

    /// How many attempts of workers hold a slot, by owner and by key of a limit.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn holding(&self) -> Result<Holding, StoreError> {
        lanes::holding(&mut self.readers().acquire().await?).await
    }

    /// What each owner with a job in the queue, or in a slot, has of it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn stakes(&self) -> Result<BTreeMap<Option<OwnerName>, Stake>, StoreError> {
        let mut reader = self.readers().acquire().await?;
        let mut stakes: BTreeMap<_, Stake> = BTreeMap::new();
        for counted in lanes::counts(&mut reader).await? {
            stakes.entry(counted.lane.owner).or_default().waiting += counted.jobs;
        }
        for (lane, held) in lanes::held(&mut reader).await? {
            stakes.entry(lane.owner).or_default().held += held;
        }
        Ok(stakes)
    }

    /// Every queue that has a job waiting or running, or is paused; and the default one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn queues(&self) -> Result<BTreeMap<QueueName, QueueStanding>, StoreError> {
        let mut reader = self.readers().acquire().await?;
        let mut queues = BTreeMap::from([(QueueName::default(), QueueStanding::default())]);
        for counted in lanes::counts(&mut reader).await? {
            let queue = queues.entry(counted.lane.queue).or_default();
            queue.waiting += counted.jobs;
            let oldest = queue
                .oldest
                .map_or(counted.oldest, |at| at.min(counted.oldest));
            queue.oldest = Some(oldest);
        }
        for (lane, held) in lanes::held(&mut reader).await? {
            queues.entry(lane.queue).or_default().running += held;
        }
        for (name, pause) in paused_queues::list(&mut reader).await? {
            queues.entry(name).or_default().pause = Some(pause);
        }
        Ok(queues)
    }

    /// Since when and why a queue is paused; `None` if it is open.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn pause_of(&self, queue: &QueueName) -> Result<Option<Pause>, StoreError> {
        let mut paused = paused_queues::list(&mut self.readers().acquire().await?).await?;
        Ok(paused.remove(queue))
    }

    /// Lets a queue start nothing any more. What runs goes on, and the limits of what waits count on.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn pause_queue(
        &self,
        queue: &QueueName,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (queue, reason) = (queue.clone(), reason.map(str::to_owned));
        self.write(move |db| {
            Box::pin(async move { paused_queues::insert(db, &queue, reason.as_deref(), now).await })
        })
        .await
    }

    /// Opens a paused queue; `false` if it was open.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn resume_queue(&self, queue: &QueueName) -> Result<bool, StoreError> {
        let queue = queue.clone();
        self.write(move |db| Box::pin(async move { paused_queues::delete(db, &queue).await }))
            .await
    }
}

async fn turns(db: &mut Connection, jobs: usize) -> Result<Turns, StoreError> {
    let (holding, mut open) = (lanes::holding(db).await?, lanes::open(db).await?);
    let paused = paused_queues::list(db).await?;
    open.retain(|open| {
        !paused.contains_key(&open.lane.queue) && holding.full(&open.lane).is_none()
    });
    let all = open.len();
    if all > jobs {
        open.sort_by_cached_key(|open| (holding.of_owner(&open.lane), open.place));
        open.truncate(jobs);
    }
    let most = jobs.div_ceil(open.len().max(1));
    let looked: Vec<Lane> = open.into_iter().map(|open| open.lane).collect();
    let lines = lines(lanes::heads(db, &looked, most).await?);
    let has_more = all > looked.len() || lines.iter().any(|line| line.jobs.len() >= most);
    Ok(Turns::new(lines, holding, has_more))
}

/// The jobs of each lane in a line.
fn lines(jobs: Vec<Job>) -> Vec<Line> {
    let mut lines: HashMap<Lane, VecDeque<Job>> = HashMap::new();
    for job in jobs {
        lines.entry(job.lane()).or_default().push_back(job);
    }
    let line = |(lane, jobs)| Line { lane, jobs };
    lines.into_iter().map(line).collect()
}

async fn ahead_of(db: &mut Connection, job: &Job) -> Result<u64, StoreError> {
    let (own, paused) = (job.lane(), paused_queues::list(db).await?);
    let mut stakes: BTreeMap<Option<OwnerName>, Stake> = BTreeMap::new();
    for (lane, held) in lanes::held(db).await? {
        stakes.entry(lane.owner).or_default().held += held;
    }
    for counted in lanes::counts(db).await? {
        let lane = counted.lane;
        if paused.contains_key(&lane.queue) && lane.queue != own.queue {
            continue;
        }
        let waiting = if lane.owner == own.owner {
            lanes::before(db, &lane, job).await?
        } else {
            counted.jobs
        };
        stakes.entry(lane.owner).or_default().waiting += waiting;
    }
    let stake = stakes.remove(&own.owner).unwrap_or_default();
    Ok(ahead(stake, stakes.into_values()))
}
