//! What can be blind in a log: a closed list, each with what it costs.

use super::snippets::{Need, Snippet};
use crate::decode::Format;

/// A way in which a log hides what darban looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Paths are templates of the gateway.
    Template,
    /// No id in paths and queries.
    NoSubject,
    /// No line is on a configured route.
    NoRoute,
    /// What looks like people is on no configured route.
    Unwatched,
    /// No client key at all.
    NoClient,
    /// No client key but the address.
    OnlyAddress,
    /// Addresses of proxies instead of clients.
    UntrustedProxy,
    /// One address makes nearly all requests.
    OneAddress,
    /// One key makes much of a route's requests.
    SharedKey,
    /// A request is logged by two gateways.
    LoggedTwice,
    /// Answers have no status.
    NoStatus,
    /// Requests have no user agent.
    NoAgent,
    /// Times have no zone.
    NoZone,
    /// Records have no time in Kafka.
    NoRecordTime,
    /// Much is refused.
    Refused,
}

impl Kind {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Template => "template_instead_of_path",
            Self::NoSubject => "no_subject",
            Self::NoRoute => "no_route",
            Self::Unwatched => "unwatched_route",
            Self::NoClient => "no_client",
            Self::OnlyAddress => "no_key_but_the_address",
            Self::UntrustedProxy => "untrusted_proxy",
            Self::OneAddress => "one_address",
            Self::SharedKey => "shared_key",
            Self::LoggedTwice => "logged_twice",
            Self::NoStatus => "no_status",
            Self::NoAgent => "no_user_agent",
            Self::NoZone => "no_zone",
            Self::NoRecordTime => "no_record_time",
            Self::Refused => "refused",
        }
    }

    /// What it costs, in one line.
    #[must_use]
    pub const fn cost(self) -> &'static str {
        match self {
            Self::Template | Self::NoSubject | Self::NoRoute => {
                "nobody can be seen to be looked up: no harvest of any kind is found"
            }
            Self::Unwatched => "who is looked up there is not judged: a harvest of it is not found",
            Self::NoClient => "nobody can be named: these lines are not judged at all",
            Self::OnlyAddress => {
                "a stolen login on many addresses is many strangers, and everybody behind one address is one client"
            }
            Self::UntrustedProxy | Self::OneAddress => {
                "all clients behind it are one, whose honest work hides any harvest"
            }
            Self::SharedKey => {
                "everybody behind one key is one client, whose honest work hides a harvest"
            }
            Self::LoggedTwice => {
                "each look-up counts twice: rates are learned from both, or one gateway's clients are the other"
            }
            Self::NoStatus => {
                "ids that do not exist look like people: guessing is not seen, and records out are overstated"
            }
            Self::NoAgent => {
                "crawlers and monitors are strangers, and machines of one program are not told to be one campaign"
            }
            Self::NoZone => {
                "alerts have the wrong time wherever [decode] zone is not the gateway's"
            }
            Self::NoRecordTime => {
                "look-ups without a time of their own get that of reading: a backlog looks like a flood"
            }
            Self::Refused => "what is in these lines is not judged",
        }
    }

    /// The streams that say nothing, or less than they could.
    #[must_use]
    pub const fn streams(self) -> &'static [&'static str] {
        const ALL: &[&str] = &["cold", "miss", "walk", "monotone", "volume", "act", "guess"];
        match self {
            Self::Template
            | Self::NoSubject
            | Self::NoRoute
            | Self::Unwatched
            | Self::NoClient
            | Self::Refused => ALL,
            Self::OnlyAddress | Self::UntrustedProxy | Self::OneAddress | Self::SharedKey => {
                &["volume", "act", "walk", "monotone"]
            }
            Self::LoggedTwice => &["volume", "cold"],
            Self::NoStatus => &["miss", "guess"],
            Self::NoAgent => &["campaigns"],
            Self::NoZone | Self::NoRecordTime => &["volume"],
        }
    }

    /// What would mend it.
    pub(super) const fn need(self) -> Need {
        match self {
            Self::Template
            | Self::NoSubject
            | Self::NoClient
            | Self::OneAddress
            | Self::NoStatus
            | Self::NoAgent => Need::Fields,
            Self::OnlyAddress | Self::SharedKey => Need::Key,
            Self::NoRoute | Self::Unwatched => Need::Routes,
            Self::UntrustedProxy => Need::Proxies,
            Self::LoggedTwice => Need::Once,
            Self::NoZone => Need::Zone,
            Self::NoRecordTime => Need::RecordTime,
            Self::Refused => Need::Look,
        }
    }
}

/// Something that cannot be seen in a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// What it is.
    pub kind: Kind,
    /// The format that it is about; `None` for all.
    pub format: Option<Format>,
    /// What was counted.
    pub detail: String,
    /// Where it is mended: a gateway, or darban's configuration.
    pub place: &'static str,
    /// What to write there.
    pub snippet: String,
}

impl Blind {
    /// With the snippet of the gateway that writes a format.
    pub(super) fn new(kind: Kind, format: Option<Format>, detail: String) -> Self {
        let Snippet { place, text } = super::snippets::of(kind.need(), format);
        Self { kind, format, detail, place, snippet: text.to_owned() }
    }
}
