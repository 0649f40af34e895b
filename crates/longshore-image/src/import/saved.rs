//! What `docker save` wrote before it wrote OCI layouts: `manifest.json` names files, without
//! digests. A manifest is made of it.

use std::io::{self, Read};

use longshore_core::spec::ImageReference;
use serde::Deserialize;
use serde_json::json;

use super::archive::Archive;
use super::{Offer, read_document};
use crate::digest::{Digest, Digester};
use crate::document::{Descriptor, ImageConfig, Manifest};
use crate::error::ImageError;

const LIST: &str = "manifest.json";
const GZIP_OR_ZSTD: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5]];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The images of such an archive, one for each name.
pub(super) fn offers(
    archive: &Archive,
    name: Option<&ImageReference>,
) -> Result<Vec<Offer>, ImageError> {
    let text = read_document(archive, LIST)?;
    let list: Vec<Saved> = serde_json::from_slice(&text)
        .map_err(|why| ImageError::malformed(format!("{LIST} in {}", archive.what()), why))?;
    let mut offers = Vec::new();
    for saved in list {
        for name in names(&saved, name, archive)? {
            offers.push(offer(archive, &saved, name)?);
        }
    }
    Ok(offers)
}

fn names(
    saved: &Saved,
    name: Option<&ImageReference>,
    archive: &Archive,
) -> Result<Vec<ImageReference>, ImageError> {
    if let Some(name) = name {
        return Ok(vec![name.clone()]);
    }
    let tags = saved.repo_tags.iter().flatten();
    let names: Result<Vec<ImageReference>, _> = tags.map(|tag| tag.parse()).collect();
    let names = names.map_err(|why| ImageError::malformed(archive.what(), why))?;
    if names.is_empty() {
        let why = "an image in it has no name; give it one";
        return Err(ImageError::malformed(archive.what(), why));
    }
    Ok(names)
}

fn offer(archive: &Archive, saved: &Saved, name: ImageReference) -> Result<Offer, ImageError> {
    let config = read_document(archive, &saved.config)?;
    let config_digest = Digest::of(&config);
    let diff_ids = ImageConfig::parse(&config, &config_digest)?.rootfs.diff_ids;
    if diff_ids.len() != saved.layers.len() {
        let why = "its lists of layers differ in length";
        return Err(ImageError::malformed(archive.what(), why));
    }
    let mut files = vec![(config_digest, saved.config.clone())];
    let mut layers = Vec::new();
    for (path, diff_id) in saved.layers.iter().zip(diff_ids) {
        let layer = layer(archive, path, diff_id)?;
        files.push((layer.digest, path.clone()));
        layers.push(layer);
    }
    let config = Descriptor {
        digest: config_digest,
        size: config.len() as u64,
    };
    let parsed = Manifest { config, layers };
    Ok(Offer {
        name,
        manifest: manifest_text(&parsed),
        parsed,
        index: None,
        files,
    })
}

/// A plain layer's digest is its diff id, which is checked when it is brought.
fn layer(archive: &Archive, path: &str, diff_id: Digest) -> Result<Descriptor, ImageError> {
    let mut part = archive.open_file(path)?;
    let size = part.size();
    let broken = |why| ImageError::malformed(format!("{path} in {}", archive.what()), why);
    let mut head = Vec::new();
    part.by_ref()
        .take(2)
        .read_to_end(&mut head)
        .map_err(broken)?;
    if !GZIP_OR_ZSTD.contains(&&head[..]) {
        return Ok(Descriptor {
            digest: diff_id,
            size,
        });
    }
    let mut digester = Digester::default();
    digester.update(&head);
    io::copy(&mut part, &mut digester).map_err(broken)?;
    Ok(Descriptor {
        digest: digester.finish(),
        size,
    })
}

fn manifest_text(manifest: &Manifest) -> Vec<u8> {
    let descriptor = |kind: &str, blob: &Descriptor| json!({ "mediaType": kind, "digest": blob.digest, "size": blob.size });
    let layer = |blob| descriptor("application/vnd.oci.image.layer.v1.tar", blob);
    let text = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &manifest.config),
        "layers": manifest.layers.iter().map(layer).collect::<Vec<_>>(),
    });
    text.to_string().into_bytes()
}
