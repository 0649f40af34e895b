//! Shells that ask for completions: the script that makes them ask, and the answer.

use std::ffi::OsString;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

use crate::args::Cli;
use crate::failure::Failure;

/// Variable by which a shell asks us to complete.
const ASKED_BY: &str = "LONGSHORE_COMPLETE";

/// Answers a shell that asks for completions; says whether one did.
pub(crate) fn answer(args: &[OsString]) -> bool {
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(Cli::command)
        .var(ASKED_BY)
        .try_complete(args, folder.as_deref())
        .unwrap_or(true)
}

/// The script that makes a shell ask.
pub(crate) fn script(shell: Shell) -> Result<Vec<u8>, Failure> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(&shell.to_string()) else {
        return Err(Failure::usage(format!("no completions for {shell}")));
    };
    completer.write_registration(ASKED_BY, "longshore", "longshore", "longshore", &mut script)?;
    Ok(script)
}
