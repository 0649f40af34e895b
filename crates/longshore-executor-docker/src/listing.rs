//! Containers of a host as its list shows them: in one call, whoever made them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL};
use longshore_executor::{ContainerState, ExecutorError, Listed, Owned, Which};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::handle::handle;
use crate::observe;

/// A container as the list shows it. Its state is text: engines invent new ones.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry {
    id: String,
    names: Option<Vec<String>>,
    #[serde(default)]
    image: String,
    /// The id of its image.
    #[serde(rename = "ImageID", default)]
    pub(crate) image_id: String,
    created: i64,
    state: String,
    #[serde(default)]
    status: String,
    labels: Option<BTreeMap<String, String>>,
    mounts: Option<Vec<MountPoint>>,
    network_settings: Option<NetworkSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MountPoint {
    /// Of a volume; folders of the host have none.
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    networks: Option<HashMap<String, Endpoint>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    #[serde(rename = "NetworkID", default)]
    network_id: String,
}

/// All containers whose pool label is exactly this pool's id.
pub(crate) async fn list_owned(client: &Client, pool: PoolId) -> Result<Vec<Owned>, ExecutorError> {
    let pool = pool.to_string();
    let tried = format!("list containers of pool {pool}");
    let filters = json!({ "label": [format!("{LABEL_POOL}={pool}")] });
    let entries = list(client, Which::All, Some(filters), tried).await?;
    let owned = entries
        .into_iter()
        .filter_map(|entry| entry.owned_by(&pool));
    Ok(owned.collect())
}

/// All containers, or those that run.
pub(crate) async fn containers(
    client: &Client,
    which: Which,
) -> Result<Vec<Listed>, ExecutorError> {
    let entries = list(client, which, None, "list containers".to_owned()).await?;
    Ok(entries.into_iter().map(Entry::listed).collect())
}

/// One container by id, the beginning of an id, or name.
///
/// The engine looks it up; its words about it and everything else come from the list, so that both
/// say the same. Gone between the two calls is gone.
pub(crate) async fn container(
    client: &Client,
    name: &str,
) -> Result<Option<Listed>, ExecutorError> {
    if !is_name(name) {
        return Ok(None);
    }
    let Some(found) = observe::look_up(client, name).await? else {
        return Ok(None);
    };
    let filters = json!({ "id": [found.id] });
    let tried = format!("list container {name}");
    let entries = list(client, Which::All, Some(filters), tried).await?;
    let entry = entries.into_iter().find(|entry| entry.id == found.id);
    Ok(entry.map(|entry| Listed {
        finished_at: found.state.finished_at(),
        ..entry.listed()
    }))
}

/// The containers of the host, as the engine lists them.
pub(crate) async fn list(
    client: &Client,
    which: Which,
    filters: Option<Value>,
    tried: String,
) -> Result<Vec<Entry>, Failure> {
    let path = list_path(which, filters);
    client
        .json(Call::get(path, client.deadlines().control, tried))
        .await
}

fn list_path(which: Which, filters: Option<Value>) -> String {
    let mut query = Serializer::new(String::new());
    let all = match which {
        Which::All => "true",
        Which::Running => "false",
    };
    query.append_pair("all", all);
    if let Some(filters) = filters {
        query.append_pair("filters", &filters.to_string());
    }
    format!("/containers/json?{}", query.finish())
}

/// Whether anything can have this name or id; nothing else may stand in a path.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(allowed)
}

impl Entry {
    /// Its name without the slash. Links add names with a second one, of other containers.
    fn name(&self) -> &str {
        let names = self.names.as_deref().unwrap_or_default();
        let mut bare = names.iter().map(|name| name.trim_start_matches('/'));
        let own = bare.clone().find(|name| !name.contains('/'));
        own.or_else(|| bare.next()).unwrap_or_default()
    }

    /// Names of the volumes that are mounted into it.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = &str> {
        let mounts = self.mounts.iter().flatten();
        mounts.filter_map(|mount| mount.name.as_deref())
    }

    /// Names and ids of the networks that it is in, or will be once it runs.
    pub(crate) fn networks(&self) -> impl Iterator<Item = &str> {
        let settings = self.network_settings.iter();
        let networks = settings.flat_map(|settings| settings.networks.iter().flatten());
        networks.flat_map(|(name, endpoint)| [name.as_str(), endpoint.network_id.as_str()])
    }

    /// An engine that does not know the filter would list everything: the label is checked again.
    fn owned_by(self, pool: &str) -> Option<Owned> {
        let label = |key: &str| self.labels.as_ref()?.get(key).map(String::as_str);
        if label(LABEL_POOL) != Some(pool) {
            return None;
        }
        Some(Owned {
            attempt: label(LABEL_ATTEMPT).and_then(|id| id.parse().ok()),
            job: label(LABEL_JOB).and_then(|id| id.parse().ok()),
            name: self.name().to_owned(),
            created_at: self.created_at(),
            is_running: self.state().is_running(),
            handle: handle(self.id),
        })
    }

    fn listed(self) -> Listed {
        Listed {
            handle: handle(self.id.clone()),
            name: self.name().to_owned(),
            state: self.state(),
            created_at: self.created_at(),
            finished_at: None,
            id: self.id,
            image: self.image,
            status: self.status,
            labels: self.labels.unwrap_or_default(),
        }
    }

    /// A word that only some engine knows (Podman: `stopping`, `stopped`) says less than its text.
    fn state(&self) -> ContainerState {
        let known = self.state.parse();
        known.unwrap_or_else(|_| match self.state.as_str() {
            "stopping" => ContainerState::Running,
            "configured" | "initialized" => ContainerState::Created,
            _ if self.status.starts_with("Up") => ContainerState::Running,
            _ => ContainerState::Exited,
        })
    }

    fn created_at(&self) -> Timestamp {
        Timestamp::from_second(self.created).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &Value) -> Entry {
        let mut entry = json!({ "Id": "a1", "Created": 7, "State": "running" });
        let all = entry.as_object_mut().unwrap();
        all.extend(fields.as_object().unwrap().clone());
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn a_linked_container_has_its_own_name() {
        let linked = entry(&json!({ "Names": ["/web/db", "/postgres"] }));
        assert_eq!(linked.name(), "postgres");
        assert_eq!(entry(&json!({ "Names": null })).name(), "");
    }

    #[test]
    fn a_state_that_no_engine_of_docker_has_is_still_read() {
        let state =
            |word: &str, status: &str| entry(&json!({ "State": word, "Status": status })).state();
        assert_eq!(
            state("paused", "Up 2 hours (Paused)"),
            ContainerState::Paused
        );
        assert_eq!(state("stopping", "Up 2 hours"), ContainerState::Running);
        assert_eq!(
            state("stopped", "Exited (0) 3 days ago"),
            ContainerState::Exited
        );
        assert_eq!(state("initialized", "Initialized"), ContainerState::Created);
        assert_eq!(state("humming", "Up 2 hours"), ContainerState::Running);
        assert_eq!(state("gone", ""), ContainerState::Exited);
    }

    #[test]
    fn what_is_no_name_never_stands_in_a_path() {
        for name in ["a", "longshore-1.x_y", "0123abcd"] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "..", "a/b", "a?all=1", "a b", "-a", "ä"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
