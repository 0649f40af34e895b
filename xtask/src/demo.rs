//! The demo: real jobs through the binary, as a user would type them, each checked.

mod expectation;
mod jobs;
mod place;
mod pool;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use longshore_testkit::{load_demo_image, longshore_bin, temp_dir, unique_name, workspace_dir};

use crate::engine;
use crate::steps::{cargo, run_visible, say};
use expectation::Expectation;
use place::Place;

/// Which demo.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// Two workers, as on two machines, with one PostgreSQL; one of them is killed
    #[arg(long)]
    postgres: bool,
    /// On a private Docker Engine too where none answers: Debian's is installed if it is missing
    #[arg(long)]
    docker: bool,
}

/// Makes what is missing, runs the jobs and fails when one did something unexpected.
pub(crate) fn run_all(wish: &Wish) -> Result<()> {
    println!("── set-up: where jobs can run, images, the binary");
    let places = Place::all(wish)?;
    run_visible(&mut cargo(&[
        "build",
        "--package",
        "longshore",
        "--locked",
        "--quiet",
    ]))?;
    let mut differences = Vec::new();
    for place in &places {
        differences.extend(match place {
            Place::Docker(engine) if wish.postgres => {
                load_demo_image(engine)?;
                pool::run(engine)?
            }
            Place::Docker(_) | Place::Embedded { .. } => run_jobs(place)?,
        });
    }
    report(&differences, &places)
}

/// What the demo mounts, and the files of its jobs.
fn demo_dir() -> PathBuf {
    workspace_dir().join("xtask/demo")
}

/// Runs every job in one place and returns what differed from the expectations.
fn run_jobs(place: &Place) -> Result<Vec<String>> {
    println!("\n━━ {}", place.title());
    let images = place.images()?;
    let store = temp_dir();
    let volume = unique_name("demo-state");
    let mut differences = Vec::new();
    let mut steps = place.preparation(&images)?;
    steps.extend(jobs::all(&volume, &images)?);
    for expectation in steps {
        println!("\n── {}", expectation.title);
        let mut command = place.longshore(store.path());
        command.args(&expectation.arguments);
        println!("$ longshore {}", shell_line(&expectation.arguments));
        let seen = expectation::Seen::by_running(&mut command)?;
        seen.print();
        differences.extend(expectation.differences(&seen));
    }
    place.tidy_up(&volume)?;
    Ok(differences)
}

fn report(differences: &[String], places: &[Place]) -> Result<()> {
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
    for place in places {
        println!("  {}", place.title());
    }
    if let Some(ours) = engine::running()
        && places.iter().any(|place| place.is_on(&ours))
    {
        println!("the private engine still runs; to go on by hand:");
        println!("  export DOCKER_HOST={}", ours.docker_host());
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
