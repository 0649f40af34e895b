//! Images that we brought to hosts: only these are ever ours to remove.

use longshore_core::{HostId, Timestamp};

use crate::error::StoreError;
use crate::rows::hosts;
use crate::rows::pulled_images::{self, PulledImage};
use crate::store::Store;

impl Store {
    /// Notes that we pulled an image to a host.
    ///
    /// # Errors
    /// There is no such host, or the store is busy, full or damaged.
    pub async fn note_pull(
        &self,
        host: HostId,
        image: &str,
        digest: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let pulled = PulledImage {
            image: image.to_owned(),
            digest: digest.map(str::to_owned),
            pulled_at: now,
            used_at: now,
        };
        self.write(move |db| {
            Box::pin(async move {
                if hosts::get(db, host).await?.is_none() {
                    return Err(StoreError::not_found("host", host.to_string()));
                }
                pulled_images::save(db, host, &pulled).await
            })
        })
        .await
    }

    /// Notes that an attempt on a host needs an image now. Nothing is kept of images that were there
    /// without us.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn note_image_use(
        &self,
        host: HostId,
        image: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let image = image.to_owned();
        self.write(move |db| {
            Box::pin(async move { pulled_images::note_use(db, host, &image, now).await })
        })
        .await
    }

    /// The images that we pulled to a host and have not removed, by reference.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn pulled_images(&self, host: HostId) -> Result<Vec<PulledImage>, StoreError> {
        pulled_images::of_host(&mut self.readers().acquire().await?, host).await
    }

    /// Notes that an image is gone from a host, or no longer ours. Said again, it changes nothing.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn forget_pull(&self, host: HostId, image: &str) -> Result<(), StoreError> {
        let image = image.to_owned();
        self.write(move |db| Box::pin(async move { pulled_images::delete(db, host, &image).await }))
            .await
    }
}
