//! OCI layouts: an index that leads to manifests by digest.

use longshore_core::spec::{ImageReference, Platform};

use super::archive::Archive;
use super::{Offer, blob_path, read_document};
use crate::digest::Digest;
use crate::document::{Document, Entry, Index, Manifest};
use crate::error::ImageError;
use crate::platform::choose;

/// Docker's and containerd's own, with the whole name.
const WHOLE_NAME: &str = "io.containerd.image.name";
/// OCI's; often only a tag.
const NAME: &str = "org.opencontainers.image.ref.name";
const INDEX: &str = "index.json";

/// The images of a layout, one for each name.
pub(super) fn offers(
    archive: &Archive,
    platform: &Platform,
    name: Option<&ImageReference>,
) -> Result<Vec<Offer>, ImageError> {
    let text = read_document(archive, INDEX)?;
    let Document::Index(index) = Document::parse(&text, archive.what())? else {
        return Err(ImageError::malformed(
            archive.what(),
            "its index.json is no index",
        ));
    };
    let groups = groups(index.manifests, name, archive)?;
    groups
        .into_iter()
        .map(|(name, entries)| offer(archive, platform, name, entries))
        .collect()
}

type Group = (ImageReference, Vec<Entry>);

/// Entries of one name are one image for several platforms.
fn groups(
    entries: Vec<Entry>,
    name: Option<&ImageReference>,
    archive: &Archive,
) -> Result<Vec<Group>, ImageError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut own_names = Vec::new();
    for entry in entries {
        let own = own_name(&entry);
        let called = name.cloned().or_else(|| own.clone()).ok_or_else(|| {
            ImageError::malformed(archive.what(), "an image in it has no name; give it one")
        })?;
        own_names.extend(own);
        match groups.iter_mut().find(|(known, _)| *known == called) {
            Some((_, entries)) => entries.push(entry),
            None => groups.push((called, vec![entry])),
        }
    }
    own_names.dedup();
    if name.is_some() && own_names.len() > 1 {
        let why = "there are several images in it; they cannot all have the one name";
        return Err(ImageError::malformed(archive.what(), why));
    }
    Ok(groups)
}

fn own_name(entry: &Entry) -> Option<ImageReference> {
    let whole = entry.annotations.get(WHOLE_NAME);
    // A tag alone is no name.
    let named = entry
        .annotations
        .get(NAME)
        .filter(|name| name.contains(['/', ':']));
    whole.or(named)?.parse().ok()
}

fn offer(
    archive: &Archive,
    platform: &Platform,
    name: ImageReference,
    entries: Vec<Entry>,
) -> Result<Offer, ImageError> {
    let mut index = Index { manifests: entries };
    let mut digest = None;
    loop {
        let Some(entry) = choose(&index.manifests, platform) else {
            return Err(ImageError::WrongPlatform {
                image: name.to_string(),
                wanted: platform.to_string(),
                offered: index.offers(),
            });
        };
        let (text, document) = document(archive, &entry.digest)?;
        match (document, digest) {
            (Document::Manifest(parsed), index) => {
                return Ok(in_layout(name, text, parsed, index));
            }
            (Document::Index(inner), None) => {
                digest = Some(entry.digest);
                index = inner;
            }
            (Document::Index(_), Some(_)) => {
                let why = "an index in an index leads to another one";
                return Err(ImageError::malformed(archive.what(), why));
            }
        }
    }
}

fn in_layout(
    name: ImageReference,
    manifest: Vec<u8>,
    parsed: Manifest,
    index: Option<Digest>,
) -> Offer {
    Offer {
        name,
        manifest,
        parsed,
        index,
        files: Vec::new(),
    }
}

fn document(archive: &Archive, digest: &Digest) -> Result<(Vec<u8>, Document), ImageError> {
    let text = read_document(archive, &blob_path(digest))?;
    let actual = Digest::of(&text);
    if actual != *digest {
        return Err(ImageError::DigestMismatch {
            what: format!("a manifest in {}", archive.what()),
            expected: *digest,
            actual,
        });
    }
    let document = Document::parse(&text, archive.what())?;
    Ok((text, document))
}
