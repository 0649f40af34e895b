//! What supervisors hold in memory while their containers run.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::ground::Ground;
use crate::figures::{against, median, spread};
use crate::ours::Bench;

const CONTAINERS: usize = 50;
const BAR_MIB: f64 = 1.5;
/// What a supervisor calls itself.
const NAME: &str = "longshore-super";

pub(super) async fn measure(bench: &Bench) -> Result<()> {
    let ground = Ground::new()?;
    let worker = ground.worker(bench, CONTAINERS).await?;
    let file = worker.path().join("jobs.toml");
    let job = "[[job]]\nimage = \"demo-image:latest\"\ncommand = [\"sleep\", \"600\"]\nmemory = \"8m\"\ncpus = \"0.01\"\n";
    fs::write(&file, job.repeat(CONTAINERS))?;
    let path = file.display().to_string();
    bench.call(worker.path(), &["submit", "-f", &path])?;
    worker.all_run(CONTAINERS as u64).await?;
    let held = held()?;
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
    bench.call(worker.path(), &["cancel", "--all", "--yes"])?;
    worker.all_done(CONTAINERS as u64).await
}

/// The proportional share of each supervisor, in MiB.
fn held() -> Result<Vec<f64>> {
    let mut held = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        // Any process may end while it is looked at.
        let comm = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        if comm.trim() != NAME {
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
