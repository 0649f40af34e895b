//! What stands on a host beside our attempts: the images that are there, the containers of others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::image::Image;
use crate::limits::IMAGE_NAMES;
use crate::share::Share;
use crate::spec::ImageReference;

/// What a look at a host found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// The images that are there.
    pub images: ImageNames,
    /// The limits of the containers of others that run there, together.
    pub foreign: Share,
    /// How many of them run.
    pub foreign_running: u32,
    /// How many of those have no limit of memory, so that nobody knows how much they will take.
    pub foreign_endless: u32,
}

/// Names by which the images of a host are known: with tag, or by digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageNames(BTreeSet<String>);

impl ImageNames {
    /// The names of these images; of very many only some.
    pub fn of(images: &[Image]) -> Self {
        let names = images
            .iter()
            .flat_map(|image| image.tags.iter().chain(&image.digests));
        let parsed = names.filter_map(|name| name.parse::<ImageReference>().ok());
        Self(parsed.map(|name| key(&name)).take(IMAGE_NAMES).collect())
    }

    /// Whether the image is among them.
    pub fn has(&self, image: &ImageReference) -> bool {
        self.0.contains(&key(image))
    }

    /// Adds one that was brought.
    pub fn add(&mut self, image: &ImageReference) {
        if self.0.len() < IMAGE_NAMES {
            self.0.insert(key(image));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// With a digest, a tag says nothing more.
fn key(image: &ImageReference) -> String {
    match image.digest() {
        Some(digest) => format!("{}@{digest}", image.repository()),
        None => image.canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> ImageReference {
        text.parse().unwrap()
    }

    #[test]
    fn an_image_is_known_by_each_of_its_names_however_they_are_written() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = Image {
            id: "sha256:1".into(),
            tags: vec!["busybox:latest".into(), "reg.example:5000/x:1".into()],
            digests: vec![format!("busybox@{digest}")],
            size_bytes: 1,
            created_at: None,
        };
        let names = ImageNames::of(&[image]);
        let pinned = format!("busybox:1.36@{digest}");
        for name in ["busybox", "docker.io/library/busybox:latest", &pinned] {
            assert!(names.has(&reference(name)), "{name}");
        }
        assert!(!names.has(&reference("busybox:1.36")));
    }
}
