//! Why something could not be done with a container.

use std::io;
use std::path::{Path, PathBuf};

use crate::Refused;
pub use crate::cgroup::CgroupError;

/// Why something could not be done with a container.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Containers need rights that this process does not have.
    #[error(
        "containers without an engine need root, or a user namespace; use the socket of Docker or Podman"
    )]
    NotRoot,
    /// A name that cannot be that of a folder and a control group.
    #[error("{0:?} cannot be the name of a container: letters, digits and `-` can, up to 100")]
    Name(String),
    /// There is no such container.
    #[error("there is no container {0}")]
    Absent(String),
    /// A file or folder could not be used.
    #[error("cannot {tried} {path}")]
    File {
        /// What was tried, as a verb.
        tried: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What a file says cannot be understood.
    #[error("{path} cannot be understood")]
    Record {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// The control group of a container could not be read or removed.
    #[error("the control group of {name} is in the way")]
    Cgroup {
        /// The container.
        name: String,
        /// What was met.
        source: CgroupError,
    },
    /// The container cannot run; nothing of it ran.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// The supervisor could not be started, or did not answer as one.
    #[error("the supervisor of {name} {said}")]
    Supervisor {
        /// The container.
        name: String,
        /// What was met.
        said: String,
    },
    /// Something of the container is still there after all the time that it may take.
    #[error("{name} is still there: {what}")]
    TimedOut {
        /// The container.
        name: String,
        /// What has not happened.
        what: &'static str,
    },
}

/// Says with what an operation of the system failed.
pub(crate) trait Tried<T> {
    /// `tried` is a verb: the text is "cannot `tried` `path`".
    fn tried(self, tried: &'static str, path: &Path) -> Result<T, RuntimeError>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, tried: &'static str, path: &Path) -> Result<T, RuntimeError> {
        self.map_err(|why| RuntimeError::File {
            tried,
            path: path.to_owned(),
            source: why.into(),
        })
    }
}
