//! Chores of the project, run as `cargo xtask CHORE`.
//!
//! Each chore makes what it needs and says what it installs and why.
#![expect(
    clippy::print_stdout,
    reason = "chores talk to the people who run them"
)]

mod bench;
mod chaos;
mod ci;
mod coverage;
mod demo;
mod deny;
mod engine;
mod generated;
mod guest;
mod packages;
mod postgres;
mod steps;
mod tally;
mod tidy;
mod wish;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "Chores of the project",
    bin_name = "cargo xtask"
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Make what is missing, run real jobs and show what they did
    Demo(demo::Wish),
    /// Make what is missing and run everything that is checked before a change is taken
    Test,
    /// Run one step of `test`
    Ci {
        /// Its name
        step: String,
    },
    /// Run the tests and show which lines of the product they run
    Coverage(coverage::Wish),
    /// Check the rules that no compiler knows
    Tidy,
    /// Check licences and sources of dependencies with cargo-deny
    Deny,
    /// Write the files that the binary prints
    Generate,
    /// Measure; what comes after the name goes to the benchmarks
    Bench {
        /// Arguments of the benchmarks
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run jobs with known ends through random trouble; what comes after the name goes to the storms
    Chaos {
        /// Arguments of the storms, such as --jobs 500 --seed 7
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run containers without an engine in a guest machine with control groups of version 2
    Guest(guest::Wish),
    /// The container engine that tests share
    #[command(subcommand)]
    Engine(wish::Wish),
    /// The database server that tests share
    #[command(subcommand)]
    Postgres(wish::Wish),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Demo(wish) => demo::run_all(&wish),
        Chore::Test => ci::test(),
        Chore::Ci { step } => ci::step(&step),
        Chore::Coverage(wish) => coverage::run(&wish),
        Chore::Tidy => tidy::run(),
        Chore::Deny => deny::check(),
        Chore::Generate => generated::write(),
        Chore::Bench { arguments } => bench::run(&arguments),
        Chore::Chaos { arguments } => chaos::run(&arguments),
        Chore::Guest(wish) => guest::run(&wish),
        Chore::Engine(wish) => engine::run(wish),
        Chore::Postgres(wish) => postgres::run(wish),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
