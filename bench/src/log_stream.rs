//! 200 MB of output from one container: kept whole, and at which rate beside a bare reader.

use std::time::Instant;

use anyhow::{Result, ensure};
use bollard::Docker;
use bollard::query_parameters::{LogsOptionsBuilder, StartContainerOptions};
use futures::{StreamExt, TryStreamExt};
use longshore_core::JobId;
use longshore_store::LogQuery;
use sha2::{Digest, Sha256};

use crate::bare::{self, Shape};
use crate::figures::{against, median, spread};
use crate::ours::{Bench, RunningWorker};

const BYTES: u64 = 200_000_000;
/// Lines of 100 bytes, numbered by their content.
const COMMAND: [&str; 3] = [
    "sh",
    "-c",
    "yes 'longshore carries what is loaded, in order, without loss: this line is a hundred bytes long ..' | head -c 200000000",
];

pub(crate) async fn measure(bench: &Bench, rounds: usize) -> Result<()> {
    let docker = bare::connect(&bench.docker_host)?;
    let worker = bench.worker(8).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (rate, expected) = drained(&docker).await?;
        bare.push(rate);
        let (rate, kept) = one(bench, &worker).await?;
        ours.push(rate);
        ensure!(kept == expected, "what was kept is not what was written");
    }
    println!(
        "200 MB of output, bare bollard reader, MB/s: {}",
        spread(&bare)
    );
    println!(
        "200 MB of output, longshore, every byte compared, MB/s: {}",
        spread(&ours)
    );
    let ratio = median(&ours) / median(&bare);
    println!("longshore ÷ bare: {}\n", against(ratio, 0.9, ratio >= 0.9));
    Ok(())
}

/// Megabytes a second from start to the last byte, and the digest of all bytes.
type Measured = (f64, Vec<u8>);

#[expect(clippy::cast_precision_loss, reason = "200 MB are exact in a float")]
fn rate(began: Instant) -> f64 {
    BYTES as f64 / 1e6 / began.elapsed().as_secs_f64()
}

async fn drained(docker: &Docker) -> Result<Measured> {
    let body = bare::body(Shape::LikeOurs, "demo-image:latest", &COMMAND);
    let id = docker.create_container(None, body).await?.id;
    let began = Instant::now();
    docker
        .start_container(&id, None::<StartContainerOptions>)
        .await?;
    let options = LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .build();
    let mut output = docker.logs(&id, Some(options));
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    while let Some(line) = output.next().await {
        let line = line?.into_bytes();
        // The engine's time stamp and a space stand before each frame.
        let text = line
            .iter()
            .position(|byte| *byte == b' ')
            .map_or(&line[..], |at| &line[at + 1..]);
        bytes += text.len() as u64;
        digest.update(text);
    }
    let rate = rate(began);
    ensure!(bytes == BYTES, "the bare reader got {bytes} bytes");
    bare::remove(docker, &id).await?;
    Ok((rate, digest.finalize().to_vec()))
}

async fn one(bench: &Bench, worker: &RunningWorker) -> Result<Measured> {
    let mut submit = vec!["submit", "demo-image:latest"];
    submit.extend(COMMAND);
    bench.call(worker.path(), &submit)?;
    let job = worker.store.resolve("-").await?;
    let rate = since_start(worker, job).await?;
    let attempt = worker
        .store
        .attempts(job)
        .await?
        .pop()
        .map(|attempt| attempt.id);
    let attempt = attempt.ok_or_else(|| anyhow::anyhow!("no attempt"))?;
    let mut digest = Sha256::new();
    let mut frames = worker.store.logs().read(attempt, LogQuery::default());
    while let Some(frame) = frames.try_next().await? {
        digest.update(&frame.bytes);
    }
    Ok((rate, digest.finalize().to_vec()))
}

/// From the container's start to the final status.
async fn since_start(worker: &RunningWorker, job: JobId) -> Result<f64> {
    let mut changes = worker.store.changes();
    let mut began = None;
    loop {
        let job = worker.store.job(job).await?;
        if job.started_at.is_some() {
            began.get_or_insert_with(Instant::now);
        }
        if job.status.is_final() {
            return Ok(rate(began.unwrap_or_else(Instant::now)));
        }
        changes.changed().await;
    }
}
