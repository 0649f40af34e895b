//! The queue without containers: jobs per second on SQLite and on `PostgreSQL`, beside other queues.
//!
//! Every queue gets the same: so many jobs one by one, so many in one call, and then all of them
//! carried out by one process. The rounds of all queues are interleaved on one machine. The server is
//! one of our own with its default durability (`fsync` on, `synchronous_commit` on).

use std::collections::BTreeMap;

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::Table;
use longshore_testkit::Postgres;
use serde::Deserialize;

use crate::figures::{median, spread};

mod crowd;
mod depth;
mod engines;
mod ground;
mod hosts;
mod idle;
mod ours;
mod peers;

pub(crate) use crowd::work;
use ground::Database;
pub(crate) use ground::Place;
use peers::Peer;

/// Jobs that are enqueued one by one, and then those in one call.
const ONE_BY_ONE: usize = 300;
const BULK: usize = 2_000;

/// What one queue did in one round. A program that drives another queue prints this as JSON.
#[derive(Clone, Debug, Deserialize)]
struct Figures {
    /// Jobs enqueued a second, each awaited before the next.
    one_by_one: f64,
    /// Jobs enqueued a second in one call.
    bulk: f64,
    /// Jobs carried out a second, from the start of the worker to the last job's end.
    drain: f64,
    /// Rows of jobs that can be read after all are done.
    rows_left: u64,
}

/// The rounds of each queue, by database and name.
type Rounds = BTreeMap<(&'static str, String), Vec<Figures>>;

/// What is measured of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Enqueue and drain, beside other queues.
    Peers,
    /// The same of ours alone, to compare builds; only when asked for.
    Ours,
    /// What 100,000 queued jobs cost.
    Depth,
    /// How soon an idle worker calls its executor.
    Idle,
    /// 1,000 running attempts on one worker.
    Crowd,
    /// Three mock hosts beside one.
    Hosts,
    /// Three private engines beside one, with real containers; only when asked for.
    Engines,
}

/// One part, or all of those that need no engine.
pub(crate) async fn measure(part: Option<Part>, rounds: usize) -> Result<()> {
    let server = Postgres::start_durable()?;
    let all = [
        Part::Peers,
        Part::Depth,
        Part::Idle,
        Part::Crowd,
        Part::Hosts,
    ];
    for part in part.map_or(all.to_vec(), |part| vec![part]) {
        match part {
            Part::Peers => measure_peers(&server, &peers::installed()?, rounds).await?,
            Part::Ours => measure_peers(&server, &[], rounds).await?,
            Part::Depth => depth::measure(&server).await?,
            Part::Idle => idle::measure(&server).await?,
            Part::Crowd => crowd::measure(&server).await?,
            Part::Hosts => hosts::measure(&server, rounds).await?,
            Part::Engines => engines::measure(&server, rounds).await?,
        }
        println!();
    }
    Ok(())
}

async fn measure_peers(server: &Postgres, peers: &[Peer], rounds: usize) -> Result<()> {
    let mut all = Rounds::new();
    for _ in 0..rounds {
        for database in [Database::Sqlite, Database::Postgres] {
            let figures = ours::round(database, server).await?;
            let name = (database.word(), ours::NAME.to_owned());
            all.entry(name).or_default().push(figures);
            rounds_of(peers, database, server, &mut all);
        }
    }
    show(&all);
    Ok(())
}

/// One round of each peer that runs on this database.
fn rounds_of(peers: &[Peer], database: Database, server: &Postgres, all: &mut Rounds) {
    for peer in peers.iter().filter(|peer| peer.runs_on(database)) {
        let name = (database.word(), peer.name());
        match round_of(peer, database, server) {
            Ok(figures) => all.entry(name).or_default().push(figures),
            Err(error) => println!("{} did not run: {error:#}", peer.name()),
        }
    }
}

fn round_of(peer: &Peer, database: Database, server: &Postgres) -> Result<Figures> {
    match database {
        Database::Sqlite => {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("queue.db");
            peer.round(&format!("sqlite://{}", file.display()))
        }
        Database::Postgres => peer.round(&server.create_database()?),
    }
}

fn show(all: &Rounds) {
    let jobs = ONE_BY_ONE + BULK;
    println!("queues without containers, {jobs} jobs a round; a second, and × of ours");
    let mut table = Table::new();
    let columns = [
        "database",
        "queue",
        "rows left",
        "one by one",
        "bulk",
        "drain",
    ];
    table.set_header(columns);
    for ((database, queue), rounds) in all {
        let Some(ours) = all.get(&(*database, ours::NAME.to_owned())) else {
            continue;
        };
        let rows = rounds.last().map_or(0, |last| last.rows_left);
        let cell = |pick: Pick| {
            let (mine, theirs) = (picked(ours, pick), picked(rounds, pick));
            let ratio = median(&theirs) / median(&mine);
            format!("{}, {ratio:.2} ×", spread(&theirs))
        };
        table.add_row([
            (*database).to_owned(),
            queue.clone(),
            format!("{rows} of {jobs}"),
            cell(|figures| figures.one_by_one),
            cell(|figures| figures.bulk),
            cell(|figures| figures.drain),
        ]);
    }
    println!("{table}");
    bars(all);
}

/// Ours beside every queue that keeps a row of each job.
fn bars(all: &Rounds) {
    for ((database, queue), rounds) in all {
        let keeps = rounds.iter().all(|round| round.rows_left > 0);
        let Some(ours) = all.get(&(*database, ours::NAME.to_owned())) else {
            continue;
        };
        if queue == ours::NAME || !keeps {
            continue;
        }
        for (what, pick) in PICKS {
            let ratio = median(&picked(ours, pick)) / median(&picked(rounds, pick));
            let word = if ratio > 1.0 { "met" } else { "MISSED" };
            println!("{database}, {what}: ours ÷ {queue} {ratio:.2} (bar above 1: {word})");
        }
    }
}

/// One figure of a round.
type Pick = fn(&Figures) -> f64;

/// What is compared.
const PICKS: [(&str, Pick); 3] = [
    ("one by one", |figures| figures.one_by_one),
    ("bulk", |figures| figures.bulk),
    ("drain", |figures| figures.drain),
];

fn picked(rounds: &[Figures], pick: Pick) -> Vec<f64> {
    rounds.iter().map(pick).collect()
}
