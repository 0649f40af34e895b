//! Ranges of addresses, and which of them a machine has to spare.

use std::fmt;
use std::net::Ipv4Addr;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subnet {
    base: u32,
    bits: u8,
}

/// What a machine's private networks may be, the first that nothing else uses.
pub(super) const CANDIDATES: [Subnet; 5] = [
    Subnet::new([10, 157, 0, 0], 16),
    Subnet::new([10, 219, 0, 0], 16),
    Subnet::new([172, 27, 0, 0], 16),
    Subnet::new([192, 168, 157, 0], 24),
    Subnet::new([192, 168, 219, 0], 24),
];

impl Subnet {
    const fn new(base: [u8; 4], bits: u8) -> Self {
        Self {
            base: u32::from_be_bytes(base),
            bits,
        }
    }

    /// How many bits name it.
    pub(super) fn bits(self) -> u8 {
        self.bits
    }

    /// The address of the bridge, through which others are reached.
    pub(super) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base + 1)
    }

    /// Every address for a container, once, beginning somewhere by chance.
    pub(super) fn addresses(self, chance: u32) -> impl Iterator<Item = Ipv4Addr> {
        // Neither the network, nor the gateway, nor the address of all.
        let count = (!self.mask()).saturating_sub(2);
        (0..count).map(move |step| {
            let offset = (chance % count + step) % count;
            Ipv4Addr::from_bits(self.base + 2 + offset)
        })
    }

    fn is_all(self) -> bool {
        self.bits == 0
    }

    fn overlaps(self, other: Self) -> bool {
        let both = self.mask() & other.mask();
        self.base & both == other.base & both
    }

    fn mask(self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.bits))
            .unwrap_or_default()
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}/{}",
            Ipv4Addr::from_bits(self.base),
            self.bits
        )
    }
}

/// Where a machine sends what is for which range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Routes(Vec<(String, Subnet)>);

impl Routes {
    /// Reads the kernel's table, `/proc/net/route`.
    pub(super) fn parse(table: &str) -> Self {
        Self(table.lines().skip(1).filter_map(route).collect())
    }

    /// The range behind this link.
    pub(super) fn behind(&self, link: &str) -> Option<Subnet> {
        let found = self
            .0
            .iter()
            .find(|(name, range)| name == link && !range.is_all());
        found.map(|(_, range)| *range)
    }

    /// The link to everywhere else.
    pub(super) fn uplink(&self) -> Option<&str> {
        let found = self.0.iter().find(|(_, range)| range.is_all());
        found.map(|(link, _)| link.as_str())
    }

    /// A range that no route touches but that to everywhere else.
    pub(super) fn spare(&self) -> Option<Subnet> {
        let used = || self.0.iter().filter(|(_, range)| !range.is_all());
        CANDIDATES
            .into_iter()
            .find(|candidate| !used().any(|(_, range)| range.overlaps(*candidate)))
    }
}

fn route(entry: &str) -> Option<(String, Subnet)> {
    let mut words = entry.split_whitespace();
    let link = words.next()?.to_owned();
    let destination = number(words.next()?)?;
    let mask = number(words.nth(5)?)?;
    let range = Subnet {
        base: destination,
        bits: u8::try_from(mask.leading_ones()).ok()?,
    };
    Some((link, range))
}

/// The kernel prints addresses as numbers of this machine, though their bytes are the network's.
fn number(hexadecimal: &str) -> Option<u32> {
    let number = u32::from_str_radix(hexadecimal, 16).ok()?;
    Some(u32::from_be(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";

    fn routes(lines: &[&str]) -> Routes {
        Routes::parse(&format!("{HEADER}{}\n", lines.join("\n")))
    }

    #[test]
    fn a_range_names_its_addresses_without_those_that_are_taken() {
        let range = Subnet::new([192, 0, 2, 0], 29);
        let last = |address: Ipv4Addr| address.octets()[3];
        assert_eq!(last(range.gateway()), 1);
        assert_eq!(
            range.addresses(0).map(last).collect::<Vec<_>>(),
            [2, 3, 4, 5, 6]
        );
        assert_eq!(
            range.addresses(8).map(last).collect::<Vec<_>>(),
            [5, 6, 2, 3, 4]
        );
        assert_eq!(range.to_string(), "192.0.2.0/29");
    }

    #[test]
    fn the_kernels_table_is_read() {
        let routes = routes(&[
            "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0",
            "longshore0\t00009D0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
        ]);
        assert_eq!(routes.behind("longshore0"), Some(CANDIDATES[0]));
        assert_eq!(routes.behind("eth0"), None);
        assert_eq!(routes.uplink(), Some("eth0"));
    }

    #[test]
    fn a_range_that_something_else_uses_is_left_alone() {
        assert_eq!(routes(&[]).spare(), Some(CANDIDATES[0]));
        let within = "eth1\t0002 9D0A".replace(' ', "") + "\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0";
        assert_eq!(routes(&[&within]).spare(), Some(CANDIDATES[1]));
        let around = "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0";
        assert_eq!(routes(&[around]).spare(), Some(CANDIDATES[2]));
        let all = "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0";
        let rest = "tun0\t00000080\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0";
        assert_eq!(routes(&[all, rest]).spare(), None);
    }
}
