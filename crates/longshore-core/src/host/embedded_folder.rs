//! The address of this machine as a host without an engine: `oci://`, and a folder.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Endpoint;

const SCHEME: &str = "oci://";
const USUAL: &str = "/var/lib/longshore/oci";

/// The folder of such a host. Its address is `oci:///var/lib/longshore/oci`, for instance; `oci://`
/// alone means that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedFolder(PathBuf);

/// Text that is not the address of such a host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no folder of this machine")]
pub struct NoEmbeddedFolder(String);

impl NoEmbeddedFolder {
    /// What to write instead.
    pub const HINT: &str = "use oci:///path, or oci:// for /var/lib/longshore/oci";
}

impl EmbeddedFolder {
    /// The address without a folder.
    pub const USUAL_ADDRESS: &str = SCHEME;

    /// A folder of this machine, by its absolute path.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Whether an address means to be one of these, right or wrong.
    pub fn is_meant(address: &str) -> bool {
        address.starts_with(SCHEME)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// How the host is reached.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self.to_string(),
            tls: None,
        }
    }
}

impl Default for EmbeddedFolder {
    /// The usual one.
    fn default() -> Self {
        Self(PathBuf::from(USUAL))
    }
}

impl FromStr for EmbeddedFolder {
    type Err = NoEmbeddedFolder;

    fn from_str(address: &str) -> Result<Self, NoEmbeddedFolder> {
        match address.strip_prefix(SCHEME) {
            Some("") => Ok(Self::default()),
            Some(path) if path.starts_with('/') => Ok(Self(PathBuf::from(path))),
            Some(_) | None => Err(NoEmbeddedFolder(address.to_owned())),
        }
    }
}

impl fmt::Display for EmbeddedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(address: &str) -> Option<PathBuf> {
        let folder: EmbeddedFolder = address.parse().ok()?;
        Some(folder.path().to_owned())
    }

    #[test]
    fn an_address_is_a_folder_of_this_machine() {
        assert_eq!(path("oci://"), Some(PathBuf::from(USUAL)));
        assert_eq!(path("oci:///srv/oci"), Some(PathBuf::from("/srv/oci")));
        assert_eq!(path("oci://elsewhere/srv"), None);
        assert_eq!(path("unix:///run/docker.sock"), None);
    }

    #[test]
    fn a_folder_is_found_again_by_its_address() {
        let folder = EmbeddedFolder::at("/srv/oci".into());
        assert_eq!(folder.endpoint().address, "oci:///srv/oci");
        assert_eq!(folder.to_string().parse(), Ok(folder));
    }

    #[test]
    fn the_hint_names_the_usual_folder() {
        assert!(NoEmbeddedFolder::HINT.contains(USUAL));
    }
}
