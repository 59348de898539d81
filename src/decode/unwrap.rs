//! The access records in what is no access record itself: batches, and what shippers wrap around.
//!
//! Kong, APISIX and Event Hubs put many lines into one record (an array, `{"records":[…]}`), others
//! lines after lines; Filebeat, Fluent Bit, Vector, CloudEvents and GELF put a line into an object of
//! their own. Whoever has asked for a line gets it, from under at most [`LEVELS_MAX`] of these.
//!
//! A line is looked for inside only where the record is none as it stands, and only under keys that
//! the shipper's documentation gives it. In any field it may not be: a log of anything else has
//! fields whose text a client chose, and who finds lines there lets a client write them.
//!
//! Each access record is decoded or refused for itself, and a batch without any is refused as empty:
//! what is found is never fewer than one, so that received and unwrapped together are decoded and
//! refused together.

use super::json::pieces::{end_of, is_array, lines, members, values};
use super::json::string;
use super::{Decoded, Decoder, RECORDS_MAX, Refusal, Shapes};
use std::borrow::Cow;

/// Levels of wrapping: Event Hubs around CloudEvents around Filebeat around a line.
const LEVELS_MAX: usize = 4;
/// Members of a wrapper that are looked at.
const MEMBERS_MAX: usize = 128;

/// A key and its value, as they stand in an object.
type Member<'a> = (&'a [u8], &'a [u8]);
/// What holds a line, and what else its wrapper must have for that to be believed.
type Wrapper = (&'static [&'static str], &'static [&'static str]);

/// What holds a line in GELF, whose own fields may be one as well.
const GELF: &str = "short_message";
/// The wrappers, those with signs first.
const WRAPPERS: &[Wrapper] = &[
    // CloudEvents, structured.
    (&["data"], &["specversion", "type"]),
    // GELF.
    (&["full_message", GELF], &["version", "host"]),
    // OpenTelemetry's collector, of a file.
    (&["body.stringValue"], &["observedTimeUnixNano"]),
    // Kafka Connect's converter with schemas.
    (&["payload"], &["schema"]),
    // Filebeat, Logstash and Vector; Fluent Bit and Docker, merged or not; Elastic's pipelines.
    (&["message", "log", "log_processed", "event.original"], &[]),
];
/// What holds a batch in an object: Azure's diagnostic settings, CloudWatch's subscriptions, and the
/// three levels of OpenTelemetry's protocol as JSON.
const BATCHES: &[&str] = &["records", "logEvents", "resourceLogs", "scopeLogs", "logRecords"];
/// What tells a log record of OpenTelemetry's protocol, and where it has pairs of key and value.
const OTLP: (&[&str], &str) = (&["timeUnixNano", "observedTimeUnixNano"], "attributes");

/// Hands over what is in one record.
pub(super) struct Unwrap<'d, F> {
    decoder: &'d Decoder,
    shapes: &'d mut Shapes,
    found: F,
    count: usize,
}

impl<'d, F: FnMut(&Decoded<'_>)> Unwrap<'d, F> {
    pub(super) const fn new(decoder: &'d Decoder, shapes: &'d mut Shapes, found: F) -> Self {
        Self { decoder, shapes, found, count: 0 }
    }

    /// Everything in these bytes, or the one reason why there is nothing; `refusal` is why they are no
    /// record as they stand, if they are none.
    pub(super) fn all(mut self, bytes: &[u8], refusal: Option<Refusal>) {
        let outcome = match refusal {
            Some(refusal) if bytes.first() == Some(&b'{') => self.around(bytes, 0, refusal),
            _ => self.open(bytes, 0),
        };
        if let Err(refusal) = outcome {
            self.give(&Err(refusal));
        }
    }

    fn give(&mut self, decoded: &Decoded<'_>) {
        self.count += 1;
        (self.found)(decoded);
    }

    /// Hands over the records in these bytes; where there is none, nothing is handed over.
    fn open(&mut self, bytes: &[u8], level: usize) -> Result<(), Refusal> {
        if level > LEVELS_MAX {
            return Err(Refusal::TooDeep);
        }
        let bytes = bytes.trim_ascii();
        match bytes.first() {
            None => Err(Refusal::Empty),
            Some(b'{') => self.object(bytes, level),
            Some(b'[') if is_array(bytes) => self.each(values(bytes), level),
            Some(b'"') if end_of(bytes, 0) == Some(bytes.len()) => {
                let text = string(bytes).unwrap_or_default();
                self.open(&text, level + usize::from(text.first() == Some(&b'"')))
            }
            Some(_) if memchr::memchr(b'\n', bytes).is_some() => self.each(lines(bytes), level),
            Some(_) => self.one(bytes),
        }
    }

    /// One access record.
    fn one(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let decoded = self.decoder.decode_like(bytes, self.shapes);
        if let Err(refusal) = &decoded {
            return Err(*refusal);
        }
        self.give(&decoded);
        Ok(())
    }

    /// The pieces of a batch; those beyond the bound are counted and not read.
    fn each<'b>(
        &mut self,
        pieces: impl Iterator<Item = &'b [u8]>,
        level: usize,
    ) -> Result<(), Refusal> {
        let before = self.count;
        for piece in pieces {
            let within = self.count < RECORDS_MAX;
            let opened = if within { self.open(piece, level + 1) } else { Err(Refusal::TooMany) };
            if let Err(refusal) = opened {
                self.give(&Err(refusal));
            }
        }
        if self.count > before { Ok(()) } else { Err(Refusal::Empty) }
    }

    /// An object as it stands, or what is in it.
    fn object(&mut self, bytes: &[u8], level: usize) -> Result<(), Refusal> {
        let Err(refusal) = self.one(bytes) else { return Ok(()) };
        self.around(bytes, level, refusal)
    }

    /// Several objects, or what one wraps, which is no record for this reason.
    fn around(&mut self, bytes: &[u8], level: usize, refusal: Refusal) -> Result<(), Refusal> {
        match end_of(bytes, 0) {
            Some(end) if end == bytes.len() => self.inside(bytes, level, refusal),
            Some(end) if are_several(bytes.get(end..).unwrap_or_default()) => {
                self.each(lines(bytes), level)
            }
            None if memchr::memmem::find(bytes, b"\n{").is_some() => self.each(lines(bytes), level),
            _ => Err(refusal),
        }
    }

    /// What an object wraps; `refusal` is why it is no record itself.
    fn inside(&mut self, bytes: &[u8], level: usize, refusal: Refusal) -> Result<(), Refusal> {
        let all = all_of(bytes);
        let batch = BATCHES.iter().find_map(|it| member(&all, it).filter(|it| is_array(it)));
        if let Some(batch) = batch {
            return self.each(values(batch), level);
        }
        let mut why = refusal;
        for held in held_in(&all) {
            let outcome = match &held {
                // Made of the wrapper's own members: a line or nothing. What they hold is below.
                Cow::Owned(line) => self.one(line),
                Cow::Borrowed(value) => self.held(value, level),
            };
            let Err(inner) = outcome else { return Ok(()) };
            // What is inside says more than that the wrapper is no format.
            why = if why == Refusal::UnknownFormat { inner } else { why };
        }
        Err(why)
    }

    /// What a wrapper holds: text, an object or an array.
    fn held(&mut self, value: &[u8], level: usize) -> Result<(), Refusal> {
        if matches!(value.first(), Some(b'"' | b'{' | b'[')) {
            self.open(value, level + 1)
        } else {
            Err(Refusal::UnknownFormat)
        }
    }
}

/// What a wrapper may hold, the likeliest first; what is made of its own members is owned.
fn held_in<'a>(all: &[Member<'a>]) -> Vec<Cow<'a, [u8]>> {
    let (signs, pairs) = OTLP;
    let is_otlp = signs.iter().any(|it| member(all, it).is_some());
    let pairs = member(all, pairs).filter(|it| is_otlp && is_array(it));
    let mut held: Vec<Cow<'a, [u8]>> =
        pairs.into_iter().map(|it| Cow::Owned(with_attributes(all, it))).collect();
    let given = |(_, signs): &&Wrapper| signs.iter().all(|it| member(all, it).is_some());
    for (holders, _) in WRAPPERS.iter().filter(given) {
        if holders.contains(&GELF) {
            held.push(Cow::Owned(without_underscores(all)));
        }
        held.extend(holders.iter().filter_map(|it| member(all, it).map(Cow::Borrowed)));
    }
    held
}

/// Whether what follows an object is another one, or another line.
fn are_several(rest: &[u8]) -> bool {
    let next = rest.trim_ascii_start();
    let between = rest.len() - next.len();
    next.first() == Some(&b'{') || memchr::memchr(b'\n', rest).is_some_and(|it| it < between)
}

/// The members of an object, as many as are looked at.
fn all_of(object: &[u8]) -> Vec<Member<'_>> {
    members(object).take(MEMBERS_MAX).collect()
}

/// The first member with this name; a dot is a part of a key or a step.
fn member<'a>(all: &[Member<'a>], name: &str) -> Option<&'a [u8]> {
    if let Some((_, value)) = all.iter().find(|it| it.0 == name.as_bytes()) {
        return Some(value);
    }
    let (step, rest) = name.split_once('.')?;
    member(&all_of(member(all, step)?), rest)
}

/// A log record of OpenTelemetry's protocol with its attributes as members of an object, as its
/// conventions name them: `[{"key":"url.path","value":{"stringValue":"/a"}}]`.
fn with_attributes(all: &[Member<'_>], pairs: &[u8]) -> Vec<u8> {
    let mut out = b"{\"attributes\":{".to_vec();
    let empty = out.len();
    for pair in values(pairs).take(MEMBERS_MAX) {
        let pair = all_of(pair);
        let value = member(&pair, "value").and_then(|it| members(it).next());
        if let (Some(key), Some((kind, value))) = (member(&pair, "key"), value) {
            let list = (kind == b"arrayValue").then(|| plain_values(value));
            let comma: &[u8] = if out.len() > empty { b"," } else { b"" };
            out.extend([comma, key, b":", list.as_deref().unwrap_or(value)].concat());
        }
    }
    out.push(b'}');
    for &(key, value) in all.iter().filter(|it| it.0 != b"attributes") {
        out.extend([b",\"", key, b"\":", value].concat());
    }
    out.push(b'}');
    out
}

/// `{"values":[{"stringValue":"a"}]}` as `["a"]`.
fn plain_values(list: &[u8]) -> Vec<u8> {
    let all = values(member(&all_of(list), "values").unwrap_or_default()).take(MEMBERS_MAX);
    let all: Vec<&[u8]> = all.filter_map(|it| members(it).next()).map(|it| it.1).collect();
    [b"[", &all.join(&b","[..])[..], b"]"].concat()
}

/// GELF's own fields have an underscore before their names: the object without them.
fn without_underscores(all: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for &(key, value) in all {
        out.extend_from_slice(if out.is_empty() { b"{\"" } else { b",\"" });
        out.extend_from_slice(key.strip_prefix(b"_").unwrap_or(key));
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value);
    }
    out.push(b'}');
    out
}
