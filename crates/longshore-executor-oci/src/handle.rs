//! A container's id: 64 hexadecimal digits as an engine gives them, the first half random, the second
//! half the attempt's, so that the id alone leads to the container's name.

use std::fmt;

use longshore_core::AttemptId;
use longshore_core::fault::Fault;
use longshore_core::launch::{Handle, container_name};
use longshore_executor::ExecutorError;
use uuid::Uuid;

const HANDLE_VERSION: u16 = 1;
/// So many digits are shown where there is little room.
const SHORT: usize = 12;

/// The id of one container; one that is made again under the same name has another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContainerId {
    text: String,
    attempt: AttemptId,
}

impl ContainerId {
    /// A new one for a container of this attempt.
    pub(crate) fn new(attempt: AttemptId) -> Self {
        let text = format!("{}{}", Uuid::new_v4().simple(), attempt.uuid().simple());
        Self { text, attempt }
    }

    /// Reads an id.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_hex) {
            return None;
        }
        let attempt = AttemptId::new(Uuid::try_parse(&text[32..]).ok()?);
        Some(Self {
            text: text.to_owned(),
            attempt,
        })
    }

    /// The id in a handle.
    pub(crate) fn of(handle: &Handle) -> Result<Self, ExecutorError> {
        let id = Self::parse(&handle.content).filter(|_| handle.version == HANDLE_VERSION);
        id.ok_or_else(|| {
            let text = format!(
                "the handle `{}` was not made by this executor",
                handle.content
            );
            ExecutorError::new(Fault::Internal, text)
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// As engines call a container that nobody gave a host name.
    pub(crate) fn short(&self) -> &str {
        &self.text[..SHORT]
    }

    /// The name of its container.
    pub(crate) fn name(&self) -> String {
        container_name(self.attempt)
    }

    pub(crate) fn handle(&self) -> Handle {
        handle(&self.text)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The handle of the container with this id.
pub(crate) fn handle(id: &str) -> Handle {
    Handle {
        version: HANDLE_VERSION,
        content: id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_the_name_of_its_attempt_and_is_never_used_again() {
        let attempt = AttemptId::new(Uuid::now_v7());
        let (one, other) = (ContainerId::new(attempt), ContainerId::new(attempt));
        assert_ne!(one, other);
        assert_eq!(one.name(), container_name(attempt));
        assert_eq!(ContainerId::of(&one.handle()).unwrap(), one);
    }

    #[test]
    fn what_is_no_id_leads_nowhere() {
        for text in ["", "../../etc", &"g".repeat(64), &"A".repeat(64)] {
            assert_eq!(ContainerId::parse(text), None, "{text}");
        }
    }
}
