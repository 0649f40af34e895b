//! What a network namespace is asked to do, over netlink: links, addresses and routes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
    NlasIterator,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoBridgePort, InfoData, InfoKind, InfoPortData, InfoPortKind, InfoVeth, LinkAttribute,
    LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// Address of a network card.
pub(super) type Hardware = [u8; 6];

/// A link between two network namespaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    /// Name of the end on this side.
    pub(super) near: &'a str,
    /// Name of the end on the other side.
    pub(super) far: &'a str,
    /// Address of the card at the other end.
    pub(super) far_hardware: Hardware,
    /// The largest packet, in bytes, if it is not the usual one.
    pub(super) mtu: Option<u32>,
    /// The namespace of the other end.
    pub(super) namespace: BorrowedFd<'a>,
}

/// A way to speak to one network namespace, also after this thread has left it.
pub(super) struct Netlink(Socket);

impl Netlink {
    /// A way to the one in which this thread is.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    /// The number of a link.
    ///
    /// # Errors
    /// There is none of this name.
    pub(super) fn index_of(&self, name: &str) -> io::Result<u32> {
        Ok(rustix::net::netdevice::name_to_index(self.0.as_fd(), name)?)
    }

    /// Turns a link on.
    pub(super) fn set_up(&self, index: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Makes a bridge, turned off.
    ///
    /// # Errors
    /// There is a link of this name.
    pub(super) fn add_bridge(&self, name: &str, hardware: Hardware) -> io::Result<()> {
        self.add(vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Address(hardware.to_vec()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
        ])
    }

    /// Makes a pair of links, both turned off.
    ///
    /// # Errors
    /// There is a link of one of the names.
    pub(super) fn add_pair(&self, pair: Pair<'_>) -> io::Result<()> {
        let mtu = pair.mtu.map(LinkAttribute::Mtu);
        let mut far = LinkMessage::default();
        far.attributes = vec![
            LinkAttribute::IfName(pair.far.to_owned()),
            LinkAttribute::Address(pair.far_hardware.to_vec()),
            LinkAttribute::NetNsFd(pair.namespace.as_raw_fd()),
        ];
        far.attributes.extend(mtu.clone());
        let mut near = vec![
            LinkAttribute::IfName(pair.near.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
            ]),
        ];
        near.extend(mtu);
        self.add(near)
    }

    fn add(&self, attributes: Vec<LinkAttribute>) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.attributes = attributes;
        self.ask(
            RouteNetlinkMessage::NewLink(link),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// Puts a link into a bridge.
    pub(super) fn join(&self, index: u32, bridge: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.attributes = vec![LinkAttribute::Controller(bridge)];
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Keeps a link of a bridge from reaching others that are kept so, too.
    pub(super) fn isolate(&self, index: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        let isolated = InfoPortData::BridgePort(vec![InfoBridgePort::Isolated(true)]);
        link.attributes = vec![LinkAttribute::LinkInfo(vec![
            LinkInfo::PortKind(InfoPortKind::Bridge),
            LinkInfo::PortData(isolated),
        ])];
        self.ask(RouteNetlinkMessage::NewLink(link), 0)
    }

    /// Does the bridge pass on what this link of its sends? The kernel says so a moment after both ends
    /// are turned on; what is sent before is lost.
    pub(super) fn is_forwarding(&self, index: u32) -> io::Result<bool> {
        const FORWARDING: u8 = 3;
        let attributes = self.attributes_of(index)?;
        let state = value(&attributes, LINK_INFO)
            .and_then(|link| value(&link, OF_THE_PORT))
            .and_then(|port| value(&port, PORT_STATE));
        Ok(state.as_deref() == Some(&[FORWARDING]))
    }

    /// Does this link send? A bridge does a moment after its first link does.
    pub(super) fn is_up(&self, index: u32) -> io::Result<bool> {
        const UP: u8 = 6;
        let state = value(&self.attributes_of(index)?, STATE);
        Ok(state.as_deref() == Some(&[UP]))
    }

    /// The largest packet that a link takes, in bytes.
    pub(super) fn mtu_of(&self, index: u32) -> io::Result<Option<u32>> {
        let mtu = value(&self.attributes_of(index)?, MTU);
        Ok(mtu.and_then(|bytes| bytes.try_into().ok().map(u32::from_ne_bytes)))
    }

    /// The attributes of a link as they come: the types of these messages print every one of them, for
    /// the case that something is wrong with it.
    fn attributes_of(&self, index: u32) -> io::Result<Vec<u8>> {
        /// Of the message, and of what it says of a link.
        const HEADERS: usize = 16 + 16;
        let mut link = LinkMessage::default();
        link.header.index = index;
        let mut answer = self.send(RouteNetlinkMessage::GetLink(link), NLM_F_REQUEST)?;
        let kind = answer.get(4..6).map(|bytes| [bytes[0], bytes[1]]);
        if kind.map(u16::from_ne_bytes) != Some(NEW_LINK) || answer.len() < HEADERS {
            return Err(unasked(&parsed(&answer)?));
        }
        Ok(answer.split_off(HEADERS))
    }

    /// Gives a link an address in a network of so many bits.
    pub(super) fn add_address(&self, index: u32, address: Ipv4Addr, bits: u8) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.index = index;
        message.header.prefix_len = bits;
        message.attributes = vec![
            AddressAttribute::Local(IpAddr::V4(address)),
            AddressAttribute::Address(IpAddr::V4(address)),
        ];
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        self.ask(RouteNetlinkMessage::NewAddress(message), flags)
    }

    /// Sends what is for elsewhere through this gateway.
    pub(super) fn add_default_route(&self, gateway: Ipv4Addr) -> io::Result<()> {
        let mut route = RouteMessage::default();
        route.header = RouteHeader {
            address_family: AddressFamily::Inet,
            table: RouteHeader::RT_TABLE_MAIN,
            protocol: RouteProtocol::Boot,
            scope: RouteScope::Universe,
            kind: RouteType::Unicast,
            ..RouteHeader::default()
        };
        route.attributes = vec![RouteAttribute::Gateway(RouteAddress::Inet(gateway))];
        self.ask(
            RouteNetlinkMessage::NewRoute(route),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// Sends a wish and waits until it is done.
    fn ask(&self, wish: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let answer = self.exchange(wish, NLM_F_REQUEST | NLM_F_ACK | flags)?;
        let NetlinkPayload::Error(error) = answer else {
            return Err(unasked(&answer));
        };
        // Success is an error without a number.
        match error.code {
            None => Ok(()),
            Some(_) => Err(error.to_io()),
        }
    }

    fn exchange(&self, wish: RouteNetlinkMessage, flags: u16) -> io::Result<Answer> {
        parsed(&self.send(wish, flags)?)
    }

    /// Sends a wish; the answer as it comes.
    fn send(&self, wish: RouteNetlinkMessage, flags: u16) -> io::Result<Vec<u8>> {
        let mut message = NetlinkMessage::from(wish);
        message.header.flags = flags;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.0.send(&bytes, 0)?;
        Ok(self.0.recv_from_full()?.0)
    }
}

/// The kernel's numbers of a message and of attributes.
const NEW_LINK: u16 = 16;
const MTU: u16 = 4;
const STATE: u16 = 16;
const LINK_INFO: u16 = 18;
const OF_THE_PORT: u16 = 5;
const PORT_STATE: u16 = 1;

/// The value of the first of these attributes that is of this kind.
fn value(attributes: &[u8], kind: u16) -> Option<Vec<u8>> {
    let mut all = NlasIterator::new(attributes).map_while(Result::ok);
    let found = all.find(|one| one.kind() == kind)?;
    Some(found.value().to_vec())
}

fn parsed(answer: &[u8]) -> io::Result<Answer> {
    let answer = NetlinkMessage::deserialize(answer).map_err(io::Error::other)?;
    Ok(answer.payload)
}

type Answer = NetlinkPayload<RouteNetlinkMessage>;

fn unasked(answer: &Answer) -> io::Error {
    io::Error::other(format!("an answer that was not asked for: {answer:?}"))
}
