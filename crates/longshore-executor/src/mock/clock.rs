//! The mock host's clock: a base that the caller gave, moved on by tokio's (pausable) clock; or a clock
//! of the caller's own, for callers with several runtimes, each with a time of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

#[derive(Clone)]
pub(super) enum HostClock {
    Tokio { base: Timestamp, origin: Instant },
    Given(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl fmt::Debug for HostClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostClock({})", self.now())
    }
}

impl HostClock {
    pub(super) fn starting_at(base: Timestamp) -> Self {
        Self::Tokio {
            base,
            origin: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Tokio { base, origin } => {
                after(*base, origin.elapsed()).unwrap_or(Timestamp::MAX)
            }
            Self::Given(now) => now(),
        }
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
