//! Which kinds of hosts this binary speaks to, and how it finds the one that the environment names.

use std::sync::Arc;

use longshore_core::fault::Fault;
use longshore_core::host::{Host, HostKind};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_executor_docker::context::DockerEnvironment;
use longshore_executor_docker::{DockerExecutor, DockerOptions};

/// All kinds of executors.
pub(crate) struct Kinds {
    /// What Docker's client would read from the environment.
    pub(crate) docker: DockerEnvironment,
}

impl Kinds {
    /// With the environment of this process.
    pub(crate) fn here() -> Self {
        Self {
            docker: DockerEnvironment::of_this_process(),
        }
    }
}

impl ExecutorSource for Kinds {
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        match host.kind {
            HostKind::Docker => {
                let options = DockerOptions {
                    docker_config: self.docker.config_folder(),
                    ..DockerOptions::default()
                };
                Ok(Arc::new(DockerExecutor::new(&host.endpoint, options)?))
            }
            HostKind::Mock => Err(ExecutorError::new(
                Fault::Unsupported,
                format!("host `{}` is a mock, which lives in tests only", host.name),
            )),
        }
    }
}
