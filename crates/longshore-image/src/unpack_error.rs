//! Why a layer was not unpacked.

use std::io;

use crate::digest::Digest;

/// Why a layer was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A path, a link or a device that could reach out of the layer, or forge another one.
    #[error("{path} must not be in a layer: {why}")]
    Unsafe {
        /// As the layer names it.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More than a layer may have.
    #[error("it has more than {most} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// What is allowed.
        most: u64,
    },
    /// The bytes are no layer.
    #[error("the archive is broken")]
    Broken(#[source] io::Error),
    /// The content is not what the image's configuration names.
    #[error("its content has the digest {actual}")]
    DiffId {
        /// The digest of the bytes, not compressed.
        actual: Digest,
    },
    /// The disk failed, or rights are missing.
    #[error("cannot {tried} {path}")]
    Io {
        /// What was tried.
        tried: &'static str,
        /// The path in the layer.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody wants it any more.
    #[error("it was given up")]
    GivenUp,
}

impl UnpackError {
    /// Is there no room?
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_no_room(source),
            Self::Unsafe { .. }
            | Self::TooLarge { .. }
            | Self::Broken(_)
            | Self::DiffId { .. }
            | Self::GivenUp => false,
        }
    }
}

/// Does the system say that there is no room?
pub(crate) fn is_no_room(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
