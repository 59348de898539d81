//! Where the quotes and backslashes of a line are, sixty-four bytes at a time.
//!
//! A log's strings are short and of every length, so that looking for the end of each one costs a
//! vector search's set-up, or a branch that is guessed wrongly, forty times a line. Here the bytes
//! of a block are compared without a branch, once, and the next mark is a count of zeroes. Written
//! so that the compiler makes vectors of it, which by hand would need `unsafe`.

/// Bytes of a block: bits of a word.
const BLOCK: usize = 64;

/// The marks of a line: a bit a byte, and no mark behind its last block.
#[derive(Clone, Debug, Default)]
pub(super) struct LineMarks(Vec<u64>);

impl LineMarks {
    /// Those of this line instead, in the same memory.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.0.clear();
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        self.0.extend(blocks.iter().map(marks_of));
        self.0.extend([marks(rest), 0]);
    }

    /// The first quote or backslash at or behind this place. Two blocks are looked into at once:
    /// whether a string reaches into the next one is nothing that could be guessed.
    #[inline]
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let (block, bit) = (at / BLOCK, at % BLOCK);
            let [these, those] = *self.0.get(block..)?.first_chunk::<2>()?;
            let rest = these >> bit | those << 1 << (BLOCK - 1 - bit);
            if rest != 0 {
                return Some(at + rest.trailing_zeros() as usize);
            }
            at += BLOCK;
        }
    }
}

/// The marks of the block that was asked about last: for pieces of a line, which need no memory of
/// their own.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// One more than the block's number.
    block: usize,
    bits: u64,
}

impl Marks {
    /// The first quote or backslash at or behind this place.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let block = at / BLOCK;
            if block + 1 != self.block {
                self.bits = marks(bytes.get(block * BLOCK..).filter(|it| !it.is_empty())?);
                self.block = block + 1;
            }
            let rest = self.bits >> (at % BLOCK);
            if rest != 0 {
                return Some(at + rest.trailing_zeros() as usize);
            }
            at = (block + 1) * BLOCK;
        }
    }
}

/// A bit for each of the first bytes that is a quote or a backslash.
fn marks(bytes: &[u8]) -> u64 {
    let Some(block) = bytes.first_chunk::<BLOCK>() else {
        let mut block = [0; BLOCK];
        block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        return marks_of(&block);
    };
    marks_of(block)
}

/// The bytes are compared first, all of them, so that the compiler may take as many at a time as
/// the processor has lanes; then eight answers at a time become eight bits side by side.
fn marks_of(block: &[u8; BLOCK]) -> u64 {
    let is_mark = block.map(|it| u8::from(it == b'"') | u8::from(it == b'\\'));
    let (words, _) = is_mark.as_chunks::<8>();
    words.iter().rev().fold(0, |bits, word| {
        bits << 8 | u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

        #[test]
        fn every_mark_is_found_in_its_turn(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(0xa2), Just(0xdc)], 0..300),
        ) {
            let is_mark = |it: &usize| matches!(bytes[*it], b'"' | b'\\');
            let all: Vec<usize> = (0..bytes.len()).filter(is_mark).collect();
            let found = |mut next: Box<dyn FnMut(usize) -> Option<usize> + '_>| {
                let mut found = Vec::new();
                while let Some(mark) = next(found.last().map_or(0, |it| it + 1)) {
                    found.push(mark);
                }
                found
            };
            let (mut marks, mut line) = (Marks::default(), LineMarks::default());
            line.read(b"of \"another\" line");
            line.read(&bytes);
            prop_assert_eq!(&found(Box::new(|at| marks.next(&bytes, at))), &all);
            prop_assert_eq!(&found(Box::new(|at| line.next(at))), &all);
        }
    }
}
