//! A supervisor and nothing else, for tests: the binary of longshore is one too.

use std::process::ExitCode;

fn main() -> ExitCode {
    longshore_runtime::run_if_supervisor().unwrap_or(ExitCode::FAILURE)
}
