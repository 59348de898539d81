//! Bytes to [`AccessRecord`], any format; every refusal is a counted reason.
//!
//! Field values are bytes, not text: a gateway writes what the client sent, one invalid byte in a
//! path or user agent must neither lose the line nor change the value, and a scraper that could
//! fall out of the log by adding `?x=\xfe` would. The JSON scanner is our own for the same reason
//! (`json/`), and because a tree of a line costs three times the line.
//!
//! One record of the log may hold many access records, or wrap one ([`Decoder::each`], `unwrap.rs`);
//! then each of them is decoded or refused for itself.
//!
//! `auto` decides from the record alone and remembers nothing: the same line decodes the same
//! whatever came before it.

mod alb;
mod caddy;
mod combined;
mod custom;
mod envoy_text;
mod fields;
mod haproxy;
mod json;
mod krakend;
mod mapped;
mod record;
mod show;
mod stamp;
mod syslog;
mod text;
mod unwrap;

pub use custom::CustomPointers;
pub use json::Shapes;
pub use record::{AccessRecord, EXTRAS_MAX, Extra, Extras, Format, Refusal};
pub use show::record_json;
pub use syslog::behind_syslog;

use fields::Table;
use jiff::tz::TimeZone;
use json::{Fields, Name, Names, Value};
use std::borrow::Cow;
use unwrap::Unwrap;

/// The longest access record in bytes, as long as a batch. nginx accepts 24 KiB of a request line and
/// two headers and writes each byte as four, Traefik accepts a mebibyte: at 64 KiB a client that pads
/// its requests would be gone from the log, answered all the same.
pub const RECORD_BYTES_MAX: usize = BATCH_BYTES_MAX;
/// The longest batch of them: Kafka's own bound for a record, and Event Hubs'.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Access records in one record of the log: APISIX sends a thousand at most, and of more a mebibyte
/// has no room for long enough lines.
pub const RECORDS_MAX: usize = 4_096;

/// An access record with its format, or why there is none.
pub type Decoded<'a> = Result<(Format, AccessRecord<'a>), Refusal>;

/// What a decoder is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one format to read; `None` for any.
    pub format: Option<Format>,
    /// The zone of formats that write local time.
    pub zone: TimeZone,
    /// Pointers of format `custom`.
    pub custom: Option<CustomPointers>,
    /// Which headers HAProxy captures, in order: their names in lower case.
    pub captures: Vec<String>,
    /// Values to extract beside the fixed fields.
    pub extras: Vec<Extra>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            zone: TimeZone::UTC,
            custom: None,
            captures: Vec::new(),
            extras: Vec::new(),
        }
    }
}

/// Decodes records. The same for every thread.
#[derive(Clone, Debug)]
pub struct Decoder {
    options: Options,
    names: Names,
    nginx: Table,
    envoy: Table,
    traefik: Table,
    /// By extra: where a header stands in nginx's JSON and in other formats, best first; where a
    /// pointer begins.
    extras: Vec<[[Name; 2]; 2]>,
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut names = Names::new();
        let extras =
            options.extras.iter().take(EXTRAS_MAX).map(|it| places(it, &mut names)).collect();
        Self {
            nginx: Table::new(&fields::NGINX, &mut names),
            envoy: Table::new(&fields::ENVOY, &mut names),
            traefik: Table::new(&fields::TRAEFIK, &mut names),
            extras,
            names,
            options,
        }
    }

    /// Finds the access records of a record, decoded or refused: at least one, in the order in which
    /// they stand. Faster where lines are like those before; the answer is the same whatever those
    /// were.
    pub fn each(&self, bytes: &[u8], shapes: &mut Shapes, mut found: impl FnMut(&Decoded<'_>)) {
        let bytes = bytes.trim_ascii();
        let decoded = self.decode_like(bytes, shapes);
        // An object is one record or none; behind a text may be the next line.
        let is_one = bytes.first() == Some(&b'{') || memchr::memchr(b'\n', bytes).is_none();
        if decoded.is_ok() && is_one {
            return found(&decoded);
        }
        if bytes.len() > BATCH_BYTES_MAX {
            return found(&Err(Refusal::TooLong));
        }
        let refusal = decoded.err();
        Unwrap::new(self, shapes, found).all(bytes, refusal);
    }

    /// Decodes a record that is one access record as it stands, and says which format it was.
    ///
    /// # Errors
    /// The reason why the record is refused.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Decoded<'a> {
        self.decode_like(bytes, &mut Shapes::default())
    }

    /// The same, faster where lines are like those before; the answer is the same whatever those
    /// were.
    ///
    /// # Errors
    /// The reason why the record is refused.
    pub fn decode_like<'a>(&self, bytes: &'a [u8], shapes: &mut Shapes) -> Decoded<'a> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        let bytes = bytes.trim_ascii();
        match bytes.first() {
            None => Err(Refusal::Empty),
            Some(b'{') => self.object(bytes, shapes),
            Some(b'<') => match behind_syslog(bytes) {
                body if body.first() == Some(&b'{') => self.object(body, shapes),
                body => self.line(body),
            },
            Some(_) => self.line(bytes),
        }
    }

    fn object<'a>(&self, bytes: &'a [u8], shapes: &mut Shapes) -> Decoded<'a> {
        let mut fields = Fields::none(bytes, std::mem::take(&mut shapes.room));
        let record = self.fields(&mut fields, shapes);
        shapes.room = fields.into_room();
        record
    }

    fn fields<'a>(&self, fields: &mut Fields<'a>, shapes: &mut Shapes) -> Decoded<'a> {
        let format = match shapes.read(fields) {
            Some(format) => format,
            None => {
                fields.read(Some(&self.names))?;
                let format = self.options.format.map_or_else(|| self.format_of(fields), Ok)?;
                shapes.learn(fields, format);
                format
            }
        };
        let zone = &self.options.zone;
        let mut record = match format {
            Format::NginxJson => self.nginx.decode(fields, zone)?,
            Format::EnvoyJson => self.envoy.decode(fields, zone)?,
            Format::Traefik => self.traefik.decode(fields, zone)?,
            Format::Caddy => caddy::decode(fields, zone)?,
            Format::Custom => {
                let at = self.options.custom.as_ref().ok_or(Refusal::UnknownFormat)?;
                custom::decode(fields, at, zone)?
            }
            other => mapped::of(other).ok_or(Refusal::UnknownFormat)?.decode(fields, zone)?,
        };
        for (at, extra) in self.options.extras.iter().zip(&self.extras).enumerate() {
            if let Some(value) = extra_of(fields, format, extra) {
                record.extras.set(at, value);
            }
        }
        Ok((format, record))
    }

    /// The format by the first key that only one has, and then by what the maps of the others say.
    fn format_of(&self, fields: &Fields<'_>) -> Result<Format, Refusal> {
        let claimed = fields.iter().find_map(|(key, value)| claimed(key, value));
        mapped::format_of(fields, claimed)
            .or(claimed)
            .or_else(|| self.options.custom.as_ref().map(|_| Format::Custom))
            .ok_or(Refusal::UnknownFormat)
    }

    fn line<'a>(&self, bytes: &'a [u8]) -> Decoded<'a> {
        let zone = &self.options.zone;
        let format = match self.options.format {
            Some(format) => format,
            None if bytes.starts_with(krakend::BEGINS) => Format::Krakend,
            None if bytes.first() == Some(&b'[') => Format::EnvoyText,
            None if alb::is(bytes) => Format::AwsAlb,
            // Only HAProxy writes a fraction of a second before the bracket closes.
            None => match self.haproxy(bytes) {
                Err(Refusal::UnknownFormat | Refusal::BadTime) => Format::NginxCombined,
                decoded => return decoded.map(|it| (Format::Haproxy, it)),
            },
        };
        let record = match format {
            Format::EnvoyText => envoy_text::decode(bytes),
            Format::Haproxy => self.haproxy(bytes),
            Format::Krakend => krakend::decode(bytes, zone),
            Format::AwsAlb => alb::decode(bytes),
            // One line in four lengths.
            Format::NginxCombined
            | Format::NginxIngress
            | Format::ApacheCommon
            | Format::ApisixText => return combined::decode(bytes),
            _ => Err(Refusal::UnknownFormat),
        };
        record.map(|it| (format, it))
    }

    /// A line of HAProxy, its captures taken for the headers that they are said to be.
    fn haproxy<'a>(&self, bytes: &'a [u8]) -> Result<AccessRecord<'a>, Refusal> {
        let mut record = haproxy::decode(bytes, &self.options.zone)?;
        for (name, value) in self.options.captures.iter().zip(&record.captures) {
            let Some(_) = text::present(value) else { continue };
            let is_asked = |it: &Extra| matches!(it, Extra::Header(it) if it == name);
            if let Some(at) = self.options.extras.iter().position(is_asked) {
                record.extras.set(at, value.clone());
            }
            match name.as_str() {
                "user-agent" => record.user_agent = Some(value.clone()),
                "x-forwarded-for" => record.forwarded = Some(value.clone()),
                _ => {}
            }
        }
        Ok(record)
    }
}

/// The one-level format that a key belongs to.
fn claimed(key: &[u8], value: Value<'_>) -> Option<Format> {
    if key == b"request" && matches!(value, Value::Object(_)) {
        return Some(Format::Caddy);
    }
    [
        (&fields::NGINX, Format::NginxJson),
        (&fields::ENVOY, Format::EnvoyJson),
        (&fields::TRAEFIK, Format::Traefik),
    ]
    .into_iter()
    .find(|(keys, _)| keys.tells(key))
    .map(|it| it.1)
}

/// The keys of a header: with underscores and `http_` in front or not (nginx), as it is or with
/// underscores (others). The first key of a pointer.
fn places(extra: &Extra, names: &mut Names) -> [[Name; 2]; 2] {
    let mut add = |it: &str| names.add(it.as_bytes());
    match extra {
        Extra::Header(name) => {
            let flat = name.replace('-', "_");
            [[add(&format!("http_{flat}")), add(&flat)], [add(name), add(&flat)]]
        }
        Extra::Json(at) => {
            let first = json::first_step(at).map(|it| it.0).unwrap_or_default();
            [[add(&first); 2]; 2]
        }
    }
}

fn extra_of<'a>(
    fields: &Fields<'a>,
    format: Format,
    (extra, [nginx, others]): (&Extra, &[[Name; 2]; 2]),
) -> Option<Cow<'a, [u8]>> {
    let header = |[best, other]: [Name; 2]| fields.named(best).or_else(|| fields.named(other));
    match (extra, format) {
        (Extra::Json(at), _) => {
            let ([first, _], (_, rest)) = (nginx, json::first_step(at)?);
            json::inside(fields.named(*first)?, rest)?.text()
        }
        (Extra::Header(name), Format::Caddy) => caddy::header_of(fields, name.as_bytes()),
        (Extra::Header(name), Format::Traefik) => {
            fields.get_any_case(format!("request_{name}").as_bytes())?.text()
        }
        (Extra::Header(_), Format::NginxJson) => header(*nginx)?.text(),
        (Extra::Header(name), other) => mapped::of(other)
            .and_then(|it| it.header(fields, name))
            .or_else(|| header(*others)?.text()),
    }
}
