//! Lines that are written from one template, read by what they have in common.
//!
//! A gateway writes every line with the same keys in the same order, and between two values stands
//! always the same text: `","status":"`. So once a line was read the long way, the next one is read
//! by comparing that text and looking for the end of each value, which is half the work. A line
//! that differs anywhere is read the long way again: what a line means follows from the line alone,
//! and a memory of shapes only decides how fast it is read. Only lines whose values are all
//! strings have shapes (nginx writes nothing else): a number ends in too many ways.

use super::super::Format;
use super::names::NAMES_MAX;
use super::{Fields, Room};

/// Members of a shape at most; gateways log some forty.
const PARTS_MAX: usize = 64;
/// Shapes remembered: gateways of different versions may write one topic.
const SHAPES: usize = 4;

/// What lines of one template have in common.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Its members.
    pub(super) parts: Vec<Part>,
    /// The text behind the last value.
    pub(super) end: Box<[u8]>,
    /// Where each name stands first.
    pub(super) named: [u16; NAMES_MAX],
    /// Which format it is: that follows from keys alone where all values are strings.
    format: Format,
}

/// A member of a shape.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The text in front of the value, from the end of the one before.
    pub(super) between: Between,
    /// How many bytes before the value the key begins.
    pub(super) key_back: usize,
    /// How many it has.
    pub(super) key_length: usize,
}

/// Words that are compared at once: nearly every text between two values is shorter.
const WORDS: usize = 4;

/// A text that is compared twenty times a line: by words, its end by a mask, where it is short.
#[derive(Clone, Debug)]
pub(super) struct Between {
    text: Box<[u8]>,
    /// Its first words, and ones where it reaches.
    words: [(u64, u64); WORDS],
}

impl Between {
    fn new(text: &[u8]) -> Self {
        let mut padded = [(0, 0); WORDS * 8];
        padded.iter_mut().zip(text).for_each(|(to, byte)| *to = (*byte, u8::MAX));
        let (words, _) = padded.as_chunks::<8>();
        let word = |it: [u8; 8]| u64::from_le_bytes(it);
        let mut both = [(0, 0); WORDS];
        for (to, of) in both.iter_mut().zip(words) {
            *to = (word(of.map(|it| it.0)), word(of.map(|it| it.1)));
        }
        Self { text: text.into(), words: both }
    }

    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether these bytes begin with it.
    #[inline]
    pub(super) fn stands_in(&self, bytes: &[u8]) -> bool {
        let Some(near) = bytes.first_chunk::<{ WORDS * 8 }>() else {
            return bytes.starts_with(&self.text);
        };
        let (near, _) = near.as_chunks::<8>();
        let words = near.iter().zip(&self.words);
        let differ = words.fold(0, |bits, (near, (word, reach))| {
            bits | (u64::from_le_bytes(*near) ^ word) & reach
        });
        differ == 0 && (self.text.len() <= WORDS * 8 || bytes.starts_with(&self.text))
    }
}

/// The shapes of the lines of late, by one decoder on one thread.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    shapes: Vec<Shape>,
    /// The memory of the last line's fields.
    pub(in super::super) room: Room,
    /// Which one goes next.
    turn: usize,
}

impl Shapes {
    /// Reads a line by a shape; its format, if there was one. The shape that fitted last is tried
    /// first.
    pub(in super::super) fn read(&mut self, fields: &mut Fields<'_>) -> Option<Format> {
        let at = fields.read_like(&self.shapes)?;
        if at > 0 {
            self.shapes.swap(0, at);
        }
        self.shapes.first().map(|it| it.format)
    }

    /// Remembers the shape of a line that was read the long way, if it has one.
    pub(in super::super) fn learn(&mut self, fields: &Fields<'_>, format: Format) {
        let Some(shape) = of(fields, format) else { return };
        if self.shapes.len() < SHAPES {
            self.shapes.push(shape);
            return;
        }
        // The one that fitted last stays.
        self.turn = self.turn % (SHAPES - 1) + 1;
        self.shapes.get_mut(self.turn).into_iter().for_each(|it| *it = shape.clone());
    }
}

fn of(fields: &Fields<'_>, format: Format) -> Option<Shape> {
    if fields.pairs.len() >= PARTS_MAX {
        return None;
    }
    let (mut parts, mut before) = (Vec::new(), 0);
    for (key, value) in fields.texts()? {
        let between = Between::new(fields.bytes.get(before..value.start)?);
        parts.push(Part { between, key_back: value.start - key.start, key_length: key.len() });
        before = value.end;
    }
    let end = fields.bytes.get(before..)?.into();
    Some(Shape { parts, end, named: fields.named, format })
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::*;
    use proptest::prelude::*;

    fn long<'a>(line: &'a [u8], names: &Names) -> Option<Fields<'a>> {
        let mut fields = Fields::none(line, Room::default());
        fields.read(Some(names)).ok().map(|()| fields)
    }

    fn seen(fields: &Fields<'_>) -> String {
        let pairs: Vec<_> = fields.iter().collect();
        format!("{pairs:?} {:?}", fields.named)
    }

    /// Members of an object: alike and not, with every kind of trouble.
    fn line() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            4 => "[a-z\"\\\\:,{}é ]{0,12}".prop_map(|it| serde_json::json!(it).to_string()),
            1 => Just("1".to_owned()),
            1 => Just("{\"a\":\"b\"}".to_owned()),
        ];
        let key = prop_oneof![3 => Just("status"), 1 => Just("time"), 1 => Just("x")];
        let member = (key, value).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        let members = proptest::collection::vec(member, 1..4);
        (members, prop_oneof![9 => Just("}"), 1 => Just("} "), 1 => Just("")])
            .prop_map(|(members, end)| format!("{{{}{end}", members.join(",")))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(9), ..ProptestConfig::default() })]

        #[test]
        fn a_line_that_fits_a_shape_reads_as_it_does_the_long_way(
            lines in proptest::collection::vec(line(), 1..6),
        ) {
            let (mut names, mut shapes) = (Names::new(), Shapes::default());
            names.add(b"status");
            names.add(b"time");
            for line in lines.iter().chain(&lines) {
                let expected = long(line.as_bytes(), &names);
                let mut fields = Fields::none(line.as_bytes(), Room::default());
                if shapes.read(&mut fields).is_some() {
                    prop_assert_eq!(Some(seen(&fields)), expected.as_ref().map(seen), "{}", line);
                } else if let Some(fields) = expected {
                    shapes.learn(&fields, Format::NginxJson);
                }
            }
        }
    }
}
