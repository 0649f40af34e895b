//! Looks after the hosts: probes and censuses, breakers, canaries.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::health::{Breaker, Position, Showing};
use longshore_core::{HostId, limits, with_causes};
use longshore_store::{HostStanding, StoreError};
use tokio::sync::mpsc;

use crate::context::{ActiveHost, Context};
use crate::{canary, census};

/// Runs until the worker closes. Hosts are looked at side by side: one that hangs holds up no other.
pub(crate) async fn run(context: Arc<Context>) {
    let mut busy = HashSet::new();
    let (done, mut finished) = mpsc::unbounded_channel();
    let mut pause = match context.options.only_job {
        Some(_) => limits::HEALTH_LATER,
        None => Duration::ZERO,
    };
    loop {
        tokio::select! {
            () = context.closing.cancelled() => return,
            Some(host) = finished.recv() => {
                busy.remove(&host);
                continue;
            }
            () = tokio::time::sleep(pause) => {}
        }
        pause = match start_due(&context, &mut busy, &done).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(error = %error, "hosts cannot be looked after; trying again");
                limits::SERVICE_PERIOD
            }
        };
    }
}

/// Begins to look at every host that is due; says when to come again.
async fn start_due(
    context: &Arc<Context>,
    busy: &mut HashSet<HostId>,
    done: &mpsc::UnboundedSender<HostId>,
) -> Result<Duration, StoreError> {
    let standings = context.store.host_standings().await?;
    let (now, doubted) = (context.now(), context.knowledge.doubted());
    let mut pause = limits::SERVICE_PERIOD;
    for active in context.hosts() {
        let id = active.host.id;
        let Some(standing) = standings.get(&id) else {
            continue;
        };
        let is_doubted = doubted.contains(&id) || standing.error.is_some();
        if is_doubted || standing.breaker.position() != Position::Closed {
            pause = limits::HEALTH_PERIOD;
        }
        let due = Due::of(standing, is_doubted, now);
        if !due.is_any() || !busy.insert(id) {
            continue;
        }
        let (owner, done) = (Arc::clone(context), done.clone());
        context.spawn(async move {
            tokio::select! {
                () = owner.closing.cancelled() => {}
                () = attend(&owner, &active, due) => {}
            }
            let _ = done.send(id);
        });
    }
    Ok(pause)
}

/// What is to be done about a host.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// A look, if nobody has looked since then.
    look: Option<Timestamp>,
    is_canary: bool,
}

impl Due {
    fn of(standing: &HostStanding, is_doubted: bool, now: Timestamp) -> Self {
        let period = if is_doubted {
            limits::PROBE_SOON
        } else {
            limits::PROBE_PERIOD
        };
        let before = now.saturating_sub(period).unwrap_or(Timestamp::MIN);
        let is_look = standing.looked_at.is_none_or(|at| at <= before);
        Self {
            look: is_look.then_some(before),
            is_canary: match &standing.breaker {
                Breaker::Open(trip) => trip.until <= now,
                Breaker::Closed { .. } | Breaker::HalfOpen(_) => false,
            },
        }
    }

    fn is_any(self) -> bool {
        self.look.is_some() || self.is_canary
    }
}

async fn attend(context: &Arc<Context>, active: &ActiveHost, due: Due) {
    let attended = async {
        if let Some(before) = due.look {
            look(context, active, before).await?;
        }
        if due.is_canary {
            send_canary(context, active).await?;
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = attended.await {
        tracing::error!(host.name = %active.host.name, error = %error, "what was seen of a host cannot be kept");
    }
}

/// Probes a host and counts what stands on it, unless another worker does.
async fn look(
    context: &Arc<Context>,
    active: &ActiveHost,
    before: Timestamp,
) -> Result<(), StoreError> {
    let (store, host) = (&context.store, &active.host);
    if !store.take_look(host.id, context.now(), before).await? {
        context.knowledge.trust(host.id);
        return Ok(());
    }
    let probed = active.executor.probe().await;
    let found = probed.as_ref().map_err(|error| with_causes(error));
    let found = found.as_ref().map(|facts| *facts).map_err(String::as_str);
    store.save_facts(host.id, found, context.now()).await?;
    if found.is_err() {
        return Ok(());
    }
    match census::take(&active.executor, store.pool()).await {
        Ok(census) if store.census(host.id).await?.as_ref() == Some(&census) => {}
        Ok(census) => store.save_census(host.id, &census, context.now()).await?,
        Err(error) => {
            let error = with_causes(&error);
            tracing::debug!(host.name = %host.name, error, "what stands on a host cannot be told");
        }
    }
    context.knowledge.trust(host.id);
    context.dispatch.notify_one();
    Ok(())
}

async fn send_canary(context: &Arc<Context>, active: &ActiveHost) -> Result<(), StoreError> {
    let (host, now) = (&active.host, context.now());
    let until = now + limits::CANARY_CALL;
    if !context.store.take_canary(host.id, now, until).await? {
        return Ok(());
    }
    let sent = canary::send(&active.executor, &host.name, context.store.pool());
    let showing = match tokio::time::timeout(limits::CANARY_CALL, sent).await {
        Ok(Ok(())) => Showing::CanaryReturned,
        Ok(Err(error)) => Showing::CanaryLost(with_causes(&error)),
        Err(_) => Showing::CanaryLost("a canary did not come back in time".to_owned()),
    };
    keep(context, host.id, showing).await
}

/// Keeps what an attempt showed of its host. Nothing is written where it would change nothing.
pub(crate) async fn showed(context: &Context, host: HostId, showing: Showing) {
    if !context
        .knowledge
        .breaker(host)
        .is_moved_by(&showing, context.now())
    {
        return;
    }
    if let Err(error) = keep(context, host, showing).await {
        tracing::error!(error = %error, "what an attempt showed of its host cannot be kept");
    }
}

async fn keep(context: &Context, host: HostId, showing: Showing) -> Result<(), StoreError> {
    let showed = context
        .store
        .host_showed(host, showing, context.now())
        .await?;
    let Some((before, after)) = showed else {
        return Ok(());
    };
    if before.position() != after.position() {
        let name = context.host(host).map(|active| active.host.name);
        let name = name.unwrap_or_default();
        tracing::warn!(host.name = %name, breaker = %after.word(), "a host's breaker moved");
        context.dispatch.notify_one();
    }
    context.knowledge.set_breaker(host, after);
    Ok(())
}
