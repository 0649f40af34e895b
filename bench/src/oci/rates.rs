//! Jobs of `/bin/true` per second, eight at a time, the ways in turns.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, anyhow};
use comfy_table::Table;

use super::floor::Floor;
use super::ground::Ground;
use super::runc::Runc;
use crate::docker_path::ours_on;
use crate::figures::{against, median, spread};
use crate::ours::Bench;

pub(super) const AT_ONCE: usize = 8;
/// Docker's rate is a fifteenth of the others'.
const JOBS_ON_DOCKER: u32 = 60;
pub(super) const JOBS: u32 = 400;

const DOCKER_BAR: f64 = 15.0;
const RUNC_BAR: f64 = 1.5;
const FLOOR_AIM: f64 = 0.25;

/// As in the other ways: loopback alone.
pub(super) const NO_NETWORK: &str = "networks = [\"none\"]";

/// Jobs per second of each way, a figure a round.
#[derive(Default)]
struct Rates {
    /// With the network that jobs get by default.
    private: Vec<f64>,
    /// With loopback alone.
    alone: Vec<f64>,
    docker: Vec<f64>,
    runc: Vec<f64>,
    floor: Vec<f64>,
}

pub(super) async fn measure(bench: &Bench, rounds: usize) -> Result<()> {
    let ground = Ground::new()?;
    let root = ground.root()?;
    let runc = Runc::prepare(&ground.room("runc")?, &root)?;
    let floor = Floor::new(&ground.room("floor")?, &root);
    let embedded = ground.worker(bench, AT_ONCE).await?;
    let docker = bench.worker(AT_ONCE).await?;
    let mut rates = Rates::default();
    for _ in 0..rounds {
        let private = ours_on(bench, &embedded, JOBS, "").await?;
        rates.private.push(private);
        let alone = ours_on(bench, &embedded, JOBS, NO_NETWORK).await?;
        rates.alone.push(alone);
        let docker = ours_on(bench, &docker, JOBS_ON_DOCKER, "").await?;
        rates.docker.push(docker);
        rates.runc.push(loop_of(|name| runc.run(name))?);
        rates.floor.push(loop_of(|name| floor.run(name))?);
    }
    print(&rates);
    Ok(())
}

/// Runs `one` so many times, eight at a time, each with a name of its own.
fn loop_of(one: impl Fn(&str) -> Result<()> + Sync) -> Result<f64> {
    let next = AtomicUsize::new(0);
    let jobs = usize::try_from(JOBS)?;
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                return Ok(());
            }
            one(&number.to_string())?;
        }
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    Ok(f64::from(JOBS) / began.elapsed().as_secs_f64())
}

fn print(rates: &Rates) {
    let mut table = Table::new();
    table.set_header(["/bin/true, eight at a time: way", "jobs/s"]);
    let (private, alone) = (&rates.private, &rates.alone);
    let rows = [
        ("longshore, embedded, private network", private),
        ("longshore, embedded, no network", alone),
        ("longshore on Docker, bridge", &rates.docker),
        ("runc run in a loop, no network", &rates.runc),
        ("the kernel alone, no network", &rates.floor),
    ];
    for (name, values) in rows {
        table.add_row([name.to_owned(), spread(values)]);
    }
    println!("{table}");
    println!("ours are from submit to final status, container removed, log kept");
    let docker = "on Docker, both with a network";
    let runc = "runc run, both without";
    let floor = "the kernel alone (an aim)";
    let bars = [
        (docker, private, &rates.docker, DOCKER_BAR),
        (runc, alone, &rates.runc, RUNC_BAR),
        (floor, alone, &rates.floor, FLOOR_AIM),
    ];
    for (name, ours, theirs, bar) in bars {
        let ratio = median(ours) / median(theirs);
        println!("embedded ÷ {name}: {}", against(ratio, bar, ratio >= bar));
    }
    println!();
}
