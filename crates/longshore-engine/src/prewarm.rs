//! Brings an image to a host before any job needs it.

use longshore_core::host::Host;
use longshore_core::image::Image;
use longshore_executor::{
    ExecutorError, Images, OnProgress, PullRequest, SharedExecutor, digest_of,
};
use longshore_store::{Store, StoreError};

use crate::clock::{Clock, SystemClock};
use crate::turns::{Paced, Turns};

/// What is told to whoever waits for an image.
pub struct Told<'a> {
    /// How far the pull has come.
    pub progress: OnProgress,
    /// What the pull waits for.
    pub waits: &'a (dyn Fn(&str) + Send + Sync),
}

/// Pulls an image to a host, in turn where the registry limits pulls. If the host had none of this
/// name, the image is ours to remove from then on.
///
/// # Errors
/// The host cannot be spoken to, or the registry does not give the image, or not in time.
pub async fn prewarm(
    store: &Store,
    (host, executor): (&Host, &SharedExecutor),
    request: &PullRequest,
    told: Told<'_>,
) -> Result<Option<Image>, ExecutorError> {
    let Some(images) = executor.images() else {
        return Ok(None);
    };
    let turns = Turns::default();
    let paced = Paced {
        images,
        store,
        clock: &SystemClock,
        turns: &turns,
        told: told.waits,
    };
    let is_new = paced.image(&request.image).await?.is_none();
    let pulled = paced.pull(request, told.progress).await?;
    if is_new {
        let digest = digest_of(&pulled.digests, &request.image);
        let name = request.image.to_string();
        let noted = store.note_pull(host.id, &name, digest.as_deref(), SystemClock.now());
        match noted.await {
            // A host that is in no pool has no records: what is brought there stays.
            Ok(()) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => tracing::warn!(%error, image = name, "a pull could not be written down"),
        }
    }
    Ok(Some(pulled))
}
