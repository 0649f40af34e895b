//! A network cable between this machine and a sandbox, which a test may pull.
//!
//! It is a pair of virtual network devices. While it is pulled nothing is refused and nothing is
//! answered: packets vanish, as behind a dead switch. It goes with its sandbox.

use std::net::Ipv4Addr;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::command::run;
use crate::sandbox::SandboxId;
use crate::tethered::SYSTEM_PATH;

/// The device's name inside.
const INNER: &str = "longshore0";
/// Networks of four addresses, out of those that are kept for tests of networks (198.18.0.0/15).
const NETWORKS: u32 = 1 << 15;
const FIRST: u32 = 0xC612_0000;
/// How many networks are tried, since others may have taken some.
const TRIES: usize = 20;

static CABLES: AtomicU32 = AtomicU32::new(0);

/// A cable that is laid.
#[derive(Debug)]
pub struct Cable {
    /// The device's name on this machine.
    outer: String,
    inside: Ipv4Addr,
    sandbox: SandboxId,
}

impl Cable {
    pub(crate) fn lay(sandbox: SandboxId) -> Result<Self> {
        let number = CABLES.fetch_add(1, Ordering::Relaxed);
        let outer = format!("ls{}-{number}", process::id());
        let inside = sandbox.0.to_string();
        let mut pair = vec!["link", "add", &outer, "type", "veth"];
        pair.extend(["peer", "name", INNER, "netns", &inside]);
        ip(&pair).context("could not lay a cable (needs root)")?;
        let network = free_network()?;
        let cable = Self {
            outer,
            inside: Ipv4Addr::from_bits(network + 2),
            sandbox,
        };
        let here = format!("{}/30", Ipv4Addr::from_bits(network + 1));
        ip(&["address", "add", &here, "dev", &cable.outer])?;
        ip(&["link", "set", &cable.outer, "up"])?;
        let there = format!("{}/30", cable.inside);
        cable.inner_ip(&["address", "add", &there, "dev", INNER])?;
        cable.plug_in()?;
        Ok(cable)
    }

    /// The sandbox's address, as seen from this machine.
    pub fn address(&self) -> Ipv4Addr {
        self.inside
    }

    /// Nothing gets through from now on.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub fn pull(&self) -> Result<()> {
        self.inner_ip(&["link", "set", INNER, "down"])
    }

    /// All gets through again.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub fn plug_in(&self) -> Result<()> {
        self.inner_ip(&["link", "set", INNER, "up"])
    }

    fn inner_ip(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.sandbox.enter_network();
        command.arg("ip").args(arguments).env("PATH", SYSTEM_PATH);
        run(&mut command).map(drop)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // It is gone already if its sandbox is.
        let _ = ip(&["link", "delete", &self.outer]);
    }
}

fn ip(arguments: &[&str]) -> Result<String> {
    run(Command::new("ip").args(arguments).env("PATH", SYSTEM_PATH))
}

/// A network that no device of this machine is in.
fn free_network() -> Result<u32> {
    let taken = ip(&["-oneline", "address"])?;
    let mut source = fastrand::Rng::new();
    let mut drawn = (0..TRIES).map(|_| FIRST + 4 * source.u32(..NETWORKS));
    let is_free = |network: &u32| {
        let here = format!(" {}/30", Ipv4Addr::from_bits(network + 1));
        !taken.contains(&here)
    };
    drawn.find(is_free).context("all networks are taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_are_those_for_tests() {
        let last = FIRST + 4 * (NETWORKS - 1) + 3;
        let ends = [FIRST, last].map(Ipv4Addr::from_bits);
        assert_eq!(
            ends.map(|end| end.to_string()),
            ["198.18.0.0", "198.19.255.255"]
        );
    }
}
