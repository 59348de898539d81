//! Values of JSON lines that are no fields of a record but tell a client or a request, by their names.

use super::sample::hash;
use crate::attribute::KeyKind;
use serde_json::Value;

/// How deep a line is looked into.
const DEPTH_MAX: usize = 4;

/// Names, without case, of what is the same in every line of one request.
const REQUESTS: &[&str] = &[
    "request_id",
    "requestid",
    "x_request_id",
    "http_x_request_id",
    "correlation_id",
    "correlationid",
    "request/id",
    "http_request/uid",
];
/// Names of keys, and of which kind they are. A header may have a prefix.
const KEYS: &[(&str, KeyKind)] = &[
    ("x_api_key", KeyKind::Credential),
    ("apikey", KeyKind::Credential),
    ("client_id", KeyKind::Partner),
    ("x_client_id", KeyKind::Partner),
    ("azp", KeyKind::Partner),
    ("sub", KeyKind::Staff),
    ("jwt_sub", KeyKind::Staff),
    ("jwt_claim_sub", KeyKind::Staff),
    ("session", KeyKind::Session),
    ("session_id", KeyKind::Session),
    ("sessionid", KeyKind::Session),
    ("sid", KeyKind::Session),
];
/// What some gateways write in front of a header's name.
const PREFIXES: [&str; 2] = ["http_", "request_"];
/// In names of cookies: those that a person keeps while they are logged in.
const SESSION_COOKIES: &[&str] = &["sess", "sid", "token", "auth"];

/// A client key of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointed {
    pub(super) pointer: String,
    pub(super) kind: KeyKind,
    pub(super) hash: u64,
}

/// What a line has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) request: Option<u64>,
    pub(super) keys: Vec<Pointed>,
}

/// The keys of a line that is JSON.
pub(super) fn of(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    if let Ok(line) = serde_json::from_slice(bytes) {
        walk(&line, "", 0, &mut found);
    }
    found
}

fn walk(value: &Value, pointer: &str, depth: usize, found: &mut Found) {
    let next = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(fields) if depth < DEPTH_MAX => {
            fields.iter().for_each(|(name, it)| walk(it, &next(name), depth + 1, found));
        }
        // A header may be repeated; the first one is looked at.
        Value::Array(values) if depth < DEPTH_MAX => {
            values.first().into_iter().for_each(|it| walk(it, &next("0"), depth + 1, found));
        }
        Value::String(text) if !matches!(text.as_str(), "" | "-" | "REDACTED") => {
            note(pointer, text, found);
        }
        _ => {}
    }
}

fn note(pointer: &str, text: &str, found: &mut Found) {
    let name = pointer.trim_end_matches("/0").to_ascii_lowercase().replace('-', "_");
    let last = name.rsplit('/').next().unwrap_or_default();
    let is_request = |it: &str| last == it || it.contains('/') && name.ends_with(it);
    if REQUESTS.iter().any(|it| is_request(it)) {
        found.request.get_or_insert(hash(text.as_bytes()));
    }
    // What an answer sets is no key of the request.
    if name.contains("resp") {
        return;
    }
    let last = PREFIXES.iter().find_map(|it| last.strip_prefix(it)).unwrap_or(last);
    let named = KEYS.iter().find(|it| it.0 == last).map(|it| it.1);
    let cookie = last.strip_prefix("cookie_");
    let is_session = |it: &str| SESSION_COOKIES.iter().any(|part| it.contains(part));
    let kind = named.or_else(|| cookie.filter(|it| is_session(it)).map(|_| KeyKind::Session));
    if let Some(kind) = kind {
        let hash = hash(text.as_bytes());
        found.keys.push(Pointed { pointer: pointer.to_owned(), kind, hash });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_their_names_wherever_they_stand() {
        let line = br#"{"request_id":"r1","cookie_JSESSIONID":"s1","claims":{"sub":"u1"},
            "request":{"headers":{"X-Api-Key":["k1"],"Cookie":["REDACTED"]}},"cookie_lang":"en"}"#;
        let found = of(line);
        assert_eq!(found.request, Some(hash(b"r1")));
        let mut keys: Vec<_> = found.keys.iter().map(|it| (it.pointer.as_str(), it.kind)).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                ("/claims/sub", KeyKind::Staff),
                ("/cookie_JSESSIONID", KeyKind::Session),
                ("/request/headers/X-Api-Key/0", KeyKind::Credential),
            ]
        );
    }

    #[test]
    fn what_is_no_json_has_no_keys() {
        assert_eq!(of(b"{\"x_api_key\":"), Found::default());
    }
}
