//! The address that a request came from, and how addresses and networks are named.
//!
//! `X-Forwarded-For` is written by the client until a proxy appends to it, so it is read from the
//! right, and a hop counts only while the one that reported it is a proxy of ours. Read from the
//! left, as many do, a harvester would be a new client with every line. What is no address stops
//! the walk: the last believed hop is the client, never text that a client chose.

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use memchr::{memchr, memchr_iter, memrchr};
use std::fmt::Write;

/// Proxies in front of each other at most; the walk ends there.
const HOPS_MAX: usize = 32;

/// An IP address as a number; IPv4 ones mapped into IPv6 are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Ip {
    V4(u32),
    V6(u128),
}

/// The networks whose `X-Forwarded-For` is believed: network and mask.
#[derive(Clone, Debug, Default)]
pub(super) struct Trusted {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Trusted {
    pub(super) fn new(nets: &[IpNet]) -> Self {
        let mut trusted = Self::default();
        for net in nets {
            match net {
                IpNet::V4(net) => {
                    trusted.v4.push((net.network().to_bits(), net.netmask().to_bits()));
                }
                IpNet::V6(net) => {
                    let (network, mask) = (net.network().to_bits(), net.netmask().to_bits());
                    let mapped = net.network().to_ipv4_mapped().filter(|_| net.prefix_len() >= 96);
                    match (mapped, u32::try_from(mask & u128::from(u32::MAX))) {
                        (Some(ip), Ok(mask)) => trusted.v4.push((ip.to_bits(), mask)),
                        _ => trusted.v6.push((network, mask)),
                    }
                }
            }
        }
        trusted
    }

    fn contains(&self, ip: Ip) -> bool {
        match ip {
            Ip::V4(ip) => self.v4.iter().any(|(network, mask)| ip & mask == *network),
            Ip::V6(ip) => self.v6.iter().any(|(network, mask)| ip & mask == *network),
        }
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address<'r> {
    /// An IP address.
    Ip(Ip),
    /// What a gateway that looks names up wrote instead.
    Host(&'r [u8]),
}

impl<'r> Address<'r> {
    /// An address from a field: with or without a port and brackets. Whatever is no IP address is
    /// a host name; nothing and a local socket (`unix:`, `@`) are no address.
    pub(super) fn of(text: &'r [u8]) -> Option<Self> {
        let text = text.trim_ascii();
        match hop(text) {
            Some(ip) => Some(Self::Ip(ip)),
            None if text.is_empty() || text == b"@" || text.starts_with(b"unix:") => None,
            None => Some(Self::Host(text)),
        }
    }

    /// The client's address: the peer, or as far left in `X-Forwarded-For` as proxies vouch for.
    /// Without a peer in the line (Envoy's text format) the last hop stands for it: the gateway
    /// itself has appended it, as it does with `use_remote_address`.
    pub(super) fn of_client(
        peer: Option<&'r [u8]>,
        forwarded: Option<&[u8]>,
        trusted: &Trusted,
    ) -> Option<Self> {
        let mut hops = Hops { rest: forwarded };
        let mut client = match peer.and_then(Self::of) {
            Some(Self::Ip(ip)) => ip,
            Some(host) => return Some(host),
            None => hop(hops.next()?)?,
        };
        for text in hops.take(HOPS_MAX) {
            if !trusted.contains(client) {
                break;
            }
            let Some(ip) = hop(text) else {
                break;
            };
            client = ip;
        }
        Some(Self::Ip(client))
    }

    /// Writes the name of the address: IPv6 by its /64, because one client has all of it; a host
    /// name in lower case.
    pub(super) fn write_address(&self, name: &mut Vec<u8>) {
        match self {
            Self::Ip(Ip::V4(ip)) => write_v4(*ip, name),
            Self::Ip(Ip::V6(ip)) => write_v6(*ip, 64, name),
            Self::Host(host) => name.extend(host.iter().map(u8::to_ascii_lowercase)),
        }
    }

    /// Writes the name of its network, a /24 or a /48; whether it has one.
    pub(super) fn write_network(&self, name: &mut Vec<u8>) -> bool {
        match self {
            Self::Ip(Ip::V4(ip)) => {
                write_v4(ip & 0xFFFF_FF00, name);
                name.extend_from_slice(b"/24");
            }
            Self::Ip(Ip::V6(ip)) => write_v6(*ip, 48, name),
            Self::Host(_) => return false,
        }
        true
    }
}

/// The hops of `X-Forwarded-For`, right to left.
struct Hops<'f> {
    rest: Option<&'f [u8]>,
}

impl<'f> Iterator for Hops<'f> {
    type Item = &'f [u8];

    fn next(&mut self) -> Option<&'f [u8]> {
        let rest = self.rest?;
        let Some(comma) = memrchr(b',', rest) else {
            self.rest = None;
            return Some(rest);
        };
        self.rest = rest.get(..comma);
        rest.get(comma + 1..)
    }
}

/// An address as a network of one, read as attribution reads it: for whoever looks for proxies in a
/// sample.
#[must_use]
pub fn net_of(text: &str) -> Option<IpNet> {
    match hop(text.as_bytes())? {
        Ip::V4(ip) => Ipv4Net::new(ip.into(), 32).ok().map(IpNet::V4),
        Ip::V6(ip) => Ipv6Net::new(ip.into(), 128).ok().map(IpNet::V6),
    }
}

/// One hop as an address: `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]`, `[::1]:5`, spaces around it.
fn hop(text: &[u8]) -> Option<Ip> {
    let text = text.trim_ascii();
    if let Some(ip) = v4(text) {
        return Some(Ip::V4(ip));
    }
    if let Some(inside) = text.strip_prefix(b"[") {
        let (ip, after) = inside.split_at_checked(memchr(b']', inside)?)?;
        return v6(ip).filter(|_| after == b"]" || after.strip_prefix(b"]:").is_some_and(is_port));
    }
    let mut colons = memchr_iter(b':', text);
    match (colons.next(), colons.next()) {
        (Some(colon), None) => {
            let (ip, port) = (text.get(..colon)?, text.get(colon + 1..)?);
            v4(ip).filter(|_| is_port(port)).map(Ip::V4)
        }
        _ => v6(text),
    }
}

fn is_port(text: &[u8]) -> bool {
    (1..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// Four decimal numbers without leading zeros, by hand: this runs on nearly every line and is four
/// times as fast as the standard library on text that must be checked to be text first.
fn v4(text: &[u8]) -> Option<u32> {
    let (mut ip, mut octet, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' if digits == 0 || octet > 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && dots < 3 => {
                ip = ip << 8 | octet;
                (octet, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
        if octet > 255 {
            return None;
        }
    }
    (dots == 3 && digits > 0).then_some(ip << 8 | octet)
}

/// An IPv6 address; its zone is dropped, and one that maps an IPv4 address is that address.
fn v6(text: &[u8]) -> Option<Ip> {
    let text = memchr(b'%', text).and_then(|zone| text.get(..zone)).unwrap_or(text);
    let ip = Ipv6Net::new(std::str::from_utf8(text).ok()?.parse().ok()?, 128).ok()?.addr();
    Some(ip.to_ipv4_mapped().map_or(Ip::V6(ip.to_bits()), |ip| Ip::V4(ip.to_bits())))
}

fn write_v4(ip: u32, name: &mut Vec<u8>) {
    for (place, octet) in ip.to_be_bytes().into_iter().enumerate() {
        if place > 0 {
            name.push(b'.');
        }
        if octet >= 100 {
            name.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            name.push(b'0' + octet / 10 % 10);
        }
        name.push(b'0' + octet % 10);
    }
}

fn write_v6(ip: u128, prefix: u8, name: &mut Vec<u8>) {
    if let Ok(net) = Ipv6Net::new(ip.into(), prefix) {
        // Formatting into a vector cannot fail.
        let _infallible = write!(Text(name), "{}", net.trunc());
    }
}

/// A byte vector as a target of formatting.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::seeded;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn named(peer: Option<&str>, forwarded: Option<&str>) -> Option<String> {
        let trusted = Trusted::new(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let (peer, forwarded) = (peer.map(str::as_bytes), forwarded.map(str::as_bytes));
        Address::of_client(peer, forwarded, &trusted).map(|it| name(&it))
    }

    fn name(address: &Address<'_>) -> String {
        let mut name = Vec::new();
        address.write_address(&mut name);
        String::from_utf8(name).unwrap()
    }

    #[test]
    fn the_walk_goes_left_only_as_far_as_proxies_vouch() {
        for (peer, forwarded, client) in [
            ("203.0.113.9", Some("198.51.100.1"), "203.0.113.9"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("1.1.1.1, 198.51.100.1,10.2.0.1"), "198.51.100.1"),
            ("10.0.0.1:443", Some("198.51.100.1:5001"), "198.51.100.1"),
            ("10.0.0.1", Some("10.3.0.1, 10.2.0.1"), "10.3.0.1"),
            ("10.0.0.1", Some("198.51.100.1, junk, 10.2.0.1"), "10.2.0.1"),
            ("10.0.0.1", Some("198.51.100.1, \u{202e}evil"), "10.0.0.1"),
            ("10.0.0.1", Some(""), "10.0.0.1"),
            ("fd00::1", Some("[2001:db8:1:2:3::4]:443"), "2001:db8:1:2::/64"),
            ("::ffff:10.0.0.1", Some("::ffff:198.51.100.1"), "198.51.100.1"),
            ("[2001:DB8:1:2::9]:443", Some("1.1.1.1"), "2001:db8:1:2::/64"),
            ("fe80::1%eth0", None, "fe80::/64"),
            ("In24.InetNebr.COM", Some("1.1.1.1"), "in24.inetnebr.com"),
        ] {
            assert_eq!(
                named(Some(peer), forwarded).as_deref(),
                Some(client),
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn without_a_peer_the_last_hop_stands_for_it() {
        assert_eq!(named(None, Some("1.1.1.1, 10.1.1.1,192.0.2.2")).unwrap(), "192.0.2.2");
        assert_eq!(named(None, Some("1.1.1.1, 192.0.2.2, 10.1.1.1")).unwrap(), "192.0.2.2");
        assert_eq!(named(Some("unix:"), Some("1.1.1.1, 192.0.2.2")).unwrap(), "192.0.2.2");
        assert_eq!(named(None, Some("192.0.2.2, evil")), None);
        assert_eq!(named(None, None), None);
        assert_eq!(named(Some(""), None), None);
    }

    #[test]
    fn networks_are_a_24_or_a_48_and_host_names_have_none() {
        for (text, network) in [
            (&b"198.51.100.7"[..], Some("198.51.100.0/24")),
            (b"2001:db8:1:2::9", Some("2001:db8:1::/48")),
            (b"in24.inetnebr.com", None),
        ] {
            let mut name = Vec::new();
            let has = Address::of(text).unwrap().write_network(&mut name);
            assert_eq!(has.then_some(name.as_slice()), network.map(str::as_bytes));
        }
    }

    #[test]
    fn a_trusted_network_of_mapped_addresses_is_an_ipv4_one() {
        let trusted = Trusted::new(&["::ffff:10.0.0.0/104".parse().unwrap()]);
        let client = Address::of_client(Some(b"10.1.1.1"), Some(b"192.0.2.2"), &trusted);
        assert_eq!(name(&client.unwrap()), "192.0.2.2");
    }

    #[test]
    fn half_an_address_is_none() {
        for text in [
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4:",
            "1.2.3.4:x",
            "[::1",
            "[::1]x",
        ] {
            assert_eq!(hop(text.as_bytes()), None, "{text}");
        }
        assert_eq!(hop(b" 0.10.255.1\t"), Some(Ip::V4(0x000A_FF01)));
    }

    proptest! {
        #![proptest_config(seeded())]

        #[test]
        fn whatever_a_client_writes_before_its_own_hop_changes_nothing(
            written in "[ -~\u{202e}]{0,60}", mine in 0x0B00_0000_u32..=u32::MAX, proxies in 0..4_usize,
        ) {
            let mine = Ipv4Addr::from_bits(mine).to_string();
            let header = format!("{written}, {mine}{}", ", 10.0.0.7".repeat(proxies));
            prop_assert_eq!(named(Some("10.0.0.1"), Some(&header)), Some(mine));
        }

        #[test]
        fn ipv4_reads_and_names_as_the_standard_library_does(text in "[0-9.]{1,16}", ip: Ipv4Addr) {
            prop_assert_eq!(v4(text.as_bytes()), text.parse().ok().map(Ipv4Addr::to_bits));
            prop_assert_eq!(v4(ip.to_string().as_bytes()), Some(ip.to_bits()));
            prop_assert_eq!(name(&Address::Ip(Ip::V4(ip.to_bits()))), ip.to_string());
        }

        #[test]
        fn any_bytes_have_an_address_or_none(
            peer: Option<Vec<u8>>, forwarded: Option<Vec<u8>>, hops in "[0-9a-f:.,\\[\\]% ]{0,60}",
        ) {
            let all = Trusted::new(&["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
            Address::of_client(peer.as_deref(), forwarded.as_deref(), &all);
            Address::of_client(None, Some(hops.as_bytes()), &all);
        }
    }
}
