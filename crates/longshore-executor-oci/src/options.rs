//! How an executor behaves beyond its address.

use std::path::PathBuf;

use longshore_core::fault::Fault;
use longshore_core::host::Endpoint;
use longshore_executor::ExecutorError;
use longshore_runtime::{Standing, SupervisorProgram};

/// How addresses of this kind begin.
pub const SCHEME: &str = "oci://";
/// The folder of root, where an address names none.
const ROOTS_FOLDER: &str = "/var/lib/longshore/oci";
/// The folder of an ordinary user, below that of his files.
const USERS_FOLDER: &str = "longshore/oci";

/// Settings of an [`OciExecutor`](crate::OciExecutor).
#[derive(Clone, Debug)]
pub struct OciOptions {
    /// Folder with Docker's `config.json`, where credentials of registries are found; none means
    /// that pulls are anonymous.
    pub docker_config: Option<PathBuf>,
    /// Folder like `/etc/docker/certs.d` with authorities that may vouch for registries.
    pub certificates: Option<PathBuf>,
    /// What supervisors are made of.
    pub supervisor: SupervisorProgram,
    /// A program like `runc` that runs the containers instead of the library in the supervisor.
    pub runtime: Option<PathBuf>,
}

/// The folder of an address that names none: root's, or one of an ordinary user's own files.
pub fn usual_root() -> PathBuf {
    match longshore_runtime::standing() {
        Standing::Root => ROOTS_FOLDER.into(),
        Standing::Many | Standing::Single | Standing::Ordinary => {
            let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
            users_folder(set("XDG_DATA_HOME"), set("HOME")).unwrap_or_else(|| ROOTS_FOLDER.into())
        }
    }
}

/// As the store finds its own folder: a relative path is none.
fn users_folder(files: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let files = files.filter(|path| path.is_absolute());
    let files = files.or_else(|| home.map(|home| home.join(".local/share")))?;
    Some(files.join(USERS_FOLDER))
}

/// The folder that an address names: `oci:///srv/oci`, or `oci://` for the usual one.
pub(crate) fn root_of(endpoint: &Endpoint) -> Result<PathBuf, ExecutorError> {
    let wrong = |why: &str| {
        let text = format!(
            "`{}` {why}: use {SCHEME}/path, or {SCHEME} for {}",
            endpoint.address,
            usual_root().display()
        );
        ExecutorError::new(Fault::Configuration, text)
    };
    let Some(path) = endpoint.address.strip_prefix(SCHEME) else {
        return Err(wrong("is no address of the embedded executor"));
    };
    match path {
        "" => Ok(usual_root()),
        _ if path.starts_with('/') => Ok(PathBuf::from(path)),
        _ => Err(wrong("names another machine, or no absolute path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(address: &str) -> Option<PathBuf> {
        let endpoint = Endpoint {
            address: address.to_owned(),
            tls: None,
        };
        root_of(&endpoint).ok()
    }

    #[test]
    fn an_address_is_a_folder_of_this_machine() {
        assert_eq!(root("oci://"), Some(usual_root()));
        assert_eq!(root("oci:///srv/oci"), Some(PathBuf::from("/srv/oci")));
        assert_eq!(root("oci://elsewhere/srv"), None);
        assert_eq!(root("unix:///run/docker.sock"), None);
    }
}
