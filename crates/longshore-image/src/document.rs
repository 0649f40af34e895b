//! The JSON documents of an image, as registries and archives have them; unknown fields are left.

use std::collections::BTreeMap;
use std::fmt;

use longshore_core::limits;
use serde::Deserialize;

use crate::digest::Digest;
use crate::error::ImageError;

/// What a name of a registry leads to.
#[derive(Debug)]
pub(crate) enum Document {
    Index(Index),
    Manifest(Manifest),
}

/// A choice of images.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    pub(crate) manifests: Vec<Entry>,
}

/// One image to choose.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) digest: Digest,
    pub(crate) platform: Option<PlatformDocument>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// For which machines an image is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PlatformDocument {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
}

impl fmt::Display for PlatformDocument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some("") | None => Ok(()),
            Some(variant) => write!(formatter, "/{variant}"),
        }
    }
}

/// One image.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// A blob.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Descriptor {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// What of an image's configuration matters here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ImageConfig {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) rootfs: RootFs,
}

/// The layers of an image, from the bottom up.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RootFs {
    pub(crate) diff_ids: Vec<Digest>,
}

/// Of what a document must not have two: readers could then disagree on what it is.
#[derive(Deserialize)]
struct Shape {
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Document {
    /// Reads a manifest or an index.
    pub(crate) fn parse(text: &[u8], what: &str) -> Result<Self, ImageError> {
        let broken = |why: &dyn ToString| ImageError::malformed(what, why.to_string());
        if text.len() as u64 > limits::IMAGE_DOCUMENT_BYTES {
            return Err(broken(&"it is too large"));
        }
        let shape: Shape = serde_json::from_slice(text).map_err(|why| broken(&why))?;
        match (shape.manifests, shape.layers) {
            (Some(_), None) => serde_json::from_slice(text)
                .map(Self::Index)
                .map_err(|why| broken(&why)),
            (None, Some(_)) => serde_json::from_slice(text)
                .map(Self::Manifest)
                .map_err(|why| broken(&why)),
            (Some(_), Some(_)) => Err(broken(&"it is an index and a manifest at once")),
            (None, None) => Err(broken(
                &"it is neither an index nor a manifest of today's form",
            )),
        }
    }
}

impl Index {
    /// The platforms that it has images for.
    pub(crate) fn offers(&self) -> String {
        let platforms = self
            .manifests
            .iter()
            .filter_map(|entry| entry.platform.as_ref());
        let platforms: Vec<String> = platforms.map(ToString::to_string).collect();
        platforms.join(", ")
    }
}

impl ImageConfig {
    pub(crate) fn parse(text: &[u8], digest: &Digest) -> Result<Self, ImageError> {
        let parsed = serde_json::from_slice(text);
        parsed.map_err(|why| ImageError::malformed(format!("the configuration {digest}"), why))
    }

    pub(crate) fn platform(&self) -> PlatformDocument {
        let or = |text: &str, usual: &str| if text.is_empty() { usual } else { text }.to_owned();
        PlatformDocument {
            os: or(&self.os, "linux"),
            architecture: or(&self.architecture, "unknown"),
            variant: self.variant.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_could_be_read_in_two_ways_is_refused() {
        let digest = Digest::of(b"");
        let descriptor = format!(r#"{{"digest":"{digest}","size":0}}"#);
        let manifest = format!(r#""config":{descriptor},"layers":[]"#);
        let parse = |text: &str| Document::parse(text.as_bytes(), "it");
        assert!(matches!(
            parse(&format!("{{{manifest}}}")),
            Ok(Document::Manifest(_))
        ));
        assert!(matches!(
            parse(r#"{"manifests":[]}"#),
            Ok(Document::Index(_))
        ));
        assert!(parse(&format!(r#"{{"manifests":[],{manifest}}}"#)).is_err());
        assert!(parse(r#"{"schemaVersion":1,"fsLayers":[]}"#).is_err());
        assert!(parse("<html>").is_err());
    }
}
