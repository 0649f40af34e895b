//! Volumes, networks and images with a pool's label.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_core::image;
use longshore_core::launch::LABEL_POOL;
use longshore_executor::{ExecutorError, Removed, Resource, ResourceKind, Which};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::form_urlencoded::Serializer;

use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::listing::{self, is_name};
use crate::shown::Shown;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volumes {
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
    created_at: Option<String>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    id: String,
    name: String,
    created: Option<String>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
    repo_tags: Option<Vec<String>>,
    created: i64,
    labels: Option<HashMap<String, String>>,
}

/// A resource with its labels, before it is known whether something uses it.
struct Labelled {
    resource: Resource,
    labels: Option<HashMap<String, String>>,
}

/// Everything with exactly this pool's label.
pub(crate) async fn resources(
    client: &Client,
    pool: PoolId,
) -> Result<Vec<Resource>, ExecutorError> {
    let pool = pool.to_string();
    let (volumes, networks, images) = futures::try_join!(
        ask::<Volumes>(client, "/volumes", &pool),
        ask::<Vec<Network>>(client, "/networks", &pool),
        ask::<Vec<Image>>(client, "/images/json", &pool),
    )?;
    let volumes = volumes.volumes.into_iter().flatten().map(Labelled::from);
    let all = volumes
        .chain(networks.into_iter().map(Labelled::from))
        .chain(images.into_iter().map(Labelled::from));
    // Asked last: what was made since then is missing above and not said to be idle.
    let uses = Uses::now(client).await?;
    let own = all.filter_map(|labelled| labelled.owned_by(&pool));
    Ok(own
        .map(|resource| Resource {
            in_use: uses.any_of(&resource),
            ..resource
        })
        .collect())
}

/// Removes one unless a container uses it. Engines refuse volumes and images in use by themselves,
/// but would take a network from a container that is going to run.
pub(crate) async fn remove(client: &Client, resource: &Resource) -> Result<Removed, ExecutorError> {
    let Resource { kind, id, name, .. } = resource;
    if Uses::now(client).await?.any_of(resource) {
        let message = format!(
            "cannot remove {kind} {name}: at {} a container uses it",
            client.place()
        );
        return Err(ExecutorError::new(Fault::Conflict, message));
    }
    match kind {
        ResourceKind::Image => remove_image(client, resource).await,
        ResourceKind::Volume | ResourceKind::Network if !is_name(id) => Ok(Removed::WasAbsent),
        ResourceKind::Volume => delete(client, "volumes", id).await,
        ResourceKind::Network => delete(client, "networks", id).await,
    }
}

/// What the containers of a host use.
struct Uses {
    volumes: HashSet<String>,
    networks: HashSet<String>,
    images: HashSet<String>,
}

impl Uses {
    async fn now(client: &Client) -> Result<Self, Failure> {
        let tried = "list what containers use".to_owned();
        let entries = listing::list(client, Which::All, None, tried).await?;
        let volumes = entries.iter().flat_map(listing::Entry::volumes);
        let networks = entries.iter().flat_map(listing::Entry::networks);
        Ok(Self {
            volumes: volumes.map(str::to_owned).collect(),
            networks: networks.map(str::to_owned).collect(),
            images: entries.iter().map(|entry| entry.image_id.clone()).collect(),
        })
    }

    fn any_of(&self, resource: &Resource) -> bool {
        match resource.kind {
            ResourceKind::Volume => self.volumes.contains(&resource.id),
            ResourceKind::Network => {
                self.networks.contains(&resource.id) || self.networks.contains(&resource.name)
            }
            ResourceKind::Image => self.images.contains(&resource.id),
        }
    }
}

async fn ask<T: DeserializeOwned>(client: &Client, path: &str, pool: &str) -> Result<T, Failure> {
    let filters = json!({ "label": [format!("{LABEL_POOL}={pool}")] }).to_string();
    let query = Serializer::new(String::new())
        .append_pair("filters", &filters)
        .finish();
    let kind = path.trim_start_matches('/').trim_end_matches("/json");
    let call = Call::get(
        format!("{path}?{query}"),
        client.deadlines().control,
        format!("list {kind} of pool {pool}"),
    );
    client.json(call).await
}

/// An image goes with its last name; by its id it does not while it has names in two repositories.
async fn remove_image(client: &Client, resource: &Resource) -> Result<Removed, ExecutorError> {
    let id = resource.id.trim_start_matches("sha256:");
    if !is_name(id) {
        return Ok(Removed::WasAbsent);
    }
    let Some(tags) = tags_of(client, id).await? else {
        return Ok(Removed::WasAbsent);
    };
    if tags.is_empty() {
        return delete(client, "images", id).await;
    }
    for tag in &tags {
        delete(client, "images", tag).await?;
    }
    Ok(Removed::Gone)
}

async fn tags_of(client: &Client, id: &str) -> Result<Option<Vec<String>>, Failure> {
    let path = format!("/images/{id}/json");
    let tried = format!("look at image {id}");
    let call = Call::get(path, client.deadlines().control, tried);
    match client.json::<Shown>(call).await {
        Ok(shown) => Ok(Some(image::Image::from(shown).tags)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A refusal with 403 says that a network has running containers.
async fn delete(client: &Client, kinds: &str, name: &str) -> Result<Removed, ExecutorError> {
    let path = format!("/{kinds}/{name}");
    let kind = kinds.trim_end_matches('s');
    let call = Call::delete(
        path,
        client.deadlines().remove,
        format!("remove {kind} {name}"),
    );
    let Err(failure) = client.status(call).await else {
        return Ok(Removed::Gone);
    };
    match failure.status() {
        Some(404) => Ok(Removed::WasAbsent),
        Some(403 | 409) => Err(failure.as_fault(Fault::Conflict)),
        Some(_) | None => Err(failure.into()),
    }
}

impl Labelled {
    /// An engine that does not know the filter would list everything: the label is checked again.
    fn owned_by(self, pool: &str) -> Option<Resource> {
        let labels = self.labels.unwrap_or_default();
        let is_own = labels.get(LABEL_POOL).map(String::as_str) == Some(pool);
        is_own.then_some(self.resource)
    }
}

impl From<Volume> for Labelled {
    fn from(volume: Volume) -> Self {
        Self {
            resource: Resource {
                kind: ResourceKind::Volume,
                id: volume.name.clone(),
                name: volume.name,
                in_use: false,
                created_at: volume.created_at.and_then(|text| text.parse().ok()),
            },
            labels: volume.labels,
        }
    }
}

impl From<Network> for Labelled {
    fn from(network: Network) -> Self {
        Self {
            resource: Resource {
                kind: ResourceKind::Network,
                id: network.id,
                name: network.name,
                in_use: false,
                created_at: network.created.and_then(|text| text.parse().ok()),
            },
            labels: network.labels,
        }
    }
}

impl From<Image> for Labelled {
    fn from(image: Image) -> Self {
        let tags = image.repo_tags.unwrap_or_default();
        let mut names = tags.into_iter().filter(|name| !name.starts_with("<none>"));
        Self {
            resource: Resource {
                kind: ResourceKind::Image,
                name: names.next().unwrap_or_else(|| image.id.clone()),
                id: image.id,
                in_use: false,
                created_at: Timestamp::from_second(image.created).ok(),
            },
            labels: image.labels,
        }
    }
}
