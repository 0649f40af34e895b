//! An image as the engine shows it, and the name to ask for it by.

use jiff::Timestamp;
use longshore_core::image::Image;
use longshore_core::spec::{ImageReference, Platform};
use serde::Deserialize;

use crate::client::{Call, Client};
use crate::failure::Failure;

/// An image as `inspect` shows it; lists show less, and the time in another way.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shown {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    size: u64,
    created: Option<Created>,
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    graph_driver: Option<GraphDriver>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GraphDriver {
    #[serde(rename = "Data")]
    layers: Option<serde_json::Value>,
}

impl Shown {
    /// Whether it is for this platform, as far as can be told: a store that keeps several
    /// platforms under one name shows any of them.
    pub(crate) fn is_for(&self, platform: &Platform) -> bool {
        let keeps_one = self
            .graph_driver
            .as_ref()
            .is_some_and(|driver| driver.layers.is_some());
        let same = self.os == platform.os() && self.architecture == platform.architecture();
        same || !keeps_one || self.architecture.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Created {
    /// In lists.
    Second(i64),
    /// Of one image.
    Text(String),
}

impl From<Shown> for Image {
    fn from(shown: Shown) -> Self {
        // In lists, an image without a name has one that says so.
        let names = |names: Option<Vec<String>>| {
            names
                .into_iter()
                .flatten()
                .filter(|name| !name.starts_with("<none>"))
                .collect()
        };
        Self {
            id: shown.id,
            tags: names(shown.repo_tags),
            digests: names(shown.repo_digests),
            size_bytes: shown.size,
            created_at: shown.created.and_then(|created| match created {
                Created::Second(second) => Timestamp::from_second(second).ok(),
                Created::Text(text) => text.parse().ok(),
            }),
        }
    }
}

/// The name that every engine understands: with a digest, the tag says nothing more.
pub(crate) fn engine_name(image: &ImageReference) -> String {
    match image.digest() {
        Some(digest) => format!("{}@{digest}", image.familiar_name()),
        None => image.to_string(),
    }
}

/// The image, if the engine has it.
pub(crate) async fn inspect(
    client: &Client,
    image: &ImageReference,
) -> Result<Option<Shown>, Failure> {
    let name = engine_name(image);
    let path = format!("/images/{name}/json");
    let call = Call::get(
        path,
        client.deadlines().control,
        format!("look at image {name}"),
    );
    match client.json(call).await {
        Ok(shown) => Ok(Some(shown)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}
