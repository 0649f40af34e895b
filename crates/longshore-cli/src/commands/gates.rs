//! What of the queue keeps a job from its start, beside the hosts: its queue, its limits, the turns of
//! other owners, the jobs that it waits for.

use longshore_core::JobId;
use longshore_core::dependency::{Condition, Standing, Upstream};
use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::OwnerName;
use longshore_store::{JobFilter, Store, StoreError, Wait};

/// Jobs that an explanation names, at most.
const SHOWN: usize = 5;

/// Something that holds a job back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    /// What it is.
    pub(super) why: String,
    /// What would open it.
    pub(super) fix: String,
}

/// What keeps a queued job from being offered a slot at all.
pub(super) async fn shut(store: &Store, job: &Job) -> Result<Vec<Gate>, StoreError> {
    let mut gates = Vec::new();
    let queue = &job.spec.queue;
    if let Some(pause) = store.pause_of(queue).await? {
        let reason = pause.reason.map(|reason| format!(": {reason}"));
        gates.push(Gate {
            why: format!(
                "queue {queue} is paused since {:.0}{}",
                pause.since,
                reason.unwrap_or_default()
            ),
            fix: format!("`longshore queue resume {queue}`"),
        });
    }
    if let Some(full) = store.holding().await?.full(&job.lane()) {
        let holders = holders(store, job, full.key.as_str()).await?;
        let named = if holders.is_empty() {
            String::new()
        } else {
            format!(" ({})", holders.join(", "))
        };
        gates.push(Gate {
            why: format!("{full}{named}"),
            fix: format!(
                "wait for one of them, or submit with --limit {}=NUMBER above {}",
                full.key, full.held
            ),
        });
    }
    Ok(gates)
}

/// Jobs with a limit of this key that hold a slot.
async fn holders(store: &Store, job: &Job, key: &str) -> Result<Vec<String>, StoreError> {
    let under_way = JobFilter {
        statuses: vec![JobStatus::Launching, JobStatus::Running],
        ..JobFilter::default()
    };
    let jobs = store.jobs(&under_way).await?;
    let has_key = |other: &&Job| {
        other.id != job.id && other.spec.limits.keys().any(|known| known.as_str() == key)
    };
    let holders = jobs.iter().filter(has_key).take(SHOWN);
    Ok(holders.map(named).collect())
}

/// Whose turn comes before that of a queued job's owner.
pub(super) async fn turn(store: &Store, job: &Job) -> Result<Option<String>, StoreError> {
    let stakes = store.stakes().await?;
    let own = stakes.get(&job.spec.owner).copied().unwrap_or_default();
    let before = stakes
        .iter()
        .filter(|(owner, stake)| {
            **owner != job.spec.owner && stake.waiting > 0 && stake.held < own.held
        })
        .min_by_key(|(_, stake)| stake.held);
    Ok(before.map(|(owner, stake)| {
        format!(
            "{} holds {} slots: the next turn is that of {}, with {} held and {} waiting",
            owner_text(job.spec.owner.as_ref()),
            own.held,
            owner_text(owner.as_ref()),
            stake.held,
            stake.waiting
        )
    }))
}

fn owner_text(owner: Option<&OwnerName>) -> String {
    match owner {
        Some(owner) => format!("owner {owner}"),
        None => "who names no owner".to_owned(),
    }
}

/// What a pending job waits for, and what it need not wait for any more.
pub(super) async fn awaited(store: &Store, job: &Job) -> Result<Vec<Gate>, StoreError> {
    let mut gates = Vec::new();
    for wait in store.waits(job.id).await? {
        gates.push(gate(store, job, wait).await?);
    }
    Ok(gates)
}

async fn gate(store: &Store, job: &Job, wait: Wait) -> Result<Gate, StoreError> {
    let dependency = wait.waited.dependency;
    let (upstream, condition) = (dependency.upstream, dependency.condition);
    let (who, short) = (who(store, upstream).await?, upstream.short());
    let how = match condition {
        Condition::Succeeded => "succeed",
        Condition::Finished => "finish",
        Condition::Failed => "fail",
    };
    Ok(match wait.standing {
        Standing::Open => Gate {
            why: format!("it waits for {who} to {how}"),
            fix: format!("wait, or `longshore cancel {}` gives it up", job.id.short()),
        },
        Standing::Met => Gate {
            why: format!("it waits no more for {who} to {how}: it did"),
            fix: String::new(),
        },
        Standing::Broken => Gate {
            why: format!("it waits in vain for {who} to {how}"),
            fix: format!("`longshore retry {short}` tries that again and brings this back"),
        },
    })
}

async fn who(store: &Store, upstream: Upstream) -> Result<String, StoreError> {
    match upstream {
        Upstream::Array(_) => Ok(upstream.to_string()),
        Upstream::Job(id) => Ok(known(store, id).await?.map_or_else(
            || format!("{upstream}, which is gone"),
            |job| format!("job {}, which is {}", named(&job), job.status),
        )),
    }
}

async fn known(store: &Store, id: JobId) -> Result<Option<Job>, StoreError> {
    match store.job(id).await {
        Ok(job) => Ok(Some(job)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Short id and name.
fn named(job: &Job) -> String {
    match &job.spec.name {
        Some(name) => format!("{} {name}", job.id.short()),
        None => job.id.short(),
    }
}
