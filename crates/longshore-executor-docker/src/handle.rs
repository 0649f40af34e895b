//! The handle of a container: its full id.

use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_executor::ExecutorError;

const HANDLE_VERSION: u16 = 1;

/// The handle of a container: its full id.
pub fn handle(id: String) -> Handle {
    Handle {
        version: HANDLE_VERSION,
        content: id,
    }
}

/// The id in a handle.
pub(crate) fn container_id(handle: &Handle) -> Result<&str, ExecutorError> {
    let is_id = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if handle.version == HANDLE_VERSION && is_id(&handle.content) {
        return Ok(&handle.content);
    }
    Err(ExecutorError::new(
        Fault::Internal,
        format!(
            "the handle `{}` was not made by this executor",
            handle.content
        ),
    ))
}
