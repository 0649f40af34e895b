//! The verdict: how an attempt ended, and how we know.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Outcome, UnknownWord};

/// How an end was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The engine reported the exit while we listened.
    Event,
    /// We asked the engine and it had ended.
    Inspect,
    /// A worker found it ended when it took the attempt over.
    Recovery,
    /// A call that was needed to run it failed for good.
    Call,
    /// Decided here: a limit passed or a wish came before anything ran.
    Decision,
    /// Another system said so when its history was imported.
    Import,
}

impl Provenance {
    /// The word in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Inspect => "inspect",
            Self::Recovery => "recovery",
            Self::Call => "call",
            Self::Decision => "decision",
            Self::Import => "import",
        }
    }
}

impl FromStr for Provenance {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [
            Self::Event,
            Self::Inspect,
            Self::Recovery,
            Self::Call,
            Self::Decision,
            Self::Import,
        ]
        .into_iter()
        .find(|provenance| provenance.word() == word)
        .ok_or_else(|| UnknownWord::new("provenance", word))
    }
}

/// How an attempt ended, and how we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// The main process's exit code, where one exists.
    pub exit_code: Option<i32>,
    /// The kernel killed something of it for lack of memory. Evidence, not the outcome.
    pub oom_killed: bool,
    /// How it was learnt.
    pub provenance: Provenance,
    /// When the container started, by the host's clock.
    pub started_at: Option<Timestamp>,
    /// When the container ended, by the host's clock.
    pub finished_at: Option<Timestamp>,
    /// What the engine or longshore said, for people.
    pub message: Option<String>,
}

impl Verdict {
    /// A verdict about something that never ran.
    pub fn without_run(outcome: Outcome, provenance: Provenance, message: Option<String>) -> Self {
        Self {
            outcome,
            exit_code: None,
            oom_killed: false,
            provenance,
            started_at: None,
            finished_at: None,
            message,
        }
    }
}
