//! Which images were seen on which host a moment ago, so that a burst of jobs asks only once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_core::HostId;
use tokio::time::Instant;

/// How long a look is believed. A create that finds the image gone looks again at once.
const BELIEVED: Duration = Duration::from_mins(1);
/// Entries beyond which old ones are dropped.
const ENTRIES: usize = 1024;

/// An image that was seen on a host.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    at: Instant,
    /// Its digest, where it has one.
    pub(crate) digest: Option<String>,
}

/// Sightings by host and image.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<HashMap<(HostId, String), Sighting>>);

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, HashMap<(HostId, String), Sighting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The image, if it was seen lately.
    pub(crate) fn lately(&self, host: HostId, image: &str) -> Option<Sighting> {
        let sighting = self.lock().get(&(host, image.to_owned())).cloned()?;
        (sighting.at.elapsed() < BELIEVED).then_some(sighting)
    }

    /// Notes that the image is there.
    pub(crate) fn put(&self, host: HostId, image: &str, digest: Option<String>) {
        let mut sightings = self.lock();
        if sightings.len() >= ENTRIES {
            sightings.retain(|_, sighting| sighting.at.elapsed() < BELIEVED);
        }
        sightings.insert(
            (host, image.to_owned()),
            Sighting {
                at: Instant::now(),
                digest,
            },
        );
    }

    /// Forgets what was seen: it is gone.
    pub(crate) fn forget(&self, host: HostId, image: &str) {
        self.lock().remove(&(host, image.to_owned()));
    }
}
