//! Containers without an engine, beside Docker, a loop of `runc run`, and the bare kernel.

mod endurance;
mod floor;
mod ground;
mod latency;
mod pulls;
mod rates;
mod runc;
mod share;
mod supervisors;

use anyhow::Result;
use clap::ValueEnum;

use crate::ours::Bench;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Jobs of `/bin/true` per second: embedded, on Docker, `runc run`, the kernel alone.
    Rates,
    /// CPU time of a job: the worker's share and the container's.
    Share,
    /// From the submit to the first byte of output.
    Latency,
    /// What a running supervisor holds in memory.
    Supervisors,
    /// An image of 100 MB in five layers, pulled and unpacked, beside `docker pull`.
    Pulls,
    /// 10,000 jobs in a row: what has grown.
    Endurance,
}

/// Measures this part, or all of them.
pub(crate) async fn measure(part: Option<Part>, bench: &Bench, rounds: usize) -> Result<()> {
    let parts = part.map_or_else(|| Part::value_variants().to_vec(), |part| vec![part]);
    for part in parts {
        match part {
            Part::Rates => rates::measure(bench, rounds).await?,
            Part::Share => share::measure(bench, rounds).await?,
            Part::Latency => latency::measure(bench).await?,
            Part::Supervisors => supervisors::measure(bench).await?,
            Part::Pulls => pulls::measure(bench, rounds)?,
            Part::Endurance => endurance::measure(bench).await?,
        }
    }
    Ok(())
}
