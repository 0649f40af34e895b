//! Our own queue: submit one by one, submit in one call, and a worker whose containers end at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use jiff::Timestamp;
use longshore_core::outcome::JobStatus;
use longshore_engine::{Stop, Worker, WorkerOptions};
use longshore_executor::ExecutorSource;
use longshore_store::Store;
use longshore_testkit::Postgres;
use tokio::task::JoinSet;

use super::ground::{Database, Ground, Mocks, jobs};
use super::{BULK, Figures, ONE_BY_ONE};

pub(super) const NAME: &str = "longshore";

/// Attempts at one time.
const SLOTS: u32 = 64;
const PATIENCE: Duration = Duration::from_mins(5);
/// How often the drain looks whether it is done; small beside what it measures.
const LOOK_PERIOD: Duration = Duration::from_millis(20);

pub(super) async fn round(database: Database, server: &Postgres) -> Result<Figures> {
    let ground = Ground::new(database, server, SLOTS).await?;
    let store = &ground.store;
    let begun = Instant::now();
    for job in jobs(ONE_BY_ONE)? {
        store.submit(&[job], Timestamp::now()).await?;
    }
    let one_by_one = rate(ONE_BY_ONE, begun);
    let bulk = jobs(BULK)?;
    let begun = Instant::now();
    store.submit(&bulk, Timestamp::now()).await?;
    let bulk = rate(BULK, begun);
    let drain = carry_out(store, Mocks::ending_at_once(), ONE_BY_ONE + BULK).await?;
    Ok(Figures {
        one_by_one,
        bulk,
        drain,
        rows_left: completed(store).await?,
    })
}

/// Carries all jobs out with one worker; says how many a second.
pub(super) async fn carry_out(
    store: &Store,
    source: Arc<dyn ExecutorSource>,
    all: usize,
) -> Result<f64> {
    let stop = Stop::default();
    let worker = Worker::new(store.clone(), source, WorkerOptions::default());
    let mut workers = JoinSet::new();
    let begun = Instant::now();
    workers.spawn(worker.run(stop.clone()));
    let mut done = 0;
    while done < all as u64 {
        if begun.elapsed() > PATIENCE {
            bail!("{done} of {all} jobs were done in {PATIENCE:?}");
        }
        tokio::time::sleep(LOOK_PERIOD).await;
        done = completed(store).await?;
    }
    let rate = rate(all, begun);
    stop.drain.cancel();
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(rate)
}

async fn completed(store: &Store) -> Result<u64> {
    let counts = store.counts().await?;
    let completed = counts
        .iter()
        .filter(|(status, _)| *status == JobStatus::Completed);
    Ok(completed.map(|(_, count)| *count).sum())
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn rate(jobs: usize, begun: Instant) -> f64 {
    jobs as f64 / begun.elapsed().as_secs_f64()
}
