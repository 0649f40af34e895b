//! Which kinds of hosts this binary speaks to, and how it finds the one that the environment names.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use longshore_core::fault::Fault;
use longshore_core::host::{EmbeddedFolder, Endpoint, Host, HostKind};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_executor_docker::context::{DEFAULT_CONTEXT, DockerEnvironment, ResolvedEndpoint};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_executor_oci::{OciExecutor, OciOptions, usual_folder};
use longshore_runtime::SupervisorProgram;

/// Authorities that may vouch for registries, where Docker keeps them.
const CERTIFICATES: &str = "/etc/docker/certs.d";

/// This binary, wherever it is.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// All kinds of executors.
pub(crate) struct Kinds {
    /// What Docker's client would read from the environment.
    pub(crate) docker: DockerEnvironment,
    /// `LONGSHORE_OCI`: the folder of the embedded executor.
    oci_folder: EmbeddedFolder,
    /// `LONGSHORE_OCI_RUNTIME`: a program like `runc` that runs its containers.
    oci_runtime: Option<PathBuf>,
}

impl Kinds {
    /// With the environment of this process.
    pub(crate) fn here() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            docker: DockerEnvironment::of_this_process(),
            oci_folder: set("LONGSHORE_OCI").map_or_else(usual_folder, |path| {
                // As the shell would read it; there is no folder to be in only when it was removed.
                let path = std::path::absolute(&path).unwrap_or_else(|_| path.into());
                EmbeddedFolder::at(path)
            }),
            oci_runtime: set("LONGSHORE_OCI_RUNTIME").map(PathBuf::from),
        }
    }

    /// The embedded executor of this machine.
    pub(crate) fn embedded(&self) -> Endpoint {
        self.oci_folder.endpoint()
    }

    /// Whether the embedded executor stands in for an engine that nobody named.
    pub(crate) fn stand_in(&self, chosen: &ResolvedEndpoint) -> StandIn {
        let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let is_named = is_set(&self.docker.docker_host) || is_set(&self.docker.docker_context);
        let address = &chosen.endpoint.address;
        if is_named || chosen.name != DEFAULT_CONTEXT || answers(address) {
            return StandIn::NotWanted;
        }
        let obstacles = longshore_executor_oci::obstacles(self.oci_folder.path());
        if !obstacles.is_empty() {
            let why = obstacles.join("; ");
            return StandIn::Cannot(format!(
                "no Docker Engine answers at {address}, and this machine cannot do without: {why}"
            ));
        }
        let network = match longshore_executor_oci::private_means() {
            Ok(()) => String::new(),
            Err(missing) => format!(", where jobs have loopback alone ({missing})"),
        };
        let limits = longshore_executor_oci::short_of();
        let limits = limits.map(|short| format!("; {short}")).unwrap_or_default();
        StandIn::Does(format!(
            "no Docker Engine answers at {address}: running on the embedded executor{network}{limits}"
        ))
    }
}

/// Whether the embedded executor stands in where nobody named an engine, and what people are told.
pub(crate) enum StandIn {
    /// An engine was named, or answers at the usual socket.
    NotWanted,
    /// None answers, and this machine can do without.
    Does(String),
    /// None answers, and this machine cannot do without.
    Cannot(String),
}

/// Whether somebody listens at the socket of an address.
fn answers(address: &str) -> bool {
    let path = address.strip_prefix("unix://");
    path.is_none_or(|path| UnixStream::connect(path).is_ok())
}

impl ExecutorSource for Kinds {
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        match host.kind {
            HostKind::Docker => {
                let mut options = DockerOptions {
                    docker_config: self.docker.config_folder(),
                    ..DockerOptions::default()
                };
                let words = longshore_runtime::words_as_user("ssh");
                if !words.is_empty() {
                    options.ssh_program = THIS_PROGRAM.into();
                    options.ssh_words = words;
                }
                Ok(Arc::new(DockerExecutor::new(&host.endpoint, options)?))
            }
            HostKind::Oci => {
                let options = OciOptions {
                    docker_config: self.docker.config_folder(),
                    certificates: Some(PathBuf::from(CERTIFICATES)),
                    supervisor: SupervisorProgram::ThisBinary,
                    runtime: self.oci_runtime.clone(),
                };
                Ok(Arc::new(OciExecutor::new(&host.endpoint, options)?))
            }
            HostKind::Mock => Err(ExecutorError::new(
                Fault::Unsupported,
                format!("host `{}` is a mock, which lives in tests only", host.name),
            )),
        }
    }
}
