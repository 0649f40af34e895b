//! What a worker costs that has nothing to do.

use std::time::Duration;

use anyhow::Result;

use crate::figures::against;
use crate::ours::Bench;
use crate::process::{cpu_secs, resident_mib};

/// How long the idle worker is watched.
const WATCHED: Duration = Duration::from_secs(30);

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
