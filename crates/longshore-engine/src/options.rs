//! How a worker works.

use std::path::PathBuf;

use longshore_core::JobId;

/// How a worker works.
#[derive(Clone, Debug, Default)]
pub struct WorkerOptions {
    /// Claims this job alone, and ends by itself when it is final and its containers are gone.
    /// What other workers left behind is taken over all the same.
    pub only_job: Option<JobId>,
    /// Most attempts at one time in this worker, beside the slots of each host.
    pub most_attempts: Option<u32>,
    /// Folder where the workers of this machine announce themselves.
    pub presence: Option<PathBuf>,
    /// Ends by itself when nothing is queued, due or under way.
    pub until_idle: bool,
}
