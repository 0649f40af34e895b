//! The hosts of this worker as candidates for jobs: what it hears itself, beside what is stored.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_core::placement::{Candidate, Lacks, Sight};
use longshore_store::{HostLoad, HostStanding, StoreError};

use crate::context::{ActiveHost, Context};
use crate::knowledge::Known;

/// A host with what is known of it now.
pub(crate) struct Place {
    active: ActiveHost,
    known: Arc<Known>,
    standing: HostStanding,
    load: HostLoad,
}

impl Place {
    /// The host as placement sees it.
    pub(crate) fn candidate(&self, now: Timestamp) -> Candidate<'_> {
        let is_connected = *self.active.watch.connected().borrow();
        // A stream of events that says nothing may be dead, so that a failed probe counts, too.
        let not_yet = || (!is_connected).then(|| "no connection yet".to_owned());
        let executor = Arc::clone(&self.active.executor);
        let sight = Sight {
            busy: self.load.busy,
            given: self.load.given,
            silence: self.standing.error.clone().or_else(not_yet),
            breaker: self.standing.breaker.clone(),
            on_trial: self.standing.on_trial,
            facts: self.known.facts.as_ref(),
            census: self.known.census.as_ref(),
            lacks: Lacks::by(move |spec| executor.unsupported(spec)),
        };
        Candidate::seen(&self.active.host, sight, now)
    }
}

/// The hosts that this worker speaks to.
pub(crate) async fn places(context: &Context) -> Result<Vec<Place>, StoreError> {
    let store = &context.store;
    let (mut standings, loads) = (store.host_standings().await?, store.loads().await?);
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
