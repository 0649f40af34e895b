//! How a worker works.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_core::JobId;
use longshore_core::image::PullProgress;

/// Receives the progress of the pulls that a worker makes for its jobs.
pub type OnJobPull = Arc<dyn Fn(JobId, &PullProgress) + Send + Sync>;

/// How a worker works.
#[derive(Clone, Default)]
pub struct WorkerOptions {
    /// Claims this job alone, and ends by itself when it is final and its containers are gone.
    /// What other workers left behind is taken over all the same.
    pub only_job: Option<JobId>,
    /// Most attempts at one time in this worker, beside the slots of each host.
    pub most_attempts: Option<u32>,
    /// Folder where the workers of this machine announce themselves.
    pub presence: Option<PathBuf>,
    /// Ends by itself when nothing that workers move is queued, due or under way.
    pub until_idle: bool,
    /// Told about pulls as they go, beside the job's timeline.
    pub on_pull: Option<OnJobPull>,
}
