//! Drives the `longshore` binary as a user does: a worker, submits, and a look into the store.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use longshore_core::outcome::JobStatus;
use longshore_store::Store;
use tempfile::TempDir;

/// What every measurement needs.
pub(crate) struct Bench {
    pub(crate) docker_host: String,
    pub(crate) binary: PathBuf,
}

impl Bench {
    pub(crate) fn from_environment() -> Result<Self> {
        let docker_host = longshore_testkit::shared_engine().docker_host().to_owned();
        let me = std::env::current_exe()?;
        let binary = me
            .parent()
            .context("the folder of this program")?
            .join("longshore");
        ensure!(
            binary.exists(),
            "build the binary first: `cargo build --release -p longshore` (`cargo xtask bench` does)"
        );
        Ok(Self {
            docker_host,
            binary,
        })
    }

    /// A store of its own with a running worker, on the engine.
    pub(crate) async fn worker(&self, slots: usize) -> Result<RunningWorker> {
        self.worker_on(&self.docker_host, slots).await
    }

    /// A store of its own with a running worker, whose only host `bench` is at `address`.
    pub(crate) async fn worker_on(&self, address: &str, slots: usize) -> Result<RunningWorker> {
        let folder = tempfile::tempdir()?;
        let slots = slots.to_string();
        self.call(
            folder.path(),
            &["hosts", "add", "bench", address, "--slots", &slots],
        )?;
        let child = self
            .command(folder.path())
            .arg("worker")
            .stderr(Stdio::null())
            .spawn()?;
        let store = Store::open(folder.path()).await?;
        Ok(RunningWorker {
            folder,
            child,
            store,
        })
    }

    /// `longshore` on a store.
    pub(crate) fn command(&self, store: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env("LONGSHORE_STORE", store)
            .env("DOCKER_HOST", &self.docker_host)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Runs `longshore` to its end.
    pub(crate) fn call(&self, store: &Path, arguments: &[&str]) -> Result<()> {
        let status = self.command(store).args(arguments).status()?;
        ensure!(
            status.success(),
            "longshore {arguments:?} ended with {status}"
        );
        Ok(())
    }
}

/// A worker process on a store of its own; ends with this value.
pub(crate) struct RunningWorker {
    pub(crate) folder: TempDir,
    pub(crate) child: Child,
    pub(crate) store: Store,
}

impl RunningWorker {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until so many jobs run.
    pub(crate) async fn all_run(&self, jobs: u64) -> Result<()> {
        let mut changes = self.store.changes();
        let all_run = async {
            loop {
                let counts = self.store.counts().await?;
                let running = counts
                    .iter()
                    .filter(|(status, _)| *status == JobStatus::Running);
                if running.map(|(_, count)| *count).sum::<u64>() >= jobs {
                    return anyhow::Ok(());
                }
                changes.changed().await;
            }
        };
        match tokio::time::timeout(Duration::from_mins(5), all_run).await {
            Ok(all_run) => all_run,
            Err(_) => bail!("{jobs} jobs did not run within five minutes"),
        }
    }

    /// Waits until so many jobs are final and their containers removed.
    pub(crate) async fn all_done(&self, jobs: u64) -> Result<()> {
        let mut changes = self.store.changes();
        let done = async {
            loop {
                let counts = self.store.counts().await?;
                let finished: u64 = counts
                    .iter()
                    .filter(|(status, _)| status.is_final())
                    .map(|(_, count)| *count)
                    .sum();
                if finished >= jobs && self.store.unremoved(1, None).await?.is_empty() {
                    return anyhow::Ok(());
                }
                changes.changed().await;
            }
        };
        match tokio::time::timeout(Duration::from_mins(5), done).await {
            Ok(done) => done,
            Err(_) => bail!("{jobs} jobs were not done within five minutes"),
        }
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        // A worker that has ended by itself cannot be killed; either way it is collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
