//! The bare Engine API by bollard: what a loop without longshore costs.

use std::collections::HashMap;

use anyhow::{Context, Result};
use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures::{StreamExt, TryStreamExt, stream};

/// Which container the bare loop makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The limits and the init that longshore gives a job by default.
    LikeOurs,
    /// Only image and command.
    Plain,
}

/// A connection to the engine.
pub(crate) fn connect(docker_host: &str) -> Result<Docker> {
    Docker::connect_with_host(docker_host).context("the engine of the benchmark")
}

/// The container of a job.
pub(crate) fn body(shape: Shape, image: &str, command: &[&str]) -> ContainerCreateBody {
    let host_config = match shape {
        Shape::Plain => HostConfig::default(),
        Shape::LikeOurs => HostConfig {
            init: Some(true),
            memory: Some(512 << 20),
            memory_swap: Some(512 << 20),
            nano_cpus: Some(1_000_000_000),
            pids_limit: Some(1024),
            security_opt: Some(vec!["no-new-privileges".into()]),
            log_config: Some(HostConfigLogConfig {
                typ: Some("local".into()),
                config: Some(log_options()),
            }),
            ..HostConfig::default()
        },
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}

/// The bounds that longshore gives a log by default.
fn log_options() -> HashMap<String, String> {
    [
        ("max-size", "512m"),
        ("max-file", "4"),
        ("compress", "false"),
    ]
    .into_iter()
    .map(|(option, value)| (option.to_owned(), value.to_owned()))
    .collect()
}

/// Runs so many jobs, so many at a time: create, start, wait, logs, remove.
pub(crate) async fn run(docker: &Docker, shape: Shape, jobs: usize, at_once: usize) -> Result<()> {
    stream::iter(0..jobs)
        .map(|_| one(docker, shape))
        .buffer_unordered(at_once)
        .try_collect::<Vec<()>>()
        .await
        .map(drop)
}

async fn one(docker: &Docker, shape: Shape) -> Result<()> {
    let options = CreateContainerOptionsBuilder::new().build();
    let body = body(shape, "demo-image:latest", &["/bin/true"]);
    let id = docker.create_container(Some(options), body).await?.id;
    docker
        .start_container(&id, None::<StartContainerOptions>)
        .await?;
    let wait = WaitContainerOptionsBuilder::new()
        .condition("not-running")
        .build();
    docker
        .wait_container(&id, Some(wait))
        .try_collect::<Vec<_>>()
        .await?;
    let logs = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .build();
    docker.logs(&id, Some(logs)).try_collect::<Vec<_>>().await?;
    remove(docker, &id).await
}

/// Removes a container with its anonymous volumes.
pub(crate) async fn remove(docker: &Docker, id: &str) -> Result<()> {
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    Ok(docker.remove_container(id, Some(options)).await?)
}
