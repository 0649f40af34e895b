//! From the submit to the first byte of output, and from the end of a container to its final status.
//!
//! A byte is there when the supervisor has taken it, by the time in its frame: `longshore run` shows it
//! at once. Another process sees it when it is stored and looked for again.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use jiff::Timestamp;
use longshore_core::JobId;
use longshore_core::spec::JobSpec;
use longshore_store::{LogQuery, NewJob, Store};
use uuid::Uuid;

use super::ground::Ground;
use crate::exit_latency::is_final;
use crate::figures::{latency, spread};
use crate::ours::Bench;

const JOBS: usize = 60;
const FIRST_BYTE_BAR: f64 = 25.0;
const VERDICT_BAR: f64 = 5.0;

/// Milliseconds of one job.
struct Times {
    first_byte: f64,
    seen_elsewhere: f64,
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
    let seen = of(|times| times.seen_elsewhere);
    println!(
        "the same, as another process sees it, ms: {}",
        spread(&seen)
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
    let begun = Timestamp::now();
    store.submit(&[NewJob::new(id, spec)], begun).await?;
    let taken_at = first_byte(store, id).await?;
    let seen_at = Timestamp::now();
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
    let since = |at: Timestamp| at.duration_since(begun).as_secs_f64() * 1e3;
    Ok(Times {
        first_byte: since(taken_at),
        seen_elsewhere: since(seen_at),
        verdict: verdict.as_secs_f64() * 1e3,
    })
}

/// When the first frame was taken, as soon as it can be read here.
async fn first_byte(store: &Store, job: JobId) -> Result<Timestamp> {
    let mut changes = store.changes();
    loop {
        if let Some(attempt) = store.attempts(job).await?.pop() {
            let never = || async { false };
            let mut frames = store.logs().follow(attempt.id, LogQuery::default(), never);
            let frame = frames.try_next().await?.context("a log with a frame")?;
            return Ok(frame.at);
        }
        changes.changed().await;
    }
}
