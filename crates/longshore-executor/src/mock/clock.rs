//! The mock host's clock: a base that the caller gave, moved on by tokio's (pausable) clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) struct HostClock {
    base: Timestamp,
    origin: Instant,
}

impl HostClock {
    pub(super) fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            origin: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        after(self.base, self.origin.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// Waits until the clock shows `due`; for ever when there is nothing to wait for.
    pub(super) async fn wait_until(&self, due: Option<Timestamp>) {
        let Some(due) = due else {
            return std::future::pending().await;
        };
        let left = due.duration_since(self.now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or(Duration::ZERO)).await;
    }
}

/// `at` plus `duration`; `None` beyond the end of time.
pub(super) fn after(at: Timestamp, duration: Duration) -> Option<Timestamp> {
    at.checked_add(duration).ok()
}
