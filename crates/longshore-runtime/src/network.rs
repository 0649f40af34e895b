//! How a container is connected: not at all, as its machine is, or by a network of its own with a way
//! out. The supervisor enters the network before it starts the container, which then is in it, too;
//! when the last process of a network is gone, the kernel removes all of it.

mod bridge;
mod netlink;
mod rules;
mod subnet;

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::thread::UnshareFlags;

use crate::config::Network;

use bridge::{Bridge, FAR_LINK};
use netlink::Netlink;

pub use rules::{Means, Missing, private_means};

/// The bridge of private networks.
const BRIDGE: &str = "longshore0";
const LOOPBACK: &str = "lo";
const THIS_NAMESPACE: &str = "/proc/thread-self/ns/net";

/// Why a container is not connected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("this machine uses every range of addresses that private networks could have")]
    NoSubnet,
    #[error("no address is free in {0} for another private network")]
    NoAddress(String),
    #[error("{} does not let private networks out: {said}", program.display())]
    Rules { program: PathBuf, said: String },
    #[error("cannot {tried}")]
    Kernel {
        tried: &'static str,
        source: io::Error,
    },
}

impl NetworkError {
    fn kernel<E: Into<io::Error>>(tried: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Kernel {
            tried,
            source: error.into(),
        }
    }
}

/// Brings this thread, and all that it begins, into a network of this kind. The address there, where
/// it has one that others see.
///
/// # Errors
/// The machine has no means for a private network, or the kernel refuses.
pub(crate) fn enter(network: Network) -> Result<Option<Ipv4Addr>, NetworkError> {
    match network {
        Network::Host => Ok(None),
        Network::None => enter_new().map(|_| None),
        Network::Private => enter_private(&private_means()?).map(Some),
    }
}

/// Brings this thread into a network of its own, which has a loopback that works.
fn enter_new() -> Result<Netlink, NetworkError> {
    #[expect(
        unsafe_code,
        reason = "the safe way is deprecated, on account of another flag"
    )]
    // SAFETY: no table of open files is unshared.
    let left = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) };
    left.map_err(NetworkError::kernel("make a network namespace"))?;
    let inside = Netlink::open().map_err(NetworkError::kernel("speak to the network"))?;
    inside
        .index_of(LOOPBACK)
        .and_then(|index| inside.set_up(index))
        .map_err(NetworkError::kernel("turn on the loopback"))?;
    Ok(inside)
}

fn enter_private(means: &Means) -> Result<Ipv4Addr, NetworkError> {
    let outside = Netlink::open().map_err(NetworkError::kernel("speak to the network"))?;
    let bridge = Bridge::ready(&outside, means)?;
    let inside = enter_new()?;
    let namespace = File::open(THIS_NAMESPACE);
    let namespace = namespace.map_err(NetworkError::kernel("find the network namespace"))?;
    let linked = bridge.link(&outside, namespace.as_fd())?;
    set_up(&inside, bridge, linked.address)
        .and_then(|()| linked.settle(&outside))
        .map_err(NetworkError::kernel("turn on the network"))?;
    Ok(linked.address)
}

fn set_up(inside: &Netlink, bridge: Bridge, address: Ipv4Addr) -> io::Result<()> {
    let index = inside.index_of(FAR_LINK)?;
    inside.add_address(index, address, bridge.subnet.bits())?;
    inside.set_up(index)?;
    inside.add_default_route(bridge.subnet.gateway())
}

#[cfg(test)]
mod tests;
