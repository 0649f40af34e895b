//! Three private engines beside one, with real containers. The cores of this machine carry all three, so
//! that the ratio says as much about it as about us; there is no bar.

use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use longshore_core::host::{Host, HostKind};
use longshore_core::spec::JobSpec;
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_testkit::{DEMO_IMAGE, Engine, EngineOptions, Postgres, load_demo_image};

use super::ground::{Database, Ground, host, jobs_of};
use super::ours::carry_out;
use crate::figures::{median, spread};

const ENGINES: usize = 3;
const SLOTS: u32 = 4;
/// A job that is all start and end, and one that mostly waits.
const WORKLOADS: [(&str, &[&str], usize); 2] =
    [("true", &["true"], 24), ("sleep 2", &["sleep", "2"], 16)];

/// On `PostgreSQL`, as a pool of several engines mostly is.
pub(super) async fn measure(server: &Postgres, rounds: usize) -> Result<()> {
    let engines = (0..ENGINES)
        .map(|_| started())
        .collect::<Result<Vec<_>>>()?;
    // The first containers of a new engine are slow.
    round(server, &engines, &["true"], SLOTS as usize).await?;
    for (what, command, jobs_of_each) in WORKLOADS {
        let (mut one, mut three) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            one.push(round(server, &engines[..1], command, jobs_of_each).await?);
            three.push(round(server, &engines, command, jobs_of_each).await?);
        }
        println!(
            "`{what}`, {ENGINES} private engines, jobs/s: {}; one: {}; ratio {:.2}",
            spread(&three),
            spread(&one),
            median(&three) / median(&one)
        );
    }
    Ok(())
}

fn started() -> Result<Engine> {
    let engine = Engine::start(&EngineOptions::default())?;
    load_demo_image(engine.access())?;
    Ok(engine)
}

/// Jobs a second on these engines, so many for each.
async fn round(
    server: &Postgres,
    engines: &[Engine],
    command: &[&str],
    jobs_of_each: usize,
) -> Result<f64> {
    let kind = HostKind::Docker;
    let hosts = engines.iter().enumerate().map(|(number, engine)| {
        let address = engine.access().docker_host();
        host(&format!("engine-{number}"), kind, address, SLOTS)
    });
    let hosts: Vec<Host> = hosts.collect::<Result<_>>()?;
    let ground = Ground::with(Database::Postgres, server, &hosts).await?;
    let mut spec = JobSpec::new(DEMO_IMAGE.parse()?);
    spec.command = command.iter().copied().collect();
    let all = jobs_of(&spec, engines.len() * jobs_of_each);
    ground.store.submit(&all, Timestamp::now()).await?;
    carry_out(&ground.store, Arc::new(Engines), all.len()).await
}

/// Executors for real engines.
struct Engines;

impl ExecutorSource for Engines {
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        let options = DockerOptions::default();
        Ok(Arc::new(DockerExecutor::new(&host.endpoint, options)?))
    }
}
