//! Which images were seen and used on which host a moment ago, so that a burst of jobs asks and writes
//! only once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_core::{HostId, limits};
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

type Key = (HostId, String);

/// Sightings by host and image.
#[derive(Default)]
pub(crate) struct Shelf {
    sightings: Mutex<HashMap<Key, Sighting>>,
    /// When the use of an image was last written down.
    uses: Mutex<HashMap<Key, Instant>>,
}

impl Shelf {
    fn sightings(&self) -> MutexGuard<'_, HashMap<Key, Sighting>> {
        self.sightings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The image, if it was seen lately.
    pub(crate) fn lately(&self, host: HostId, image: &str) -> Option<Sighting> {
        let sighting = self.sightings().get(&(host, image.to_owned())).cloned()?;
        (sighting.at.elapsed() < BELIEVED).then_some(sighting)
    }

    /// Notes that the image is there.
    pub(crate) fn put(&self, host: HostId, image: &str, digest: Option<String>) {
        let mut sightings = self.sightings();
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
        self.sightings().remove(&(host, image.to_owned()));
    }

    /// Whether a use of the image now is worth writing down; then it counts as written.
    pub(crate) fn is_use_news(&self, host: HostId, image: &str) -> bool {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() >= ENTRIES {
            uses.retain(|_, at| at.elapsed() < limits::IMAGE_USE_PERIOD);
        }
        let key = (host, image.to_owned());
        let is_known = uses
            .get(&key)
            .is_some_and(|at| at.elapsed() < limits::IMAGE_USE_PERIOD);
        if !is_known {
            uses.insert(key, Instant::now());
        }
        !is_known
    }
}
