//! From the submit to the first byte of output, as another process sees it, and to the verdict.

use std::time::Instant;

use anyhow::{Context, Result};
use futures::TryStreamExt;
use jiff::Timestamp;
use longshore_core::JobId;
use longshore_core::spec::JobSpec;
use longshore_store::{LogQuery, NewJob, Store};
use uuid::Uuid;

use super::ground::Ground;
use crate::exit_latency::is_final;
use crate::figures::latency;
use crate::ours::Bench;

const JOBS: usize = 60;
const FIRST_BYTE_BAR: f64 = 25.0;
const VERDICT_BAR: f64 = 5.0;

/// Milliseconds of one job.
struct Times {
    first_byte: f64,
    verdict: f64,
}

pub(super) async fn measure(bench: &Bench) -> Result<()> {
    let ground = Ground::new()?;
    let worker = ground.worker(bench, 8).await?;
    let mut times = Vec::new();
    // The first job meets a worker that is about to begin.
    for _ in 0..=JOBS {
        times.push(one(&worker.store).await?);
    }
    let times = times.split_off(1);
    let of = |pick: fn(&Times) -> f64| times.iter().map(pick).collect::<Vec<f64>>();
    println!(
        "embedded, submit to first byte of output, ms: {}",
        latency(&of(|times| times.first_byte), FIRST_BYTE_BAR)
    );
    println!(
        "embedded, end of the container to final status, ms: {}\n",
        latency(&of(|times| times.verdict), VERDICT_BAR)
    );
    Ok(())
}

/// One job that says a word and ends; when this returns, its worker has nothing to do.
async fn one(store: &Store) -> Result<Times> {
    let mut spec = JobSpec::new("demo-image:latest".parse()?);
    spec.command = serde_json::from_value(serde_json::json!(["sh", "-c", "echo ahoy; sleep 0.2"]))?;
    let id = JobId::new(Uuid::now_v7());
    let begun = Instant::now();
    store
        .submit(&[NewJob::new(id, spec)], Timestamp::now())
        .await?;
    let first_byte = first_byte(store, id).await?.duration_since(begun);
    is_final(store, id).await?;
    let final_at = Timestamp::now();
    let attempts = store.attempts(id).await?;
    let verdict = attempts.last().and_then(|attempt| attempt.verdict.as_ref());
    let ended_at = verdict.and_then(|verdict| verdict.finished_at);
    let verdict = final_at.duration_since(ended_at.context("an end")?);
    let mut changes = store.changes();
    while !store.unremoved(1, None).await?.is_empty() {
        changes.changed().await;
    }
    Ok(Times {
        first_byte: first_byte.as_secs_f64() * 1e3,
        verdict: verdict.as_secs_f64() * 1e3,
    })
}

/// When the first frame can be read.
async fn first_byte(store: &Store, job: JobId) -> Result<Instant> {
    let mut changes = store.changes();
    loop {
        if let Some(attempt) = store.attempts(job).await?.pop() {
            let never = || async { false };
            let mut frames = store.logs().follow(attempt.id, LogQuery::default(), never);
            frames.try_next().await?.context("a log with a frame")?;
            return Ok(Instant::now());
        }
        changes.changed().await;
    }
}
