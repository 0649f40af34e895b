//! What errors of the two rooms below mean for a job.

use std::io;

use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;
use longshore_image::ImageError;
use longshore_runtime::RuntimeError;

/// An error of the runtime; `tried` is a verb with its object.
pub(crate) fn of_runtime(tried: &str, why: RuntimeError) -> ExecutorError {
    let fault = match &why {
        RuntimeError::NotRoot => Fault::Unsupported,
        RuntimeError::Absent(_) => Fault::Conflict,
        RuntimeError::File { source, .. } if is_full(source) => Fault::Resources,
        RuntimeError::Name(_)
        | RuntimeError::File { .. }
        | RuntimeError::Record { .. }
        | RuntimeError::Cgroup { .. }
        | RuntimeError::Supervisor { .. } => Fault::Internal,
        RuntimeError::Refused(refused) => Fault::StartRefused(refused.code),
        RuntimeError::TimedOut { .. } => Fault::TimedOut,
    };
    ExecutorError::new(fault, format!("cannot {tried}")).with_source(why)
}

/// An error of the images.
pub(crate) fn of_images(tried: &str, why: ImageError) -> ExecutorError {
    ExecutorError::new(why.fault(), format!("cannot {tried}")).with_source(why)
}

/// An error of a file of ours.
pub(crate) fn of_file(tried: &str, why: io::Error) -> ExecutorError {
    let fault = if is_full(&why) {
        Fault::Resources
    } else {
        Fault::Internal
    };
    ExecutorError::new(fault, format!("cannot {tried}")).with_source(why)
}

fn is_full(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
