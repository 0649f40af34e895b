//! Steps of a chore: a header each, timed, and a summary at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Prints a line about what is done.
pub(crate) fn say(line: &str) {
    println!("    {line}");
}

/// One step of a chore.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// What one types after `cargo xtask ci` to run it alone.
    pub(crate) name: &'static str,
    /// What it does, for its header.
    pub(crate) does: &'static str,
    /// The step itself.
    pub(crate) run: fn() -> Result<()>,
}

/// Runs the steps in order until one fails, and prints how long each took.
pub(crate) fn run_all(steps: &[Step]) -> Result<()> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut failed = None;
    for step in steps {
        let started = Instant::now();
        let outcome = run_one(step);
        times.push((step.name, started.elapsed()));
        if let Err(error) = outcome {
            failed = Some((step.name, error));
            break;
        }
    }
    println!();
    for (name, time) in &times {
        let failed = failed.as_ref().is_some_and(|(failed, _)| failed == name);
        let verdict = if failed { "FAILED" } else { "ok" };
        println!("{verdict:>6}  {:>7.1} s  {name}", time.as_secs_f64());
    }
    match failed {
        None => Ok(()),
        Some((name, error)) => Err(error.context(format!(
            "step {name} failed; alone: `cargo xtask ci {name}`"
        ))),
    }
}

/// Runs one step below its header.
pub(crate) fn run_one(step: &Step) -> Result<()> {
    println!("── {}: {}", step.name, step.does);
    std::io::stdout().flush()?;
    (step.run)()
}

/// Cargo, without a progress bar where nobody watches one.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(longshore_testkit::workspace_dir());
    if std::env::var_os("CI").is_some() {
        command.env("CARGO_TERM_PROGRESS_WHEN", "never");
    }
    command
}

/// Runs a command that talks to the terminal itself.
pub(crate) fn run_visible(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not run {command:?}"))?;
    if !status.success() {
        bail!("{} ended with {status}", line_of(command));
    }
    Ok(())
}

/// As [`run_visible`]; every line of stdout (of stderr, if `stream` says so) is also shown to
/// `read`.
pub(crate) fn run_read(
    command: &mut Command,
    stream: Stream,
    mut read: impl FnMut(&str),
) -> Result<()> {
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command
        .spawn()
        .with_context(|| format!("could not run {command:?}"))?;
    let stdout = child
        .stdout
        .take()
        .map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>);
    let stderr = child
        .stderr
        .take()
        .map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>);
    for line in stdout
        .or(stderr)
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufRead::lines)
    {
        let line = line?;
        println!("{line}");
        read(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{} ended with {status}", line_of(command));
    }
    Ok(())
}

/// One of a program's outputs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The command as one would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name();
    let words = program.into_iter().chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
