//! The door for people: commands, their words, their exit codes.
//!
//! Flow: arguments → one command → the store (a wish, or a reading) → lines. Engine and executors
//! are behind [`Backstage`].

use std::ffi::OsString;
use std::io::Write;
use std::num::NonZero;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

#[expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts, and clap shows backticks"
)]
mod args;
mod backstage;
mod commands;
mod completion;
mod console;
mod dockerisms;
mod draft;
mod exit_code;
mod failure;
mod interrupts;
mod moments;
mod render;
mod session;
mod shells;
mod surroundings;
#[cfg(test)]
mod tests;
mod whereabouts;

pub use backstage::{
    Backstage, Cleanup, DefaultHost, Fate, Leftover, OnJobPull, OnPull, OnWait, PullWish, Stop,
    Told, Trouble, WorkerOptions,
};

use args::{Cli, Command};
use exit_code::Manner;
use failure::Failure;
use session::Session;

/// Runs one command line, the program's name first, and says with which code to exit.
///
/// Makes its own runtime; not to be called inside of one.
pub fn main(args: impl IntoIterator<Item = OsString>, backstage: Arc<dyn Backstage>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if shells::answer(&args) {
        return exit_code::SUCCESS;
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &args),
    };
    if speaks_to_hosts(&cli.command) {
        backstage.before_threads();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads())
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = clap::Error::raw(ErrorKind::Io, format!("no runtime: {error}\n")).print();
            return exit_code::FAILURE;
        }
    };
    let code = runtime.block_on(run(cli, backstage));
    // A read of standard input or a file may still hang in a thread of its own.
    runtime.shutdown_background();
    code
}

/// Threads that move jobs, beside those that wait for disks and databases: with more of them than there
/// is to do, each event wakes two.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (cores / 2).clamp(1, 8)
}

async fn run(cli: Cli, backstage: Arc<dyn Backstage>) -> u8 {
    let manner = manner(&cli.command);
    let session = Session::new(cli.global, backstage);
    match commands::run(&session, cli.command).await {
        Ok(code) => code,
        Err(failure) => {
            tell(&session, &failure);
            exit_code::of_failure(&failure, manner)
        }
    }
}

fn tell(session: &Session, failure: &Failure) {
    failure
        .lines()
        .for_each(|line| session.console.complain(&line));
}

/// Or tells what they can do. All others read and write the store alone.
fn speaks_to_hosts(command: &Command) -> bool {
    match command {
        Command::Run(_)
        | Command::Submit(_)
        | Command::Worker(_)
        | Command::Schedule(_)
        | Command::Hosts(_)
        | Command::Images(_)
        | Command::Doctor(_)
        | Command::Explain(_)
        | Command::Cleanup(_)
        | Command::Docker(_) => true,
        Command::Jobs(_)
        | Command::Inspect(_)
        | Command::Logs(_)
        | Command::Wait(_)
        | Command::Cancel(_)
        | Command::Retry(_)
        | Command::Events(_)
        | Command::Queue { .. }
        | Command::Templates(_)
        | Command::Policy(_)
        | Command::Import(_)
        | Command::Completions(_)
        | Command::Schema
        | Command::Help(_) => false,
    }
}

fn manner(command: &Command) -> Manner {
    match command {
        Command::Run(_) => Manner::Run,
        Command::Submit(_)
        | Command::Jobs(_)
        | Command::Inspect(_)
        | Command::Explain(_)
        | Command::Logs(_)
        | Command::Wait(_)
        | Command::Cancel(_)
        | Command::Retry(_)
        | Command::Events(_)
        | Command::Queue { .. }
        | Command::Schedule(_)
        | Command::Worker(_)
        | Command::Hosts(_)
        | Command::Images(_)
        | Command::Templates(_)
        | Command::Policy(_)
        | Command::Doctor(_)
        | Command::Cleanup(_)
        | Command::Docker(_)
        | Command::Import(_)
        | Command::Completions(_)
        | Command::Schema
        | Command::Help(_) => Manner::Plain,
    }
}

/// What clap refuses, and what it prints because somebody asked for it.
fn refuse(error: &clap::Error, args: &[OsString]) -> u8 {
    let _ = match dockerisms::advice(error) {
        Some(advice) => std::io::stderr().write_all(advice.as_bytes()),
        None => error.print(),
    };
    if !error.use_stderr() {
        return exit_code::SUCCESS;
    }
    let is_run = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(args)
        .is_ok_and(|matches| matches.subcommand_name() == Some("run"));
    if is_run {
        exit_code::NOT_RUN
    } else {
        exit_code::USAGE
    }
}
