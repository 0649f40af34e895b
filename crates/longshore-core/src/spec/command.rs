//! A command: the arguments that a container starts with. No shell is involved.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::text::InvalidValue;

const EXPECTING: &str = "a list of arguments, or one text that is split by shell-lexer rules";

/// Arguments as a program receives them.
///
/// A single text is split as Python's `shlex.split` does it: quotes and backslashes group,
/// variables and globs stay as they are, `#` starts no comment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Command(Vec<String>);

impl Command {
    /// The arguments, program first.
    pub fn argv(&self) -> &[String] {
        &self.0
    }

    /// Whether nothing was asked for, so that the image's own command runs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<String>> for Command {
    fn from(argv: Vec<String>) -> Self {
        Self(argv)
    }
}

impl From<Command> for Vec<String> {
    fn from(command: Command) -> Self {
        command.0
    }
}

impl<'a> FromIterator<&'a str> for Command {
    fn from_iter<I: IntoIterator<Item = &'a str>>(argv: I) -> Self {
        Self(argv.into_iter().map(str::to_owned).collect())
    }
}

impl FromStr for Command {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        split_without_comments(text).map(Self).ok_or_else(|| {
            InvalidValue::new(
                "command",
                text,
                "a quote is not closed or a backslash ends the text; close it, or give a list of arguments",
            )
        })
    }
}

/// `shlex` takes `#` at the start of a word for a comment; a stand-in character hides it.
fn split_without_comments(text: &str) -> Option<Vec<String>> {
    if !text.contains('#') {
        return shlex::split(text);
    }
    let stand_in = ('\u{E000}'..=char::MAX).find(|candidate| !text.contains(*candidate))?;
    let words = shlex::split(&text.replace('#', &stand_in.to_string()))?;
    Some(
        words
            .into_iter()
            .map(|word| word.replace(stand_in, "#"))
            .collect(),
    )
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.iter().map(String::as_str);
        let line = shlex::Quoter::new()
            .allow_nul(true)
            .join(words)
            .map_err(|_| fmt::Error)?;
        formatter.write_str(&line)
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(CommandVisitor)
    }
}

struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Command;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(EXPECTING)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Command, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, words: A) -> Result<Command, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(words)).map(Command)
    }
}

impl JsonSchema for Command {
    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": EXPECTING,
            "anyOf": [
                { "type": "array", "items": { "type": "string" } },
                { "type": "string" },
            ],
            "examples": [["sh", "-c", "echo hello"], "sh -c 'echo hello'"],
        })
    }
}
