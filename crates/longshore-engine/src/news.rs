//! News of the store, for services that look at it when it has changed.

use longshore_core::limits::LOOK_PERIOD;
use longshore_store::{Changes, Store};
use tokio::time::Instant;

/// Changes of the store that a service has not looked at yet.
pub(crate) struct News {
    changes: Changes,
    told: Instant,
}

impl News {
    /// All that comes from now on.
    pub(crate) fn of(store: &Store) -> Self {
        Self {
            changes: store.changes(),
            told: Instant::now(),
        }
    }

    /// Returns when there are any. Cancel-safe.
    pub(crate) async fn at_once(&mut self) {
        self.changes.changed().await;
        self.told = Instant::now();
    }

    /// The same for what is in no hurry: not at every commit of a busy store. Cancel-safe.
    pub(crate) async fn now_and_then(&mut self) {
        tokio::time::sleep_until(self.told + LOOK_PERIOD).await;
        self.at_once().await;
    }
}
