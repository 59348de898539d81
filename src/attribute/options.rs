//! What attribution is configured with: routes, client keys, classes. `config` fills these; they
//! hold only what was checked.

use super::lookup::{ClassId, KeyKind};
use ipnet::IpNet;

/// What a route serves, which decides the streams that are live on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteClass {
    /// A public or shared register of personal data: honest clients read each other's records.
    Register,
    /// Each client reads its own people.
    Personal,
    /// Pages of records.
    List,
    /// No personal data: never judged.
    Public,
    /// Asks for a one-time pass.
    PassRequest,
    /// Tries a one-time pass.
    PassCheck,
    /// Changes a record.
    Write,
}

impl RouteClass {
    /// Every class with its name in the configuration.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Register, "register"),
        (Self::Personal, "personal"),
        (Self::List, "list"),
        (Self::Public, "public"),
        (Self::PassRequest, "pass_request"),
        (Self::PassCheck, "pass_check"),
        (Self::Write, "write"),
    ];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|it| it.0 == self).map_or("", |it| it.1)
    }
}

/// How the ids of a route are read as positions in an id space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// By the look of each id; a whole-tail subject has none.
    Auto,
    /// A decimal number.
    Number,
    /// A decimal number of fixed width.
    Padded,
    /// A birth date, a serial number and a check digit.
    DateLed,
    /// Digits and letters.
    Base36,
    /// A version 7 UUID: its time.
    Uuid7,
    /// A ULID: its time.
    Ulid,
    /// An opaque cursor: no order.
    Cursor,
    /// No order.
    None,
}

impl Codec {
    /// Every codec with its name in the configuration.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Auto, "auto"),
        (Self::Number, "number"),
        (Self::Padded, "padded"),
        (Self::DateLed, "date_led"),
        (Self::Base36, "base36"),
        (Self::Uuid7, "uuid7"),
        (Self::Ulid, "ulid"),
        (Self::Cursor, "cursor"),
        (Self::None, "none"),
    ];
}

/// A value of a request: where a client key or a subject is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The authenticated user.
    User,
    /// The client's address: right to left over `X-Forwarded-For` through the trusted proxies.
    Address,
    /// The connection's own address.
    Peer,
    /// The user agent.
    UserAgent,
    /// The JA4 fingerprint.
    Ja4,
    /// HAProxy's captured header with this index, from 0.
    Capture(usize),
    /// The first query parameter of this name, percent-decoded.
    Query(String),
    /// The decoder's extra with this index (`header:`, `json:`).
    Extra(usize),
}

/// Where a route's subject stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectFrom {
    /// In the path, where the template says `{subject}`.
    Path,
    /// Elsewhere.
    Field(Field),
}

/// One configured route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// Its name in alerts and metrics.
    pub name: String,
    /// Methods in upper case; empty for all.
    pub methods: Vec<String>,
    /// The template: `/a/{subject}/{record}/{*}`, `/{*subject}`, `/x/{subject}.pdf`.
    pub path: String,
    /// What it serves.
    pub class: RouteClass,
    /// How ids are ordered.
    pub codec: Codec,
    /// Families hold adjacent ids.
    pub households: bool,
    /// Where the subject is.
    pub subject: SubjectFrom,
    /// Where the log says which region the person found belongs to.
    pub region: Option<Field>,
    /// A 2xx answer of at most this many bytes is empty: a miss.
    pub empty_bytes: Option<u64>,
    /// A 2xx answer of which the log says this is empty: a miss.
    pub empty_field: Option<EmptyField>,
}

/// A field of the log that tells an empty answer from one with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmptyField {
    /// Where it stands.
    pub field: Field,
    /// What it says then, with `*` for anything.
    pub pattern: String,
}

/// One configured client key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Its kind.
    pub kind: KeyKind,
    /// Where it is found.
    pub field: Field,
    /// A pattern with `*` that the value must match.
    pub pattern: Option<String>,
    /// The class of clients that carry it.
    pub class: ClassId,
    /// Shown as a keyed hash instead of by name.
    pub hashed: bool,
}

/// Everything that attribution needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The routes, most specific match wins; [`RouteId`](super::RouteId) is the index.
    pub routes: Vec<RouteSpec>,
    /// The keys; of several of one kind the first that matches counts.
    pub keys: Vec<KeySpec>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Lower-case path endings that are assets.
    pub skip_suffixes: Vec<String>,
    /// Lower-case parts of user agents of declared bots.
    pub crawlers: Vec<String>,
    /// The class of an address that is a declared bot.
    pub crawler_class: ClassId,
    /// Lower-case parts of user agents of declared monitors.
    pub monitors: Vec<String>,
    /// The class of an address that is a declared monitor.
    pub monitor_class: ClassId,
}
