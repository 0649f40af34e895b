//! Gives free slots to queued jobs: asks core for a host, claims in the store, starts supervisors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;
use longshore_core::placement::{self, Candidate};
use longshore_core::{AttemptId, HostId, JobId, limits};
use longshore_store::{Claim, StoreError};
use uuid::Uuid;

use crate::context::{ActiveHost, Context};
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
    let hosts = context.hosts();
    let mut places = places(context, &hosts).await?;
    let room = room(context);
    if room == 0 || places.iter().all(|place| place.busy >= place.host.slots) {
        return Ok(0);
    }
    let jobs = waiting(context).await?;
    let mut chosen = HashMap::new();
    for job in jobs {
        if chosen.len() >= room {
            break;
        }
        let Some(host) = placement::choose(&job.spec, &places).map(|host| host.id) else {
            continue;
        };
        if let Some(place) = places.iter_mut().find(|place| place.host.id == host) {
            place.busy += 1;
        }
        chosen.insert(job.id, (job, host));
    }
    claim(context, chosen).await
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

/// The hosts with what they run now.
async fn places<'a>(
    context: &Context,
    hosts: &'a [ActiveHost],
) -> Result<Vec<Candidate<'a>>, StoreError> {
    let busy = context.store.busy_slots().await?;
    Ok(hosts
        .iter()
        .map(|active| Candidate {
            host: &active.host,
            busy: busy.get(&active.host.id).copied().unwrap_or(0),
            reachable: *active.watch.connected().borrow(),
        })
        .collect())
}

async fn claim(
    context: &Arc<Context>,
    chosen: HashMap<JobId, (Job, HostId)>,
) -> Result<usize, StoreError> {
    if chosen.is_empty() {
        return Ok(0);
    }
    let claims: Vec<Claim> = chosen
        .values()
        .map(|(job, host)| Claim {
            job: job.id,
            attempt: AttemptId::new(Uuid::now_v7()),
            host: *host,
        })
        .collect();
    let now = context.now();
    let taken = context
        .store
        .claim(&claims, context.worker, now + limits::LEASE, now)
        .await?;
    let count = taken.len();
    for attempt in taken {
        let Some((job, _)) = chosen.get(&attempt.job) else {
            continue;
        };
        let Some(host) = context.host(attempt.host) else {
            continue;
        };
        supervise(context, &host, job.clone(), &attempt, Origin::Claimed);
    }
    Ok(count)
}
