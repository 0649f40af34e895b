//! How an executor behaves beyond its address.

use std::path::PathBuf;

use longshore_core::host::EmbeddedFolder;
use longshore_runtime::{Standing, SupervisorProgram};

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

/// The folder of this machine where nobody names one: root's, or one of an ordinary user's own files.
pub fn usual_folder() -> EmbeddedFolder {
    match longshore_runtime::standing() {
        Standing::Root => EmbeddedFolder::default(),
        Standing::Many | Standing::Single | Standing::Ordinary => {
            let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
            let folder = users_folder(set("XDG_DATA_HOME"), set("HOME"));
            folder.map_or_else(EmbeddedFolder::default, EmbeddedFolder::at)
        }
    }
}

/// As the store finds its own folder: a relative path is none.
fn users_folder(files: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let files = files.filter(|path| path.is_absolute());
    let files = files.or_else(|| home.map(|home| home.join(".local/share")))?;
    Some(files.join(USERS_FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_folder_is_among_his_files() {
        let folder = |files: Option<&str>, home: Option<&str>| {
            users_folder(files.map(PathBuf::from), home.map(PathBuf::from))
        };
        let by_home = Some(PathBuf::from("/home/me/.local/share/longshore/oci"));
        assert_eq!(folder(None, Some("/home/me")), by_home);
        assert_eq!(folder(Some("files"), Some("/home/me")), by_home);
        let by_files = Some(PathBuf::from("/data/longshore/oci"));
        assert_eq!(folder(Some("/data"), Some("/home/me")), by_files);
        assert_eq!(folder(None, None), None);
    }
}
