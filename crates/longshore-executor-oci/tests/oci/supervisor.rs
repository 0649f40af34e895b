//! The program that tests of this crate execute as supervisor, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    longshore_runtime::run_if_supervisor().unwrap_or(ExitCode::FAILURE)
}
