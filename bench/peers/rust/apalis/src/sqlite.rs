//! On SQLite.

use std::time::Instant;

use anyhow::Result;
use apalis::prelude::{TaskSink, WorkerBuilder, WorkerBuilderExt};
use apalis_sqlite::{Config, SqlitePool, SqliteStorage};
use round::{CONCURRENCY, Figures, Round, rate, until_all_are_done};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::{BATCH, QUEUE, nothing};

pub async fn run(round: &Round) -> Result<Figures> {
    let options = SqliteConnectOptions::new()
        .filename(round.path()?)
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_with(options).await?;
    SqliteStorage::setup(&pool).await?;
    let config = Config::default().queue(QUEUE).batch_size(BATCH);
    let mut storage = SqliteStorage::<()>::new(&pool).with_config(config);
    let begun = Instant::now();
    for _ in 0..round.one_by_one {
        storage.push(()).await?;
    }
    let one_by_one = rate(round.one_by_one, begun);
    let begun = Instant::now();
    storage.push_bulk(vec![(); round.bulk]).await?;
    let bulk = rate(round.bulk, begun);
    let begun = Instant::now();
    let worker = WorkerBuilder::new("worker")
        .backend(storage)
        .concurrency(CONCURRENCY)
        .build(nothing);
    tokio::select! {
        ended = worker.run() => ended?,
        done = until_all_are_done(round.all(), || done(&pool)) => done?,
    }
    let drain = rate(round.all(), begun);
    Ok(Figures {
        one_by_one,
        bulk,
        drain,
        rows_left: done(&pool).await?,
    })
}

async fn done(pool: &SqlitePool) -> Result<u64> {
    let done = "SELECT COUNT(*) FROM Jobs WHERE status = 'Done'";
    let rows: i64 = sqlx::query_scalar(done).fetch_one(pool).await?;
    Ok(rows.try_into()?)
}
