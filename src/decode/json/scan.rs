//! A scanner of JSON: where keys and values begin and end, and of which kind they are.
//!
//! Depth is bounded, so that a hostile line cannot use up the stack.

use super::super::Refusal;
use super::marks::Marks;
use std::ops::Range;

/// Levels of nesting.
const DEPTH_MAX: usize = 16;

/// What a value is, while it is still a piece of its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Null,
    Text,
    Escaped,
    Bare,
    Object,
    Array,
}

/// A piece of a line, its start in the upper half and its length in the lower one. One word and not
/// two halves, which would be put together from memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span(u64);

impl Span {
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self((start as u64) << 32 | (end - start) as u64 & 0xffff_ffff)
    }

    pub(super) const fn range(self) -> Range<usize> {
        let start = (self.0 >> 32) as usize;
        start..start + (self.0 & 0xffff_ffff) as usize
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or_default()
    }
}

/// A key and its value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    pub(super) key: Span,
    pub(super) key_escaped: bool,
    pub(super) kind: Kind,
    pub(super) value: Span,
}

/// A place in the text of an object, moved on piece by piece.
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    marks: Marks,
}

impl<'a> Scan<'a> {
    /// From a place of these bytes on.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, marks: Marks::default() }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
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

    pub(super) fn object(
        &mut self,
        depth: usize,
        mut field: impl FnMut(Pair),
    ) -> Result<(), Refusal> {
        self.list([b'{', b'}'], |scan| {
            let (key, key_escaped) = scan.string()?;
            scan.space();
            scan.expect(b':')?;
            scan.space();
            let (kind, value) = scan.value(depth + 1)?;
            field(Pair { key, key_escaped, kind, value });
            Ok(())
        })
    }

    fn array(&mut self, depth: usize) -> Result<(), Refusal> {
        self.list([b'[', b']'], |scan| scan.value(depth + 1).map(|_| ()))
    }

    /// Members between two brackets, with commas between them.
    fn list(
        &mut self,
        [opens, closes]: [u8; 2],
        mut member: impl FnMut(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.expect(opens)?;
        self.space();
        if self.peek() == Some(closes) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            member(self)?;
            self.space();
            if self.peek() != Some(b',') {
                return self.expect(closes);
            }
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn value(&mut self, depth: usize) -> Result<(Kind, Span), Refusal> {
        if depth > DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        let start = self.at;
        match self.peek() {
            Some(b'"') => self
                .string()
                .map(|(span, escaped)| (if escaped { Kind::Escaped } else { Kind::Text }, span)),
            Some(b'{') => {
                self.object(depth, |_| {})?;
                Ok((Kind::Object, Span::new(start, self.at)))
            }
            Some(b'[') => {
                self.array(depth)?;
                Ok((Kind::Array, Span::new(start, self.at)))
            }
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<(Kind, Span), Refusal> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'+')
        ) {
            self.at += 1;
        }
        let span = Span::new(start, self.at);
        match self.bytes.get(start..self.at).unwrap_or_default() {
            b"null" => Ok((Kind::Null, span)),
            b"true" | b"false" => Ok((Kind::Bare, span)),
            bare if is_number(bare) => Ok((Kind::Bare, span)),
            _ => Err(Refusal::Malformed),
        }
    }

    /// What stands between the quotes, and whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<(Span, bool), Refusal> {
        self.expect(b'"')?;
        let start = self.at;
        let escaped = self.find_quote()?;
        let span = Span::new(start, self.at);
        self.at += 1;
        Ok((span, escaped))
    }

    /// Goes to the quote that ends a string; whether there are escapes before it.
    #[inline]
    fn find_quote(&mut self) -> Result<bool, Refusal> {
        let mut escaped = false;
        loop {
            self.at = self.marks.next(self.bytes, self.at).ok_or(Refusal::Malformed)?;
            if self.peek() == Some(b'"') {
                return Ok(escaped);
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
