//! Where an engine is, read from an address such as `unix:///run/docker.sock`.

use std::path::PathBuf;

use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;
use url::{Host, Url};

const PLAIN_PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// Where an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A socket on this machine.
    Unix(PathBuf),
    /// A TCP port; the host of an IPv6 address has its brackets.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// The engine of a machine that is reached by SSH.
    Ssh(SshRoute),
}

/// A machine that is reached by SSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SshRoute {
    /// Whom to log in as.
    pub(crate) user: Option<String>,
    /// Which machine.
    pub(crate) host: String,
    /// At which port.
    pub(crate) port: Option<u16>,
    /// The engine's socket there, unless it is the default one.
    pub(crate) socket: Option<String>,
}

impl Route {
    /// Reads an address; `tls` decides the port of a TCP address that names none.
    pub(crate) fn parse(address: &str, tls: bool) -> Result<Self, ExecutorError> {
        let route = match address.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Some(Self::Unix(path.into())),
            Some(("tcp", rest)) => parse_tcp(rest, if tls { TLS_PORT } else { PLAIN_PORT }),
            Some(("ssh", _)) => parse_ssh(address),
            Some(_) | None => None,
        };
        route.ok_or_else(|| {
            let text = format!(
                "`{address}` is no address of a Docker Engine: use unix:///path/to/socket, \
                 tcp://host:port or ssh://user@host"
            );
            ExecutorError::new(Fault::Configuration, text)
        })
    }

    /// What stands in the `Host` header.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Tcp { host, port } => format!("{host}:{port}"),
            Self::Unix(_) | Self::Ssh(_) => "docker".to_owned(),
        }
    }
}

fn parse_tcp(rest: &str, default_port: u16) -> Option<Route> {
    let url = Url::parse(&format!("moby://{rest}")).ok()?;
    let is_bare = url.username().is_empty() && matches!(url.path(), "" | "/");
    let host = url
        .host_str()
        .filter(|host| !host.is_empty() && is_bare)?
        .to_owned();
    Some(Route::Tcp {
        host,
        port: url.port().unwrap_or(default_port),
    })
}

fn parse_ssh(address: &str) -> Option<Route> {
    let url = Url::parse(address).ok()?;
    let host = match url.host()? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    // A name that begins with a dash would be an option of the ssh program.
    let is_sound = url.password().is_none() && !host.starts_with('-') && !host.is_empty();
    is_sound.then(|| {
        Route::Ssh(SshRoute {
            user: Some(url.username().to_owned()).filter(|user| !user.is_empty()),
            host,
            port: url.port(),
            socket: Some(url.path().to_owned()).filter(|path| path.len() > 1),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Route {
        Route::Tcp {
            host: host.into(),
            port,
        }
    }

    fn parsed(address: &str) -> Route {
        Route::parse(address, false).unwrap()
    }

    #[test]
    fn addresses_are_read_as_docker_reads_them() {
        assert_eq!(
            parsed("unix:///run/docker.sock"),
            Route::Unix("/run/docker.sock".into())
        );
        assert_eq!(parsed("tcp://10.0.0.1:99"), tcp("10.0.0.1", 99));
        assert_eq!(parsed("tcp://Builder"), tcp("Builder", 2375));
        assert_eq!(parsed("tcp://[::1]:99"), tcp("[::1]", 99));
        assert_eq!(
            Route::parse("tcp://builder/", true).unwrap(),
            tcp("builder", 2376)
        );
    }

    #[test]
    fn an_ssh_address_may_name_user_port_and_socket() {
        let whole = SshRoute {
            user: Some("me".into()),
            host: "box".into(),
            port: Some(2222),
            socket: Some("/run/other.sock".into()),
        };
        assert_eq!(
            parsed("ssh://me@box:2222/run/other.sock"),
            Route::Ssh(whole)
        );
        let bare = SshRoute {
            user: None,
            host: "box".into(),
            port: None,
            socket: None,
        };
        assert_eq!(parsed("ssh://box"), Route::Ssh(bare));
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for wrong in [
            "",
            "docker",
            "unix://relative",
            "tcp://",
            "tcp://a/b",
            "ssh://-oX=1",
            "ssh://u:p@h",
            "npipe:////./x",
        ] {
            let error = Route::parse(wrong, false).unwrap_err();
            assert_eq!(error.fault(), Fault::Configuration, "{wrong}");
            assert!(error.to_string().contains("ssh://user@host"), "{error}");
        }
    }
}
