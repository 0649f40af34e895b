//! Work that waits for the disk, taken off the threads of async code.

use crate::error::ImageError;

/// Runs `work` where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(why) if why.is_panic() => std::panic::resume_unwind(why.into_panic()),
        // The runtime ends.
        Err(_) => Err(ImageError::GivenUp {
            what: "work on the disk".to_owned(),
        }),
    }
}
