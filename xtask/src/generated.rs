//! Files in the repository that the binary itself writes.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};
use longshore_testkit::{longshore_bin, run, workspace_dir};

use crate::steps::say;

/// A file and the arguments with which the binary prints it.
const FILES: &[(&str, &[&str])] = &[("docs/job.schema.json", &["schema"])];

/// Fails when a file differs from what the binary prints.
pub(crate) fn check() -> Result<()> {
    for (path, arguments) in FILES {
        let kept = fs::read_to_string(workspace_dir().join(path)).unwrap_or_default();
        if kept != print(arguments)? {
            bail!("{path} is not what the code makes: run `cargo xtask generate`");
        }
    }
    Ok(())
}

/// Writes all files anew.
pub(crate) fn write() -> Result<()> {
    for (path, arguments) in FILES {
        fs::write(workspace_dir().join(path), print(arguments)?)?;
        say(&format!("written: {path}"));
    }
    Ok(())
}

fn print(arguments: &[&str]) -> Result<String> {
    run(Command::new(longshore_bin()).args(arguments))
}
