//! Environment variables and the one text format of templates and env-files.
//!
//! A line is `NAME=value`; name and value are trimmed; quotes, `#` behind a value, `export` and
//! `$VAR` are literal; empty lines and lines that start with `#` are nothing; the last of several
//! lines with one name wins.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::JobSpec;
use super::text::{InvalidValue, text_value};

/// Name of an environment variable: not empty, no `=`, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvName(String);

text_value!(EnvName, Text, "the name of an environment variable", "LANG");

impl EnvName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hint = if text.is_empty() {
            "the name is missing; use NAME=value"
        } else if text.contains(['=', '\0']) {
            "a name has neither `=` nor NUL; use NAME=value"
        } else {
            return Ok(Self(text.to_owned()));
        };
        // What follows an `=` may be a secret.
        let shown = text.split_once('=').map_or(text, |(name, _)| name);
        Err(InvalidValue::new("environment variable name", shown, hint))
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A parsed environment text. Its `Debug` form shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EnvText {
    variables: BTreeMap<EnvName, String>,
    skipped: Vec<SkippedLine>,
}

/// A line without `=`: nothing in a template; in an env-file of Docker, a variable to be taken from
/// the caller's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedLine {
    /// Number of the line, from 1.
    pub number: usize,
    /// The trimmed line.
    pub text: String,
}

/// Why an environment text is refused. Values are never repeated: they may be secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvTextError {
    /// Nothing stands before the `=`.
    #[error("line {line} of the environment text has no name before `=`: use NAME=value")]
    NoName {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A NUL byte, which no environment can hold.
    #[error("line {line} of the environment text contains a NUL byte: remove it")]
    Nul {
        /// Number of the line, from 1.
        line: usize,
    },
}

impl EnvText {
    /// Reads a template or an env-file.
    ///
    /// # Errors
    /// When a line has no name before its `=`, or holds a NUL byte.
    pub fn parse(text: &str) -> Result<Self, EnvTextError> {
        let mut parsed = Self::default();
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        for (index, line) in text.split('\n').enumerate() {
            parsed.read_line(index + 1, line.trim())?;
        }
        Ok(parsed)
    }

    fn read_line(&mut self, number: usize, line: &str) -> Result<(), EnvTextError> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains('\0') {
            return Err(EnvTextError::Nul { line: number });
        }
        let Some((name, value)) = line.split_once('=') else {
            self.skipped.push(SkippedLine {
                number,
                text: line.to_owned(),
            });
            return Ok(());
        };
        let name = name
            .trim()
            .parse()
            .map_err(|_| EnvTextError::NoName { line: number })?;
        self.variables.insert(name, value.trim().to_owned());
        Ok(())
    }

    /// The variables.
    pub fn variables(&self) -> &BTreeMap<EnvName, String> {
        &self.variables
    }

    /// Lines without `=`, so that the caller can warn or fill them in.
    pub fn skipped(&self) -> &[SkippedLine] {
        &self.skipped
    }
}

impl fmt::Debug for EnvText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EnvText")
            .field("names", &self.variables.keys().collect::<Vec<_>>())
            .field("skipped", &self.skipped)
            .finish()
    }
}

impl JobSpec {
    /// Which of `env_template` and `env_file` still name something that is to be read first.
    pub fn unresolved(&self) -> Vec<&'static str> {
        let template = self.env_template.as_ref().map(|_| "env_template");
        let files = (!self.env_file.is_empty()).then_some("env_file");
        template.into_iter().chain(files).collect()
    }

    /// Puts what `env_template` and `env_file` named below `env`, and clears both.
    ///
    /// Precedence: template, then each file in order, then `env`, which is strongest.
    pub fn resolve_environment(&mut self, template: Option<&EnvText>, files: &[EnvText]) {
        let own = std::mem::take(&mut self.env);
        self.env = template
            .into_iter()
            .chain(files)
            .flat_map(|text| text.variables.clone())
            .chain(own)
            .collect();
        self.env_template = None;
        self.env_file.clear();
    }
}
