//! Keeps this worker's leases, and carries wishes from the store to the supervisors: to cancel jobs,
//! and to leave hosts that are drained.

use std::sync::Arc;

use longshore_core::limits;
use longshore_core::outcome::CancelReason;
use longshore_store::StoreError;
use tokio::time::{MissedTickBehavior, interval};

use crate::context::Context;
use crate::news::News;

/// Renews the leases of what is supervised here, until the worker leaves. A lease that this worker was
/// given without hearing of it runs out, and the attempt is adopted like any other.
pub(crate) async fn keep_leases(context: Arc<Context>) {
    let mut renewal = interval(limits::LEASE_RENEW);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = context.leave.cancelled() => return,
            _ = renewal.tick() => {}
        }
        let supervised = context.supervised();
        if supervised.is_empty() {
            continue;
        }
        let until = context.now() + limits::LEASE;
        let renewed = context.store.renew(context.worker, &supervised, until);
        if let Err(error) = renewed.await {
            tracing::error!(error = %error, "leases cannot be renewed; trying again");
        }
    }
}

/// Tells supervisors of wishes until the worker leaves.
pub(crate) async fn carry_wishes(context: Arc<Context>) {
    let mut news = News::of(&context.store);
    loop {
        if *context.active.borrow() > 0 {
            if let Err(error) = carry_once(&context).await {
                tracing::error!(error = %error, "cancel wishes cannot be read; trying again");
            }
            evict(&context);
        }
        tokio::select! {
            () = context.leave.cancelled() => return,
            () = news.now_and_then() => {}
            () = tokio::time::sleep(limits::SERVICE_PERIOD) => {}
        }
    }
}

async fn carry_once(context: &Context) -> Result<(), StoreError> {
    for attempt in context.store.cancel_requested(context.worker).await? {
        context.cancel(attempt, CancelReason::User);
    }
    Ok(())
}

/// Tells supervisors of hosts that are to be empty by now.
fn evict(context: &Context) {
    let now = context.now();
    for active in context.hosts() {
        if active
            .host
            .state
            .drain_until()
            .is_some_and(|until| until <= now)
        {
            context.evict(active.host.id);
        }
    }
}
