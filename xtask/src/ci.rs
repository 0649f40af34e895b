//! What is checked before a change is taken, cheapest first: `cargo xtask test` runs all of it,
//! `cargo xtask ci STEP` one step.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};
use longshore_testkit::{EngineAccess, LegacyRelease, run};

use crate::steps::{Step, Stream, cargo, run_all, run_one, run_read, run_visible, say};
use crate::{engine, generated, packages, postgres, tally, tidy};

const STEPS: &[Step] = &[
    Step {
        name: "tools",
        does: "rustfmt, clippy, nextest",
        run: tools,
    },
    Step {
        name: "fmt",
        does: "the source is formatted",
        run: fmt,
    },
    Step {
        name: "tidy",
        does: "purpose lines, sizes, names, cycles, edges, licences",
        run: tidy::run,
    },
    Step {
        name: "clippy",
        does: "no warnings",
        run: clippy,
    },
    Step {
        name: "setup",
        does: "packages for tests, a container engine, a database server",
        run: setup,
    },
    Step {
        name: "build",
        does: "the binary",
        run: build,
    },
    Step {
        name: "nextest",
        does: "all tests",
        run: nextest,
    },
    Step {
        name: "doctest",
        does: "the examples in the documentation",
        run: doctest,
    },
    Step {
        name: "doc",
        does: "the documentation builds without warnings",
        run: doc,
    },
    Step {
        name: "generated",
        does: "generated files are as the code makes them",
        run: generated::check,
    },
];

/// Runs all steps, then ends the servers that did not run before.
pub(crate) fn test() -> Result<()> {
    let outcome = ending_our_servers(|| run_all(STEPS));
    tally::print();
    outcome
}

/// Does `work`, then ends the engine and the database server if they did not run before.
pub(crate) fn ending_our_servers(work: impl FnOnce() -> Result<()>) -> Result<()> {
    let our_engine = named_engine().is_none() && engine::running().is_none();
    let our_postgres = !postgres::is_running();
    let outcome = work();
    if our_engine && engine::running().is_some() {
        engine::down()?;
    }
    if our_postgres && postgres::is_running() {
        postgres::down()?;
    }
    outcome
}

/// Runs one step.
pub(crate) fn step(name: &str) -> Result<()> {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("no step `{name}`; there are: {}", names.join(", "));
    };
    let outcome = run_one(step);
    tally::print();
    outcome
}

/// The engine that tests run against, once it is up.
pub(crate) fn engine_for_tests() -> Result<EngineAccess> {
    let access = named_engine().or_else(engine::running);
    access.context("no engine for tests: `cargo xtask engine up` starts one")
}

/// The engine that the environment names for tests, if it answers.
fn named_engine() -> Option<EngineAccess> {
    let host = env::var("LONGSHORE_TEST_DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty())?;
    Some(EngineAccess::foreign(&host)).filter(EngineAccess::answers)
}

fn tools() -> Result<()> {
    for component in ["fmt", "clippy"] {
        if run(&mut cargo(&[component, "--version"])).is_err() {
            let name = if component == "fmt" {
                "rustfmt"
            } else {
                component
            };
            say(&format!("installing: rustup component add {name}"));
            run_visible(Command::new("rustup").args(["component", "add", name]))
                .with_context(|| format!("{name} is missing and rustup cannot add it"))?;
        }
    }
    if run(&mut cargo(&["nextest", "--version"])).is_err() {
        say("installing: cargo-nextest, which runs the tests");
        run_visible(&mut cargo(&["install", "--locked", "cargo-nextest"]))?;
    }
    Ok(())
}

fn fmt() -> Result<()> {
    // Only the names: the cure is the same for all of them.
    run_visible(&mut cargo(&[
        "fmt",
        "--all",
        "--",
        "--check",
        "--files-with-diff",
    ]))
    .context("these files are not formatted: run `cargo fmt --all`")
}

fn clippy() -> Result<()> {
    let scope = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
    ];
    run_visible(cargo(&scope).args(["--", "--deny", "warnings"]))
}

fn setup() -> Result<()> {
    packages::ensure(packages::FOR_TESTS)?;
    for release in LegacyRelease::ALL {
        say(&format!(
            "to import from: django-container-manager {release} of PyPI"
        ));
        release.install()?;
    }
    let access = match named_engine() {
        Some(named) => named,
        None => engine::up()?,
    };
    say(&format!("engine: {}", access.docker_host()));
    say(&format!("database server: {}", postgres::up()?));
    Ok(())
}

fn build() -> Result<()> {
    // The whole workspace, so that features and thus artefacts are those of the test run.
    run_visible(&mut cargo(&[
        "build",
        "--workspace",
        "--bins",
        "--locked",
        "--quiet",
    ]))
}

fn nextest() -> Result<()> {
    let mut command = cargo(&[
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--no-fail-fast",
    ]);
    command.env(
        "LONGSHORE_TEST_DOCKER_HOST",
        engine_for_tests()?.docker_host(),
    );
    run_read(&mut command, Stream::Stderr, tally::note)
}

fn doctest() -> Result<()> {
    let mut command = cargo(&["test", "--doc", "--workspace", "--locked", "--quiet"]);
    run_read(&mut command, Stream::Stdout, tally::note)
}

fn doc() -> Result<()> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    run_visible(command.env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_not_exist_is_refused_with_those_that_do() {
        let error = step("fmtt").unwrap_err().to_string();
        assert!(error.contains("fmt, tidy, clippy"), "{error}");
    }
}
