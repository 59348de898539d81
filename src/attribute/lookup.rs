//! The attributed request, of a fixed size, as the engine takes it.

use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};

/// How many kinds of client keys there are.
pub const KEY_KINDS: usize = 9;

/// A kind of client key, in the order of trust: the finest key of a request is its first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum KeyKind {
    /// An API key, a token, a certificate.
    Credential,
    /// A member of staff's login.
    Staff,
    /// A partner organisation.
    Partner,
    /// One of a partner's own customers.
    Subtenant,
    /// A session of a person who passed a check.
    Session,
    /// An address; IPv6 by its /64; a host name where the gateway logs those.
    Address,
    /// A network: /24 or /48.
    Network,
    /// An autonomous system.
    Asn,
    /// JA4, JA3 or user agent.
    Fingerprint,
}

impl KeyKind {
    /// What a finest key of this kind is judged in as well: a login or a session in its address, and
    /// an address that says nothing else of itself in its network. Logins of one network are an
    /// office or a carrier's customers, and what these share is told by their address or by the ids
    /// that they walk along.
    #[must_use]
    pub const fn rolls_up_to(self) -> Option<Self> {
        match self {
            Self::Address => Some(Self::Network),
            Self::Network | Self::Asn | Self::Fingerprint => None,
            _ => Some(Self::Address),
        }
    }

    /// Every kind in the order of trust.
    pub const ALL: [Self; KEY_KINDS] = [
        Self::Credential,
        Self::Staff,
        Self::Partner,
        Self::Subtenant,
        Self::Session,
        Self::Address,
        Self::Network,
        Self::Asn,
        Self::Fingerprint,
    ];

    /// The name in the configuration, in alerts and as a metric label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Staff => "staff",
            Self::Partner => "partner",
            Self::Subtenant => "subtenant",
            Self::Session => "session",
            Self::Address => "address",
            Self::Network => "network",
            Self::Asn => "asn",
            Self::Fingerprint => "fingerprint",
        }
    }

    /// Its place in the order of trust, 0 to 8: the index into [`Lookup::keys`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// An index into the configured routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u16);

/// An index into the configured and built-in client classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u8);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// 2xx: a record left.
    Disclosed,
    /// 404, 410 or a configured empty answer.
    Missed,
    /// 401, 403, 429.
    Denied,
    /// 0, 5xx, any other 4xx: the portal said nothing about the subject.
    Failed,
    /// 1xx, 3xx: a contact that is neither disclosure nor miss.
    Unchanged,
}

/// An ordinal in a route's id space. A position is as good as the id itself, so it cannot be
/// printed: no `Debug` of its value, no `Display`, no serde.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Position(u64);

impl Position {
    /// The position of an id that has no place in any order.
    pub const NONE: Self = Self(u64::MAX);

    /// The position with this ordinal; the last ordinal means none.
    #[must_use]
    pub const fn new(ordinal: u64) -> Self {
        Self(ordinal)
    }

    /// The ordinal, or `None` for an id without one.
    #[must_use]
    pub const fn ordinal(self) -> Option<u64> {
        if self.0 == Self::NONE.0 { None } else { Some(self.0) }
    }
}

impl std::fmt::Debug for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Position(..)")
    }
}

/// A subject id as an example shows it: two characters at either end and stars between, see
/// [`Mask::of`]; at most eight bytes, the length beyond them kept as a count.
#[derive(Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Mask {
    /// The first and the last two bytes of the id; zero where hidden.
    ends: [u8; 4],
    /// The id's length in bytes, at most 65,535.
    length: u16,
}

impl Mask {
    /// Below this many bytes nothing of an id is shown: two of four characters would tell most of it.
    const SHOWN_FROM: usize = 8;

    /// The mask of an id: `12******90`. Only ASCII letters and digits are ever shown; an id of
    /// fewer than eight bytes is all stars.
    #[must_use]
    pub fn of(id: &[u8]) -> Self {
        let length = u16::try_from(id.len()).unwrap_or(u16::MAX);
        let mut ends = [0; 4];
        if let ([a, b, .., y, z], true) = (id, id.len() >= Self::SHOWN_FROM) {
            ends = [*a, *b, *y, *z].map(|it| if it.is_ascii_alphanumeric() { it } else { 0 });
        }
        Self { ends, length }
    }
}

impl std::fmt::Display for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |byte: u8| if byte == 0 { '*' } else { char::from(byte) };
        let [a, b, y, z] = self.ends.map(shown);
        let stars = usize::from(self.length).saturating_sub(4).min(12);
        write!(f, "{a}{b}{}{y}{z}", "*".repeat(stars))
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({self})")
    }
}

/// Where the names of a lookup's keys stand: an offset into the arena of its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameRef(pub u32);

/// One attributed request.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// What the gateway wrote, not yet clamped; the record time where it wrote none.
    pub event: Moment,
    /// Keyed hash of the line's content: the order inside a slice, and equal for redelivered lines.
    pub content: u64,
    /// Keyed hash of each client key by [`KeyKind::index`]; 0 where the request has none.
    pub keys: [u64; KEY_KINDS],
    /// The class of each client key; without meaning where the key is 0.
    pub classes: [ClassId; KEY_KINDS],
    /// Which route.
    pub route: RouteId,
    /// What became of it.
    pub outcome: Outcome,
    /// Keyed hash of the subject id.
    pub subject: u64,
    /// Keyed hash of subject and record id; the subject's own where the route has no record.
    pub record: u64,
    /// Where the subject stands in the route's id space.
    pub position: Position,
    /// Bytes of the answer, at most `u32::MAX`.
    pub bytes: u32,
    /// The form of the request: what it has in common with others of the same program.
    pub form: u8,
    /// What stands for the region that the log gives of the person found; 0 where it gives none.
    pub region: u8,
    /// The subject for examples.
    pub mask: Mask,
    /// The names of the keys.
    pub names: NameRef,
}

impl Lookup {
    /// A look-up by nobody of nobody, to be filled in.
    pub const EMPTY: Self = Self {
        event: Moment(0),
        content: 0,
        keys: [0; KEY_KINDS],
        classes: [ClassId(0); KEY_KINDS],
        route: RouteId(0),
        outcome: Outcome::Disclosed,
        subject: 0,
        record: 0,
        position: Position::NONE,
        bytes: 0,
        form: 0,
        region: 0,
        mask: Mask { ends: [0; 4], length: 0 },
        names: NameRef(0),
    };

    /// Its finest key: the first present in the order of trust.
    #[must_use]
    pub fn finest(&self) -> Option<(KeyKind, u64)> {
        KeyKind::ALL.into_iter().zip(self.keys).find(|(_, key)| *key != 0)
    }
}

/// Why a decoded record gives no lookup: a closed list, counted by these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// A path with one of `decode.skip_suffixes` that no template spells out to its end.
    Asset,
    /// No configured route matches method and path.
    NoRoute,
    /// A route of class `public`.
    Public,
    /// The route matches, but the subject is not in the line.
    NoSubject,
    /// No client key is in the line.
    NoKey,
}

impl Skip {
    /// Every reason, so that each counter exists from the start.
    pub const ALL: &'static [Self] =
        &[Self::Asset, Self::NoRoute, Self::Public, Self::NoSubject, Self::NoKey];

    /// The reason as a metric label and in `replay`'s summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::NoRoute => "no_route",
            Self::Public => "public",
            Self::NoSubject => "no_subject",
            Self::NoKey => "no_key",
        }
    }
}

/// What attribution makes of a record.
#[derive(Clone, Copy, Debug)]
pub enum Attributed {
    /// A lookup; its names were appended to the arena.
    Lookup(Lookup),
    /// Nothing to judge.
    Skipped(Skip),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_two_characters_at_either_end_of_long_plain_ids_only() {
        for (id, shown) in [
            (&b"0012345678"[..], "00******78"),
            (b"12345678", "12****78"),
            (b"1234567", "*******"),
            (b"7", "****"),
            (b"-12345+78", "*1*****78"),
            (b"\x1b]0;evil\xe2\x80\xae", "***********"),
        ] {
            assert_eq!(Mask::of(id).to_string(), shown, "{}", id.escape_ascii());
        }
        assert_eq!(Mask::of(&[b'9'; 100_000]).to_string(), "99************99");
    }

    #[test]
    fn a_position_does_not_print_its_ordinal() {
        assert_eq!(format!("{:?}", Position::new(42)), "Position(..)");
        assert_eq!((Position::new(42).ordinal(), Position::NONE.ordinal()), (Some(42), None));
    }

    #[test]
    fn kinds_stand_in_the_order_of_their_index() {
        for (index, kind) in KeyKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
        }
    }
}
