//! The binary: knows every room, wires them, and turns what comes of it into an exit code.

use std::process::ExitCode;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;

mod backstage;
mod executors;

use backstage::Local;
use executors::Kinds;

fn main() -> ExitCode {
    // A supervisor of one container has no thread, no runtime and no listener but its own.
    if let Some(code) = longshore_runtime::run_if_supervisor() {
        return code;
    }
    if let Some(code) = longshore_runtime::run_if_as_user() {
        return code;
    }
    listen();
    ExitCode::from(longshore_cli::main(
        std::env::args_os(),
        Arc::new(Local::new(Kinds::here())),
    ))
}

/// What longshore says of itself goes to stderr; `LONGSHORE_LOG` says how much. What `DockerService`
/// answers with a plain value, the command that asked tells in full.
fn listen() {
    let filter = EnvFilter::try_from_env("LONGSHORE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("longshore=warn,longshore_service=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
