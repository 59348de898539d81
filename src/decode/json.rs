//! A JSON scanner over bytes: one pass, no validation of UTF-8, no tree.
//!
//! nginx with `escape=json` writes invalid UTF-8 raw, and every strict parser refuses such a line:
//! a scraper that adds `?x=\xfe` would be gone from the log. So strings stay bytes, borrowed where
//! they hold no escape. The first of two equal keys wins, as it does for whoever reads the line
//! with their eyes. Depth is bounded, so that a hostile line cannot use up the stack.

use super::Refusal;
use memchr::memchr2;
use std::borrow::Cow;

/// Levels of nesting.
const DEPTH_MAX: usize = 16;
/// Fields of an object that are looked at; gateways log some forty.
const FIELDS_MAX: usize = 64;

/// A value, not yet interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// What stands between the quotes, and whether it has escapes.
    Text(&'a [u8], bool),
    /// A number, `true` or `false` as written.
    Bare(&'a [u8]),
    Null,
    /// From brace to brace.
    Object(&'a [u8]),
    /// From bracket to bracket.
    Array(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as text; `null`, `""` and `-` are absent, objects and arrays are none.
    pub(super) fn text(self) -> Option<Cow<'a, [u8]>> {
        let text = match self {
            Self::Text(raw, false) => Cow::Borrowed(raw),
            Self::Text(raw, true) => Cow::Owned(unescape(raw)),
            Self::Bare(raw) => Cow::Borrowed(raw),
            Self::Null | Self::Object(_) | Self::Array(_) => return None,
        };
        (!text.is_empty() && *text != *b"-").then_some(text)
    }
}

/// The fields of an object in the order in which they stand.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pairs: [(&'a [u8], Value<'a>); FIELDS_MAX],
    length: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the object that `bytes` are, white space around it allowed.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut fields = Self { pairs: [(b"", Value::Null); FIELDS_MAX], length: 0 };
        let mut scan = Scan { bytes, at: 0 };
        scan.space();
        scan.object(0, |key, value| {
            if let Some(pair) = fields.pairs.get_mut(fields.length) {
                *pair = (key, value);
                fields.length += 1;
            }
        })?;
        scan.space();
        if scan.at < bytes.len() { Err(Refusal::Malformed) } else { Ok(fields) }
    }

    /// Every field; of equal keys the first wins, which is the reader's to see to.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + '_ {
        self.pairs.iter().take(self.length).copied()
    }

    /// The first field with this key.
    pub(super) fn get(&self, key: &[u8]) -> Option<Value<'a>> {
        self.iter().find(|it| key_is(it.0, key)).map(|it| it.1)
    }

    /// The first field whose key is this one, whatever the case of its letters.
    pub(super) fn get_any_case(&self, key: &[u8]) -> Option<Value<'a>> {
        self.iter().find(|it| it.0.eq_ignore_ascii_case(key)).map(|it| it.1)
    }
}

/// Whether a key as written is this one; an escaped key is rare and compared the slow way.
fn key_is(written: &[u8], key: &[u8]) -> bool {
    written == key || memchr::memchr(b'\\', written).is_some() && unescape(written) == key
}

/// The values of an array.
pub(super) fn elements(bytes: &[u8]) -> Vec<Value<'_>> {
    let mut scan = Scan { bytes, at: 1 };
    let mut found = Vec::new();
    loop {
        scan.space();
        if found.len() >= FIELDS_MAX || scan.peek() == Some(b']') {
            return found;
        }
        let Ok(value) = scan.value(1) else { return found };
        found.push(value);
        scan.space();
        if scan.peek() == Some(b',') {
            scan.at += 1;
        }
    }
}

/// The value that a JSON pointer (RFC 6901) names inside the object that `bytes` are.
pub(super) fn pointer<'a>(fields: &Fields<'a>, pointer: &str) -> Option<Value<'a>> {
    let mut steps = pointer.strip_prefix('/')?.split('/').map(unescape_step);
    let mut value = fields.get(steps.next()?.as_bytes())?;
    for step in steps {
        value = match value {
            Value::Object(bytes) => Fields::of(bytes).ok()?.get(step.as_bytes())?,
            Value::Array(bytes) => elements(bytes).get(step.parse::<usize>().ok()?).copied()?,
            Value::Text(..) | Value::Bare(_) | Value::Null => return None,
        };
    }
    Some(value)
}

fn unescape_step(step: &str) -> Cow<'_, str> {
    if step.contains('~') {
        Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(step)
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(Refusal::Malformed)
    }

    fn object(
        &mut self,
        depth: usize,
        mut field: impl FnMut(&'a [u8], Value<'a>),
    ) -> Result<(), Refusal> {
        self.expect(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            let (key, _) = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            let value = self.value(depth + 1)?;
            field(key, value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Refusal::Malformed),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Refusal> {
        self.expect(b'[')?;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            self.value(depth + 1)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Refusal::Malformed),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Refusal> {
        if depth > DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string().map(|(raw, escaped)| Value::Text(raw, escaped)),
            Some(b'{') => {
                self.object(depth, |_, _| {})?;
                Ok(Value::Object(self.since(start)))
            }
            Some(b'[') => {
                self.array(depth)?;
                Ok(Value::Array(self.since(start)))
            }
            _ => self.bare(),
        }
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    fn bare(&mut self) -> Result<Value<'a>, Refusal> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'+')
        ) {
            self.at += 1;
        }
        match self.since(start) {
            b"null" => Ok(Value::Null),
            bare @ (b"true" | b"false") => Ok(Value::Bare(bare)),
            bare if is_number(bare) => Ok(Value::Bare(bare)),
            _ => Err(Refusal::Malformed),
        }
    }

    /// What stands between the quotes, and whether it has escapes.
    fn string(&mut self) -> Result<(&'a [u8], bool), Refusal> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else { return Err(Refusal::Malformed) };
            self.at += found;
            if self.peek() == Some(b'"') {
                let raw = self.since(start);
                self.at += 1;
                return Ok((raw, escaped));
            }
            escaped = true;
            self.at += 2;
        }
    }
}

fn is_number(bare: &[u8]) -> bool {
    let digits = bare.strip_prefix(b"-").unwrap_or(bare);
    digits.first().is_some_and(u8::is_ascii_digit)
        && digits.iter().all(|it| matches!(it, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
}

/// Undoes the escapes of a JSON string. A lone surrogate becomes U+FFFD, an unknown escape stays.
pub(super) fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let escape = raw.get(at).copied();
        at += 1;
        match escape {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'u') => {
                let (character, used) = unicode(raw.get(at..).unwrap_or_default());
                at += used;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Some(other @ (b'"' | b'\\' | b'/')) => out.push(other),
            Some(other) => out.extend_from_slice(&[b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

/// The character of the digits behind `\u`, and how many bytes it took.
fn unicode(rest: &[u8]) -> (char, usize) {
    let Some(high) = hex4(rest) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if !(0xd800..0xe000).contains(&high) {
        return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4);
    }
    let low = rest.get(4..6).filter(|it| *it == b"\\u").and_then(|_| hex4(rest.get(6..)?));
    match low {
        Some(low @ 0xdc00..0xe000) if high < 0xdc00 => {
            let joined = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER), 10)
        }
        _ => (char::REPLACEMENT_CHARACTER, 4),
    }
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |sum, it| Some(sum * 16 + char::from(*it).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get<'a>(bytes: &'a [u8], key: &str) -> Option<Cow<'a, [u8]>> {
        Fields::of(bytes).unwrap().get(key.as_bytes())?.text()
    }

    #[test]
    fn raw_bytes_survive_and_the_first_of_two_keys_wins() {
        let line = b" {\"a\":\"x\\u00ff\xff\\\"\",\"a\":\"second\",\"n\": -1.5e3,\"o\":{\"b\":[1,{\"c\":null}]}} ";
        assert_eq!(get(line, "a").unwrap().as_ref(), b"x\xc3\xbf\xff\"");
        assert_eq!(get(line, "n").unwrap().as_ref(), b"-1.5e3");
        assert_eq!(get(line, "o"), None);
    }

    #[test]
    fn a_pointer_goes_through_objects_and_arrays() {
        let line = br#"{"a/b":{"c":[0,{"d":"e"}]}}"#;
        let fields = Fields::of(line).unwrap();
        assert_eq!(pointer(&fields, "/a~1b/c/1/d").unwrap().text().unwrap().as_ref(), b"e");
        assert!(pointer(&fields, "/a~1b/x").is_none());
    }

    #[test]
    fn what_is_broken_or_too_deep_is_refused() {
        for broken in
            ["{", "{\"a\"}", "{\"a\":1}x", "{\"a\":1,}", "[1]", "{\"a\":tru}", "{\"a\":\"x"]
        {
            assert_eq!(Fields::of(broken.as_bytes()).err(), Some(Refusal::Malformed), "{broken}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
        assert_eq!(Fields::of(deep.as_bytes()).err(), Some(Refusal::TooDeep));
    }

    fn tree() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".{0,12}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                proptest::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(5), ..ProptestConfig::default() })]

        #[test]
        fn strings_read_as_serde_json_reads_them(value in tree()) {
            let line = serde_json::json!({ "first": 1, "value": value }).to_string();
            let fields = Fields::of(line.as_bytes()).unwrap();
            if let Some(text) = value.as_str().filter(|it| !it.is_empty() && *it != "-") {
                let read = fields.get(b"value").unwrap().text().unwrap();
                prop_assert_eq!(read.as_ref(), text.as_bytes());
            }
            prop_assert_eq!(fields.iter().count(), 2);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut line = b"{\"a\":\"".to_vec();
            line.extend(bytes);
            let _outcome = Fields::of(&line);
        }
    }
}
