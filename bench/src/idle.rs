//! What a worker costs that has nothing to do.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::figures::against;
use crate::ours::Bench;

/// How long the idle worker is watched.
const WATCHED: Duration = Duration::from_secs(30);
/// Clock ticks a second, as Linux reports CPU time on every architecture that we run on.
const TICKS: f64 = 100.0;

pub(crate) async fn measure(bench: &Bench) -> Result<()> {
    let worker = bench.worker(8).await?;
    // One job first: what is idle afterwards has opened everything it will ever need.
    bench.call(worker.path(), &["submit", "demo-image:latest", "true"])?;
    worker.all_done(1).await?;
    let pid = worker.child.id();
    let before = cpu_secs(pid)?;
    tokio::time::sleep(WATCHED).await;
    let cpu = (cpu_secs(pid)? - before) / WATCHED.as_secs_f64() * 100.0;
    let memory = resident_mib(pid)?;
    println!(
        "idle worker, resident MiB: {}",
        against(memory, 40.0, memory <= 40.0)
    );
    println!(
        "idle worker, CPU % of a core: {}\n",
        against(cpu, 0.5, cpu <= 0.5)
    );
    Ok(())
}

fn cpu_secs(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("a process name in stat")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / TICKS)
}

fn resident_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("a number")?
        .parse()?;
    Ok(kib / 1024.0)
}
