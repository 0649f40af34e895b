//! From the engine's `die` event to the job's final status as another process sees it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bollard::Docker;
use bollard::query_parameters::{EventsOptionsBuilder, LogsOptionsBuilder, StartContainerOptions};
use futures::{StreamExt, TryStreamExt};
use longshore_core::JobId;
use longshore_core::launch::LABEL_POOL;
use longshore_store::Store;
use longshore_testkit::unique_name;
use tokio::task::JoinSet;

use crate::bare::{self, Shape};
use crate::figures::{against, median, spread};
use crate::ours::{Bench, RunningWorker};

/// Jobs a round, one after another.
const JOBS: usize = 8;
const COMMAND: [&str; 3] = ["sh", "-c", "sleep 0.3; echo done"];

pub(crate) async fn measure(bench: &Bench, rounds: usize) -> Result<()> {
    let docker = bare::connect(&bench.docker_host)?;
    let worker = bench.worker(8).await?;
    let (mut ours, mut drains) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for _ in 0..JOBS {
            ours.push(one(bench, &docker, &worker).await?.as_secs_f64() * 1e3);
            drains.push(drain(&docker).await?.as_secs_f64() * 1e3);
        }
    }
    println!("die event to final status, ms: {}", spread(&ours));
    println!(
        "die event to log drained by bare API, ms: {}",
        spread(&drains)
    );
    let beyond = median(&ours) - median(&drains);
    println!(
        "beyond draining, ms: {}\n",
        against(beyond, 20.0, beyond <= 20.0)
    );
    Ok(())
}

/// One job of ours; the clock runs from the event to what the store tells this process.
async fn one(bench: &Bench, docker: &Docker, worker: &RunningWorker) -> Result<Duration> {
    let mut died = JoinSet::new();
    let ours = format!("{LABEL_POOL}={}", worker.store.pool());
    died.spawn(next_death(docker.clone(), ours));
    let mut submit = vec!["submit", "demo-image:latest"];
    submit.extend(COMMAND);
    bench.call(worker.path(), &submit)?;
    let job = worker.store.resolve("-").await?;
    let finished = is_final(&worker.store, job).await?;
    Ok(finished.saturating_duration_since(first(died).await?))
}

/// Waits until the job is final, as this process sees it.
pub(crate) async fn is_final(store: &Store, job: JobId) -> Result<Instant> {
    let mut changes = store.changes();
    loop {
        let job = store.job(job).await?;
        if job.status.is_final() {
            return Ok(Instant::now());
        }
        changes.changed().await;
    }
}

async fn first(mut tasks: JoinSet<Result<Instant>>) -> Result<Instant> {
    tasks.join_next().await.context("a task")??
}

/// The next end of a container with this label.
async fn next_death(docker: Docker, label: String) -> Result<Instant> {
    let filters = [
        ("type", vec!["container"]),
        ("event", vec!["die"]),
        ("label", vec![label.as_str()]),
    ]
    .into();
    let options = EventsOptionsBuilder::new().filters(&filters).build();
    docker
        .events(Some(options))
        .next()
        .await
        .context("an event")??;
    Ok(Instant::now())
}

/// The same without us: from the event until the log is read.
async fn drain(docker: &Docker) -> Result<Duration> {
    let mut died = JoinSet::new();
    let label = unique_name("bench-exit");
    died.spawn(next_death(docker.clone(), label.clone()));
    let mut body = bare::body(Shape::LikeOurs, "demo-image:latest", &COMMAND);
    body.labels = Some([(label, String::new())].into());
    let id = docker.create_container(None, body).await?.id;
    docker
        .start_container(&id, None::<StartContainerOptions>)
        .await?;
    let died = first(died).await?;
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .build();
    docker
        .logs(&id, Some(options))
        .try_collect::<Vec<_>>()
        .await?;
    let drained = died.elapsed();
    bare::remove(docker, &id).await?;
    Ok(drained)
}
