//! The demo: real jobs through the binary, as a user would type them, each checked.

mod expectation;
mod jobs;
mod pool;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;
use longshore_testkit::{
    EngineAccess, load_demo_debian, load_demo_image, longshore_bin, run, temp_dir, unique_name,
    workspace_dir,
};

use crate::steps::{cargo, run_visible, say};
use crate::{engine, packages};
use expectation::Expectation;

/// Which demo.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// Two workers, as on two machines, with one PostgreSQL; one of them is killed
    #[arg(long)]
    postgres: bool,
}

/// Makes what is missing, runs the jobs and fails when one did something unexpected.
pub(crate) fn run_all(wish: &Wish) -> Result<()> {
    println!("── set-up: a container engine, images, the binary");
    let engine = find_engine()?;
    packages::ensure(packages::FOR_DEMO_IMAGES)?;
    load_demo_image(&engine)?;
    run_visible(&mut cargo(&[
        "build",
        "--package",
        "longshore",
        "--locked",
        "--quiet",
    ]))?;
    let differences = if wish.postgres {
        pool::run(&engine)
    } else {
        run_on_one_machine(&engine)
    };
    report(&differences?, &engine)
}

fn run_on_one_machine(engine: &EngineAccess) -> Result<Vec<String>> {
    say("demo-debian is made on the spot by debootstrap; the first time takes a minute or two");
    load_demo_debian(engine)?;
    let volume = unique_name("demo-state");
    let differences = run_jobs(engine, &volume);
    engine.docker(["volume", "rm", "--force", &volume])?;
    differences
}

/// What the demo mounts, and the files of its jobs.
fn demo_dir() -> PathBuf {
    workspace_dir().join("xtask/demo")
}

/// The engine that `docker` would use, if it answers on a unix socket of this machine; else ours.
fn find_engine() -> Result<EngineAccess> {
    let mut inspect = Command::new("docker");
    inspect.args([
        "context",
        "inspect",
        "--format",
        "{{.Endpoints.docker.Host}}",
    ]);
    let host = run(&mut inspect).unwrap_or_default();
    let users_own = EngineAccess::foreign(host.trim());
    if host.starts_with("unix://") && users_own.answers() {
        say(&format!(
            "the engine that docker uses answers: {}",
            users_own.docker_host()
        ));
        return Ok(users_own);
    }
    say("no engine answers on a local socket: starting a private one");
    let ours = engine::up()?;
    say(&format!("engine: {}", ours.docker_host()));
    Ok(ours)
}

/// Runs every job and returns what differed from the expectations.
fn run_jobs(engine: &EngineAccess, volume: &str) -> Result<Vec<String>> {
    let store = temp_dir();
    let mut differences = Vec::new();
    for expectation in jobs::all(volume)? {
        println!("\n── {}", expectation.title);
        let mut command = longshore(engine, store.path());
        command.args(&expectation.arguments);
        println!("$ longshore {}", shell_line(&expectation.arguments));
        let seen = expectation::Seen::by_running(&mut command)?;
        seen.print();
        differences.extend(expectation.differences(&seen));
    }
    Ok(differences)
}

fn longshore(engine: &EngineAccess, store: &Path) -> Command {
    let mut command = Command::new(longshore_bin());
    command
        .env("DOCKER_HOST", engine.docker_host())
        .env("LONGSHORE_STORE", store)
        .env_remove("DOCKER_CONTEXT")
        .env_remove("DOCKER_TLS_VERIFY");
    command
}

fn report(differences: &[String], engine: &EngineAccess) -> Result<()> {
    println!();
    for difference in differences {
        say(difference);
    }
    if !differences.is_empty() {
        bail!(
            "demo: {} things were not as they should be",
            differences.len()
        );
    }
    println!("demo: every job did what it should");
    if engine::running().is_some_and(|ours| ours.docker_host() == engine.docker_host()) {
        println!("the private engine still runs; to go on by hand:");
        println!("  export DOCKER_HOST={}", engine.docker_host());
        println!("  {} run demo-image echo ahoy", longshore_bin().display());
        println!("  cargo xtask engine down      # when you are done");
    }
    Ok(())
}

/// The arguments as one would type them.
fn shell_line(arguments: &[String]) -> String {
    let plain = |word: &str| {
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@".contains(letter);
        !word.is_empty() && word.chars().all(fine)
    };
    let typed = |word: &String| {
        if plain(word) {
            word.clone()
        } else {
            quoted(word)
        }
    };
    arguments.iter().map(typed).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_quoted_only_where_a_shell_needs_it() {
        let words = [
            "run",
            "-m",
            "64m",
            "demo-image:latest",
            "sh",
            "-c",
            "echo 'a b'; exit 7",
        ];
        let line = shell_line(&words.map(str::to_owned));
        assert_eq!(
            line,
            r"run -m 64m demo-image:latest sh -c 'echo '\''a b'\''; exit 7'"
        );
    }
}
