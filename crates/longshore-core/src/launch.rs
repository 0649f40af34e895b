//! What an executor is handed for one attempt, and the handle that it gives back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AttemptId, JobId, PoolId};
use crate::legacy::LegacyLabels;
use crate::spec::{ImageReference, JobSpec};

/// Label with the pool's id: what carries it is ours, if the id is.
pub const LABEL_POOL: &str = "io.longshore.pool";
/// Label with the job's id.
pub const LABEL_JOB: &str = "io.longshore.job";
/// Label with the attempt's id.
pub const LABEL_ATTEMPT: &str = "io.longshore.attempt";
/// Label with the host's name.
pub const LABEL_HOST: &str = "io.longshore.host";
/// Label with the job's name.
pub const LABEL_NAME: &str = "io.longshore.name";

/// The resolved spec of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// Whose it is.
    pub pool: PoolId,
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Name of the host, for the label.
    pub host: String,
    /// The spec with all defaults applied.
    pub spec: JobSpec,
    /// The image to create from: by digest once one is known, so that a retry runs the same image.
    pub image: ImageReference,
    /// Labels by which tools of the legacy system find the container, where that is wanted.
    pub legacy: Option<LegacyLabels>,
}

impl Launch {
    /// The container's name: a function of the attempt, so that a lost reply is found again.
    pub fn container_name(&self) -> String {
        container_name(self.attempt)
    }

    /// All labels of the container: the job's own, the legacy ones, then ours; later ones win.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels: BTreeMap<String, String> = self
            .spec
            .labels
            .iter()
            .map(|(key, value)| (key.to_string(), value.clone()))
            .collect();
        labels.extend(self.legacy.iter().flat_map(LegacyLabels::labels));
        labels.insert(LABEL_POOL.into(), self.pool.to_string());
        labels.insert(LABEL_JOB.into(), self.job.to_string());
        labels.insert(LABEL_ATTEMPT.into(), self.attempt.to_string());
        labels.insert(LABEL_HOST.into(), self.host.clone());
        if let Some(name) = &self.spec.name {
            labels.insert(LABEL_NAME.into(), name.to_string());
        }
        labels
    }
}

/// The name of an attempt's container.
pub fn container_name(attempt: AttemptId) -> String {
    format!("longshore-{attempt}")
}

/// An executor's own reference to one container; opaque to everybody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Handle {
    /// Version of the content, by the executor that wrote it.
    pub version: u16,
    /// The content.
    pub content: String,
}
