//! What a single value may look like: each function reads one value, or notes what is allowed.

use super::document::Node;
use super::files;
use crate::deliver::reach::{self, Internal, Reach, Trust};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use toml::de::DeValue;

/// Elements of a list at most: a file that a person reviews has no more.
pub(super) const LIST_MAX: usize = 1_000;
/// Characters of a name that becomes a label.
const NAME_MAX: usize = 64;

pub(super) fn text(node: &Node<'_>) -> Option<String> {
    node.shape(some_text)?;
    match node.value.as_str() {
        Some(text) if !text.is_empty() => Some(text.to_owned()),
        _ => node.refuse("a text"),
    }
}

/// The shape of what has a form of its own that a schema does not say.
pub(super) fn some_text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// A name that becomes a metric label and part of an address of the pages.
pub(super) fn name(node: &Node<'_>) -> Option<String> {
    node.shape(|| json!({ "type": "string", "pattern": NAME_PATTERN }))?;
    match node.value.as_str().filter(|it| is_name(it)) {
        Some(name) => Some(name.to_owned()),
        None => node.refuse(NAME_ALLOWED),
    }
}

/// What a name looks like, in words.
pub(super) const NAME_ALLOWED: &str = "a name of 1 to 64 letters, digits, `_`, `-` and `.`";

/// The same for a schema.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9_.-]{1,64}$";

pub(super) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

pub(super) fn flag(node: &Node<'_>) -> Option<bool> {
    node.shape(|| json!({ "type": "boolean" }))?;
    node.value.as_bool().or_else(|| node.refuse("true or false"))
}

/// A whole number within limits.
pub(super) fn whole(limits: RangeInclusive<u64>) -> impl Fn(&Node<'_>) -> Option<u64> {
    move |node| {
        let (least, most) = (limits.start(), limits.end());
        node.shape(|| json!({ "type": "integer", "minimum": least, "maximum": most }))?;
        let number = node.value.as_integer();
        let number = number.and_then(|it| u64::from_str_radix(it.as_str(), it.radix()).ok());
        number.filter(|it| limits.contains(it)).or_else(|| {
            node.refuse(&format!("a whole number from {} to {}", limits.start(), limits.end()))
        })
    }
}

/// A number within limits, with or without a fraction.
pub(super) fn number(limits: RangeInclusive<f64>) -> impl Fn(&Node<'_>) -> Option<f64> {
    move |node| {
        let (least, most) = (limits.start(), limits.end());
        node.shape(|| json!({ "type": "number", "minimum": least, "maximum": most }))?;
        let number = match node.value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            _ => None,
        };
        number.filter(|it| limits.contains(it)).or_else(|| {
            node.refuse(&format!("a number from {} to {}", limits.start(), limits.end()))
        })
    }
}

/// One of a few names.
pub(super) fn one_of<T: Copy>(names: &[(T, &'static str)]) -> impl Fn(&Node<'_>) -> Option<T> {
    move |node| {
        let all = || names.iter().map(|(_, name)| *name).collect::<Vec<_>>();
        node.shape(|| json!({ "enum": all() }))?;
        let found = node.value.as_str();
        let fitting = names.iter().find(|(_, name)| Some(*name) == found);
        fitting.map(|(value, _)| *value).or_else(|| node.refuse_name(&all()))
    }
}

/// A list whose elements are each read by `read`.
pub(super) fn list<T>(
    allowed: &'static str,
    read: impl Fn(&Node<'_>) -> Option<T>,
) -> impl Fn(&Node<'_>) -> Option<Vec<T>> {
    move |node| {
        let whole = |item| json!({ "type": "array", "items": item, "maxItems": LIST_MAX });
        node.shape_around(&read, whole)?;
        let items = node.items().filter(|items| items.len() <= LIST_MAX);
        let Some(items) = items else {
            return node.refuse(&format!("a list of at most {LIST_MAX} {allowed}"));
        };
        // Each element is read before any is missed, so that all problems are noted.
        let values: Vec<Option<T>> = items.iter().map(&read).collect();
        values.into_iter().collect()
    }
}

/// A list with at least one element.
pub(super) fn some<T>(
    allowed: &'static str,
    read: impl Fn(&Node<'_>) -> Option<T>,
) -> impl Fn(&Node<'_>) -> Option<Vec<T>> {
    let read = list(allowed, read);
    move |node| {
        node.shape_around(&read, |list| with(list, "minItems", json!(1)))?;
        match read(node)? {
            values if values.is_empty() => {
                node.note("is empty".to_owned(), Some(&format!("a list of {allowed}")), None)
            }
            values => Some(values),
        }
    }
}

/// A shape with one word more.
pub(super) fn with(mut shape: Value, key: &str, value: Value) -> Value {
    if let Value::Object(words) = &mut shape {
        words.insert(key.to_owned(), value);
    }
    shape
}

/// A duration within limits, in milliseconds.
pub(super) fn duration(limits: RangeInclusive<i64>) -> impl Fn(&Node<'_>) -> Option<i64> {
    move |node| {
        let (least, most) = (duration_text(*limits.start()), duration_text(*limits.end()));
        // JSON Schema compares no durations: the limits are for whoever reads.
        node.shape(|| {
            json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d|w)$",
                "x-minimum": least, "x-maximum": most })
        })?;
        let ms = node.value.as_str().and_then(milliseconds);
        ms.filter(|it| limits.contains(it))
            .or_else(|| node.refuse(&format!("a duration from \"{least}\" to \"{most}\"")))
    }
}

const UNITS: [(&str, i64); 6] = [
    ("ms", 1),
    ("s", SECOND_MS),
    ("m", MINUTE_MS),
    ("h", HOUR_MS),
    ("d", DAY_MS),
    ("w", 7 * DAY_MS),
];

/// The milliseconds of `500ms`, `1s`, `5m`, `1h`, `7d`, `2w`.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits)?;
    let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
    count.parse::<i64>().ok()?.checked_mul(*ms)
}

/// A duration in the largest unit that takes it whole.
fn duration_text(ms: i64) -> String {
    let whole = UNITS.iter().take(5).rev().find(|(_, unit)| ms % unit == 0);
    whole.map_or_else(String::new, |(name, unit)| format!("{}{name}", ms / unit))
}

pub(super) fn socket(node: &Node<'_>) -> Option<SocketAddr> {
    node.shape(some_text)?;
    let address = node.value.as_str().and_then(|it| it.parse().ok());
    address.or_else(|| node.refuse("an address and a port, such as \"127.0.0.1:9464\""))
}

/// A network, or one address as the network of itself.
pub(super) fn network(node: &Node<'_>) -> Option<IpNet> {
    node.shape(some_text)?;
    let parsed = |it: &str| {
        let single = || it.parse::<IpAddr>().ok().map(IpNet::from);
        it.parse().ok().or_else(single)
    };
    let network = node.value.as_str().and_then(parsed);
    network.or_else(|| node.refuse("a network such as \"10.0.0.0/8\", or one address"))
}

/// The address of a receiver or a page.
pub(super) fn url(node: &Node<'_>) -> Option<String> {
    node.shape(|| with(some_text(), "format", json!("uri")))?;
    let fits = |it: &&str| {
        let parsed = reqwest::Url::parse(it).ok();
        parsed.is_some_and(|it| matches!(it.scheme(), "http" | "https") && it.has_host())
    };
    match node.value.as_str().filter(fits) {
        Some(url) => Some(url.to_owned()),
        None => node.refuse("an address that begins with https:// or http://"),
    }
}

/// The address of a receiver, which has to be where receivers may be; `None` for the rules where
/// what they come from is wrong itself.
pub(super) fn reachable(
    reach: Option<&Reach>,
    trust: Trust,
) -> impl Fn(&Node<'_>) -> Option<String> + '_ {
    move |node| {
        let address = url(node)?;
        let parsed = reqwest::Url::parse(&address).ok()?;
        match reach.map(|it| it.check(&parsed, trust)) {
            Some(Err(error)) => node.note(error.to_string(), Some(REACHABLE), None),
            Some(Ok(())) | None => Some(address),
        }
    }
}

/// Where receivers may be, in words.
const REACHABLE: &str = "a public host by https://, or one of [alert] internal_hosts";

/// A host inside our own network.
pub(super) fn internal(node: &Node<'_>) -> Option<Internal> {
    node.shape(some_text)?;
    let host = node.value.as_str().and_then(Internal::parse);
    host.or_else(|| node.refuse("a host name, an address or a network such as \"10.0.0.0/8\""))
}

/// A host by its name, or an address.
pub(super) fn host(node: &Node<'_>) -> Option<String> {
    node.shape(some_text)?;
    let text = node.value.as_str().unwrap_or_default();
    let address = || text.parse::<IpAddr>().ok().map(|it| it.to_string());
    let host = reach::host_name(text).or_else(address);
    host.or_else(|| node.refuse("a host name such as \"hooks.example.org\""))
}

/// A path, relative to the configuration; whether something is there is not asked.
pub(super) fn path(node: &Node<'_>) -> Option<PathBuf> {
    Some(node.document.resolve(&text(node)?))
}

/// A file that can be read.
pub(super) fn readable(node: &Node<'_>) -> Option<PathBuf> {
    let path = path(node)?;
    files::check(node, &path).then_some(path)
}

/// A time zone by its name in the IANA database.
pub(super) fn zone(node: &Node<'_>) -> Option<jiff::tz::TimeZone> {
    node.shape(some_text)?;
    let zone = node.value.as_str().and_then(|it| jiff::tz::TimeZone::get(it).ok());
    zone.or_else(|| node.refuse("a time zone such as \"UTC\" or \"Asia/Almaty\""))
}

/// A JSON pointer (RFC 6901) to something inside a line.
pub(super) fn pointer(node: &Node<'_>) -> Option<String> {
    node.shape(|| json!({ "type": "string", "pattern": "^/", "minLength": 2 }))?;
    match node.value.as_str().filter(|it| is_pointer(it)) {
        Some(pointer) => Some(pointer.to_owned()),
        None => node.refuse("a JSON pointer such as \"/request/path\""),
    }
}

pub(super) fn is_pointer(text: &str) -> bool {
    let escaped = |part: &str| part.starts_with(['0', '1']);
    text.len() > 1 && text.starts_with('/') && text.split('~').skip(1).all(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_in_the_largest_unit() {
        for (text, ms) in [
            ("500ms", 500),
            ("1s", SECOND_MS),
            ("60s", MINUTE_MS),
            ("1h", HOUR_MS),
            ("7d", 7 * DAY_MS),
            ("2w", 14 * DAY_MS),
        ] {
            assert_eq!(milliseconds(text), Some(ms), "{text}");
        }
        for text in ["", "5", "s", "1.5h", "-1s", "1 s", "1y", "99999999999999999w"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        assert_eq!(duration_text(90 * SECOND_MS), "90s");
        assert_eq!(duration_text(14 * DAY_MS), "14d");
    }

    #[test]
    fn json_pointers_begin_with_a_slash_and_escape_only_two_characters() {
        assert!(is_pointer("/a/b~1c~0d/0"));
        for text in ["", "/", "a/b", "/a~2", "/a~"] {
            assert!(!is_pointer(text), "{text}");
        }
    }
}
