//! Which images were seen on which host a moment ago, so that a burst of jobs asks only once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_core::HostId;
use tokio::time::Instant;

/// How long a look is believed. A create that finds the image gone looks again at once.
const BELIEVED: Duration = Duration::from_secs(60);
/// Entries beyond which old ones are dropped.
const ENTRIES: usize = 1024;

/// An image on a host, with its digest where it has one.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<HashMap<(HostId, String), (Instant, Option<String>)>>);

impl Shelf {
    /// The digest of an image that was seen lately; `None` when it was not.
    pub(crate) fn seen(&self, host: HostId, image: &str) -> Option<Option<String>> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, digest) = shelf.get(&(host, image.to_owned()))?;
        (at.elapsed() < BELIEVED).then(|| digest.clone())
    }

    /// Notes that the image is there.
    pub(crate) fn put(&self, host: HostId, image: &str, digest: Option<String>) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.len() >= ENTRIES {
            shelf.retain(|_, (at, _)| at.elapsed() < BELIEVED);
        }
        shelf.insert((host, image.to_owned()), (Instant::now(), digest));
    }

    /// Forgets what was seen: it is gone.
    pub(crate) fn forget(&self, host: HostId, image: &str) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.remove(&(host, image.to_owned()));
    }
}
