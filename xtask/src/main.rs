//! Chores of the project, run as `cargo xtask CHORE`.
//!
//! Each chore makes what it needs and says what it installs and why.
#![expect(
    clippy::print_stdout,
    reason = "chores talk to the people who run them"
)]

mod engine;
mod packages;
mod steps;

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
    /// The container engine that tests share
    #[command(subcommand)]
    Engine(engine::Wish),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Engine(wish) => engine::run(wish),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
