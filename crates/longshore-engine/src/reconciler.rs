//! Takes over what other workers left behind, and removes strays: containers that nothing explains.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::limits;
use longshore_store::StoreError;

use crate::clock::JumpWatch;
use crate::context::{ActiveHost, Context};
use crate::presence;
use crate::supervisor::{Origin, supervise};
use crate::sweep::{Doing, sweep};

/// How often dead workers of this machine are looked for.
const LOOK_PERIOD: Duration = Duration::from_secs(2);
/// How often hosts are swept for strays.
const SWEEP_PERIOD: Duration = Duration::from_mins(2);

/// Adopts until the worker closes.
pub(crate) async fn adopt(context: Arc<Context>) {
    let mut watch = JumpWatch::new(context.now());
    loop {
        if let Err(error) = adopt_once(&context, &mut watch).await {
            tracing::error!(error = %error, "attempts cannot be taken over; trying again");
        }
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = tokio::time::sleep(LOOK_PERIOD) => {}
        }
    }
}

/// One round over the leases that have passed or whose worker is dead.
async fn adopt_once(context: &Arc<Context>, watch: &mut JumpWatch) -> Result<(), StoreError> {
    release_dead(context).await?;
    let now = context.now();
    if !watch.trusts(now) {
        return Ok(());
    }
    for left in context.store.expired(now, limits::PAGE).await? {
        // Its lease could not be renewed in time, and nobody was quicker: it will be.
        if context.supervises(left.id) {
            continue;
        }
        let Some(host) = context.host(left.host) else {
            continue;
        };
        let until = now + limits::LEASE;
        let taken = context
            .store
            .take_over((left.id, left.fence), context.worker, until, now)
            .await?;
        let Some(attempt) = taken else { continue };
        let job = context.store.job(attempt.job).await?;
        tracing::info!(job.id = %job.id, attempt.id = %attempt.id, "attempt adopted");
        supervise(context, &host, job, &attempt, Origin::Adopted);
    }
    Ok(())
}

/// The leases of workers that died on this machine end now.
async fn release_dead(context: &Context) -> Result<(), StoreError> {
    let Some(folder) = &context.options.presence else {
        return Ok(());
    };
    match presence::bury_dead(folder) {
        Ok(dead) => {
            for worker in dead {
                tracing::info!(worker.id = %worker, "a worker of this machine is dead");
                context.store.release(worker, context.now()).await?;
            }
        }
        Err(error) => tracing::warn!(error = %error, "dead workers cannot be looked for"),
    }
    Ok(())
}

/// Sweeps the hosts for strays until the worker closes.
pub(crate) async fn sweep_strays(context: Arc<Context>) {
    loop {
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = tokio::time::sleep(SWEEP_PERIOD) => {}
        }
        for host in context.hosts() {
            sweep_host(&context, &host).await;
        }
    }
}

async fn sweep_host(context: &Context, host: &ActiveHost) {
    match sweep(&context.store, &host.executor, context.now(), Doing::Apply).await {
        Ok(found) => {
            let removed = found.iter().filter(|found| found.removal.is_some()).count();
            if removed > 0 {
                tracing::info!(host.name = %host.host.name, removed, "strays removed");
            }
        }
        Err(error) => tracing::debug!(error = %error, "a host cannot be swept"),
    }
}
