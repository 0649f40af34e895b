//! A worker with 1,000 running attempts: its memory, its CPU while nothing happens, and how soon an end
//! becomes a verdict.
//!
//! The worker and its mock are a process of their own, which this program starts from itself; ends are
//! seen here, as another process sees them. The mock's memory is counted with the worker's.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_engine::{Stop, Worker, WorkerOptions};
use longshore_executor::mock::{Behaviour, Knobs, Selector};
use longshore_store::Store;
use longshore_testkit::Postgres;

use super::ground::{Database, Ground, Mocks, Place, jobs, jobs_of};
use crate::exit_latency::is_final;
use crate::figures::{against, latency};
use crate::process::{cpu_secs, resident_mib};

const RUNNING: usize = 1_000;
/// Jobs that end, one after another, while the others run.
const ENDS: usize = 40;
const RUN_TIME: Duration = Duration::from_millis(50);
/// What the jobs that end are called.
const SHORT: &str = "short";
const MOST_MIB: f64 = 200.0;
const MOST_MILLIS: f64 = 10.0;
/// How long the worker is watched that has nothing to do but to wait.
const WATCHED: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(3);

pub(super) async fn measure(server: &Postgres) -> Result<()> {
    for database in [Database::Sqlite, Database::Postgres] {
        measure_on(database, server).await?;
    }
    Ok(())
}

async fn measure_on(database: Database, server: &Postgres) -> Result<()> {
    let slots = u32::try_from(RUNNING)? + 1;
    let ground = Ground::new(database, server, slots).await?;
    let worker = WorkerProcess::start(&ground.place)?;
    let crowd = jobs(RUNNING)?;
    ground.store.submit(&crowd, Timestamp::now()).await?;
    all_run(&ground.store).await?;
    let pid = worker.0.id();
    let before = cpu_secs(pid)?;
    tokio::time::sleep(WATCHED).await;
    let cpu = (cpu_secs(pid)? - before) / WATCHED.as_secs_f64() * 100.0;
    let mut ends = Vec::new();
    for _ in 0..ENDS {
        let end = end_to_verdict(&ground.store);
        ends.push(tokio::time::timeout(PATIENCE, end).await??);
    }
    let memory = resident_mib(pid)?;
    let what = format!("{}, {RUNNING} running attempts", database.word());
    let most = against(memory, MOST_MIB, memory <= MOST_MIB);
    println!("{what}, resident MiB: {most}");
    println!("{what}, CPU % of a core: {cpu:.2}");
    println!(
        "{what}, end to verdict, ms: {}",
        latency(&ends, MOST_MILLIS)
    );
    Ok(())
}

/// What the other process does, until it is killed: containers run for ever, but for the short ones.
pub(crate) async fn work(place: &Place) -> Result<()> {
    let short = Behaviour::default().runs_for(RUN_TIME);
    let knobs = Knobs::new(Timestamp::now())
        .with(Selector::Any, Behaviour::forever())
        .with(Selector::Name(SHORT.to_owned()), short);
    let worker = Worker::new(
        place.open().await?,
        Mocks::new(knobs),
        WorkerOptions::default(),
    );
    Ok(worker.run(Stop::default()).await?)
}

async fn all_run(store: &Store) -> Result<()> {
    let mut changes = store.changes();
    let all = async {
        loop {
            let counts = store.counts().await?;
            if counts.contains(&(JobStatus::Running, RUNNING as u64)) {
                return anyhow::Ok(());
            }
            changes.changed().await;
        }
    };
    match tokio::time::timeout(PATIENCE, all).await {
        Ok(run) => run,
        Err(_) => bail!("{RUNNING} attempts did not run in {PATIENCE:?}"),
    }
}

/// Milliseconds from the end of one container until this process can read its job's final status.
async fn end_to_verdict(store: &Store) -> Result<f64> {
    let mut spec = JobSpec::new("busybox:1".parse()?);
    spec.name = Some(SHORT.parse()?);
    let job = jobs_of(&spec, 1);
    let id = job[0].id;
    store.submit(&job, Timestamp::now()).await?;
    is_final(store, id).await?;
    let seen = Timestamp::now();
    let attempts = store.attempts(id).await?;
    let verdict = attempts.last().and_then(|last| last.verdict.as_ref());
    let ended = verdict.and_then(|verdict| verdict.finished_at);
    let ended = ended.context("a verdict that says when the container ended")?;
    Ok(seen.duration_since(ended).as_secs_f64() * 1e3)
}

/// This program once more, as a worker on a store.
struct WorkerProcess(Child);

impl WorkerProcess {
    fn start(place: &Place) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("crowd-worker").args(place.arguments());
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(Self(child))
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed; either way it is collected.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
