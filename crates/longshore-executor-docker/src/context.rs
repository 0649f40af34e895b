//! Which engine is meant when nobody says: Docker's own rules, without Docker's own client.
//!
//! The order is that of the docker command: `--context` or `--host`, `DOCKER_HOST`,
//! `DOCKER_CONTEXT`, `currentContext` of `config.json`, the default socket. What is read from the
//! environment comes in as a value, so that the rules can be tested side by side.

use std::path::PathBuf;

use longshore_core::host::{Endpoint, TlsFiles};

mod store;

/// The socket of an engine on this machine.
pub const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";
/// The name of the context that is no context.
pub const DEFAULT_CONTEXT: &str = "default";

/// What Docker reads from the environment. An empty text is as good as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockerEnvironment {
    /// The home folder.
    pub home: Option<PathBuf>,
    /// `DOCKER_CONFIG`: the folder instead of `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_TLS`: TLS without a look at the server's certificate. Any text but an empty one.
    pub docker_tls: Option<String>,
    /// `DOCKER_TLS_VERIFY`: TLS with it. Any text but an empty one, even `0`.
    pub docker_tls_verify: Option<String>,
    /// `DOCKER_CERT_PATH`: the folder of the TLS files instead of the configuration's.
    pub docker_cert_path: Option<PathBuf>,
}

impl DockerEnvironment {
    /// What this process was started with.
    pub fn of_this_process() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
        Self {
            home: path("HOME"),
            docker_config: path("DOCKER_CONFIG"),
            docker_host: text("DOCKER_HOST"),
            docker_context: text("DOCKER_CONTEXT"),
            docker_tls: text("DOCKER_TLS"),
            docker_tls_verify: text("DOCKER_TLS_VERIFY"),
            docker_cert_path: path("DOCKER_CERT_PATH"),
        }
    }

    /// The folder of Docker's configuration, where credentials are kept, too.
    pub fn config_folder(&self) -> Option<PathBuf> {
        let own = self
            .docker_config
            .clone()
            .filter(|folder| !folder.as_os_str().is_empty());
        own.or_else(|| Some(self.home.as_ref()?.join(".docker")))
    }
}

/// What was asked for on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// `--context NAME`.
    Context(String),
    /// `--host ADDRESS`.
    Host(String),
}

/// An engine that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedEndpoint {
    /// The context's name, or one derived from the address.
    pub name: String,
    /// How it is reached.
    pub endpoint: Endpoint,
}

/// Why no engine could be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is no context of that name.
    #[error("there is no Docker context `{name}` (looked for {path})")]
    Unknown {
        /// The name.
        name: String,
        /// The file that is not there.
        path: String,
    },
    /// A file cannot be read or understood.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A context that speaks to something else.
    #[error("the Docker context `{0}` has no Docker endpoint")]
    NoEndpoint(String),
    /// A context is named, but there is no folder to look in.
    #[error("the Docker context `{0}` cannot be looked up: neither DOCKER_CONFIG nor HOME is set")]
    NoFolder(String),
    /// TLS is asked for and its files are not there.
    #[error("TLS is asked for by {asked_by}, but {missing} is missing in {folder}")]
    NoTlsFile {
        /// The variable that asks for it.
        asked_by: String,
        /// The file's name.
        missing: String,
        /// The folder.
        folder: String,
    },
}

/// Chooses the engine.
///
/// # Errors
/// When what is named does not exist, cannot be read, or asks for TLS without the files.
pub fn resolve(
    environment: &DockerEnvironment,
    wish: &Wish,
) -> Result<ResolvedEndpoint, ContextError> {
    let variable = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match wish {
        Wish::Context(name) => return by_name(environment, name),
        Wish::Host(address) => return by_address(environment, address),
        Wish::None => {}
    }
    if let Some(address) = variable(&environment.docker_host) {
        return by_address(environment, &address);
    }
    if let Some(name) = variable(&environment.docker_context) {
        return by_name(environment, &name);
    }
    let folder = environment.config_folder();
    match folder
        .map(|folder| store::current_context(&folder))
        .transpose()?
        .flatten()
    {
        Some(name) => by_name(environment, &name),
        None => by_name(environment, DEFAULT_CONTEXT),
    }
}

fn by_name(environment: &DockerEnvironment, name: &str) -> Result<ResolvedEndpoint, ContextError> {
    if name == DEFAULT_CONTEXT {
        let endpoint = Endpoint {
            address: DEFAULT_SOCKET.to_owned(),
            tls: None,
        };
        return Ok(ResolvedEndpoint {
            name: name.to_owned(),
            endpoint,
        });
    }
    let folder = environment
        .config_folder()
        .ok_or_else(|| ContextError::NoFolder(name.to_owned()))?;
    let endpoint = store::endpoint(&folder, name)?;
    Ok(ResolvedEndpoint {
        name: name.to_owned(),
        endpoint,
    })
}

fn by_address(
    environment: &DockerEnvironment,
    address: &str,
) -> Result<ResolvedEndpoint, ContextError> {
    let address = complete(address);
    let tls = if address.starts_with("tcp://") {
        tls_of(environment)?
    } else {
        None
    };
    Ok(ResolvedEndpoint {
        name: name_of(&address),
        endpoint: Endpoint { address, tls },
    })
}

/// Docker takes an address without a scheme for TCP, and a bare port for one of this machine.
fn complete(address: &str) -> String {
    match address {
        _ if address.contains("://") => address.to_owned(),
        _ if address.starts_with(':') => format!("tcp://127.0.0.1{address}"),
        _ => format!("tcp://{address}"),
    }
}

/// A name for a host that has only an address: its machine, or `local`.
fn name_of(address: &str) -> String {
    match address.split_once("://") {
        Some(("tcp" | "ssh", rest)) => {
            let authority = rest.split('/').next().unwrap_or(rest);
            let place = authority
                .rsplit_once('@')
                .map_or(authority, |(_, place)| place);
            place.to_owned()
        }
        Some(_) | None if address == DEFAULT_SOCKET => DEFAULT_CONTEXT.to_owned(),
        Some(_) | None => "local".to_owned(),
    }
}

fn tls_of(environment: &DockerEnvironment) -> Result<Option<TlsFiles>, ContextError> {
    let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let (asked_by, verify) = match (
        is_set(&environment.docker_tls_verify),
        is_set(&environment.docker_tls),
    ) {
        (true, _) => ("DOCKER_TLS_VERIFY", true),
        (false, true) => ("DOCKER_TLS", false),
        (false, false) => return Ok(None),
    };
    let own = environment
        .docker_cert_path
        .clone()
        .filter(|path| !path.as_os_str().is_empty());
    let Some(folder) = own.or_else(|| environment.config_folder()) else {
        return Err(ContextError::NoTlsFile {
            asked_by: asked_by.to_owned(),
            missing: "ca.pem".to_owned(),
            folder: "DOCKER_CERT_PATH, which is not set".to_owned(),
        });
    };
    let file = |name: &str| {
        let path = folder.join(name);
        path.is_file()
            .then(|| path.display().to_string())
            .ok_or_else(|| ContextError::NoTlsFile {
                asked_by: asked_by.to_owned(),
                missing: name.to_owned(),
                folder: folder.display().to_string(),
            })
    };
    let ca = if verify { Some(file("ca.pem")?) } else { None };
    Ok(Some(TlsFiles {
        ca,
        cert: Some(file("cert.pem")?),
        key: Some(file("key.pem")?),
        verify,
    }))
}

#[cfg(test)]
mod tests;
