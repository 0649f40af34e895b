//! How to reach an engine that runs, whoever started it.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::command::run;
use crate::sandbox::{PUBLIC_ADDRESS, SandboxId};

/// The address of a running engine, and the way into its network.
#[derive(Debug, Clone)]
pub struct EngineAccess {
    docker_host: String,
    sandbox: Option<SandboxId>,
}

impl EngineAccess {
    /// An engine that somebody else runs, by what `DOCKER_HOST` would say.
    pub fn foreign(docker_host: &str) -> Self {
        Self {
            docker_host: docker_host.to_owned(),
            sandbox: None,
        }
    }

    /// No engine at all, in the network of this process.
    pub(crate) fn nobodys() -> Self {
        Self::foreign("unix:///nonexistent/docker.sock")
    }

    pub(crate) fn sandboxed(socket: &Path, sandbox: SandboxId) -> Self {
        let docker_host = format!("unix://{}", socket.display());
        Self {
            docker_host,
            sandbox: Some(sandbox),
        }
    }

    /// The value for `DOCKER_HOST`, such as `unix:///tmp/…/docker.sock`.
    pub fn docker_host(&self) -> &str {
        &self.docker_host
    }

    /// The path of the unix socket.
    ///
    /// # Panics
    /// When the engine is reached in another way.
    pub fn socket(&self) -> &Path {
        let path = self.docker_host.strip_prefix("unix://");
        Path::new(path.expect("engines of tests are reached by unix sockets"))
    }

    /// The docker CLI, pointed at this engine and untouched by the user's own settings. Add
    /// arguments and run it.
    pub fn docker_command(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY")
            .env_remove("DOCKER_CERT_PATH")
            .env("DOCKER_CONFIG", "/nonexistent")
            .args(["--host", &self.docker_host]);
        command
    }

    /// Runs the docker CLI against this engine and returns its stdout without the last newline.
    ///
    /// # Errors
    /// When it ends with anything but 0; the text holds its stderr.
    pub fn docker<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        let output = run(self.docker_command().args(args))?;
        Ok(output.trim_end_matches('\n').to_owned())
    }

    /// Does the engine answer now?
    pub fn answers(&self) -> bool {
        match self.docker_host.strip_prefix("unix://") {
            Some(socket) => answers_ping(Path::new(socket)).unwrap_or(false),
            None => self
                .docker(["version", "--format", "{{.Server.Version}}"])
                .is_ok(),
        }
    }

    /// An address in the engine's network that the engine does not count as local, so that it
    /// insists on TLS there; `None` when the engine runs in the network of this machine.
    pub fn public_address(&self) -> Option<&'static str> {
        self.sandbox.map(|_| PUBLIC_ADDRESS)
    }

    /// A command that runs `program` in the engine's network.
    pub fn command_in_network(&self, program: &str) -> Command {
        let Some(sandbox) = self.sandbox else {
            return Command::new(program);
        };
        let mut command = sandbox.enter_network();
        command.arg(program);
        command
    }

    /// Where the engine reads the trusted certificates of registries.
    pub(crate) fn certificates_dir(&self) -> PathBuf {
        let root = self
            .sandbox
            .map_or_else(|| PathBuf::from("/"), SandboxId::root);
        root.join("etc/docker/certs.d")
    }
}

fn answers_ping(socket: &Path) -> io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).contains(" 200 "))
}
