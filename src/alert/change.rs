//! One change of an alert, in the shape that `--output ndjson`, the pages and the receivers share.

use crate::attribute::KeyKind;
use crate::evidence::Stream;
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize, io};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where an alert stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was raised with this change.
    Firing,
    /// It goes on and its picture changed by more than the declared factor.
    Updated,
    /// It has been quiet for `alert.resolve_after`.
    Resolved,
}

/// How loud.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    BorshSerialize,
    BorshDeserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody looks at it by day.
    Ticket,
    /// Somebody gets up.
    Page,
}

/// Whether it is meant to reach anybody.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Severity decides.
    Page,
    /// Labelled, shown, never paged.
    Observe,
}

/// What gave an alert away most, frozen at firing: a closed list, one runbook page each.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    BorshSerialize,
    BorshDeserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Records that nobody else reads (stream `cold`).
    Harvest,
    /// Ids that do not exist (stream `miss`).
    Guessing,
    /// Ids in rows (stream `walk`).
    Walk,
    /// Ids that only rise or only fall (stream `monotone`).
    Sweep,
    /// More people than this client looks up (stream `volume`).
    Volume,
    /// Passes tried one after the other (stream `guess`).
    PassGuessing,
    /// A person who does not exist, put there to be found.
    Decoy,
    /// A person of whom every look-up is asked about.
    Watched,
    /// Writes under an alert that is open.
    Tampering,
    /// Records that were in the log and that nobody can read any more.
    CoverageGap,
    /// What was learned cannot be read back.
    StateLost,
    /// Records are read and what they say is not seen.
    BlindSpot,
    /// Look-ups are judged late.
    Behind,
    /// A receiver takes nothing.
    ReceiverFailing,
}

impl Kind {
    /// The whole list.
    pub const ALL: &'static [Self] = &[
        Self::Harvest,
        Self::Guessing,
        Self::Walk,
        Self::Sweep,
        Self::Volume,
        Self::PassGuessing,
        Self::Decoy,
        Self::Watched,
        Self::Tampering,
        Self::CoverageGap,
        Self::StateLost,
        Self::BlindSpot,
        Self::Behind,
        Self::ReceiverFailing,
    ];

    /// Whether it is about darban itself and not about a client.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Self::CoverageGap
                | Self::StateLost
                | Self::BlindSpot
                | Self::Behind
                | Self::ReceiverFailing
        )
    }

    /// The name in alerts, labels and the runbook's file name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Harvest => "harvest",
            Self::Guessing => "guessing",
            Self::Walk => "walk",
            Self::Sweep => "sweep",
            Self::Volume => "volume",
            Self::PassGuessing => "pass_guessing",
            Self::Decoy => "decoy",
            Self::Watched => "watched",
            Self::Tampering => "tampering",
            Self::CoverageGap => "coverage_gap",
            Self::StateLost => "state_lost",
            Self::BlindSpot => "blind_spot",
            Self::Behind => "behind",
            Self::ReceiverFailing => "receiver_failing",
        }
    }
}

/// A client key by name.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Client {
    /// Which kind of key.
    #[serde(serialize_with = "kind_name", deserialize_with = "kind_by_name")]
    pub key: KeyKind,
    /// Its name, or a keyed hash in hexadecimal for credentials and sessions. Not yet escaped.
    pub id: String,
}

fn kind_name<S: serde::Serializer>(key: &KeyKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.name())
}

fn kind_by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyKind, D::Error> {
    let name: String = Deserialize::deserialize(deserializer)?;
    let known = KeyKind::ALL.into_iter().find(|it| it.name() == name);
    known.ok_or_else(|| D::Error::custom(format!("no kind of key is called {name}")))
}

/// Streams that a later version has taken out say nothing any more.
fn streams_by_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<&'static str, f64>, D::Error> {
    let named: BTreeMap<String, f64> = Deserialize::deserialize(deserializer)?;
    let known = Stream::ALL.iter().map(|it| it.name());
    Ok(known.filter_map(|it| Some((it, *named.get(it)?))).collect())
}

/// Stream names as a snapshot has them.
fn write_streams<W: io::Write>(
    streams: &BTreeMap<&'static str, f64>,
    writer: &mut W,
) -> io::Result<()> {
    let named: Vec<(&str, f64)> = streams.iter().map(|(name, it)| (*name, *it)).collect();
    BorshSerialize::serialize(&named, writer)
}

fn read_streams<R: io::Read>(reader: &mut R) -> io::Result<BTreeMap<&'static str, f64>> {
    let named: BTreeMap<String, f64> = BorshDeserialize::deserialize_reader(reader)?;
    let known = Stream::ALL.iter().map(|it| it.name());
    Ok(known.filter_map(|it| Some((it, *named.get(it)?))).collect())
}

/// Distinct records disclosed since `first_seen`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
pub struct RecordsOut {
    /// How many.
    pub estimate: u64,
    /// Half the width of the 95 % interval around it; 0 where counted exactly.
    pub error: u64,
}

/// A number of subjects (or of what `quantity` says) in a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
pub struct Quantity {
    /// How many.
    pub subjects: f64,
    /// In how many seconds.
    pub span_seconds: u64,
    /// What was counted: "subjects a day", "misses in 40 look-ups".
    pub quantity: String,
}

/// Records of one partition among which an alert's evidence stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
pub struct OffsetSpan {
    /// The topic, or the path of a file.
    pub topic: Arc<str>,
    /// The partition's number; 0 for files.
    pub partition: i32,
    /// The first offset (line).
    pub first: i64,
    /// The last offset (line).
    pub last: i64,
}

/// One change of one alert. Field names are the contract with scripts and dashboards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
pub struct Alert {
    /// Keyed hash of kind, route, first key and the episode's first slice, in hexadecimal;
    /// the deduplication key of every receiver.
    pub id: String,
    /// What happened to it.
    pub status: Status,
    /// How loud.
    pub severity: Severity,
    /// What gave it away.
    pub kind: Kind,
    /// The route's name.
    pub route: Arc<str>,
    /// What else has given it away since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_kinds: Vec<Kind>,
    /// Other routes on which the same harvest goes on: a protocol's photo beside the protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_on: Vec<Arc<str>>,
    /// Whether it may page.
    pub mode: Mode,
    /// Found in a backlog more than an hour old; set in `deliver`.
    pub late: bool,
    /// The smallest set of keys that explains the evidence, at most 1,000.
    pub clients: Vec<Client>,
    /// How many there are in all.
    pub members_total: u64,
    /// Event time of the contact that began the episode.
    pub first_seen: Moment,
    /// Event time of the contact that fired it.
    pub fired_at: Moment,
    /// Slice time of this change: what lifecycle and silences go by.
    pub changed_at: Moment,
    /// What left.
    pub records_out: RecordsOut,
    /// What this client was expected to do.
    pub expected: Quantity,
    /// What it did.
    pub seen: Quantity,
    /// Tempered log e-values by stream, in nats.
    #[serde(deserialize_with = "streams_by_name")]
    #[borsh(serialize_with = "write_streams", deserialize_with = "read_streams")]
    pub streams: BTreeMap<&'static str, f64>,
    /// The merged log e-value, in nats.
    pub log_e: f64,
    /// Up to three masked subject ids.
    pub examples: Vec<String>,
    /// Where in the log.
    pub offsets: Vec<OffsetSpan>,
}

impl Alert {
    /// Every route that the harvest has come to, its own first.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.route).chain(&self.also_on).map(|it| &**it)
    }

    /// Every kind that it has shown, its own first.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        std::iter::once(self.kind).chain(self.also_kinds.iter().copied())
    }
}
