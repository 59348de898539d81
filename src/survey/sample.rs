//! The sample itself: decoded records, reduced to what a survey asks of them.
//!
//! Rows hold what was in the log, ids and names with it. They live as long as the command, and
//! nothing but counts and templates is made of them.

use super::pointers::{self, Pointed};
use crate::attribute::{Attributor, HashKey, KeyKind, Options, RouteId, path_and_query};
use crate::decode::{self, AccessRecord, Decoder, Format, Refusal, Shapes, behind_syslog};
use crate::time::Moment;
use jiff::tz::{Offset, TimeZone};
use std::collections::BTreeMap;

/// A zone that nobody lives in: a time that it moves was written without one.
const NOWHERE_SECONDS: i32 = 13 * 3_600 + 1_234;

/// What a configuration makes of a record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) route: Option<RouteId>,
    pub(super) has_subject: bool,
    /// It has a key that is finer than an address.
    pub(super) has_key: bool,
}

/// One access record.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) format: Format,
    pub(super) time: Option<Moment>,
    /// The time of the record in Kafka.
    pub(super) stamped: Option<Moment>,
    pub(super) zoneless: bool,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) is_template: bool,
    pub(super) status: Option<u16>,
    pub(super) has_agent: bool,
    pub(super) peer: Option<String>,
    pub(super) forwarded: Option<String>,
    pub(super) user: Option<u64>,
    pub(super) captures: Vec<String>,
    /// A hash of the request's id.
    pub(super) request: Option<u64>,
    pub(super) pointed: Vec<Pointed>,
    pub(super) known: Option<Known>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Records of the log.
    pub records: u64,
    /// They come from Kafka, so that each may have a time of its own.
    pub from_kafka: bool,
    /// Access records that were refused, by reason.
    pub refused: BTreeMap<Refusal, usize>,
    pub(super) rows: Vec<Row>,
}

impl Sample {
    /// Access records that were decoded.
    #[must_use]
    pub const fn decoded(&self) -> usize {
        self.rows.len()
    }
}

/// Access records of a sample at most, but for the last batch: a record of the log may hold thousands,
/// and their rows are held until all is read.
const ROWS_MAX: usize = 500_000;

/// Reads records into a sample.
#[derive(Debug)]
pub struct Sampler {
    decoder: Decoder,
    elsewhere: Decoder,
    attributor: Option<Attributor>,
    sample: Sample,
}

impl Sampler {
    /// A sampler that decodes with these options, and attributes where there is a configuration.
    #[must_use]
    pub fn new(options: decode::Options, attributor: Option<Attributor>) -> Self {
        let nowhere = Offset::from_seconds(NOWHERE_SECONDS).map_or(TimeZone::UTC, TimeZone::fixed);
        let elsewhere = Decoder::new(decode::Options { zone: nowhere, ..options.clone() });
        let sample = Sample::default();
        Self { decoder: Decoder::new(options), elsewhere, attributor, sample }
    }

    /// Takes a record of the log, with its time in Kafka.
    pub fn take(&mut self, bytes: &[u8], stamped: Option<Moment>) {
        let Self { decoder, elsewhere, attributor, sample } = self;
        if sample.rows.len() >= ROWS_MAX {
            return;
        }
        sample.records += 1;
        let mut times = Vec::new();
        elsewhere.each(bytes, &mut Shapes::default(), |decoded| {
            times.push(decoded.as_ref().ok().and_then(|it| it.1.time));
        });
        // Pointers go into the line as it is, so one that is wrapped has none here.
        let line = behind_syslog(bytes.trim_ascii());
        let is_plain = line.starts_with(b"{") && decoder.decode(line).is_ok();
        let pointed = if is_plain { pointers::of(line) } else { pointers::Found::default() };
        let mut times = times.into_iter();
        decoder.each(bytes, &mut Shapes::default(), |decoded| {
            let moved = times.next().flatten();
            match decoded {
                Err(refusal) => *sample.refused.entry(*refusal).or_default() += 1,
                Ok((format, record)) => {
                    let mut row = row(*format, record);
                    row.stamped = stamped;
                    row.zoneless = row.time.is_some() && row.time != moved;
                    row.request = pointed.request;
                    row.pointed.clone_from(&pointed.keys);
                    row.known = attributor.as_ref().map(|it| known(it, record));
                    sample.rows.push(row);
                }
            }
        });
    }

    /// What was taken.
    #[must_use]
    pub fn done(self, from_kafka: bool) -> Sample {
        Sample { from_kafka, ..self.sample }
    }
}

fn row(format: Format, record: &AccessRecord<'_>) -> Row {
    let (path, query) = path_and_query(&record.target);
    let text = |it: Option<&[u8]>| it.map(|it| String::from_utf8_lossy(it).into_owned());
    Row {
        format,
        time: record.time,
        stamped: None,
        zoneless: false,
        method: String::from_utf8_lossy(&record.method).to_ascii_uppercase(),
        path,
        query,
        is_template: record.is_template,
        status: record.status,
        has_agent: record.user_agent.is_some(),
        peer: text(record.peer.as_deref()),
        forwarded: text(record.forwarded.as_deref()),
        user: record.user.as_deref().map(hash),
        captures: record
            .captures
            .iter()
            .map(|it| String::from_utf8_lossy(it).into_owned())
            .collect(),
        request: None,
        pointed: Vec::new(),
        known: None,
    }
}

fn known(attributor: &Attributor, record: &AccessRecord<'_>) -> Known {
    let explained = attributor.explain(record);
    let finer = |(kind, _): &(KeyKind, String)| kind.index() < KeyKind::Address.index();
    let has_key = explained.keys.iter().any(finer);
    Known { route: explained.route, has_subject: explained.has_subject, has_key }
}

/// What tells two values of a sample apart. Nothing is kept of it, so the key need not be secret.
pub(super) fn hash(value: &[u8]) -> u64 {
    HashKey::new([0; 16]).subject(value)
}

/// An attributor of these options, where they fit together. Its hashes tell nobody anything.
#[must_use]
pub fn attributor(options: Options) -> Option<Attributor> {
    Attributor::new(options, HashKey::new([0; 16])).ok()
}
