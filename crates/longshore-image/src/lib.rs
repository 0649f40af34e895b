//! OCI images on disk: pulled from registries, imported from archives, unpacked, collected.
//!
//! [`ImageStore`] is the folder that has them, [`Puller`] brings them from registries, [`import`]
//! from files. An image in the store is a list of folders that overlayfs takes as lower ones.
//! Nothing here mounts or runs anything.

mod assemble;
mod decompress;
mod digest;
mod document;
mod error;
mod fetch;
mod import;
mod platform;
mod progress;
mod pull;
mod refusal;
mod registry;
mod store;
mod tar_extra;
mod tar_stream;
mod unpack;
mod unpack_error;
mod waiting;

pub use digest::{Digest, InvalidDigest};
pub use error::ImageError;
pub use import::{ImportRequest, import};
pub use platform::host_platform;
pub use pull::{PullRequest, Puller};
pub use registry::RegistryOptions;
pub use store::{Collected, ImageStore, StoredImage};
pub use unpack::UnpackLimits;
pub use unpack_error::UnpackError;
