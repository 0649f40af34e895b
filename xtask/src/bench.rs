//! The benchmarks, with a release build and an engine.

use std::process::Command;

use anyhow::Result;

use crate::steps::{cargo, run_visible};
use crate::{engine, packages};

/// What measures the queue, and needs no engine.
const QUEUE: &str = "queue";

/// Builds and runs them with `arguments`; an engine that was started for them is ended.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == QUEUE) {
        packages::ensure(packages::FOR_POSTGRES)?;
        return run_visible(bench().args(arguments));
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
