//! What this worker knows of its hosts, so that it reads facts and lists of images only when they
//! are new.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use longshore_core::HostId;
use longshore_core::census::Census;
use longshore_core::health::Breaker;
use longshore_core::host::HostFacts;
use longshore_core::spec::ImageReference;
use longshore_store::{HostStanding, Store, StoreError};

/// What probe and census of a host said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// When they were.
    read: (Option<Timestamp>, Option<Timestamp>),
    pub(crate) facts: Option<HostFacts>,
    pub(crate) census: Option<Census>,
}

/// What is known of all hosts.
#[derive(Default)]
pub(crate) struct Knowledge(Mutex<Shared>);

#[derive(Default)]
struct Shared {
    known: HashMap<HostId, Arc<Known>>,
    breakers: HashMap<HostId, Breaker>,
    /// Hosts on which a job found no room, so that what stands there may be gone already, and hosts that
    /// did not answer a call.
    doubted: HashSet<HostId>,
}

impl Knowledge {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a host that stands so; read from the store if that is newer.
    pub(crate) async fn of(
        &self,
        store: &Store,
        host: HostId,
        standing: &HostStanding,
    ) -> Result<Arc<Known>, StoreError> {
        let read = (standing.probed_at, standing.census_at);
        let known = self.lock().known.get(&host).cloned();
        if let Some(known) = known.filter(|known| known.read == read) {
            return Ok(known);
        }
        let report = store.facts(host).await?;
        let known = Arc::new(Known {
            read,
            facts: report.and_then(|report| report.facts),
            census: store.census(host).await?,
        });
        self.lock().known.insert(host, Arc::clone(&known));
        Ok(known)
    }

    /// Notes that an image is on a host now.
    pub(crate) fn add_image(&self, host: HostId, image: &ImageReference) {
        let mut shared = self.lock();
        let known = shared.known.entry(host).or_default();
        let census = known.census.as_ref();
        if census.is_none_or(|census| !census.images.has(image)) {
            let known = Arc::make_mut(known);
            known.census.get_or_insert_default().images.add(image);
        }
    }

    /// The breaker of a host as it was last seen.
    pub(crate) fn breaker(&self, host: HostId) -> Breaker {
        self.lock().breakers.get(&host).cloned().unwrap_or_default()
    }

    /// Notes how a host's breaker stands.
    pub(crate) fn set_breaker(&self, host: HostId, breaker: Breaker) {
        self.lock().breakers.insert(host, breaker);
    }

    /// Has a host looked at soon.
    pub(crate) fn doubt(&self, host: HostId) {
        self.lock().doubted.insert(host);
    }

    /// The hosts that are to be looked at soon.
    pub(crate) fn doubted(&self) -> HashSet<HostId> {
        self.lock().doubted.clone()
    }

    /// A host has been looked at.
    pub(crate) fn trust(&self, host: HostId) {
        self.lock().doubted.remove(&host);
    }
}
