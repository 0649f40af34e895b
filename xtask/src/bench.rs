//! The benchmarks, with a release build and an engine.

use std::process::Command;

use anyhow::Result;

use crate::steps::{cargo, run_visible, say};
use crate::{engine, packages};

/// What measures the queue, and needs no engine of this machine.
const QUEUE: &str = "queue";
/// The part of it that starts engines of its own.
const ENGINES: &str = "engines";

/// Builds and runs them with `arguments`; an engine that was started for them is ended.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == QUEUE) {
        return queue(arguments);
    }
    packages::ensure(packages::FOR_TESTS)?;
    let ours = engine::running().is_none();
    let access = engine::up()?;
    let outcome = measure(arguments, access.docker_host());
    if ours {
        engine::down()?;
    }
    outcome
}

fn queue(arguments: &[String]) -> Result<()> {
    packages::ensure(packages::FOR_POSTGRES)?;
    if arguments.iter().any(|argument| argument == ENGINES) {
        packages::ensure(packages::FOR_ENGINE)?;
    } else if let Err(error) = packages::ensure(packages::FOR_OTHER_QUEUES) {
        say(&format!("other queues may be left out: {error:#}"));
    }
    run_visible(bench().args(arguments))
}

fn measure(arguments: &[String], docker_host: &str) -> Result<()> {
    run_visible(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "longshore",
        "--locked",
    ]))?;
    let binary = longshore_testkit::target_dir().join("release/longshore");
    let mut command = bench();
    command
        .args(arguments)
        .env("LONGSHORE_TEST_DOCKER_HOST", docker_host);
    run_visible(command.env("LONGSHORE_BIN", binary))
}

fn bench() -> Command {
    cargo(&[
        "run",
        "--release",
        "--locked",
        "--package",
        "longshore-bench",
        "--",
    ])
}
