//! Why an image could not be brought, stored or unpacked.

use std::io;
use std::path::{Path, PathBuf};

use longshore_core::fault::{Fault, PullFault};

use crate::digest::Digest;
use crate::unpack_error::{UnpackError, is_no_room};

/// Why an image is not there. `what` and `image` name the object in the words of a user.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The registry, the archive or the layout has no such image.
    #[error("there is no image {image}: {said}")]
    NotFound {
        /// The image.
        image: String,
        /// What the registry said.
        said: String,
    },
    /// The registry refuses these credentials, or the lack of them.
    #[error("access to {image} is denied: {said}")]
    Denied {
        /// The image.
        image: String,
        /// What the registry said.
        said: String,
    },
    /// The registry asks to come back later.
    #[error("the registry limits the rate of pulls, {image} must wait: {said}")]
    RateLimited {
        /// The image.
        image: String,
        /// What the registry said.
        said: String,
    },
    /// The registry cannot be reached, broke off, or answers with an error of its own.
    #[error("the registry failed to deliver {what}: {said}")]
    Network {
        /// The image or the blob.
        what: String,
        /// What was met.
        said: String,
    },
    /// A limit of the caller has passed.
    #[error("cannot pull {image}: {why}")]
    TimedOut {
        /// The image.
        image: String,
        /// Which limit.
        why: String,
    },
    /// There is no image for the wanted platform.
    #[error("{image} has nothing for {wanted}; it has {offered}")]
    WrongPlatform {
        /// The image.
        image: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        offered: String,
    },
    /// Bytes are not those that were named.
    #[error("{what} is not what was named: expected {expected}, the bytes have {actual}")]
    DigestMismatch {
        /// The blob.
        what: String,
        /// By which digest it was named.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// A document or an archive cannot be read.
    #[error("{what} cannot be read: {why}")]
    Malformed {
        /// The document or archive.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A layer cannot be unpacked, or must not be.
    #[error("layer {layer} cannot be unpacked")]
    Layer {
        /// Its diff id.
        layer: Digest,
        /// Why.
        source: UnpackError,
    },
    /// There is no room.
    #[error("no room on the disk to {tried} {}", .path.display())]
    DiskFull {
        /// What was tried.
        tried: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The disk failed, or rights are missing.
    #[error("cannot {tried} {}", .path.display())]
    Io {
        /// What was tried.
        tried: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificates, the protocol or the credentials of a registry cannot be used.
    #[error("the settings for {registry} cannot be used: {why}")]
    Settings {
        /// The registry.
        registry: String,
        /// What is wrong with them.
        why: String,
    },
    /// A hold was asked for an image that has been removed meanwhile.
    #[error("{image} is not in the store any more")]
    Gone {
        /// The image.
        image: String,
    },
    /// Nobody wants it any more.
    #[error("{what} was given up, since nobody waits for it")]
    GivenUp {
        /// What was under way.
        what: String,
    },
}

impl ImageError {
    /// What it means for the job that needs the image.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotFound { .. } | Self::Gone { .. } => Fault::ImageNotFound,
            Self::Denied { .. } => Fault::ImageDenied,
            Self::RateLimited { .. } => Fault::ImagePull(PullFault::RateLimited),
            Self::Network { .. } => Fault::ImagePull(PullFault::RegistryDown),
            Self::TimedOut { .. } => Fault::ImagePull(PullFault::TimedOut),
            Self::WrongPlatform { .. } => Fault::ImagePull(PullFault::WrongPlatform),
            Self::DiskFull { .. } => Fault::ImagePull(PullFault::DiskFull),
            Self::Layer { source, .. } if source.is_disk_full() => {
                Fault::ImagePull(PullFault::DiskFull)
            }
            Self::DigestMismatch { .. }
            | Self::Malformed { .. }
            | Self::Layer { .. }
            | Self::GivenUp { .. } => Fault::ImagePull(PullFault::Other),
            Self::Io { .. } => Fault::Internal,
            Self::Settings { .. } => Fault::Configuration,
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have texts, errors and names, owned and borrowed"
    )]
    pub(crate) fn malformed(what: impl ToString, why: impl ToString) -> Self {
        Self::Malformed {
            what: what.to_string(),
            why: why.to_string(),
        }
    }
}

/// Names what was tried when the system refuses.
pub(crate) trait Tried<T> {
    /// As in "cannot `tried` `path`".
    fn tried(self, tried: &'static str, path: impl AsRef<Path>) -> Result<T, ImageError>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, tried: &'static str, path: impl AsRef<Path>) -> Result<T, ImageError> {
        self.map_err(|why| {
            let (source, path) = (why.into(), path.as_ref().to_path_buf());
            if is_no_room(&source) {
                return ImageError::DiskFull { tried, path };
            }
            ImageError::Io {
                tried,
                path,
                source,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_one_that_fails() {
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        let why = full
            .write_all(b"x")
            .tried("write", "/store/blob")
            .unwrap_err();
        assert_eq!(why.fault(), Fault::ImagePull(PullFault::DiskFull));
        let why = File::open("/nonexistent")
            .tried("open", "/nonexistent")
            .unwrap_err();
        assert_eq!(why.fault(), Fault::Internal);
    }
}
