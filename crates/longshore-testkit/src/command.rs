//! Running outside programs: output on success, the whole story on failure.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command` to its end and returns its stdout.
///
/// # Errors
/// When the program is missing or ends with anything but 0; the text holds the command line, the
/// exit status and what it wrote to stderr.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("could not run {command:?}"))?;
    text_of(command, &output)
}

/// As [`run`], with the file at `stdin` as the program's input.
///
/// # Errors
/// As [`run`]; also when the file cannot be opened.
pub fn feed(command: &mut Command, stdin: &Path) -> Result<String> {
    let file = File::open(stdin).with_context(|| format!("could not open {}", stdin.display()))?;
    run(command.stdin(file))
}

/// As [`run`], with `input` as the program's input. The input must be small (below a pipe's
/// buffer), or a program that talks before it listens would block.
pub(crate) fn feed_text(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not run {command:?}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    text_of(command, &output)
}

fn text_of(command: &Command, output: &Output) -> Result<String> {
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{command:?} ended with {}: {}",
            output.status,
            stderr.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_with_its_stderr() {
        let error = run(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
        assert!(error.to_string().contains('3'), "{error}");
    }

    #[test]
    fn text_that_is_fed_comes_back() {
        assert_eq!(feed_text(&mut Command::new("cat"), "abc").unwrap(), "abc");
    }
}
