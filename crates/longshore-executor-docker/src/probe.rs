//! Who and how an engine is.

use jiff::{SignedDuration, Timestamp};
use longshore_core::host::HostFacts;
use longshore_executor::ExecutorError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::client::{Call, Client};
use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Product {
    version: String,
    os: String,
    arch: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Daemon {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "NCPU")]
    cpus: u32,
    mem_total: u64,
    driver: String,
    cgroup_version: String,
    system_time: String,
    docker_root_dir: String,
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    created: Timestamp,
}

/// Asks the engine who and how it is.
pub(crate) async fn probe(client: &Client) -> Result<HostFacts, ExecutorError> {
    let api_version = client.version().await?;
    let asked_at = Instant::now();
    let product: Product = ask(client, "/version", "ask for the engine's version").await?;
    let latency = asked_at.elapsed();
    let asked_daemon_at = Timestamp::now();
    let daemon: Daemon = ask(client, "/info", "ask how the engine is").await?;
    let clock_skew = skew(&daemon.system_time, asked_daemon_at, Timestamp::now());
    let engine_started_at = started_at(client).await?;
    Ok(HostFacts {
        engine: engine_name(&product),
        version: product.version,
        api_version: api_version.to_string(),
        engine_id: daemon.id,
        platform: format!("{}/{}", product.os, product.arch),
        cpus: daemon.cpus,
        memory_bytes: daemon.mem_total,
        storage_driver: daemon.driver,
        cgroup_version: daemon.cgroup_version.parse().unwrap_or(1),
        latency,
        clock_skew,
        engine_started_at,
        free_disk_bytes: free_disk(client, &daemon.docker_root_dir),
        warnings: daemon.warnings.unwrap_or_default(),
    })
}

async fn ask<T: DeserializeOwned>(client: &Client, path: &str, tried: &str) -> Result<T, Failure> {
    client
        .json(Call::get(path, client.deadlines().probe, tried))
        .await
}

fn engine_name(product: &Product) -> String {
    let is_podman = product
        .components
        .iter()
        .any(|part| part.name.starts_with("Podman"));
    if is_podman { "podman" } else { "docker" }.to_owned()
}

/// Free space in the engine's folder, where that is a folder of this machine: a socket tells so, and
/// the engine's API tells nothing about disks.
fn free_disk(client: &Client, folder: &str) -> Option<u64> {
    if !client.place().starts_with("unix://") || folder.is_empty() {
        return None;
    }
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

/// The host's clock against the middle of our question.
fn skew(system_time: &str, before: Timestamp, after: Timestamp) -> SignedDuration {
    let Ok(theirs) = system_time.parse::<Timestamp>() else {
        return SignedDuration::ZERO;
    };
    theirs.duration_since(before + after.duration_since(before) / 2)
}

/// When the engine started, as far as containers that run would have noticed.
///
/// The API does not say it. But the engine makes its default network anew at each start, as
/// measured on 20.10.24: after SIGTERM and after kill -9 `Created` is within half a second before
/// the API answers (and after the engine has stopped the containers that the killed one left).
/// With live-restore and containers that run on, the network is kept with its old time: then
/// nothing was stopped, so that nothing that ended is in doubt. No such network: `None`.
async fn started_at(client: &Client) -> Result<Option<Timestamp>, Failure> {
    match ask::<Network>(client, "/networks/bridge", "ask for the default network").await {
        Ok(network) => Ok(Some(network.created)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_skew_is_measured_against_the_middle_of_the_question() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let theirs = at(112).to_string();
        assert_eq!(
            skew(&theirs, at(100), at(104)),
            SignedDuration::from_secs(10)
        );
        assert_eq!(skew("nonsense", at(100), at(104)), SignedDuration::ZERO);
    }
}
