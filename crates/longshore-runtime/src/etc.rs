//! The three files of `/etc` that are about the network and not the image's: who is called how, and
//! who is to be asked.

use std::fmt::Write;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use crate::{ContainerConfig, Network};

/// The machine's own files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) hosts: &'a Path,
    /// In order: the first that names a server that can be reached is taken.
    pub(crate) resolv_conf: [&'a Path; 2],
}

impl Machine<'static> {
    /// Where they usually are; a resolver of the machine's own keeps a second file for others.
    pub(crate) fn usual() -> Self {
        Self {
            hosts: Path::new("/etc/hosts"),
            resolv_conf: [
                Path::new("/etc/resolv.conf"),
                Path::new("/run/systemd/resolve/resolv.conf"),
            ],
        }
    }
}

/// The texts of a container's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) hosts: String,
    pub(crate) hostname: String,
    pub(crate) resolv_conf: String,
}

/// Why there are no such files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EtcError {
    #[error("cannot read {path}: {source}")]
    Read {
        path: std::path::PathBuf,
        source: io::Error,
    },
    #[error(
        "{0} names no server that a container with a network of its own can ask; \
         name one with --dns"
    )]
    NoServer(std::path::PathBuf),
}

const HOSTS: &str = "127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// The texts for this container on this machine, which has this address where others see one.
pub(crate) fn texts(
    config: &ContainerConfig,
    address: Option<Ipv4Addr>,
    machine: &Machine<'_>,
) -> Result<Texts, EtcError> {
    Ok(Texts {
        hosts: hosts(config, address, machine)?,
        hostname: format!("{}\n", config.hostname),
        resolv_conf: resolv_conf(config, machine)?,
    })
}

fn hosts(
    config: &ContainerConfig,
    address: Option<Ipv4Addr>,
    machine: &Machine<'_>,
) -> Result<String, EtcError> {
    let mut text = match config.network {
        Network::Host => read(machine.hosts)?,
        Network::None | Network::Private => HOSTS.to_owned(),
    };
    let own = address.map(|address| (&config.hostname, IpAddr::from(address)));
    let others = config.extra_hosts.iter().map(|(name, at)| (name, *at));
    for (name, address) in others.chain(own) {
        let _ = writeln!(text, "{address}\t{name}");
    }
    Ok(text)
}

fn resolv_conf(config: &ContainerConfig, machine: &Machine<'_>) -> Result<String, EtcError> {
    if !config.dns.is_empty() {
        let line = |address: &IpAddr| format!("nameserver {address}\n");
        return Ok(config.dns.iter().map(line).collect());
    }
    let [first, second] = machine.resolv_conf;
    let text = read(first)?;
    match config.network {
        Network::None | Network::Host => Ok(text),
        Network::Private if has_server(&text) => Ok(text),
        Network::Private => {
            let text = read(second)?;
            if has_server(&text) {
                return Ok(text);
            }
            Err(EtcError::NoServer(first.to_owned()))
        }
    }
}

/// The loopback of the machine is not that of a network of its own.
fn has_server(resolv_conf: &str) -> bool {
    let servers = resolv_conf.lines().filter_map(|line| {
        let address = line.trim().strip_prefix("nameserver")?;
        address.trim().parse::<IpAddr>().ok()
    });
    let mut servers = servers;
    servers.any(|address| !address.is_loopback())
}

/// A file that is not there says nothing.
fn read(path: &Path) -> Result<String, EtcError> {
    match std::fs::read(path) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(EtcError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::samples;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new(hosts: &str, first: &str, second: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in [("hosts", hosts), ("first", first), ("second", second)] {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            Self(folder)
        }

        fn texts(&self, config: &ContainerConfig) -> Result<Texts, EtcError> {
            let [hosts, first, second] =
                ["hosts", "first", "second"].map(|name| self.0.path().join(name));
            let machine = Machine {
                hosts: &hosts,
                resolv_conf: [&first, &second],
            };
            let address = Ipv4Addr::new(10, 0, 0, 2);
            let address = (config.network == Network::Private).then_some(address);
            texts(config, address, &machine)
        }
    }

    fn config(network: Network) -> ContainerConfig {
        ContainerConfig {
            network,
            ..samples::config()
        }
    }

    const LOCAL: &str = "nameserver 127.0.0.53\nsearch here\n";
    const REMOTE: &str = "# by hand\nnameserver 192.0.2.1\n";

    #[test]
    fn the_network_of_the_machine_comes_with_its_files() {
        let files = Files::new("127.0.0.1 machine\n", LOCAL, REMOTE);
        let texts = files.texts(&config(Network::Host)).unwrap();
        assert_eq!(texts.hosts, "127.0.0.1 machine\n");
        assert_eq!(texts.resolv_conf, LOCAL);
        assert_eq!(texts.hostname, "box\n");
    }

    #[test]
    fn further_hosts_come_behind_the_usual_ones() {
        let files = Files::new("", "", "");
        let config = ContainerConfig {
            extra_hosts: vec![("db".to_owned(), "192.0.2.7".parse().unwrap())],
            ..config(Network::None)
        };
        let hosts = files.texts(&config).unwrap().hosts;
        assert_eq!(hosts, format!("{HOSTS}192.0.2.7\tdb\n"));
    }

    #[test]
    fn a_container_that_others_see_knows_its_name() {
        let files = Files::new("", REMOTE, "");
        let hosts = files.texts(&config(Network::Private)).unwrap().hosts;
        assert_eq!(hosts, format!("{HOSTS}10.0.0.2\tbox\n"));
    }

    #[test]
    fn named_servers_are_the_only_ones() {
        let files = Files::new("", LOCAL, LOCAL);
        let config = ContainerConfig {
            dns: vec!["192.0.2.9".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            ..config(Network::Private)
        };
        let text = files.texts(&config).unwrap().resolv_conf;
        assert_eq!(text, "nameserver 192.0.2.9\nnameserver 2001:db8::1\n");
    }

    #[test]
    fn a_network_of_its_own_needs_a_server_that_is_not_the_machine_itself() {
        let texts = |first, second| Files::new("", first, second).texts(&config(Network::Private));
        assert_eq!(texts(REMOTE, LOCAL).unwrap().resolv_conf, REMOTE);
        assert_eq!(texts(LOCAL, REMOTE).unwrap().resolv_conf, REMOTE);
        assert!(matches!(texts(LOCAL, LOCAL), Err(EtcError::NoServer(_))));
    }

    #[test]
    fn files_that_the_machine_lacks_say_nothing() {
        let nothing = Path::new("/none/such");
        let machine = Machine {
            hosts: nothing,
            resolv_conf: [nothing, nothing],
        };
        let texts = texts(&config(Network::Host), None, &machine).unwrap();
        assert_eq!(texts.hosts + &texts.resolv_conf, "");
    }
}
