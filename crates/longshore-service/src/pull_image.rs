//! `pull_image`: brings an image to a host.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::host::Host;
use longshore_core::spec::{ImageReference, TimeLimits};
use longshore_executor::{OnProgress, PullRequest};

use crate::error::ServiceError;
use crate::service::DockerService;

const TRIED: &str = "image pull failed";

/// How an image is pulled.
#[derive(Clone)]
pub struct PullWish {
    /// Give up when nothing happens for so long.
    pub idle: Duration,
    /// Give up when not done after so long.
    pub limit: Duration,
    /// Told how far it has come.
    pub on_progress: OnProgress,
}

impl Default for PullWish {
    /// With the limits of a job that names none, and nobody to tell.
    fn default() -> Self {
        let limits = TimeLimits::default();
        Self {
            idle: limits.pull_idle.duration(),
            limit: limits.pull.duration(),
            on_progress: Arc::new(|_| {}),
        }
    }
}

impl DockerService {
    /// Pulls an image to the host, where it is then. Calls for one image at one time are one pull. An
    /// image that the host did not have before is ours to remove.
    ///
    /// # Errors
    /// The host cannot be spoken to; or the registry does not give the image, or not in time.
    pub async fn pull_image(
        &self,
        host: &Host,
        image: &ImageReference,
        wish: PullWish,
    ) -> Result<bool, ServiceError> {
        let place = self.place(host)?;
        let images = place.images(TRIED)?;
        let before = place.call(|| images.image(image)).await;
        let before = before.map_err(|error| place.error(TRIED, error))?;
        let request = PullRequest {
            image: image.clone(),
            platform: None,
            idle: wish.idle,
            total: wish.limit,
        };
        let pulled = place.call(|| images.pull(&request, Arc::clone(&wish.on_progress)));
        let pulled = pulled.await.map_err(|error| place.error(TRIED, error))?;
        if before.is_none() {
            let digest = longshore_executor::digest_of(&pulled.digests, image);
            self.note_pull(host, image, digest.as_deref()).await;
        }
        Ok(true)
    }

    /// The image is ours to remove, since it is we who brought it.
    pub(crate) async fn note_pull(
        &self,
        host: &Host,
        image: &ImageReference,
        digest: Option<&str>,
    ) {
        let name = image.to_string();
        let noted = self.store().note_pull(host.id, &name, digest, self.now());
        if let Err(error) = noted.await {
            tracing::warn!(%error, %image, "a pull could not be written down");
        }
    }
}
