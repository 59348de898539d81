//! Where the quotes and backslashes of a line are, sixty-four bytes at a time.
//!
//! A log's strings are short and of every length, so that looking for the end of each one costs a
//! vector search's set-up, or a branch that is guessed wrongly, forty times a line. Here the bytes
//! of a block are compared without a branch, once, and the next mark is a count of zeroes. Words
//! of eight bytes and not vectors: those need `unsafe`, and this is half of what is won already.

/// Bytes of a block: bits of a word.
const BLOCK: usize = 64;
/// A one in every byte.
const ONES: u64 = u64::MAX / 255;
/// All bits but the highest of every byte.
const LOW: u64 = ONES * 0x7f;

/// The marks of the block that was asked about last.
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

fn marks_of(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    words.iter().rev().fold(0, |bits, word| bits << 8 | marks_of_word(u64::from_le_bytes(*word)))
}

/// Exact for every byte: none of these sums carries into the next one.
const fn marks_of_word(word: u64) -> u64 {
    let low = word & LOW;
    let not_quote = (low ^ (ONES * b'"' as u64)) + LOW;
    let not_backslash = (low ^ (ONES * b'\\' as u64)) + LOW;
    let marked = !(not_quote & not_backslash | word) & !LOW;
    // The highest bits of eight bytes side by side.
    (marked >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
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
            let (mut marks, mut at, mut found) = (Marks::default(), 0, Vec::new());
            while let Some(mark) = marks.next(&bytes, at) {
                found.push(mark);
                at = mark + 1;
            }
            let is_mark = |it: &usize| matches!(bytes[*it], b'"' | b'\\');
            prop_assert_eq!(found, (0..bytes.len()).filter(is_mark).collect::<Vec<_>>());
        }
    }
}
