//! What the judge concludes about a client on a route.

use super::Listed;
use crate::attribute::{KeyKind, Mask};
use crate::evidence::{Nats, STREAMS, Stream};
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// It is under suspicion, and enough is known of how it works to say whether it is one of a
    /// campaign whose page is open. Alone it is nothing to tell.
    Near,
    /// It reached the ticket level, or the page level.
    Raised,
    /// Its picture changed by more than the declared factor.
    Changed,
    /// It has been quiet for long enough.
    Quiet,
}

/// What gave a client away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Evidence, most of it of this stream.
    Evidence(Stream),
    /// It looked up a subject that is on a list.
    Listed(Listed),
    /// With an alert open, it wrote.
    Written,
}

/// A client key that explains a finding.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Member {
    /// Its hash.
    pub key: u64,
    /// Its kind.
    pub kind: KeyKind,
    /// Its name as it may be shown.
    pub name: Vec<u8>,
}

/// What was expected, what was seen, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// How many were expected.
    pub expected: f64,
    /// How many were seen.
    pub seen: f64,
    /// In this many seconds.
    pub span_seconds: u64,
    /// Of what.
    pub quantity: String,
}

/// A finding about one client key on one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What happened.
    pub what: FindingKind,
    /// Which route.
    pub route: u16,
    /// The key that was judged.
    pub key: u64,
    /// Its kind.
    pub kind: KeyKind,
    /// The address or the network that the contact came through, 0 for none.
    pub via: u64,
    /// The smallest set of keys that explains it, most telling first.
    pub members: Vec<Member>,
    /// Whether it is a page (else a ticket).
    pub page: bool,
    /// Whether it may not page anybody.
    pub observe: bool,
    /// What gave it away.
    pub cause: Cause,
    /// `ln E`.
    pub log_e: Nats,
    /// Every stream's evidence.
    pub streams: [Nats; STREAMS],
    /// Event time of the contact that began the episode.
    pub first_seen: Moment,
    /// The slice of that contact.
    pub first_slice: i64,
    /// Event time of the contact that raised it.
    pub at: Moment,
    /// Distinct records out, and half a 95 % interval.
    pub records: (u64, u64),
    /// Expected and seen.
    pub picture: Picture,
    /// Up to three subjects.
    pub examples: Vec<Mask>,
}
