//! JSON objects as the fields of a line: one pass, no validation of UTF-8, no tree.
//!
//! nginx with `escape=json` writes invalid UTF-8 raw, and every strict parser refuses such a line:
//! a scraper that adds `?x=\xfe` would be gone from the log. So strings stay bytes, borrowed where
//! they hold no escape. The first of two equal keys wins, as it does for whoever reads the line
//! with their eyes.

mod escape;
mod marks;
mod names;
pub(super) mod pieces;
mod scan;
mod shape;

pub(super) use names::{Name, Names};
pub use shape::Shapes;

use super::Refusal;
use escape::unescape;
use marks::LineMarks;
use names::NAMES_MAX;
use scan::{Kind, Pair, Scan, Span};
use shape::Shape;
use std::borrow::Cow;
use std::ops::Range;

/// Fields of an object that are looked at: more than a line has room for. A gateway that logs all
/// headers logs whatever a client makes up, and what stands behind that must not be lost.
const FIELDS_MAX: usize = u16::MAX as usize;

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

    /// The value as a method, of which `-` is one: any token is (RFC 9110, 5.6.2).
    pub(super) fn method(self) -> Option<Cow<'a, [u8]>> {
        self.text().or_else(|| matches!(self, Self::Text(b"-", _)).then_some(Cow::Borrowed(b"-")))
    }
}

/// The fields of an object in the order in which they stand.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    pairs: Vec<Pair>,
    /// The line's, where it is read by a shape.
    marks: LineMarks,
    /// Where each name stands first, from 1; 0 where it does not.
    named: [u16; NAMES_MAX],
}

/// The memory of a line's fields, which the next line uses again.
#[derive(Clone, Debug, Default)]
pub(super) struct Room(Vec<Pair>, LineMarks);

impl<'a> Fields<'a> {
    /// The fields of the object that `bytes` are, white space around it allowed.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut fields = Self::none(bytes, Room::default());
        fields.read(None)?;
        Ok(fields)
    }

    /// No fields yet.
    pub(super) fn none(bytes: &'a [u8], Room(mut pairs, marks): Room) -> Self {
        pairs.clear();
        Self { bytes, pairs, marks, named: [0; NAMES_MAX] }
    }

    /// The memory of the fields, which are done with.
    pub(super) fn into_room(self) -> Room {
        Room(self.pairs, self.marks)
    }

    /// Reads the object, and notes where these names stand.
    pub(super) fn read(&mut self, names: Option<&Names>) -> Result<(), Refusal> {
        let bytes = self.bytes;
        let mut scan = Scan::new(bytes, 0);
        scan.space();
        scan.object(0, |pair| {
            if self.pairs.len() >= FIELDS_MAX {
                return;
            }
            self.pairs.push(pair);
            let name = names.and_then(|names| name_of(names, pair.key.of(bytes), pair.key_escaped));
            let named = name.and_then(|it| self.named.get_mut(it.index()));
            if let Some(first) = named.filter(|it| **it == 0) {
                *first = u16::try_from(self.pairs.len()).unwrap_or(u16::MAX);
            }
        })?;
        scan.space();
        if scan.at < bytes.len() { Err(Refusal::Malformed) } else { Ok(()) }
    }

    /// Reads the object by the first of these shapes that fits; its place. Where none does,
    /// nothing is read.
    fn read_like(&mut self, shapes: &[Shape]) -> Option<usize> {
        if shapes.is_empty() {
            return None;
        }
        self.marks.read(self.bytes);
        let fits = shapes.iter().position(|it| self.fit(it).is_some());
        match fits.and_then(|at| shapes.get(at)) {
            Some(shape) => self.named = shape.named,
            None => self.pairs.clear(),
        }
        fits
    }

    fn fit(&mut self, shape: &Shape) -> Option<()> {
        self.pairs.clear();
        let mut at = 0;
        for part in &shape.parts {
            if !part.between.stands_in(self.bytes.get(at..)?) {
                return None;
            }
            let start = at + part.between.len();
            let key = start - part.key_back;
            let key = Span::new(key, key + part.key_length);
            at = self.marks.next(start)?;
            let mut kind = Kind::Text;
            while self.bytes.get(at) == Some(&b'\\') {
                kind = Kind::Escaped;
                at = self.marks.next(at + 2)?;
            }
            self.pairs.push(Pair { key, key_escaped: false, kind, value: Span::new(start, at) });
        }
        (self.bytes.get(at..)? == &*shape.end).then_some(())
    }

    /// Where keys and values stand, if every value is a string and no key has escapes.
    fn texts(&self) -> Option<Vec<(Range<usize>, Range<usize>)>> {
        let is_text = |it: &Pair| matches!(it.kind, Kind::Text | Kind::Escaped);
        let span = |it: &Pair| {
            (is_text(it) && !it.key_escaped).then(|| (it.key.range(), it.value.range()))
        };
        self.pairs.iter().map(span).collect()
    }

    /// Every field; of equal keys the first wins, which is the reader's to see to.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + '_ {
        self.pairs.iter().map(|it| (it.key.of(self.bytes), self.value(it)))
    }

    /// The first field with this key.
    pub(super) fn get(&self, key: &[u8]) -> Option<Value<'a>> {
        let is = |it: &&Pair| {
            let written = it.key.of(self.bytes);
            written == key || it.key_escaped && unescape(written) == key
        };
        self.pairs.iter().find(is).map(|it| self.value(it))
    }

    /// The first field with this name, of those that were given when the object was read.
    pub(super) fn named(&self, name: Name) -> Option<Value<'a>> {
        let at = usize::from(*self.named.get(name.index())?).checked_sub(1)?;
        self.pairs.get(at).map(|it| self.value(it))
    }

    /// The first field whose key is this one, whatever the case of its letters.
    pub(super) fn get_any_case(&self, key: &[u8]) -> Option<Value<'a>> {
        let is = |it: &&Pair| it.key.of(self.bytes).eq_ignore_ascii_case(key);
        self.pairs.iter().find(is).map(|it| self.value(it))
    }

    fn value(&self, pair: &Pair) -> Value<'a> {
        value(pair.kind, pair.value.of(self.bytes))
    }
}

fn value(kind: Kind, bytes: &[u8]) -> Value<'_> {
    match kind {
        Kind::Null => Value::Null,
        Kind::Text => Value::Text(bytes, false),
        Kind::Escaped => Value::Text(bytes, true),
        Kind::Bare => Value::Bare(bytes),
        Kind::Object => Value::Object(bytes),
        Kind::Array => Value::Array(bytes),
    }
}

/// The name of a key; an escaped one is rare and read the slow way.
fn name_of(names: &Names, written: &[u8], escaped: bool) -> Option<Name> {
    if escaped { names.find(&unescape(written)) } else { names.find(written) }
}

/// The values of an array.
pub(super) fn elements(bytes: &[u8]) -> Vec<Value<'_>> {
    let mut scan = Scan::new(bytes, 1);
    let mut found = Vec::new();
    loop {
        scan.space();
        if scan.peek() == Some(b']') {
            return found;
        }
        let Ok((kind, span)) = scan.value(1) else { return found };
        found.push(value(kind, span.of(bytes)));
        scan.space();
        if scan.peek() == Some(b',') {
            scan.at += 1;
        }
    }
}

/// What a string says that stands between quotes.
pub(super) fn string(quoted: &[u8]) -> Option<Cow<'_, [u8]>> {
    let raw = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_escaped = memchr::memchr(b'\\', raw).is_some();
    Some(if is_escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) })
}

/// The value that a JSON pointer (RFC 6901) names inside the object that `bytes` are.
pub(super) fn pointer<'a>(fields: &Fields<'a>, pointer: &str) -> Option<Value<'a>> {
    let (first, rest) = first_step(pointer)?;
    inside(fields.get(first.as_bytes())?, rest)
}

/// The first step of a pointer, and those behind it.
pub(super) fn first_step(pointer: &str) -> Option<(Cow<'_, str>, &str)> {
    let steps = pointer.strip_prefix('/')?;
    let end = steps.find('/').unwrap_or(steps.len());
    let (first, rest) = steps.split_at_checked(end)?;
    Some((unescape_step(first), rest))
}

/// The value that a pointer names inside of another; without a step the value itself.
pub(super) fn inside<'a>(mut value: Value<'a>, pointer: &str) -> Option<Value<'a>> {
    for step in pointer.split('/').skip(1).map(unescape_step) {
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
