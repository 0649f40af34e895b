//! Ends that were seen: what they used in all is asked for right after, and need not be read again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longshore_core::launch::Handle;
use longshore_runtime::Ended;

/// More are not kept: nobody has asked.
const MOST: usize = 256;

/// Ends by the handles of their containers.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<HashMap<String, Ended>>);

impl Ends {
    /// Keeps an end for whoever asks next.
    pub(crate) fn keep(&self, handle: &Handle, ended: &Ended) {
        let mut ends = self.lock();
        if ends.len() >= MOST {
            ends.clear();
        }
        ends.insert(handle.content.clone(), ended.clone());
    }

    /// The end, if it is kept; it is no longer.
    pub(crate) fn take(&self, handle: &Handle) -> Option<Ended> {
        self.lock().remove(&handle.content)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Ended>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
