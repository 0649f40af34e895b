//! The bridge of this machine that all private networks hang on. Whoever needs it first makes it; it
//! stays. An address is taken by the name of the link to the bridge, which the kernel gives only once
//! and takes back when the container's network is gone: nothing is to be cleaned up, whoever is killed.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::netlink::{Hardware, Netlink, Pair};
use super::rules::{self, Means, Others};
use super::subnet::{Routes, Subnet};
use super::{BRIDGE, NetworkError};

const ROUTES: &str = "/proc/thread-self/net/route";
const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const SHORT_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_SETTLING: Duration = Duration::from_secs(1);
/// A range that is nearly full is not searched for ever.
const MOST_TRIES: usize = 10_000;

/// The link that a container sees.
pub(super) const FAR_LINK: &str = "eth0";

/// The bridge, ready for containers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bridge {
    index: u32,
    pub(super) subnet: Subnet,
    /// The largest packet that leaves this machine.
    mtu: Option<u32>,
}

impl Bridge {
    /// Finds it in the network that this thread is in, or makes it there.
    ///
    /// # Errors
    /// Nothing is spare for it, or the kernel or the program for rules refuses.
    pub(super) fn ready(outside: &Netlink, means: &Means) -> Result<Self, NetworkError> {
        if let Some(bridge) = Self::found(outside)? {
            return Ok(bridge);
        }
        let _alone = alone()?;
        // Somebody else may have been quicker.
        if let Some(bridge) = Self::found(outside)? {
            return Ok(bridge);
        }
        let subnet = routes()?.spare().ok_or(NetworkError::NoSubnet)?;
        let index = Self::make(outside, subnet);
        let index = index.map_err(NetworkError::kernel("make the bridge of private networks"))?;
        let others = others().map_err(NetworkError::kernel("learn what passes"))?;
        rules::write(means, subnet, others)?;
        fs::write(FORWARDING, "1").map_err(NetworkError::kernel("let packets pass"))?;
        // It has a route from here on, by which it is found.
        unless_there(outside.add_address(index, subnet.gateway(), subnet.bits()))
            .and_then(|()| outside.set_up(index))
            .map_err(NetworkError::kernel(
                "turn on the bridge of private networks",
            ))?;
        Self::found(outside)?.ok_or(NetworkError::NoSubnet)
    }

    fn found(outside: &Netlink) -> Result<Option<Self>, NetworkError> {
        let routes = routes()?;
        let Some(subnet) = routes.behind(BRIDGE) else {
            return Ok(None);
        };
        let index = outside.index_of(BRIDGE);
        let index = index.map_err(NetworkError::kernel("find the bridge of private networks"))?;
        let mtu = match routes.uplink() {
            Some(uplink) => outside.index_of(uplink).and_then(|at| outside.mtu_of(at)),
            None => Ok(None),
        };
        let mtu = mtu.map_err(NetworkError::kernel("measure the way out of this machine"))?;
        Ok(Some(Self { index, subnet, mtu }))
    }

    fn make(outside: &Netlink, subnet: Subnet) -> io::Result<u32> {
        unless_there(outside.add_bridge(BRIDGE, hardware(subnet.gateway())))?;
        outside.index_of(BRIDGE)
    }

    /// Links a network namespace to it. The link there is turned off still.
    ///
    /// # Errors
    /// Every address is taken, or the kernel refuses.
    pub(super) fn link(
        self,
        outside: &Netlink,
        namespace: BorrowedFd<'_>,
    ) -> Result<Linked, NetworkError> {
        let kernel = || NetworkError::kernel("link the network to its bridge");
        for address in self.subnet.addresses(process::id()).take(MOST_TRIES) {
            let near = near_link(address);
            let pair = Pair {
                near: &near,
                far: FAR_LINK,
                far_hardware: hardware(address),
                mtu: self.mtu,
                namespace,
            };
            match outside.add_pair(pair) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(kernel()(error)),
            }
            let index = self.plug(outside, &near).map_err(kernel())?;
            return Ok(Linked {
                bridge: self.index,
                index,
                address,
            });
        }
        Err(NetworkError::NoAddress(self.subnet.to_string()))
    }

    fn plug(self, outside: &Netlink, near: &str) -> io::Result<u32> {
        let index = outside.index_of(near)?;
        outside.join(index, self.index)?;
        outside.isolate(index)?;
        outside.set_up(index)?;
        Ok(index)
    }
}

/// A link between the bridge and a network namespace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linked {
    bridge: u32,
    index: u32,
    /// The address in the namespace.
    pub(super) address: Ipv4Addr,
}

impl Linked {
    /// Waits until what is sent through it arrives and is answered, but not for long: the first
    /// packets are only late otherwise.
    pub(super) fn settle(self, outside: &Netlink) -> io::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_SETTLING {
            if outside.is_forwarding(self.index)? && outside.is_up(self.bridge)? {
                break;
            }
            sleep(SHORT_PAUSE);
        }
        Ok(())
    }
}

/// The name by which an address is taken.
fn near_link(address: Ipv4Addr) -> String {
    format!("ls{:08x}", address.to_bits())
}

/// The card of an address is always the same, so that nobody remembers a wrong one.
fn hardware(address: Ipv4Addr) -> Hardware {
    let [a, b, c, d] = address.octets();
    [0x02, 0x4c, a, b, c, d]
}

fn routes() -> Result<Routes, NetworkError> {
    let table = fs::read_to_string(ROUTES);
    let table = table.map_err(NetworkError::kernel("read the routes of this machine"))?;
    Ok(Routes::parse(&table))
}

/// What becomes of packets between other networks, once packets may pass through this machine.
fn others() -> io::Result<Others> {
    let passes = fs::read_to_string(FORWARDING)?;
    Ok(if passes.trim() == "1" {
        Others::Pass
    } else {
        Others::Stopped
    })
}

/// Waits until nobody else in this network makes the bridge. A name of a socket is given once, and
/// taken back when its owner is gone.
fn alone() -> Result<UnixListener, NetworkError> {
    let kernel = || NetworkError::kernel("wait for others who make the bridge");
    let name = SocketAddr::from_abstract_name(BRIDGE).map_err(kernel())?;
    let begun = Instant::now();
    loop {
        match UnixListener::bind_addr(&name) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() != ErrorKind::AddrInUse => return Err(kernel()(error)),
            Err(error) if begun.elapsed() > LONGEST_WAIT => return Err(kernel()(error)),
            Err(_) => sleep(PAUSE),
        }
    }
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
