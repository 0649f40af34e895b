//! One round of River's Rust client, on PostgreSQL or SQLite: URL of an empty database, jobs one by
//! one, jobs in one call.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use riverqueue::migrate::{PostgresMigrator, SqliteMigrator};
use riverqueue::sqlx::postgres::PgPoolOptions;
use riverqueue::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use riverqueue::sqlx::{self, PgPool, SqlitePool};
use riverqueue::{
    Client, ClientBuilder, Job, JobArgs, QueueConfig, WorkContext, WorkOutcome, Workers,
};
use round::{CONCURRENCY, Figures, Round, rate, until_all_are_done};
use serde::{Deserialize, Serialize};

/// "Throughput is limited by this value": the least that it takes.
const FETCH_COOLDOWN: Duration = Duration::from_millis(1);
const CONNECTIONS: u32 = 10;
/// As its documents have it for a file that more than one connection writes to.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const COMPLETED: &str = "SELECT COUNT(*) FROM river_job WHERE state = 'completed'";

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "nothing")]
struct Nothing {}

async fn nothing(_: WorkContext, _: Job<Nothing>) -> Result<WorkOutcome, std::convert::Infallible> {
    Ok(WorkOutcome::Complete)
}

/// Where its tables are.
enum Database {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

#[tokio::main]
async fn main() -> Result<()> {
    let round = Round::of_this_process()?;
    let database = Database::open(&round).await?;
    let client = client(&database)?;
    let begun = Instant::now();
    for _ in 0..round.one_by_one {
        client.insert(Nothing {}).await?;
    }
    let one_by_one = rate(round.one_by_one, begun);
    let jobs: Vec<Nothing> = (0..round.bulk).map(|_| Nothing {}).collect();
    let begun = Instant::now();
    client.insert_many(jobs).await?;
    let bulk = rate(round.bulk, begun);
    let begun = Instant::now();
    let mut run = client.start()?;
    until_all_are_done(round.all(), || database.completed()).await?;
    let drain = rate(round.all(), begun);
    run.stop().await?;
    let figures = Figures {
        one_by_one,
        bulk,
        drain,
        rows_left: database.completed().await?,
    };
    figures.print()
}

fn client(database: &Database) -> Result<Client> {
    let builder: ClientBuilder = match database {
        Database::Postgres(pool) => Client::builder(pool.clone()),
        Database::Sqlite(pool) => Client::builder(pool.clone()),
    };
    let mut workers = Workers::new();
    workers.add_fn(nothing)?;
    builder
        .workers(workers)
        .fetch_cooldown(FETCH_COOLDOWN)
        .queue("default", QueueConfig::new(CONCURRENCY))
        .build()
        .context("a client")
}

impl Database {
    /// With its tables.
    async fn open(round: &Round) -> Result<Self> {
        if !round.url.starts_with("sqlite:") {
            let pool = PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .connect(&round.url)
                .await?;
            PostgresMigrator::new(pool.clone()).migrate_up().await?;
            return Ok(Self::Postgres(pool));
        }
        let options = SqliteConnectOptions::new()
            .filename(round.path()?)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().connect_with(options).await?;
        SqliteMigrator::new(pool.clone()).migrate_up().await?;
        Ok(Self::Sqlite(pool))
    }

    async fn completed(&self) -> Result<u64> {
        let rows: i64 = match self {
            Self::Postgres(pool) => sqlx::query_scalar(COMPLETED).fetch_one(pool).await?,
            Self::Sqlite(pool) => sqlx::query_scalar(COMPLETED).fetch_one(pool).await?,
        };
        Ok(rows.try_into()?)
    }
}
