//! Labels that this executor sets for itself, beside those of the job: what a container's record does
//! not say otherwise. Nobody else is shown them.

use std::collections::BTreeMap;

use longshore_core::launch::{LABEL_ATTEMPT, LABEL_POOL};
use longshore_core::{AttemptId, PoolId};
use longshore_runtime::ContainerConfig;

use crate::handle::ContainerId;

const ID: &str = "longshore.oci/id";
const IMAGE: &str = "longshore.oci/image";
const IMAGE_ID: &str = "longshore.oci/image-id";

/// What is noted of a container.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its image in the words that it was made with.
    pub(crate) image: String,
    /// The id of its image.
    pub(crate) image_id: String,
}

impl Tags {
    /// Adds them to the labels of a container.
    pub(crate) fn note(&self, labels: &mut BTreeMap<String, String>) {
        labels.insert(ID.to_owned(), self.id.to_string());
        labels.insert(IMAGE.to_owned(), self.image.clone());
        labels.insert(IMAGE_ID.to_owned(), self.image_id.clone());
    }

    /// Reads them; none on a container that this executor did not make.
    pub(crate) fn of(config: &ContainerConfig) -> Option<Self> {
        let label = |key: &str| config.labels.get(key).map(String::as_str);
        Some(Self {
            id: ContainerId::parse(label(ID)?)?,
            image: label(IMAGE)?.to_owned(),
            image_id: label(IMAGE_ID)?.to_owned(),
        })
    }
}

/// The labels that people may see.
pub(crate) fn shown(config: &ContainerConfig) -> BTreeMap<String, String> {
    let mut labels = config.labels.clone();
    labels.retain(|key, _| ![ID, IMAGE, IMAGE_ID].contains(&key.as_str()));
    labels
}

/// Whose container it is.
pub(crate) fn pool_of(config: &ContainerConfig) -> Option<PoolId> {
    config.labels.get(LABEL_POOL)?.parse().ok()
}

/// Which attempt it was made for.
pub(crate) fn attempt_of(config: &ContainerConfig) -> Option<AttemptId> {
    config.labels.get(LABEL_ATTEMPT)?.parse().ok()
}
