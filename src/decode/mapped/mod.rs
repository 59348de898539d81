//! JSON formats whose fields stand anywhere in the line: which path is which field, as tables.
//!
//! A gateway is a table and no code (`gateways.rs`, `schemas.rs`), so that adding one is a matter of
//! reading what it writes. Of several places of one field the first that is there counts, in the
//! table's order and not the line's.
//!
//! A path is written with dots, and a dot is either a step or a part of a key: shippers write
//! `http.request.method` as one key or as three objects inside each other, and some mix both. Keys
//! are compared without regard to case, because Azure writes the same names in both cases; values
//! never are. Objects inside are opened when they are asked for, once by each who asks: recognition,
//! decoding, a header. A line so takes three to five microseconds more than one of nginx (Caddy's 1.5), for which reason the one-level tables
//! (`fields.rs`) stay what they are.

mod gateways;
mod schemas;

use super::fields::{bare_address, joined, with_query};
use super::json::{Fields, Value, elements};
use super::text::{count, status};
use super::{AccessRecord, Format, Refusal, stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// A format: the paths of its fields, best first.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) format: Format,
    /// What no line of another format has: all the paths of one of these rows, the rarest first.
    marks: &'static [&'static [&'static str]],
    time: &'static [&'static str],
    method: &'static [(Method, &'static str)],
    target: &'static [(Target, &'static str)],
    /// A query that the target does not hold.
    query: &'static [&'static str],
    status: &'static [&'static str],
    bytes: &'static [&'static str],
    peer: &'static [&'static str],
    user: &'static [&'static str],
    user_agent: &'static [&'static str],
    forwarded: &'static [&'static str],
    ja4: &'static [&'static str],
    /// The objects that have the request's headers by their names.
    headers: &'static [&'static str],
}

/// What a format does not log.
const NOTHING: &[&str] = &[];

/// How a method is written.
#[derive(Clone, Copy, Debug)]
enum Method {
    Name,
    /// OCSF's number of it.
    Activity,
}

/// How a target is written.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// A path, with or without a query; or a whole URL, whose path and query count.
    Url,
    /// The path of a route with names in place of what was asked for: `/pets/{id}`.
    Template,
    /// A method and a template: `GET /pets/{id}`; or `$default`.
    RouteKey,
}

/// Every map, in the order in which they are tried.
static ALL: &[&Map] = &[
    &gateways::KONG,
    &gateways::APISIX,
    &gateways::TYK,
    &gateways::AWS_API_GATEWAY,
    &gateways::AZURE_APIM,
    &schemas::OCSF,
    &schemas::ECS,
    &schemas::OTEL,
];

/// The map of a format, if it has one.
pub(super) fn of(format: Format) -> Option<&'static Map> {
    ALL.iter().copied().find(|it| it.format == format)
}

/// The format of a line that none of the one-level formats claims, or that the one given does,
/// some of whose keys others write too.
pub(super) fn format_of(fields: &Fields<'_>, claimed: Option<Format>) -> Option<Format> {
    let mut line = Line::new(fields);
    let may_be = |it: &&&Map| match claimed {
        None => true,
        Some(Format::Caddy) => matches!(it.format, Format::Kong | Format::Apisix),
        Some(Format::EnvoyJson) => it.format == Format::Tyk,
        Some(_) => false,
    };
    let fits =
        |it: &&&Map| it.marks.iter().any(|row| row.iter().all(|path| line.find(path).is_some()));
    ALL.iter().filter(may_be).find(fits).map(|it| it.format)
}

impl Map {
    /// Decodes a line.
    pub(super) fn decode<'a>(
        &self,
        fields: &Fields<'a>,
        zone: &TimeZone,
    ) -> Result<AccessRecord<'a>, Refusal> {
        let mut line = Line::new(fields);
        let method = self.method.iter().find_map(|(form, path)| form.read(line.text(&[path])?));
        let target = self.target.iter().find_map(|(form, path)| form.read(line.text(&[path])?));
        let status_of = line.text(self.status);
        if method.is_none() && target.is_none() {
            let unread = status_of.is_some();
            return Err(if unread { Refusal::NoRequest } else { Refusal::Malformed });
        }
        let (target, is_template) = target.ok_or(Refusal::NoPath)?;
        let method = method.or_else(|| self.method.iter().find_map(|it| line.find(it.1)?.method()));
        let time = line.text(self.time).ok_or(Refusal::BadTime)?;
        Ok(AccessRecord {
            time: Some(stamp::any(&time, zone).ok_or(Refusal::BadTime)?),
            method: method.ok_or(Refusal::NoRequest)?,
            target: with_query(target, line.text(self.query)),
            is_template,
            status: status_of.and_then(|it| status(&it)),
            bytes: line.text(self.bytes).and_then(|it| count(&it)),
            peer: line.text(self.peer).map(bare_address),
            user: line.text(self.user),
            user_agent: line.text(self.user_agent),
            forwarded: line.text(self.forwarded),
            ja4: line.text(self.ja4),
            ..AccessRecord::default()
        })
    }

    /// A request header of a line.
    pub(super) fn header<'a>(&self, fields: &Fields<'a>, name: &str) -> Option<Cow<'a, [u8]>> {
        let mut line = Line::new(fields);
        self.headers.iter().find_map(|it| line.text(&[&format!("{it}.{name}")]))
    }
}

impl Method {
    fn read(self, text: Cow<'_, [u8]>) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Name => Some(text),
            Self::Activity => {
                let number = usize::try_from(stamp::number(&text)?).ok()?;
                let name = schemas::ACTIVITIES.get(number.checked_sub(1)?)?;
                Some(Cow::Borrowed(name.as_bytes()))
            }
        }
    }
}

impl Target {
    /// Path and query, and whether it is a template.
    fn read(self, text: Cow<'_, [u8]>) -> Option<(Cow<'_, [u8]>, bool)> {
        match self {
            Self::Url => Some((without_origin(text), false)),
            Self::Template => {
                let is_template = has_places(&text);
                Some((text, is_template))
            }
            Self::RouteKey => {
                let start = memchr::memchr(b' ', &text).map_or(0, |it| it + 1);
                let is_template = start == 0 || has_places(&text);
                Some((from(text, start), is_template))
            }
        }
    }
}

/// Whether a route's path has places for what is asked for, as frameworks write them: `{id}`, `:id`,
/// `<id>`, `*`.
fn has_places(path: &[u8]) -> bool {
    path.iter().any(|it| matches!(it, b'{' | b':' | b'<' | b'*'))
}

/// `/path?query` of `https://host:port/path?query`.
pub(super) fn without_origin(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.first() == Some(&b'/') {
        return text;
    }
    let Some(scheme) = memchr::memmem::find(&text, b"://") else { return text };
    let host = scheme + 3;
    let rest = text.get(host..).unwrap_or_default();
    let end = rest.iter().position(|it| matches!(it, b'/' | b'?' | b'#'));
    match end.map(|it| it + host) {
        None => Cow::Borrowed(b"/"),
        Some(at) if text.get(at) == Some(&b'/') => from(text, at),
        Some(at) => Cow::Owned([b"/", text.get(at..).unwrap_or_default()].concat()),
    }
}

fn from(text: Cow<'_, [u8]>, start: usize) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(start..).unwrap_or_default()),
        Cow::Owned(mut text) => {
            text.drain(..start.min(text.len()));
            Cow::Owned(text)
        }
    }
}

/// A line, and the objects inside it that were asked for.
struct Line<'f, 'a> {
    fields: &'f Fields<'a>,
    opened: Vec<(&'a [u8], Option<Fields<'a>>)>,
}

impl<'f, 'a> Line<'f, 'a> {
    const fn new(fields: &'f Fields<'a>) -> Self {
        Self { fields, opened: Vec::new() }
    }

    /// The first of these fields that is there; the values of an array joined.
    fn text(&mut self, paths: &[&str]) -> Option<Cow<'a, [u8]>> {
        paths.iter().find_map(|it| joined(self.find(it)?))
    }

    fn find(&mut self, path: &str) -> Option<Value<'a>> {
        self.find_in(None, path)
    }

    /// What a path names in the line, or in an object that was opened. A key with dots goes before
    /// steps.
    fn find_in(&mut self, object: Option<usize>, path: &str) -> Option<Value<'a>> {
        let mut end = path.len();
        loop {
            let (key, rest) = path.split_at_checked(end)?;
            let fields = match object {
                None => self.fields,
                Some(at) => self.opened.get(at)?.1.as_ref()?,
            };
            let value = fields.get_any_case(key.as_bytes());
            let found = match (value, rest.strip_prefix('.')) {
                (value, None) => value,
                (Some(value), Some(rest)) => self.inside(value, rest),
                (None, Some(_)) => None,
            };
            if found.is_some() {
                return found;
            }
            end = key.rfind('.')?;
        }
    }

    fn inside(&mut self, value: Value<'a>, path: &str) -> Option<Value<'a>> {
        match value {
            Value::Object(bytes) => {
                let object = self.open(bytes);
                self.find_in(Some(object), path)
            }
            Value::Array(bytes) => {
                let (step, rest) = path.split_once('.').unwrap_or((path, ""));
                let value = elements(bytes).get(step.parse::<usize>().ok()?).copied()?;
                if rest.is_empty() { Some(value) } else { self.inside(value, rest) }
            }
            Value::Text(..) | Value::Bare(_) | Value::Null => None,
        }
    }

    fn open(&mut self, bytes: &'a [u8]) -> usize {
        let known = self.opened.iter().position(|it| std::ptr::eq(it.0, bytes));
        known.unwrap_or_else(|| {
            self.opened.push((bytes, Fields::of(bytes).ok()));
            self.opened.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_dotted_nested_and_mixed() {
        for line in [
            r#"{"http.request.method":"GET"}"#,
            r#"{"http":{"request":{"method":"GET"}}}"#,
            r#"{"http.request":{"method":"GET"}}"#,
            r#"{"http":{"request.method":"GET"}}"#,
            r#"{"HTTP":{"response":1},"http.request.method":"GET"}"#,
            r#"{"http":{"request":{"method":["GET"]}}}"#,
        ] {
            let fields = Fields::of(line.as_bytes()).unwrap();
            let text = Line::new(&fields).text(&["http.request.method"]);
            assert_eq!(text.as_deref(), Some(&b"GET"[..]), "{line}");
        }
    }

    #[test]
    fn of_a_url_path_and_query_count() {
        for (url, target) in [
            ("/a?b", "/a?b"),
            ("https://h.example:443/a?b=https://x/y", "/a?b=https://x/y"),
            ("https://h.example", "/"),
            ("http://h.example?b", "/?b"),
            ("a/b", "a/b"),
        ] {
            for text in [Cow::Borrowed(url.as_bytes()), Cow::Owned(url.as_bytes().to_vec())] {
                assert_eq!(without_origin(text), target.as_bytes(), "{url}");
            }
        }
    }

    #[test]
    fn no_format_has_two_maps() {
        for map in ALL {
            assert!(std::ptr::eq(of(map.format).unwrap(), *map), "{:?}", map.format);
        }
    }
}
