//! How the service works.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_core::image::PullProgress;
use longshore_core::{JobId, limits};

/// Where the service reads the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Receives the progress of the pulls that the service makes for its jobs.
pub type OnJobPull = Arc<dyn Fn(JobId, &PullProgress) + Send + Sync>;

/// How the service works.
#[derive(Clone)]
pub struct ServiceOptions {
    /// A container is removed as soon as its end is written down.
    pub immediate_cleanup: bool,
    /// Further tries of a call to a host that cannot be reached.
    pub retries: u32,
    /// The clock.
    pub now: Now,
    /// Told about the pulls that creating a container needs.
    pub on_pull: Option<OnJobPull>,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            immediate_cleanup: true,
            retries: limits::DIRECT_RETRIES,
            now: Arc::new(Timestamp::now),
            on_pull: None,
        }
    }
}
