//! One request of simulated traffic, and who made it.
//!
//! A request is small and `Copy`: what it looks like in a log is worked out only where it is
//! written, so that years of traffic can be merged, filtered and repeated without allocating.

use super::id::{Id, hex};
use super::random::Random;
use super::route::Route;
use crate::attribute::KeyKind;
use crate::time::Moment;
use std::net::Ipv4Addr;

/// A label: 0 for honest requests, else the number of the harvest.
pub type Label = u16;

/// One request as the portal saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When.
    pub at: Moment,
    /// Who.
    pub client: Client,
    /// What for.
    pub route: Route,
    /// Whom it asked about.
    pub subject: Id,
    /// What it was answered.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: u32,
    /// Records in the answer: more than one where a look-up by mobile number or a page of a list
    /// discloses several people.
    pub records: u16,
    /// With which program.
    pub agent: Agent,
    /// 0, or the number of the harvest that it belongs to.
    pub label: Label,
}

impl Request {
    /// Whether it was answered with a record (2xx).
    #[must_use]
    pub const fn is_disclosed(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The district that the answer names: that of a person who was found.
    pub(super) fn named_district(&self) -> Option<u8> {
        let names = self.route == Route::Beneficiary && self.is_disclosed();
        Some(self.subject.district).filter(|it| names && *it > 0)
    }
}

/// The identities of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client {
    /// What it presented.
    pub who: Who,
    /// Where it came from.
    pub address: Ipv4Addr,
}

impl Client {
    /// Its finest key, as an alert names it (a session by its token, which alerts show hashed).
    #[must_use]
    pub fn finest(&self) -> (KeyKind, String) {
        let mut name = Vec::new();
        self.who.write(&mut name);
        let name = String::from_utf8(name).unwrap_or_default();
        match self.who {
            Who::Nobody => (KeyKind::Address, self.address.to_string()),
            Who::Session(_) => (KeyKind::Session, name),
            Who::Staff(_) => (KeyKind::Staff, name),
            Who::Partner(_) => (KeyKind::Partner, name),
        }
    }

    /// It without what its finest key does not tell: with a login any address is the same.
    pub(super) const fn known_as(self) -> Self {
        match self.who {
            Who::Nobody => self,
            _ => Self { address: Ipv4Addr::UNSPECIFIED, ..self },
        }
    }

    /// The same client, whichever address it uses.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.who == other.who && (self.who != Who::Nobody || self.address == other.address)
    }
}

/// What a client presents beside its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Nothing.
    Nobody,
    /// The token of a citizen's session.
    Session(u64),
    /// The login of a member of staff.
    Staff(u32),
    /// The key of a partner organisation.
    Partner(u16),
}

impl Who {
    /// Appends the name in the log: `clinic-17`, `partner-3`, `s-` and 16 digits; nothing for
    /// nobody.
    pub fn write(self, out: &mut Vec<u8>) {
        let (prefix, number) = match self {
            Self::Nobody => return,
            Self::Session(token) => {
                out.extend_from_slice(b"s-");
                return hex(out, token, 16);
            }
            Self::Staff(login) => (&b"clinic-"[..], u64::from(login)),
            Self::Partner(key) => (&b"partner-"[..], u64::from(key)),
        };
        out.extend_from_slice(prefix);
        super::id::decimal(out, number, 1);
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The record was there.
    Found,
    /// There is none.
    Missing,
    /// The portal could not say.
    Failed,
    /// Something was written.
    Done,
    /// The code was wrong.
    Refused,
}

impl Answer {
    /// Status and bytes.
    pub(super) fn shown(self, random: &mut Random) -> (u16, u32) {
        match self {
            Self::Found => (200, 700 + u32::try_from(random.below(400)).unwrap_or(0)),
            Self::Missing => (404, 64),
            Self::Failed => (503, 120),
            Self::Done => (200, 48),
            Self::Refused => (401, 52),
        }
    }

    /// Records in an answer of one.
    pub(super) const fn records(self) -> u16 {
        if matches!(self, Self::Found) { 1 } else { 0 }
    }
}

/// The program that a client uses: an index into a list of user agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Agent(u8);

/// User agents; none holds what a log would have to escape.
const AGENTS: [&str; 11] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/125.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
     Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "PortalApp/4.2 (Android 13)",
    "ClinicDesk/7.1",
    "okhttp/4.12.0",
    "python-requests/2.31.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "kube-probe/1.31",
];

impl Agent {
    /// The clinics' program.
    pub const CLINIC: Self = Self(5);
    /// A partner's server.
    pub const SERVER: Self = Self(6);
    /// A script.
    pub const SCRIPT: Self = Self(7);
    /// A search engine's crawler that says so.
    pub const CRAWLER: Self = Self(8);
    /// An uptime monitor that says so.
    pub const MONITOR: Self = Self(9);
    /// A cluster's probe.
    pub const PROBE: Self = Self(10);

    /// A citizen's browser or phone, always the same for the same number.
    #[must_use]
    pub fn browser(number: u64) -> Self {
        Self(u8::try_from(number % 5).unwrap_or(0))
    }

    /// The `User-Agent` header.
    #[must_use]
    pub fn text(self) -> &'static str {
        AGENTS.get(usize::from(self.0)).copied().unwrap_or("-")
    }
}

/// Where clients come from: only ranges that belong to nobody (RFC 5737, 6598 and 2544).
pub(super) mod address {
    use std::net::Ipv4Addr;

    /// A citizen's own, one of four million in 100.64.0.0/10.
    pub(in super::super) fn citizen(number: u64) -> Ipv4Addr {
        within([100, 64, 0, 0], number % (1 << 22))
    }

    /// A carrier's, with many citizens behind it, in 198.18.0.0/16.
    pub(in super::super) fn nat(number: u64) -> Ipv4Addr {
        within([198, 18, 0, 1], number % 60_000)
    }

    /// An office's, in 198.19.0.0/16.
    pub(in super::super) fn office(number: u64) -> Ipv4Addr {
        within([198, 19, 0, 1], number % 60_000)
    }

    /// A partner's server, in 192.0.2.0/24.
    pub(in super::super) fn partner(number: u64) -> Ipv4Addr {
        within([192, 0, 2, 1], number % 250)
    }

    /// A hosting company's, in 203.0.113.0/24 and 198.51.100.0/24.
    pub(in super::super) fn hosting(number: u64) -> Ipv4Addr {
        if number % 500 < 250 {
            within([203, 0, 113, 1], number % 250)
        } else {
            within([198, 51, 100, 1], number % 250)
        }
    }

    fn within(first: [u8; 4], number: u64) -> Ipv4Addr {
        let first = u32::from_be_bytes(first);
        Ipv4Addr::from(first.saturating_add(u32::try_from(number).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_named_as_the_configuration_expects() {
        let client = |who| Client { who, address: address::hosting(0) };
        let named = |who| client(who).finest();
        assert_eq!(named(Who::Staff(17)), (KeyKind::Staff, "clinic-17".to_owned()));
        assert_eq!(named(Who::Partner(3)), (KeyKind::Partner, "partner-3".to_owned()));
        assert_eq!(named(Who::Session(255)), (KeyKind::Session, "s-00000000000000ff".to_owned()));
        assert_eq!(named(Who::Nobody), (KeyKind::Address, "203.0.113.1".to_owned()));
    }

    #[test]
    fn no_user_agent_needs_an_escape_in_any_log() {
        for agent in AGENTS {
            assert!(agent.bytes().all(|it| (b' '..=b'~').contains(&it)), "{agent}");
            assert!(!agent.contains(['"', '\\', '|', '{', '}', '#']), "{agent}");
        }
    }

    #[test]
    fn a_request_stays_small() {
        assert!(size_of::<Request>() <= 72, "{}", size_of::<Request>());
    }
}
