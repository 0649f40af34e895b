//! What may become of a call, before it is decided whose fault it is.

use std::time::Duration;

use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// In words, to follow "cannot".
    pub(crate) tried: String,
    /// The engine's address.
    pub(crate) place: String,
    /// What happened.
    pub(crate) cause: Cause,
}

/// What happened to a call.
#[derive(Debug)]
pub(crate) enum Cause {
    /// No line could be opened: the call has had no effect.
    Unreachable(String),
    /// The line broke: the call may have had its effect.
    Broken(String),
    /// No answer in time: the call may have had its effect, or have it later.
    TimedOut(Duration),
    /// The engine said no.
    Refused {
        /// HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// The engine's answer cannot be read.
    Garbled(String),
    /// Something answers, but no engine that we can speak to.
    NoEngine(String),
}

impl Failure {
    /// As a failure of the first words with a host: what is no HTTP there is no engine.
    pub(crate) fn of_first_words(self) -> Self {
        match self.cause {
            Cause::Garbled(why) => Self {
                cause: Cause::NoEngine(why),
                ..self
            },
            Cause::Unreachable(_)
            | Cause::Broken(_)
            | Cause::TimedOut(_)
            | Cause::Refused { .. }
            | Cause::NoEngine(_) => self,
        }
    }

    /// The status of a refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self.cause {
            Cause::Refused { status, .. } => Some(status),
            Cause::Unreachable(_)
            | Cause::Broken(_)
            | Cause::TimedOut(_)
            | Cause::Garbled(_)
            | Cause::NoEngine(_) => None,
        }
    }

    /// The engine's words, if it said any.
    pub(crate) fn said(&self) -> &str {
        match &self.cause {
            Cause::Refused { message, .. } => message,
            Cause::Unreachable(_)
            | Cause::Broken(_)
            | Cause::TimedOut(_)
            | Cause::Garbled(_)
            | Cause::NoEngine(_) => "",
        }
    }

    /// Whether the call may have had its effect though no answer came.
    pub(crate) fn is_ambiguous(&self) -> bool {
        match self.cause {
            Cause::Broken(_) | Cause::TimedOut(_) | Cause::Garbled(_) => true,
            Cause::Unreachable(_) | Cause::Refused { .. } | Cause::NoEngine(_) => false,
        }
    }

    /// As an error of this kind.
    pub(crate) fn as_fault(&self, fault: Fault) -> ExecutorError {
        ExecutorError::new(fault, self.sentence())
    }

    fn sentence(&self) -> String {
        let Self {
            tried,
            place,
            cause,
        } = self;
        match cause {
            Cause::Unreachable(why) => {
                format!("cannot {tried}: no connection to the engine at {place}: {why}")
            }
            Cause::Broken(why) => {
                format!("cannot {tried}: the connection to the engine at {place} broke: {why}")
            }
            Cause::TimedOut(limit) => {
                format!("cannot {tried}: no answer from the engine at {place} within {limit:?}")
            }
            // An error within an answer that began well has a status of its own no more.
            Cause::Refused {
                status: 200,
                message,
            } => {
                format!("cannot {tried}: the engine at {place} said: {message}")
            }
            Cause::Refused { status, message } => {
                format!("cannot {tried}: the engine at {place} said: {message} (status {status})")
            }
            Cause::Garbled(why) => {
                format!("cannot {tried}: the answer of the engine at {place} is unreadable: {why}")
            }
            Cause::NoEngine(why) => {
                format!("cannot {tried}: at {place} is no Docker Engine that can be used: {why}")
            }
        }
    }
}
