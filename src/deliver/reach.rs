//! Where receivers may be, so that no address leads a notification into our own network.
//!
//! An address of a receiver is text that somebody pasted, and a name is what its zone says today:
//! either may lead to this machine, to a neighbour that trusts whoever reaches it, or to the
//! metadata service that hands out a machine's keys (server-side request forgery). So an address
//! is https and public, unless its host was listed as an internal one, and where an allow-list of
//! hosts is given nothing else is reached. The address is judged twice: as it stands, when the
//! configuration is read, and once it is resolved, at every connection: what was judged is what
//! is connected to, so a name that answers differently the second time gains nothing. The driver
//! follows no redirect, and asks no proxy of the environment.
//!
//! Addresses are judged after the parser of the web has read them: `2130706433`, `0x7f.1` and
//! `0177.0.0.1` are 127.0.0.1 to it as to whoever connects. The list of special addresses is
//! IANA's, as code, because the standard library's `is_global` is not stable and no kept crate
//! has it.

use ipnet::IpNet;
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The port of https. Others are taken from 1024 on: below are services that can be made to read
/// an HTTP request as something else.
const HTTPS_PORT: u16 = 443;
const OPEN_PORT_MIN: u16 = 1_024;

/// A host inside our own network that receivers may be at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Internal {
    /// A name, in lower case and without a dot at its end.
    Host(String),
    /// Addresses, or a single one.
    Network(IpNet),
}

impl Internal {
    /// Reads a name, an address or a network; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let network = text.parse().ok().or_else(single).map(Self::Network);
        network.or_else(|| host_name(text).map(Self::Host))
    }
}

/// A host name as hosts are compared; `None` where the text is none.
#[must_use]
pub fn host_name(text: &str) -> Option<String> {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._".contains(&it);
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let named = (1..=253).contains(&name.len()) && name.bytes().all(plain);
    // What ends in a number is an address to the parser of the web, in whatever notation.
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with("0x") || last.bytes().all(|it| it.is_ascii_digit());
    (named && !numeric).then_some(name)
}

/// Where receivers may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The only hosts, besides internal ones; empty for any public host.
    pub allowed: Vec<String>,
    /// Hosts that may be reached over http and at addresses that are not public.
    pub internal: Vec<Internal>,
}

/// What a kind of receiver is trusted with where its host is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Public hosts over https.
    Public,
    /// The same, and this machine where the address says so in as many words: tests and relays.
    ThisMachine,
    /// Any host of our own network, as Alertmanager's usually is, over http too: no secret goes
    /// there. Not what no receiver is ever at.
    OwnNetwork,
}

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// It is not encrypted.
    #[error("is not https, and its host is not in internal_hosts")]
    Plain,
    /// It names a user or a password, which end in logs, or hide the host.
    #[error("has a user or a password in it")]
    UserInfo,
    /// An allow-list is given and its host is not in it.
    #[error("is at a host that is neither in receiver_hosts nor in internal_hosts")]
    NotAllowed,
    /// Another service is at this port.
    #[error("has port {0}; 443 and 1024 and above are open to hosts that are not internal")]
    Port(u16),
    /// It is not public.
    #[error("leads to {0}, which is no public address, and is not in internal_hosts")]
    NotPublic(IpAddr),
    /// It is what no receiver is ever at.
    #[error("leads to {0}, which is link-local, multicast or a metadata service")]
    Never(IpAddr),
}

impl Reach {
    /// Judges an address as it stands.
    ///
    /// # Errors
    /// Why no receiver of this trust may be there.
    pub fn check(&self, url: &Url, trust: Trust) -> Result<(), ReachError> {
        let text = url.host_str().unwrap_or_default();
        let host = text.trim_end_matches('.');
        let literal = literal(host);
        let named = self.is_internal_name(host);
        let listed = named || literal.is_some_and(|it| self.is_internal_address(it));
        if trust == Trust::Public && (!url.username().is_empty() || url.password().is_some()) {
            return Err(ReachError::UserInfo);
        }
        if !self.allowed.is_empty()
            && !listed
            && !self.allowed.iter().any(|it| it == host.trim_matches(['[', ']']))
        {
            return Err(ReachError::NotAllowed);
        }
        let known = listed || trusted(host, trust);
        if url.scheme() != "https" && !known {
            return Err(ReachError::Plain);
        }
        let port = url.port_or_known_default().unwrap_or(HTTPS_PORT);
        if !known && port != HTTPS_PORT && port < OPEN_PORT_MIN {
            return Err(ReachError::Port(port));
        }
        let localhost = host == "localhost" || host.ends_with(".localhost");
        match literal {
            Some(address) => self.admit(host, address, trust),
            None if localhost => self.admit(host, Ipv4Addr::LOCALHOST.into(), trust),
            None => Ok(()),
        }
    }

    /// Judges what a host has resolved to.
    ///
    /// # Errors
    /// Why nothing of this trust may connect there.
    pub fn admit(&self, host: &str, address: IpAddr, trust: Trust) -> Result<(), ReachError> {
        let host = host.trim_end_matches('.');
        let plain = carried(address);
        if is_never(plain) {
            // A network that happens to hold one does not mean it.
            let is_meant = |it: &Internal| {
                matches!(it, Internal::Network(net)
                    if net.addr() == plain && net.prefix_len() == net.max_prefix_len())
            };
            return match self.internal.iter().any(is_meant) {
                true => Ok(()),
                false => Err(ReachError::Never(address)),
            };
        }
        if self.is_internal_address(address) {
            return Ok(());
        }
        let known = self.is_internal_name(host)
            || trust == Trust::OwnNetwork
            || (trusted(host, trust) && plain.is_loopback());
        if known || is_public(plain) { Ok(()) } else { Err(ReachError::NotPublic(address)) }
    }

    fn is_internal_name(&self, host: &str) -> bool {
        self.internal.iter().any(|it| matches!(it, Internal::Host(name) if name == host))
    }

    fn is_internal_address(&self, address: IpAddr) -> bool {
        let plain = carried(address);
        let holds = |it: &Internal| matches!(it, Internal::Network(net) if net.contains(&plain));
        self.internal.iter().any(holds)
    }
}

/// Whether a host is known by the kind of its receiver alone.
fn trusted(host: &str, trust: Trust) -> bool {
    match trust {
        Trust::Public => false,
        Trust::ThisMachine => {
            host == "localhost" || literal(host).is_some_and(|it| it.is_loopback())
        }
        Trust::OwnNetwork => true,
    }
}

/// The address that a host is, where it is no name.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// The IPv4 address that an IPv6 one only carries (mapped, or translated by NAT64), else itself.
fn carried(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) if matches!(it.segments(), [0x64, 0xff9b, 0, 0, 0, 0, ..]) => {
            let [.., a, b, c, d] = it.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        other => other,
    }
}

/// Link-local, multicast, nobody, and the services that hand out a machine's keys where these are
/// not link-local: Alibaba's, Azure's, Oracle's, Amazon's over IPv6.
const fn is_never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => matches!(
            it.octets(),
            [0 | 224..=255, ..]
                | [169, 254, ..]
                | [100, 100, 100, 200]
                | [168, 63, 129, 16]
                | [192, 0, 0, 192]
        ),
        IpAddr::V6(it) => match it.segments() {
            [0xfe80..=0xfebf | 0xff00..=0xffff, ..] => true,
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => true,
            _ => it.is_unspecified(),
        },
    }
}

/// Whether anybody on the internet may have this address (IANA's special-purpose registries).
const fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => !matches!(
            it.octets(),
            [0 | 10 | 127 | 224..=255, ..]
                | [100, 64..=127, ..]
                | [169, 254, ..]
                | [172, 16..=31, ..]
                | [192, 0, 0 | 2, _]
                | [192, 88, 99, _]
                | [192, 168, ..]
                | [198, 18..=19, ..]
                | [198, 51, 100, _]
                | [203, 0, 113, _]
        ),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

/// Only 2000::/3 is given out, and of it not the special-purpose block, documentation and 6to4,
/// whose addresses carry others.
const fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reach: &Reach, text: &str, trust: Trust) -> Result<(), ReachError> {
        reach.check(&Url::parse(text).unwrap(), trust)
    }

    fn internal(entries: &[&str]) -> Reach {
        let internal = entries.iter().map(|it| Internal::parse(it).unwrap()).collect();
        Reach { internal, ..Reach::default() }
    }

    #[test]
    fn public_hosts_over_https_are_open_and_nothing_else_is() {
        let open = Reach::default();
        for text in ["https://hooks.slack.com/x", "https://a.example:8443/", "https://8.8.8.8/"] {
            assert_eq!(check(&open, text, Trust::Public), Ok(()), "{text}");
        }
        for (text, expected) in [
            ("http://hooks.slack.com/", ReachError::Plain),
            ("https://a.example:22/", ReachError::Port(22)),
            ("https://a.example:80/", ReachError::Port(80)),
            ("https://user@a.example/", ReachError::UserInfo),
            ("https://:password@a.example/", ReachError::UserInfo),
        ] {
            assert_eq!(check(&open, text, Trust::Public), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_allow_list_leaves_only_what_is_in_it_and_what_is_internal() {
        let allowed = vec!["hooks.slack.com".to_owned()];
        let reach = Reach { allowed, ..internal(&["relay.lan"]) };
        assert_eq!(check(&reach, "https://HOOKS.slack.com./x", Trust::Public), Ok(()));
        assert_eq!(check(&reach, "http://relay.lan/x", Trust::Public), Ok(()));
        for trust in [Trust::Public, Trust::ThisMachine, Trust::OwnNetwork] {
            let refused = check(&reach, "https://hooks.slack.com.evil.example/", trust);
            assert_eq!(refused, Err(ReachError::NotAllowed));
        }
        let allowed = vec!["2606:4700::1111".to_owned()];
        let reach = Reach { allowed, ..Reach::default() };
        assert_eq!(check(&reach, "https://[2606:4700::1111]/", Trust::Public), Ok(()));
        let allowed = vec!["hooks.slack.com".to_owned()];
        let reach = Reach { allowed, ..internal(&["relay.lan"]) };
        // To be allowed is not to be internal.
        assert_eq!(check(&reach, "http://hooks.slack.com/", Trust::Public), Err(ReachError::Plain));
        assert!(reach.admit("hooks.slack.com", [10, 0, 0, 1].into(), Trust::Public).is_err());
    }

    #[test]
    fn what_is_listed_as_internal_may_be_private_and_plain_but_no_metadata_service() {
        let reach = internal(&["relay.lan", "10.1.0.0/16", "fd00:1::/32"]);
        for text in ["http://relay.lan:25/", "http://10.1.2.3/", "https://[fd00:1::5]/"] {
            assert_eq!(check(&reach, text, Trust::Public), Ok(()), "{text}");
        }
        assert_eq!(reach.admit("relay.lan", [192, 168, 1, 1].into(), Trust::Public), Ok(()));
        assert_eq!(reach.admit("any.example", [10, 1, 9, 9].into(), Trust::Public), Ok(()));
        assert!(reach.admit("any.example", [10, 2, 9, 9].into(), Trust::Public).is_err());
        for trust in [Trust::Public, Trust::ThisMachine, Trust::OwnNetwork] {
            let metadata = [169, 254, 169, 254].into();
            assert_eq!(reach.admit("relay.lan", metadata, trust), Err(ReachError::Never(metadata)));
        }
        let named = internal(&["169.254.169.254"]);
        assert_eq!(check(&named, "http://169.254.169.254/", Trust::Public), Ok(()));
        // A network that holds one does not mean it: Amazon's and Alibaba's lie in private networks.
        let wide = internal(&["fd00::/8", "100.64.0.0/10"]);
        for text in ["http://[fd00:ec2::254]/", "http://100.100.100.200/"] {
            let refused = check(&wide, text, Trust::Public);
            assert!(matches!(refused, Err(ReachError::Never(_))), "{text}: {refused:?}");
        }
    }

    #[test]
    fn the_kinds_that_were_first_reach_what_they_did() {
        let open = Reach::default();
        for text in ["http://127.0.0.1:9093/", "http://[::1]:1/", "http://localhost:80/"] {
            assert_eq!(check(&open, text, Trust::ThisMachine), Ok(()), "{text}");
            assert_eq!(check(&open, text, Trust::OwnNetwork), Ok(()), "{text}");
            assert!(check(&open, text, Trust::Public).is_err(), "{text}");
        }
        assert_eq!(check(&open, "http://alertmanager:9093/", Trust::OwnNetwork), Ok(()));
        assert_eq!(open.admit("alertmanager", [10, 0, 0, 9].into(), Trust::OwnNetwork), Ok(()));
        assert!(check(&open, "http://10.0.0.9/", Trust::ThisMachine).is_err());
        // A name of ours that begins to lead here is no address that says so.
        let pager = open.admit("events.pagerduty.com", [127, 0, 0, 1].into(), Trust::ThisMachine);
        assert!(pager.is_err());
    }

    #[test]
    fn names_addresses_and_networks_are_told_apart() {
        assert_eq!(Internal::parse("Relay.LAN."), Some(Internal::Host("relay.lan".to_owned())));
        assert!(matches!(Internal::parse("10.0.0.0/8"), Some(Internal::Network(_))));
        assert!(matches!(Internal::parse("::1"), Some(Internal::Network(_))));
        for text in ["", "https://a", "a/b", "127.1", "0x7f.1", "a b", "10.0.0.0/99", "1234"] {
            assert_eq!(Internal::parse(text), None, "{text}");
        }
    }
}
