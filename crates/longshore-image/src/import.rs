//! Images from files: what `docker save` writes (of today and of old), OCI layouts as a folder or
//! as an archive.

mod archive;
mod layout;
mod saved;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore_core::limits;
use longshore_core::spec::{ImageReference, Platform};

use crate::assemble::{BlobSource, Plan, assemble};
use crate::digest::Digest;
use crate::document::{Descriptor, Manifest};
use crate::error::ImageError;
use crate::platform::host_platform;
use crate::progress::{LayerNews, Progress};
use crate::store::{ImageStore, Ingest, StoredImage};
use crate::waiting::blocking;

use archive::Archive;

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// An archive (also compressed with gzip or zstd), or the folder of an OCI layout.
    pub from: PathBuf,
    /// The name of the image, where the archive has one image alone; else its own names are taken.
    pub name: Option<ImageReference>,
    /// For which platform, if not the machine's own.
    pub platform: Option<Platform>,
}

/// An image that an archive offers.
struct Offer {
    name: ImageReference,
    manifest: Vec<u8>,
    parsed: Manifest,
    index: Option<Digest>,
    /// Where in the archive its blobs lie.
    files: Vec<(Digest, String)>,
}

/// Brings all images of an archive into the store, unpacked.
///
/// # Errors
/// When the archive is none, has no image for the platform, or one that has no name; and as pulls
/// do. Images that were brought before an error stay, and nothing else does.
pub async fn import(
    store: &ImageStore,
    request: &ImportRequest,
) -> Result<Vec<StoredImage>, ImageError> {
    let brought = bring(store, request).await;
    if brought.is_err() {
        let store = store.clone();
        // What stays is collected when an image is removed.
        let _ = blocking(move || store.collect()).await;
    }
    brought
}

async fn bring(
    store: &ImageStore,
    request: &ImportRequest,
) -> Result<Vec<StoredImage>, ImageError> {
    let platform = request.platform.clone().unwrap_or_else(host_platform);
    let (from, root) = (request.from.clone(), store.root().to_path_buf());
    let archive = Arc::new(blocking(move || Archive::open(&from, &root)).await?);
    let offers = {
        let (archive, platform, name) =
            (Arc::clone(&archive), platform.clone(), request.name.clone());
        blocking(move || offers(&archive, &platform, name.as_ref())).await?
    };
    let mut images = Vec::new();
    for offer in offers {
        let plan = Plan {
            name: offer.name.canonical(),
            platform: platform.clone(),
            manifest: offer.manifest,
            parsed: offer.parsed,
            index: offer.index,
        };
        let source = Source {
            archive: Arc::clone(&archive),
            files: offer.files,
        };
        images.push(assemble(store, &source, plan, &Progress::unwatched()).await?);
    }
    Ok(images)
}

fn offers(
    archive: &Archive,
    platform: &Platform,
    name: Option<&ImageReference>,
) -> Result<Vec<Offer>, ImageError> {
    let offers = if archive.has("index.json") {
        layout::offers(archive, platform, name)
    } else if archive.has("manifest.json") {
        saved::offers(archive, name)
    } else {
        let why = "it is neither an OCI layout nor what `docker save` writes";
        Err(ImageError::malformed(archive.what(), why))
    };
    let offers = offers?;
    match (name, offers.len()) {
        (_, 0) => Err(ImageError::malformed(
            archive.what(),
            "there is no image in it",
        )),
        (Some(_), 2..) => {
            let why = "there are several images in it; they cannot all have the one name";
            Err(ImageError::malformed(archive.what(), why))
        }
        (_, _) => Ok(offers),
    }
}

/// The blobs of one image of an archive.
struct Source {
    archive: Arc<Archive>,
    files: Vec<(Digest, String)>,
}

impl BlobSource for Source {
    async fn bring(
        &self,
        blob: &Descriptor,
        ingest: Ingest,
        news: &LayerNews,
    ) -> Result<(), ImageError> {
        let path = self.files.iter().find(|(digest, _)| *digest == blob.digest);
        let path = path.map_or_else(|| blob_path(&blob.digest), |(_, path)| path.clone());
        let archive = Arc::clone(&self.archive);
        blocking(move || ingest.copy(archive.open_file(&path)?)).await?;
        news.sign_of_life();
        Ok(())
    }
}

/// Where a layout has a blob.
fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn read_document(archive: &Archive, path: &str) -> Result<Vec<u8>, ImageError> {
    archive.read_small(path, limits::IMAGE_DOCUMENT_BYTES)
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
