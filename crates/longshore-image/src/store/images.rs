//! Names, and the images that they stand for.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use longshore_core::image::Image;
use longshore_core::spec::{ImageReference, Platform};
use serde::{Deserialize, Serialize};

use super::files::Durability;
use super::holds::Wanted;
use super::{ImageStore, files};
use crate::digest::Digest;
use crate::document::ImageConfig;
use crate::error::{ImageError, Tried};
use crate::platform::{host_platform, is_for};

const FOLDER: &str = "images";

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// Everything spelled out.
    pub(crate) name: String,
    pub(crate) manifest: Digest,
    /// That of the index, where the image was chosen from one.
    pub(crate) index: Option<Digest>,
    pub(crate) config: Digest,
    /// Names of the layers in the store, from the bottom up.
    pub(crate) layers: Vec<Digest>,
}

/// An image in the store.
#[derive(Clone, Debug)]
pub struct StoredImage {
    record: ImageRecord,
    config: Vec<u8>,
    parsed: ImageConfig,
    layers: Vec<PathBuf>,
    root: Option<PathBuf>,
    size_bytes: u64,
}

impl StoredImage {
    /// The name with registry, path, and tag or digest.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The digest of the image's manifest.
    pub fn digest(&self) -> Digest {
        self.record.manifest
    }

    /// The configuration, byte for byte as it was pulled.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The folders of its layers from the bottom up: lower folders for overlayfs, never to be
    /// written to. They stay as long as the image has a name, or a hold.
    pub fn layers(&self) -> &[PathBuf] {
        &self.layers
    }

    /// The folder whose owner, rights and times the root of a container has; where no layer says
    /// it, they are the usual ones. Overlayfs takes those of the upper folder, so they have to be
    /// given to it.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Bytes of its files.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// As hosts list their images.
    pub fn to_image(&self) -> Image {
        let name = self.name().parse::<ImageReference>().ok();
        let tagged =
            |name: &ImageReference| Some(format!("{}:{}", name.familiar_name(), name.tag()?));
        let digested = |name: &ImageReference| {
            let digest = self.record.index.unwrap_or(self.record.manifest);
            format!("{}@{digest}", name.familiar_name())
        };
        Image {
            id: self.record.config.to_string(),
            tags: name.iter().filter_map(tagged).collect(),
            digests: name.iter().map(digested).collect(),
            size_bytes: self.size_bytes,
            created_at: self
                .parsed
                .created
                .as_deref()
                .and_then(|text| text.parse().ok()),
        }
    }

    /// Is it what a name with this digest leads to?
    pub(crate) fn comes_from(&self, digest: &str) -> bool {
        let known = [Some(self.record.manifest), self.record.index];
        digest
            .parse()
            .is_ok_and(|digest: Digest| known.contains(&Some(digest)))
    }

    pub(super) fn record(&self) -> &ImageRecord {
        &self.record
    }
}

impl ImageRecord {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            layers: self.layers.iter().copied().collect(),
            blobs: BTreeSet::from_iter([self.manifest, self.config]),
        }
    }

    /// Is it what `image` asks for by digest?
    fn is_pinned_by(&self, image: &ImageReference) -> bool {
        let Some(digest) = image
            .digest()
            .and_then(|digest| digest.parse::<Digest>().ok())
        else {
            return false;
        };
        let name = self.name.parse::<ImageReference>();
        let same = name.is_ok_and(|name| name.repository() == image.repository());
        same && (self.manifest == digest || self.index == Some(digest))
    }
}

impl ImageStore {
    /// The image of that name for that platform (the machine's own when none is named), if all of
    /// it is here. A digest finds the image under any of its names.
    ///
    /// # Errors
    /// When the disk fails, or a record cannot be read.
    pub fn find(
        &self,
        image: &ImageReference,
        platform: Option<&Platform>,
    ) -> Result<Option<StoredImage>, ImageError> {
        let named = files::read_json(&self.image_path(&image.canonical()))?;
        let record = match named {
            Some(record) => Some(record),
            None if image.digest().is_some() => self
                .records()?
                .into_iter()
                .find(|record| record.is_pinned_by(image)),
            None => None,
        };
        let Some(record) = record.filter(|record| self.is_whole(record)) else {
            return Ok(None);
        };
        let own = host_platform();
        let stored = self.stored(record)?;
        let fits = is_for(&stored.parsed.platform(), platform.unwrap_or(&own));
        Ok(fits.then_some(stored))
    }

    /// All images of which nothing is missing, by name.
    ///
    /// # Errors
    /// When the disk fails, or a record cannot be read.
    pub fn list(&self) -> Result<Vec<StoredImage>, ImageError> {
        let whole = self
            .records()?
            .into_iter()
            .filter(|record| self.is_whole(record));
        let mut images = whole
            .map(|record| self.stored(record))
            .collect::<Result<Vec<_>, _>>()?;
        images.sort_by(|one, two| one.name().cmp(two.name()));
        Ok(images)
    }

    /// Takes the name away; [`ImageStore::collect`] then removes what nothing else needs. Was it
    /// there?
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove(&self, image: &ImageReference) -> Result<bool, ImageError> {
        let path = self.image_path(&image.canonical());
        match fs::remove_file(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
            outcome => outcome.tried("remove", path).map(|()| true),
        }
    }

    /// Gives an image its name.
    pub(crate) fn name(&self, record: ImageRecord) -> Result<StoredImage, ImageError> {
        files::write_json(&self.image_path(&record.name), &record, Durability::Now)?;
        self.stored(record)
    }

    pub(super) fn records(&self) -> Result<Vec<ImageRecord>, ImageError> {
        let names = files::names(&self.root().join(FOLDER))?;
        let read = |name: String| files::read_json(&self.path(FOLDER, &name)).transpose();
        names.into_iter().filter_map(read).collect()
    }

    pub(super) fn is_whole(&self, record: &ImageRecord) -> bool {
        let wanted = record.wanted();
        wanted.blobs.iter().all(|blob| self.has_blob(blob))
            && wanted
                .layers
                .iter()
                .all(|layer| self.layer_content(layer).is_dir())
    }

    fn stored(&self, record: ImageRecord) -> Result<StoredImage, ImageError> {
        let config = self.read_blob(&record.config)?;
        let parsed = ImageConfig::parse(&config, &record.config)?;
        let mut image = StoredImage {
            config,
            parsed,
            layers: Vec::new(),
            root: None,
            size_bytes: 0,
            record,
        };
        for layer in &image.record.layers {
            let Some(record) = self.layer_record(layer)? else {
                return Err(ImageError::Gone {
                    image: image.record.name,
                });
            };
            image.size_bytes += record.size_bytes;
            if record.hides_all {
                image.layers.clear();
            }
            image.layers.push(self.layer_content(layer));
            if record.describes_root {
                image.root = image.layers.last().cloned();
            }
        }
        Ok(image)
    }

    fn image_path(&self, canonical: &str) -> PathBuf {
        let name = Digest::of(canonical.as_bytes()).hex();
        self.path(FOLDER, &format!("{name}.json"))
    }
}
