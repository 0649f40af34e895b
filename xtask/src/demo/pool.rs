//! The demo of a pool that several machines share: one PostgreSQL, one folder of logs, two workers.
//!
//! Each worker has a home of its own, as on a machine of its own. The one that moves the long job is
//! killed; the other takes the job over when the lease has passed, and nothing runs twice.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use longshore_testkit::{EngineAccess, eventually, longshore_bin, shared_database, temp_dir};
use serde_json::Value;
use tempfile::TempDir;

use super::expectation::{Expectation, Seen};
use super::{demo_dir, shell_line};
use crate::postgres;
use crate::steps::say;

/// How long a step may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What both machines share.
struct Pool<'a> {
    engine: &'a EngineAccess,
    store: String,
    folder: TempDir,
}

/// A worker on a machine; killed when dropped.
struct Worker {
    name: &'static str,
    child: Child,
}

/// Runs the story and returns what differed from the expectations.
pub(super) fn run(engine: &EngineAccess) -> Result<Vec<String>> {
    let was_running = postgres::is_running();
    let server = postgres::up()?;
    say(&format!("database server: {server}"));
    let differences = tell(engine);
    if !was_running {
        postgres::down()?;
    }
    differences
}

fn tell(engine: &EngineAccess) -> Result<Vec<String>> {
    let database = shared_database();
    let pool = Pool {
        engine,
        store: database.url(),
        folder: temp_dir(),
    };
    let mut differences = Vec::new();
    for expectation in at_first(engine) {
        differences.extend(pool.show(&expectation)?);
    }
    let north = pool.worker("north")?;
    pool.until("the long job runs", |voyage| voyage["status"] == "running");
    let south = pool.worker("south")?;
    for expectation in both_at_work() {
        differences.extend(pool.show(&expectation)?);
    }
    println!("\n── the machine of the first worker is lost: kill -9, while its job runs");
    let by_north = pool.ended_by(&north)?;
    drop(north);
    for expectation in afterwards() {
        differences.extend(pool.show(&expectation)?);
    }
    let by_south = pool.ended_by(&south)?;
    println!("\nnorth brought {by_north} jobs to their end, south {by_south}");
    if by_north == 0 || by_south == 0 {
        differences.push("both workers should have brought jobs to their end".to_owned());
    }
    Ok(differences)
}

fn at_first(engine: &EngineAccess) -> Vec<Expectation> {
    let file = demo_dir().join("pool.toml").display().to_string();
    vec![
        Expectation::new("a long job and twenty short ones", "submit --quiet -f").word(&file),
        Expectation::new("a host with four slots", "hosts add quay --slots 4")
            .word(engine.docker_host()),
    ]
}

fn both_at_work() -> Vec<Expectation> {
    vec![Expectation::new("the last short one is over", "wait cargo-20").exits(0)]
}

fn afterwards() -> Vec<Expectation> {
    vec![
        Expectation::new("the other worker takes it over", "wait voyage").exits(0),
        Expectation::new("its output is whole", "logs voyage")
            .prints("Hamburg\nDover\nLisbon\nCadiz\nGenoa\n"),
        Expectation::new("its timeline", "events voyage").prints("adopted"),
        Expectation::new("one attempt, not two", "inspect voyage").prints("\"attempt\": 1"),
        Expectation::new("all jobs", "jobs -n 30")
            .prints("voyage")
            .prints("cargo-01"),
        Expectation::new("nothing is left to clean up", "cleanup --plan"),
    ]
}

impl Pool<'_> {
    fn command(&self, home: &str) -> Result<Command> {
        let home = self.folder.path().join(home);
        fs::create_dir_all(&home)?;
        let mut command = Command::new(longshore_bin());
        command
            .env("DOCKER_HOST", self.engine.docker_host())
            .env("LONGSHORE_STORE", &self.store)
            .env("LONGSHORE_LOGS", self.folder.path().join("logs"))
            .env("HOME", home)
            .env("LONGSHORE_LOG", "longshore=info")
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY");
        Ok(command)
    }

    fn show(&self, expectation: &Expectation) -> Result<Vec<String>> {
        println!("\n── {}", expectation.title);
        println!("$ longshore {}", shell_line(&expectation.arguments));
        let mut command = self.command("desk")?;
        command
            .args(&expectation.arguments)
            .env_remove("LONGSHORE_LOG");
        let seen = Seen::by_running(&mut command)?;
        seen.print();
        Ok(expectation.differences(&seen))
    }

    fn worker(&self, name: &'static str) -> Result<Worker> {
        println!("\n── a worker, as on a machine of its own: {name}\n$ longshore worker --slots 2");
        let said = File::create(self.said(name))?;
        let mut command = self.command(name)?;
        let child = command
            .args(["worker", "--slots", "2"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .context("could not start a worker")?;
        Ok(Worker { name, child })
    }

    fn said(&self, worker: &str) -> PathBuf {
        self.folder.path().join(format!("{worker}.log"))
    }

    /// Waits until something is so of the long job.
    fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) {
        eventually(what, PATIENCE, || {
            let asked = self
                .command("desk")
                .and_then(|mut asked| Ok(asked.args(["inspect", "voyage"]).output()?));
            let answer = asked.map_err(|error| error.to_string())?;
            match serde_json::from_slice::<Value>(&answer.stdout) {
                Ok(voyage) if is_so(&voyage[0]) => Ok(()),
                Ok(voyage) => Err(voyage[0]["status"].to_string()),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    /// How many attempts this worker has seen to their ends.
    fn ended_by(&self, worker: &Worker) -> Result<usize> {
        let said = fs::read_to_string(self.said(worker.name))?;
        ensure!(!said.contains("panicked"), "{}: {said}", worker.name);
        Ok(said.matches("attempt ended").count())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
