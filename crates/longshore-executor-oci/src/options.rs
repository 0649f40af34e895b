//! How an executor behaves beyond its address.

use std::path::PathBuf;

use longshore_runtime::SupervisorProgram;

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
