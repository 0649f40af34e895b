//! What a command of the demo should do, and what it did.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// A command and what it should do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expectation {
    /// What is shown, for people.
    pub(crate) title: &'static str,
    /// What follows `longshore`.
    pub(crate) arguments: Vec<String>,
    /// The exit code.
    pub(crate) exit_code: i32,
    /// Texts that stdout must hold.
    pub(crate) stdout: Vec<String>,
    /// Texts that stderr must hold.
    pub(crate) stderr: Vec<String>,
}

/// What a command did.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    exit_code: Option<i32>,
    stdout: String,
    stderr: String,
    time: Duration,
}

impl Expectation {
    /// A command that should succeed; `words` are what follows `longshore`, apart by blanks.
    pub(crate) fn new(title: &'static str, words: &str) -> Self {
        Self {
            title,
            ..Self::default()
        }
        .words(words)
    }

    /// More words.
    #[must_use]
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.arguments
            .extend(words.split_whitespace().map(str::to_owned));
        self
    }

    /// One more word, blanks and all.
    #[must_use]
    pub(crate) fn word(mut self, word: &str) -> Self {
        self.arguments.push(word.to_owned());
        self
    }

    /// The exit code is this instead of 0.
    #[must_use]
    pub(crate) fn exits(mut self, exit_code: i32) -> Self {
        self.exit_code = exit_code;
        self
    }

    /// stdout holds `text`.
    #[must_use]
    pub(crate) fn prints(mut self, text: impl Into<String>) -> Self {
        self.stdout.push(text.into());
        self
    }

    /// stderr holds `text`.
    #[must_use]
    pub(crate) fn complains(mut self, text: impl Into<String>) -> Self {
        self.stderr.push(text.into());
        self
    }

    /// What was not as it should be, one sentence each.
    pub(crate) fn differences(&self, seen: &Seen) -> Vec<String> {
        let mut differences = Vec::new();
        if seen.exit_code != Some(self.exit_code) {
            differences.push(format!(
                "{}: the exit code should be {}, it is {:?}",
                self.title, self.exit_code, seen.exit_code
            ));
        }
        let streams = [
            ("stdout", &self.stdout, &seen.stdout),
            ("stderr", &self.stderr, &seen.stderr),
        ];
        for (stream, texts, printed) in streams {
            let missing = texts.iter().filter(|text| !printed.contains(*text));
            let sentence = |text| format!("{}: {stream} should hold {text:?}", self.title);
            differences.extend(missing.map(sentence));
        }
        differences
    }
}

impl Seen {
    /// Runs `command` to its end.
    pub(crate) fn by_running(command: &mut Command) -> Result<Self> {
        let started = Instant::now();
        let output = command
            .output()
            .with_context(|| format!("could not run {command:?}"))?;
        Ok(Self {
            exit_code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            time: started.elapsed(),
        })
    }

    /// Prints both streams, stderr marked, and the end.
    pub(crate) fn print(&self) {
        for line in self.stdout.lines() {
            println!("{line}");
        }
        for line in self.stderr.lines() {
            println!("(stderr) {line}");
        }
        let end = self
            .exit_code
            .map_or_else(|| "signal".to_owned(), |code| format!("exit {code}"));
        println!("→ {end} after {:.1} s", self.time.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(expectation: &Expectation) -> Vec<String> {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 7"]);
        expectation.differences(&Seen::by_running(&mut command).unwrap())
    }

    #[test]
    fn what_is_as_expected_is_no_difference() {
        let expected = Expectation::new("t", "")
            .exits(7)
            .prints("out")
            .complains("err");
        assert_eq!(differences(&expected), [""; 0]);
    }

    #[test]
    fn each_difference_is_told() {
        let expected = Expectation::new("t", "").prints("err").complains("out");
        let told = differences(&expected);
        assert_eq!(told.len(), 3);
        assert_eq!(told[0], "t: the exit code should be 0, it is Some(7)");
        assert_eq!(told[1], "t: stdout should hold \"err\"");
    }
}
