//! How long a job waits that finds its worker idle: from the submit until the executor is called.
//!
//! Who submits and who works have a store each, as two processes have.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use longshore_engine::{Stop, Worker, WorkerOptions};
use longshore_executor::Executor;
use longshore_executor::mock::{Behaviour, Knobs, MockExecutor, Selector};
use longshore_store::Store;
use longshore_testkit::Postgres;
use tokio::task::JoinSet;

use super::ground::{Database, Ground, Mocks, jobs};
use crate::exit_latency::is_final;
use crate::figures::latency;

const JOBS: usize = 40;
const BAR_MILLIS: f64 = 10.0;
/// Long enough that the container is seen while it is there.
const RUN_TIME: Duration = Duration::from_millis(100);
const LOOK_PERIOD: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn measure(server: &Postgres) -> Result<()> {
    for database in [Database::Sqlite, Database::Postgres] {
        let millis = waits(database, server).await?;
        println!(
            "{}, submit to executor called, idle worker, ms: {}",
            database.word(),
            latency(&millis, BAR_MILLIS)
        );
    }
    Ok(())
}

async fn waits(database: Database, server: &Postgres) -> Result<Vec<f64>> {
    let ground = Ground::new(database, server, 1).await?;
    let behaviour = Behaviour::default().runs_for(RUN_TIME);
    let mocks = Mocks::new(Knobs::new(Timestamp::now()).with(Selector::Any, behaviour));
    let mock = mocks.of(ground.host);
    let stop = Stop::default();
    let store = ground.place.open().await?;
    let mut workers = JoinSet::new();
    workers.spawn(Worker::new(store, mocks, WorkerOptions::default()).run(stop.clone()));
    let mut millis = Vec::new();
    for _ in 0..=JOBS {
        let one = one(&ground.store, &mock);
        millis.push(tokio::time::timeout(PATIENCE, one).await??);
    }
    stop.drain.cancel();
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    // The first job meets a worker that is about to begin.
    Ok(millis.split_off(1))
}

/// Milliseconds that one job waited. When this returns, the worker has nothing to do again.
async fn one(store: &Store, mock: &MockExecutor) -> Result<f64> {
    let new = jobs(1)?;
    let begun = Timestamp::now();
    store.submit(&new, begun).await?;
    let called = called(store, mock).await?;
    is_final(store, new[0].id).await?;
    let mut changes = store.changes();
    while !store.unremoved(1, None).await?.is_empty() {
        changes.changed().await;
    }
    Ok(called.duration_since(begun).as_secs_f64() * 1e3)
}

/// When the executor was asked for a container.
async fn called(store: &Store, mock: &MockExecutor) -> Result<Timestamp> {
    loop {
        let containers = mock.list_owned(store.pool()).await?;
        if let Some(container) = containers.first() {
            return Ok(container.created_at);
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}
