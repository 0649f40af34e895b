//! What a job costs in CPU time: the worker's own, and that of the containers' whole chain.

use anyhow::Result;

use super::ground::Ground;
use super::rates::{AT_ONCE, JOBS, NO_NETWORK};
use crate::docker_path::ours_on;
use crate::figures::spread;
use crate::ours::Bench;
use crate::process::{children_cpu_secs, cpu_secs};

pub(super) async fn measure(bench: &Bench, rounds: usize) -> Result<()> {
    let ground = Ground::new()?;
    let worker = ground.worker(bench, AT_ONCE).await?;
    let pid = worker.child.id();
    // The first jobs open what every job needs.
    ours_on(bench, &worker, JOBS, NO_NETWORK).await?;
    let (mut own, mut chain) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let before = (cpu_secs(pid)?, children_cpu_secs(pid)?);
        ours_on(bench, &worker, JOBS, NO_NETWORK).await?;
        let a_job = |secs: f64| secs * 1e3 / f64::from(JOBS);
        own.push(a_job(cpu_secs(pid)? - before.0));
        chain.push(a_job(children_cpu_secs(pid)? - before.1));
    }
    println!("/bin/true, eight at a time, no network, CPU ms a job:");
    println!("the worker's own: {}", spread(&own));
    println!("what it started, and waited for: {}\n", spread(&chain));
    Ok(())
}
