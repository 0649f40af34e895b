//! What supervisors hold in memory while their containers run.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::ground::Ground;
use crate::figures::{against, median, spread};
use crate::ours::Bench;

const CONTAINERS: usize = 50;
const BAR_MIB: f64 = 1.5;
/// What a supervisor calls itself.
const NAME: &[u8] = b"longshore-supervisor";

pub(super) async fn measure(bench: &Bench) -> Result<()> {
    let ground = Ground::new()?;
    let worker = ground.worker(bench, CONTAINERS).await?;
    let array = format!("0-{}", CONTAINERS - 1);
    let sleep = "demo-image:latest sleep 600";
    let words = format!("submit --name held --array {array} -m 8m --cpus 0.01 {sleep}");
    let words: Vec<&str> = words.split_whitespace().collect();
    bench.call(worker.path(), &words)?;
    worker.all_run(CONTAINERS as u64).await?;
    let held = held(&ground);
    bench.call(worker.path(), &["cancel", "held"])?;
    worker.all_done(CONTAINERS as u64).await?;
    let held = held?;
    ensure!(
        held.len() >= CONTAINERS,
        "{} supervisors of {CONTAINERS} were found",
        held.len()
    );
    println!(
        "a supervisor of {CONTAINERS}, proportional share, MiB: {}",
        spread(&held)
    );
    let middle = median(&held);
    println!(
        "supervisor, MiB: {}\n",
        against(middle, BAR_MIB, middle <= BAR_MIB)
    );
    Ok(())
}

/// The proportional share of each supervisor below this folder, in MiB.
fn held(ground: &Ground) -> Result<Vec<f64>> {
    let mut held = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        // Any process may end while it is looked at.
        let command = fs::read(folder.join("cmdline")).unwrap_or_default();
        let works_here = fs::read_link(folder.join("cwd")).is_ok_and(|cwd| ground.has(&cwd));
        if !command.starts_with(NAME) || !works_here {
            continue;
        }
        let Ok(rollup) = fs::read_to_string(folder.join("smaps_rollup")) else {
            continue;
        };
        let line = rollup.lines().find(|line| line.starts_with("Pss:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        held.push(kib.context("Pss")?.parse::<f64>()? / 1024.0);
    }
    Ok(held)
}
