//! Measurements, side by side in one run, interleaved, as medians; they print ratios.
//!
//! A figure alone says more about the machine than about us. Each measurement therefore runs the
//! bare way (the Engine API by bollard, without us) in the same rounds and prints ours ÷ bare.

#![expect(
    clippy::print_stdout,
    reason = "printing figures is what this program is for"
)]

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bare;
mod docker_path;
mod exit_latency;
mod figures;
mod idle;
mod legacy;
mod log_stream;
mod oci;
mod ours;
mod process;
mod queue;
mod service;

/// Measurements, side by side.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Rounds of each measurement; the median counts.
    #[arg(long, global = true, default_value_t = 5)]
    rounds: usize,
}

#[derive(Subcommand)]
enum What {
    /// Everything below.
    All,
    /// Jobs of `/bin/true` per second: ours, the bare API, `docker run`, the legacy system.
    Docker,
    /// From the engine's die event to the job's final status as another process sees it.
    Exit,
    /// Memory and CPU of a worker that has nothing to do.
    Idle,
    /// 200 MB of output from one container, kept without loss.
    Logs,
    /// Containers without an engine, beside Docker, `runc run` and the bare kernel.
    Oci {
        /// Only this part of it.
        #[arg(long)]
        part: Option<oci::Part>,
    },
    /// The queue alone, without containers: SQLite and `PostgreSQL`, beside other queues.
    Queue {
        /// Only this part of it.
        #[arg(long)]
        part: Option<queue::Part>,
    },
    /// The worker that `queue` measures from outside.
    #[command(hide = true)]
    CrowdWorker(queue::Place),
    /// `DockerService`: 500 containers listed, 200 looked at, beside docker-py and bare calls.
    Service,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let rounds = arguments.rounds.max(1);
    match arguments.what.unwrap_or(What::All) {
        What::All => all(rounds).await,
        What::Docker => docker_path::measure(&on_engine(rounds)?, rounds).await,
        What::Exit => exit_latency::measure(&on_engine(rounds)?, rounds).await,
        What::Idle => idle::measure(&on_engine(rounds)?).await,
        What::Logs => log_stream::measure(&on_engine(rounds)?, rounds).await,
        What::Oci { part } => oci::measure(part, &on_engine(rounds)?, rounds).await,
        What::Queue { part } => queue::measure(part, rounds).await,
        What::CrowdWorker(place) => queue::work(&place).await,
        What::Service => {
            on_engine(rounds)?;
            service::measure(rounds).await
        }
    }
}

async fn all(rounds: usize) -> Result<()> {
    let bench = on_engine(rounds)?;
    docker_path::measure(&bench, rounds).await?;
    exit_latency::measure(&bench, rounds).await?;
    idle::measure(&bench).await?;
    log_stream::measure(&bench, rounds).await?;
    service::measure(rounds).await?;
    oci::measure(None, &bench, rounds).await?;
    queue::measure(None, rounds).await
}

/// The engine of this machine, named at the head of the figures.
fn on_engine(rounds: usize) -> Result<ours::Bench> {
    let bench = ours::Bench::from_environment()?;
    println!("engine {}, {rounds} rounds, medians", bench.docker_host);
    Ok(bench)
}
