//! Images of this host.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use longshore_core::fault::Fault;
use longshore_core::image::Image;
use longshore_core::spec::ImageReference;
use longshore_core::{limits, with_causes};
use longshore_executor::{
    ExecutorError, Images, OnProgress, PullRequest, Removed, find_credential,
};
use longshore_image::{ImportRequest, StoredImage};

use crate::faults;
use crate::ground::Ground;
use crate::opened::Opened;

/// Images of one host.
pub(crate) struct OciImages {
    ground: Arc<Ground>,
}

impl OciImages {
    pub(crate) fn new(ground: Arc<Ground>) -> Self {
        Self { ground }
    }
}

#[async_trait]
impl Images for OciImages {
    async fn image(&self, image: &ImageReference) -> Result<Option<Image>, ExecutorError> {
        let (image, tried) = (image.clone(), format!("look for image {image}"));
        let found = self
            .ground
            .call(limits::CONTROL_CALL, &tried, move |opened| {
                let found = opened.images.find(&image, None);
                found.map_err(|why| faults::of_images(&format!("look for image {image}"), why))
            });
        Ok(found.await?.map(|image| image.to_image()))
    }

    async fn pull(
        &self,
        request: &PullRequest,
        on_progress: OnProgress,
    ) -> Result<Image, ExecutorError> {
        let opened = self.ground.opened().await?;
        let config = self.ground.options().docker_config.as_deref();
        let found = find_credential(config, request.image.registry_host()).await;
        let wanted = longshore_image::PullRequest {
            image: request.image.clone(),
            platform: request.platform.clone(),
            credential: found.credential,
            idle: request.idle,
            total: request.total,
        };
        let pulled = opened
            .puller
            .pull(&wanted, |progress| on_progress(progress));
        match pulled.await {
            Ok(image) => Ok(image.to_image()),
            Err(why) => {
                let text = match found.trouble {
                    Some(trouble) => format!("cannot pull {} ({trouble})", request.image),
                    None => format!("cannot pull {}", request.image),
                };
                Err(ExecutorError::new(why.fault(), text).with_source(why))
            }
        }
    }

    async fn list(&self) -> Result<Vec<Image>, ExecutorError> {
        let listed = self.ground.call(limits::CONTROL_CALL, "list images", all);
        let listed = listed.await?;
        Ok(listed.iter().map(StoredImage::to_image).collect())
    }

    async fn remove(&self, image: &ImageReference) -> Result<Removed, ExecutorError> {
        let (image, tried) = (image.clone(), format!("remove image {image}"));
        let removed = self
            .ground
            .call(limits::REMOVE_CALL, &tried, move |opened| {
                let found = opened.images.find(&image, None);
                let found = found.map_err(|why| faults::of_images("look for it", why))?;
                let Some(found) = found else {
                    return Ok(Removed::WasAbsent);
                };
                remove(opened, &found)
            });
        removed.await
    }

    async fn import(
        &self,
        from: &Path,
        name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, ExecutorError> {
        let opened = self.ground.opened().await?;
        let request = ImportRequest {
            from: from.to_path_buf(),
            name: name.cloned(),
            platform: None,
        };
        let imported = longshore_image::import(&opened.images, &request).await;
        // It names the archive where that is at fault.
        let imported =
            imported.map_err(|why| ExecutorError::new(why.fault(), with_causes(&why)))?;
        Ok(imported.iter().map(StoredImage::to_image).collect())
    }
}

/// All images.
pub(crate) fn all(opened: &Opened) -> Result<Vec<StoredImage>, ExecutorError> {
    let listed = opened.images.list();
    listed.map_err(|why| faults::of_images("list images", why))
}

/// Takes a name away, unless it is the last one of an image that a container was made from; what
/// nothing needs any more goes with it.
pub(crate) fn remove(opened: &Opened, image: &StoredImage) -> Result<Removed, ExecutorError> {
    let tried = format!("remove image {}", image.name());
    let id = image.to_image().id;
    let is_same = |other: &&StoredImage| other.to_image().id == id;
    let is_last = all(opened)?.iter().filter(is_same).count() == 1;
    if is_last && is_used(opened, &id)? {
        let text = format!("cannot {tried}: a container uses it");
        return Err(ExecutorError::new(Fault::Conflict, text));
    }
    let of_images = |why| faults::of_images(&tried, why);
    let name = image.name().parse::<ImageReference>();
    let name = name.map_err(|why| {
        ExecutorError::new(Fault::Internal, format!("cannot {tried}")).with_source(why)
    })?;
    let was_there = opened.images.remove(&name).map_err(of_images)?;
    opened.release_stale_holds()?;
    opened.images.collect().map_err(of_images)?;
    Ok(if was_there {
        Removed::Gone
    } else {
        Removed::WasAbsent
    })
}

/// Whether a container was made from the image, running or not.
pub(crate) fn is_used(opened: &Opened, image_id: &str) -> Result<bool, ExecutorError> {
    let containers = opened.containers()?;
    Ok(containers.iter().any(|(_, tags)| tags.image_id == image_id))
}
