//! The images of a mock host: which are there, and the pulls that are under way.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use longshore_core::image::{Image, LayerProgress, PullProgress};
use longshore_core::spec::ImageReference;

use super::knobs::{ImageKnobs, Knobs};

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// What became of an image since the host was made: pulled (true) or removed (false).
    changed: BTreeMap<String, bool>,
    /// Canonical names by the digest that was told for them.
    digests: HashMap<String, String>,
    /// When the pull of an image began.
    pulls: HashMap<String, Timestamp>,
    /// How often a pull was begun.
    begun: HashMap<String, u64>,
}

impl Shelf {
    pub(super) fn has(&self, knobs: &Knobs, image: &ImageReference) -> bool {
        self.has_named(knobs, &self.name(image))
    }

    fn has_named(&self, knobs: &Knobs, name: &str) -> bool {
        self.changed
            .get(name)
            .copied()
            .unwrap_or_else(|| image_knobs(knobs, name).on_host)
    }

    /// The canonical name with tag, also of a reference by a digest that was told before.
    fn name(&self, image: &ImageReference) -> String {
        let told = image.digest().and_then(|digest| self.digests.get(digest));
        told.cloned().unwrap_or_else(|| image.canonical())
    }

    pub(super) fn knobs(&self, knobs: &Knobs, image: &ImageReference) -> ImageKnobs {
        image_knobs(knobs, &self.name(image)).clone()
    }

    /// What the host says about an image that it has.
    pub(super) fn describe(&mut self, knobs: &Knobs, image: &ImageReference) -> Option<Image> {
        let name = self.name(image);
        self.has_named(knobs, &name)
            .then(|| self.describe_named(knobs, &name))
    }

    pub(super) fn describe_all(&mut self, knobs: &Knobs) -> Vec<Image> {
        let mut names: Vec<String> = knobs
            .images
            .keys()
            .chain(self.changed.keys())
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.has_named(knobs, name));
        names
            .iter()
            .map(|name| self.describe_named(knobs, name))
            .collect()
    }

    fn describe_named(&mut self, knobs: &Knobs, name: &str) -> Image {
        let digest = digest_of(name);
        self.digests.insert(digest.clone(), name.to_owned());
        let repository = repository_of(name);
        Image {
            id: digest.clone(),
            tags: vec![name.to_owned()],
            digests: vec![format!("{repository}@{digest}")],
            size_bytes: image_knobs(knobs, name).size_bytes,
            created_at: None,
        }
    }

    /// Joins the pull that is under way, or begins one; says when it began.
    pub(super) fn join_pull(&mut self, image: &ImageReference, now: Timestamp) -> Timestamp {
        let name = self.name(image);
        if let Some(began_at) = self.pulls.get(&name) {
            return *began_at;
        }
        *self.begun.entry(name.clone()).or_default() += 1;
        self.pulls.insert(name, now);
        now
    }

    /// Ends the pull that began then, unless another has begun since.
    pub(super) fn end_pull(&mut self, image: &ImageReference, began_at: Timestamp) {
        let name = self.name(image);
        if self.pulls.get(&name) == Some(&began_at) {
            self.pulls.remove(&name);
        }
    }

    pub(super) fn pulls_begun(&self, image: &ImageReference) -> u64 {
        self.begun
            .get(&self.name(image))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn put(&mut self, image: &ImageReference) {
        self.changed.insert(self.name(image), true);
    }

    pub(super) fn take(&mut self, image: &ImageReference) {
        self.changed.insert(self.name(image), false);
    }
}

/// How far a pull is when this part of it is done.
pub(super) fn progress(knobs: &ImageKnobs, done: f64) -> PullProgress {
    let layers = u64::from(knobs.layers.max(1));
    let total_bytes = knobs.size_bytes / layers;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a picture of progress needs no exact bytes"
    )]
    let current_bytes = (total_bytes as f64 * done.clamp(0.0, 1.0)) as u64;
    let is_done = current_bytes >= total_bytes;
    let status = if is_done {
        "Pull complete"
    } else {
        "Downloading"
    };
    let layer = |number: u64| LayerProgress {
        id: format!("layer{number}"),
        status: status.to_owned(),
        current_bytes,
        total_bytes: Some(total_bytes),
    };
    PullProgress {
        layers: (1..=layers).map(layer).collect(),
    }
}

fn image_knobs<'a>(knobs: &'a Knobs, name: &str) -> &'a ImageKnobs {
    knobs.images.get(name).unwrap_or(&knobs.other_images)
}

/// `docker.io/library/busybox` of `docker.io/library/busybox:latest`.
fn repository_of(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(before, _)| before);
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        Some(_) | None => name,
    }
}

/// The digest that a name with a digest has, or one made up from the name.
fn digest_of(name: &str) -> String {
    if let Some((_, digest)) = name.split_once('@') {
        return digest.to_owned();
    }
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut rng = fastrand::Rng::with_seed(seed);
    let (high, low) = (rng.u128(..), rng.u128(..));
    format!("sha256:{high:032x}{low:032x}")
}
