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

const AT_ONCE: usize = 8;
/// Docker's rate is a fifteenth of the others'.
const JOBS_ON_DOCKER: u32 = 60;
const JOBS: u32 = 400;

const DOCKER_BAR: f64 = 15.0;
const RUNC_BAR: f64 = 1.5;
const FLOOR_AIM: f64 = 0.25;

/// Jobs per second of each way, a figure a round.
#[derive(Default)]
struct Rates {
    embedded: Vec<f64>,
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
        rates.embedded.push(ours_on(bench, &embedded, JOBS).await?);
        rates
            .docker
            .push(ours_on(bench, &docker, JOBS_ON_DOCKER).await?);
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
    let ours = median(&rates.embedded);
    let mut table = Table::new();
    table.set_header(["/bin/true, eight at a time: way", "jobs/s", "embedded ÷ it"]);
    let rows = [
        (
            "longshore, embedded (submit to final, removed, log kept)",
            &rates.embedded,
        ),
        ("longshore on Docker, bridge", &rates.docker),
        ("runc run, in a loop", &rates.runc),
        ("the kernel alone", &rates.floor),
    ];
    for (name, values) in rows {
        let ratio = ours / median(values);
        table.add_row([name.to_owned(), spread(values), format!("{ratio:.2}")]);
    }
    println!("{table}");
    let bars = [
        ("longshore on Docker", &rates.docker, DOCKER_BAR),
        ("runc run", &rates.runc, RUNC_BAR),
        ("the kernel alone (an aim)", &rates.floor, FLOOR_AIM),
    ];
    for (name, values, bar) in bars {
        let ratio = ours / median(values);
        println!("embedded ÷ {name}: {}", against(ratio, bar, ratio >= bar));
    }
    println!();
}
