//! Gives free slots to queued jobs: asks core for a host, claims in the store, starts supervisors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;
use longshore_core::placement::{self, Candidate, Refusal};
use longshore_core::share::Share;
use longshore_core::turns::{Line, Turns};
use longshore_core::{AttemptId, JobId, limits};
use longshore_store::{Claim, StoreError};
use tokio::time::Instant;
use uuid::Uuid;

use crate::context::Context;
use crate::news::News;
use crate::places::places;
use crate::supervisor::{Origin, supervise};

/// Runs until the worker closes.
pub(crate) async fn run(context: Arc<Context>) {
    let mut news = News::of(&context.store);
    let mut pause = limits::RETRY_CALL_FIRST;
    let mut looked_deep = None;
    loop {
        let looked = match round(&context, &mut looked_deep).await {
            Ok(looked) => looked,
            Err(error) => {
                tracing::error!(error = %error, "jobs cannot be claimed; trying again");
                pause = (pause * 2).min(limits::RETRY_CALL_LAST);
                if is_over(&context, pause).await {
                    return;
                }
                continue;
            }
        };
        pause = limits::RETRY_CALL_FIRST;
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = changed(&mut news, looked) => {}
            () = context.dispatch.notified() => {}
            () = tokio::time::sleep(limits::SERVICE_PERIOD) => {}
        }
    }
}

/// Waits for a reason to look again.
async fn changed(news: &mut News, looked: Looked) {
    match looked {
        // Where an attempt of this worker leaves its slot, that is said by itself.
        Looked::Full => news.now_and_then().await,
        Looked::Done | Looked::Stuck => news.at_once().await,
    }
}

async fn is_over(context: &Context, pause: Duration) -> bool {
    tokio::select! {
        () = context.closing.cancelled() => true,
        () = tokio::time::sleep(pause) => false,
    }
}

/// How far into the queue is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// As many jobs as there are free slots, which is enough nearly always: each that is read costs.
    Slots,
    /// Its first jobs.
    Head,
    /// Many more.
    Deep,
}

impl Reach {
    fn jobs(self, slots: usize) -> usize {
        match self {
            Self::Slots => slots.min(limits::CLAIM_BATCH),
            Self::Head => limits::CLAIM_BATCH,
            Self::Deep => limits::CLAIM_DEPTH,
        }
    }
}

/// What came of a look at the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    /// There is no free slot.
    Full,
    /// Whatever could be given was.
    Done,
    /// There are slots, and none of the jobs that were seen fits; there are more of them.
    Stuck,
}

/// One round. Jobs at the head of the queue that no host takes hold up those behind them, for want of
/// a label or of memory, no longer than to the next deep look.
async fn round(
    context: &Arc<Context>,
    looked_deep: &mut Option<Instant>,
) -> Result<Looked, StoreError> {
    let mut looked = look(context, Reach::Slots).await?;
    if looked == Looked::Stuck {
        looked = look(context, Reach::Head).await?;
    }
    let is_due = looked_deep.is_none_or(|at| at.elapsed() >= limits::CLAIM_DEEP_PERIOD);
    if looked == Looked::Stuck && is_due {
        *looked_deep = Some(Instant::now());
        return look(context, Reach::Deep).await;
    }
    Ok(looked)
}

/// As many claims as there are slots for.
async fn look(context: &Arc<Context>, reach: Reach) -> Result<Looked, StoreError> {
    context.refresh_hosts(context.store.hosts().await?);
    let places = places(context).await?;
    let now = context.now();
    let mut candidates: Vec<Candidate<'_>> =
        places.iter().map(|place| place.candidate(now)).collect();
    let most = room(context).min(limits::CLAIM_BATCH);
    let free = slots(&candidates).min(most);
    if free == 0 {
        return Ok(Looked::Full);
    }
    let mut turns = waiting(context, reach.jobs(free)).await?;
    let mut chosen = Vec::new();
    while chosen.len() < most
        && slots(&candidates) > 0
        && let Some(job) = turns.next_job()
    {
        match place(&job, &mut candidates) {
            Some(claim) => {
                turns.took(&job);
                chosen.push((job, claim));
            }
            None => doubt(context, &job, &candidates),
        }
    }
    let (is_stuck, is_full) = (
        chosen.is_empty() && turns.has_more(),
        slots(&candidates) == 0 || chosen.len() == room(context),
    );
    let wanted = chosen.len();
    let taken = claim(context, chosen).await?;
    Ok(if is_stuck {
        Looked::Stuck
    } else if is_full && taken == wanted {
        Looked::Full
    } else {
        Looked::Done
    })
}

/// Free slots of all hosts together.
fn slots(candidates: &[Candidate<'_>]) -> usize {
    let free = candidates.iter().map(Candidate::free_slots);
    free.map(|slots| slots as usize).sum()
}

/// Gives the job to the best host, if any takes it.
fn place(job: &Job, candidates: &mut [Candidate<'_>]) -> Option<Claim> {
    let (best, score) = placement::choose(job.into(), candidates)?;
    let (host, name, most) = (best.host.id, &best.host.name, best.room.for_attempts());
    let claim = Claim {
        job: job.id,
        attempt: AttemptId::new(Uuid::now_v7()),
        after: job.attempt,
        host,
        share: Share::of_job(&job.spec),
        most,
        why: format!("{name}: {score}"),
    };
    let taken = candidates
        .iter_mut()
        .find(|candidate| candidate.host.id == host);
    if let Some(taken) = taken {
        taken.take(&job.spec);
    }
    Some(claim)
}

/// Where a job found no room, what stands there is looked at again soon.
fn doubt(context: &Context, job: &Job, candidates: &[Candidate<'_>]) {
    for candidate in candidates {
        let refusal = placement::admit(&job.spec, candidate).err();
        if let Some(Refusal::NoRoom { .. }) = refusal {
            context.knowledge.doubt(candidate.host.id);
        }
    }
}

/// How many more attempts this worker may take.
fn room(context: &Context) -> usize {
    let most = context
        .options
        .most_attempts
        .map_or(usize::MAX, |most| most as usize);
    most.saturating_sub(*context.active.borrow())
}

/// What waits for a slot, in the order of turns.
async fn waiting(context: &Context, most: usize) -> Result<Turns, StoreError> {
    let Some(only) = context.options.only_job else {
        return context.store.turns(most).await;
    };
    let job = context.store.job(only).await?;
    let lines = Some(job).filter(|job| job.status == JobStatus::Queued);
    let line = |job: Job| Line {
        lane: job.lane(),
        jobs: [job].into(),
    };
    let lines = lines.map(line).into_iter().collect();
    Ok(Turns::new(lines, context.store.holding().await?, false))
}

/// Claims them, and takes up what was claimed; says how many.
async fn claim(context: &Arc<Context>, chosen: Vec<(Job, Claim)>) -> Result<usize, StoreError> {
    if chosen.is_empty() {
        return Ok(0);
    }
    let claims: Vec<Claim> = chosen.iter().map(|(_, claim)| claim.clone()).collect();
    let mut jobs: HashMap<JobId, Job> = chosen.into_iter().map(|(job, _)| (job.id, job)).collect();
    let now = context.now();
    let taken = context
        .store
        .claim(&claims, context.worker, now + limits::LEASE, now)
        .await?;
    let count = taken.len();
    for attempt in taken {
        let (job, host) = (jobs.remove(&attempt.job), context.host(attempt.host));
        if let (Some(job), Some(host)) = (job, host) {
            supervise(context, &host, job, &attempt, Origin::Claimed);
        }
    }
    Ok(count)
}
