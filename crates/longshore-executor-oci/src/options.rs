//! How an executor behaves beyond its address.

use std::path::PathBuf;

use longshore_core::fault::Fault;
use longshore_core::host::Endpoint;
use longshore_executor::ExecutorError;
use longshore_runtime::SupervisorProgram;

/// How addresses of this kind begin.
pub const SCHEME: &str = "oci://";
/// The folder of an address that names none.
pub const DEFAULT_ROOT: &str = "/var/lib/longshore/oci";

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

/// The folder that an address names: `oci:///var/lib/longshore/oci`, or `oci://` for the usual one.
pub(crate) fn root_of(endpoint: &Endpoint) -> Result<PathBuf, ExecutorError> {
    let wrong = |why: &str| {
        let text = format!(
            "`{}` {why}: use {SCHEME}/path, or {SCHEME} for {DEFAULT_ROOT}",
            endpoint.address
        );
        ExecutorError::new(Fault::Configuration, text)
    };
    let Some(path) = endpoint.address.strip_prefix(SCHEME) else {
        return Err(wrong("is no address of the embedded executor"));
    };
    match path {
        "" => Ok(PathBuf::from(DEFAULT_ROOT)),
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
        assert_eq!(root("oci://"), Some(PathBuf::from(DEFAULT_ROOT)));
        assert_eq!(root("oci:///srv/oci"), Some(PathBuf::from("/srv/oci")));
        assert_eq!(root("oci://elsewhere/srv"), None);
        assert_eq!(root("unix:///run/docker.sock"), None);
    }
}
