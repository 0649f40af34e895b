//! Gives free slots to queued jobs: asks core for a host, claims in the store, starts supervisors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;
use longshore_core::placement::{self, Candidate, Refusal, Sight};
use longshore_core::share::Share;
use longshore_core::{AttemptId, JobId, limits};
use longshore_store::{Claim, HostLoad, Standing, StoreError};
use uuid::Uuid;

use crate::context::{ActiveHost, Context};
use crate::knowledge::Known;
use crate::supervisor::{Origin, supervise};

/// Runs until the worker closes.
pub(crate) async fn run(context: Arc<Context>) {
    let mut changes = context.store.changes();
    let mut pause = limits::RETRY_CALL_FIRST;
    loop {
        match run_once(&context).await {
            Ok(_) => pause = limits::RETRY_CALL_FIRST,
            Err(error) => {
                tracing::error!(error = %error, "jobs cannot be claimed; trying again");
                pause = (pause * 2).min(limits::RETRY_CALL_LAST);
                if is_over(&context, pause).await {
                    return;
                }
                continue;
            }
        }
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = changes.changed() => {}
            () = context.dispatch.notified() => {}
            () = tokio::time::sleep(limits::SERVICE_PERIOD) => {}
        }
    }
}

async fn is_over(context: &Context, pause: Duration) -> bool {
    tokio::select! {
        () = context.closing.cancelled() => true,
        () = tokio::time::sleep(pause) => false,
    }
}

/// One round: as many claims as there are slots for; says how many.
async fn run_once(context: &Arc<Context>) -> Result<usize, StoreError> {
    context.refresh_hosts(context.store.hosts().await?);
    let places = places(context).await?;
    let now = context.now();
    let mut candidates: Vec<Candidate<'_>> =
        places.iter().map(|place| place.candidate(now)).collect();
    let room = room(context);
    let is_full = |candidate: &Candidate<'_>| candidate.busy >= candidate.host.slots;
    if room == 0 || candidates.iter().all(is_full) {
        return Ok(0);
    }
    let mut chosen = Vec::new();
    for job in waiting(context).await? {
        if chosen.len() >= room {
            break;
        }
        match place(&job, &mut candidates) {
            Some(claim) => chosen.push((job, claim)),
            None => doubt(context, &job, &candidates),
        }
    }
    claim(context, chosen).await
}

/// Gives the job to the best host, if any takes it.
fn place(job: &Job, candidates: &mut [Candidate<'_>]) -> Option<Claim> {
    let (best, score) = placement::choose(job.into(), candidates)?;
    let (host, name, most) = (best.host.id, &best.host.name, best.room.for_attempts());
    let claim = Claim {
        job: job.id,
        attempt: AttemptId::new(Uuid::now_v7()),
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

/// What waits for a slot, best first.
async fn waiting(context: &Context) -> Result<Vec<Job>, StoreError> {
    let Some(only) = context.options.only_job else {
        return context.store.queued(limits::CLAIM_BATCH).await;
    };
    let job = context.store.job(only).await?;
    Ok(Some(job)
        .into_iter()
        .filter(|job| job.status == JobStatus::Queued)
        .collect())
}

/// A host with what is known of it now.
struct Place {
    active: ActiveHost,
    known: Arc<Known>,
    standing: Standing,
    load: HostLoad,
}

impl Place {
    fn candidate(&self, now: Timestamp) -> Candidate<'_> {
        let is_connected = *self.active.watch.connected().borrow();
        let said = || self.standing.error.clone();
        let silence = || said().unwrap_or_else(|| "no connection yet".to_owned());
        let sight = Sight {
            busy: self.load.busy,
            given: self.load.given,
            silence: (!is_connected).then(silence),
            breaker: self.standing.breaker.clone(),
            on_trial: self.standing.on_trial,
            facts: self.known.facts.as_ref(),
            census: self.known.census.as_ref(),
        };
        Candidate::seen(&self.active.host, sight, now)
    }
}

/// The hosts that this worker speaks to.
async fn places(context: &Context) -> Result<Vec<Place>, StoreError> {
    let store = &context.store;
    let (mut standings, loads) = (store.standings().await?, store.loads().await?);
    let mut places = Vec::new();
    for active in context.hosts() {
        let id = active.host.id;
        // A host that was removed in this moment has none.
        let Some(standing) = standings.remove(&id) else {
            continue;
        };
        context.knowledge.set_breaker(id, standing.breaker.clone());
        places.push(Place {
            known: context.knowledge.of(store, id, &standing).await?,
            load: loads.get(&id).copied().unwrap_or_default(),
            active,
            standing,
        });
    }
    Ok(places)
}

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
