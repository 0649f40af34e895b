//! A store of one's own, and what tests ask it.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::image::{Credential, PullProgress};
use longshore_core::spec::ImageReference;
use longshore_image::{
    ImageError, ImageStore, PullRequest, Puller, RegistryOptions, StoredImage, UnpackLimits,
};
use longshore_testkit::temp_dir;
use tempfile::TempDir;

pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) store: ImageStore,
    pub(crate) puller: Puller,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(RegistryOptions::default())
    }

    pub(crate) fn with(options: RegistryOptions) -> Self {
        let folder = temp_dir();
        let root = folder.path().join("images");
        let store = ImageStore::open(&root, UnpackLimits::default()).unwrap();
        let puller = Puller::new(store.clone(), options);
        Self {
            folder,
            store,
            puller,
        }
    }

    /// Another process that uses the same store.
    pub(crate) fn another_puller(&self) -> Puller {
        let store = ImageStore::open(self.store.root(), UnpackLimits::default()).unwrap();
        Puller::new(store, RegistryOptions::default())
    }

    pub(crate) async fn pull(
        &self,
        image: &ImageReference,
    ) -> Result<StoredImage, Arc<ImageError>> {
        self.puller.pull(&request(image), |_| {}).await
    }

    /// The paths of files below the store's folder that start so.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.store.root().join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

pub(crate) fn request(image: &ImageReference) -> PullRequest {
    PullRequest {
        image: image.clone(),
        platform: None,
        credential: None,
        idle: Duration::from_mins(1),
        total: Duration::from_mins(5),
    }
}

pub(crate) fn with_credential(
    image: &ImageReference,
    credential: Option<Credential>,
) -> PullRequest {
    PullRequest {
        credential,
        ..request(image)
    }
}

/// What an image shows at `path`, looked for from the top down.
pub(crate) fn content(image: &StoredImage, path: &str) -> Option<Vec<u8>> {
    let found = image.layers().iter().rev().map(|layer| layer.join(path));
    found
        .into_iter()
        .find(|path| path.exists())
        .map(|path| std::fs::read(path).unwrap())
}

/// Bytes of the first layer that have come.
pub(crate) fn bytes_of_first(progress: &PullProgress) -> u64 {
    progress
        .layers
        .first()
        .map_or(0, |layer| layer.current_bytes)
}
