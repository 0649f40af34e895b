//! One event stream a host, for as long as anybody waits for a container there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jiff::Timestamp;
use longshore_core::{AttemptId, HostId, PoolId, limits};
use longshore_executor::{HostWatch, Listener};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::place::Place;

/// The hosts that are listened to.
#[derive(Default)]
pub(crate) struct Watches(Mutex<HashMap<HostId, (Timestamp, Weak<Watched>)>>);

/// A host that is listened to until the last one who waits there is gone.
struct Watched {
    watch: Arc<HostWatch>,
    _stop: DropGuard,
}

/// Somebody who waits for one attempt's container.
pub(crate) struct Waiter {
    pub(crate) listener: Listener,
    _watched: Arc<Watched>,
}

impl Watches {
    /// Begins to listen for an attempt, once the host's events are heard; they are not waited for
    /// very long, since they are hints only.
    pub(crate) async fn listen(
        &self,
        (place, pool): (&Place, PoolId),
        attempt: AttemptId,
        tracker: &TaskTracker,
    ) -> Waiter {
        let watched = self.watch_of(place, pool, tracker);
        let mut connected = watched.watch.connected();
        let heard = connected.wait_for(|is_connected| *is_connected);
        let heard = tokio::time::timeout(limits::LISTEN_WITHIN, heard).await;
        tracing::debug!(is_heard = heard.is_ok(), "listening to the host");
        Waiter {
            listener: watched.watch.listen(attempt),
            _watched: watched,
        }
    }

    fn watch_of(&self, place: &Place, pool: PoolId, tracker: &TaskTracker) -> Arc<Watched> {
        let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = &place.host;
        if let Some((updated_at, watched)) = watches.get(&host.id)
            && *updated_at == host.updated_at
            && let Some(watched) = watched.upgrade()
        {
            return watched;
        }
        let (watch, stop) = (Arc::new(HostWatch::new()), CancellationToken::new());
        let task = {
            let (watch, stop) = (Arc::clone(&watch), stop.clone());
            let executor = Arc::clone(&place.executor);
            async move { watch.run(executor, pool, stop).await }
        };
        tracker.spawn(task);
        let opened = Arc::new(Watched {
            watch,
            _stop: stop.drop_guard(),
        });
        watches.retain(|_, (_, watched)| watched.strong_count() > 0);
        watches.insert(host.id, (host.updated_at, Arc::downgrade(&opened)));
        opened
    }
}
