//! The error of every executor call: one classification, one sentence, the source kept.

use longshore_core::fault::Fault;

use crate::BoxedSource;

/// A failed executor call.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExecutorError {
    fault: Fault,
    message: String,
    #[source]
    source: Option<BoxedSource>,
}

impl ExecutorError {
    /// An error of this kind; `message` says what was tried and what the engine said.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
            source: None,
        }
    }

    /// Keeps the error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxedSource>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whose fault, and whether another try makes sense.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}
