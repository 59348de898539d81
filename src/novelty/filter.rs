//! A blocked Bloom filter: one cache line a question.

use borsh::{BorshDeserialize, BorshSerialize, io};

/// Bits set for an item. With ten bits of memory an item, six bits in one block of 512 answer
/// falsely for 1.2 % of unseen items; more bits fill the block sooner than they help.
const BITS_AN_ITEM: u32 = 6;
/// Memory for an item, in bits.
const BITS_PER_ITEM: u64 = 10;
/// 64-bit words in a block: one cache line.
const BLOCK_WORDS: usize = 8;
/// Items that a filter is read back for at most: ten gigabytes.
const CAPACITY_MAX: u64 = 1 << 33;

/// A set of 64-bit hashes of a fixed capacity, which may answer "seen" falsely, never "unseen".
#[derive(Debug)]
pub struct Filter {
    /// The blocks, behind as many words as it takes until a cache line begins: a block across two
    /// lines is two waits for the memory instead of one.
    words: Vec<u64>,
    skipped: usize,
    blocks: usize,
    items: u64,
    capacity: u64,
}

impl Clone for Filter {
    fn clone(&self) -> Self {
        let mut filter = Self::of(self.blocks, self.capacity);
        filter.items = self.items;
        filter.ours_mut().copy_from_slice(self.ours());
        filter
    }
}

impl BorshSerialize for Filter {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        (self.capacity, self.items).serialize(writer)?;
        // Of an empty filter there is nothing to be said.
        let words = if self.items == 0 { &[] } else { self.ours() };
        words.iter().try_for_each(|it| writer.write_all(&it.to_le_bytes()))
    }
}

impl BorshDeserialize for Filter {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let (capacity, items) = <(u64, u64)>::deserialize_reader(reader)?;
        if capacity > CAPACITY_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a filter without bounds"));
        }
        let mut filter = Self::new(capacity);
        filter.items = items;
        if items > 0 {
            let mut bytes = [0; 8];
            for word in filter.ours_mut() {
                reader.read_exact(&mut bytes)?;
                *word = u64::from_le_bytes(bytes);
            }
        }
        Ok(filter)
    }
}

impl Filter {
    /// An empty filter for `capacity` items (at least 64).
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let capacity = capacity.max(64);
        let bits = capacity * BITS_PER_ITEM;
        Self::of(usize::try_from(bits / 512 + 1).unwrap_or(1), capacity)
    }

    fn of(blocks: usize, capacity: u64) -> Self {
        // Fresh zeroes cost no memory until they are written to.
        let words = vec![0_u64; (blocks + 1) * BLOCK_WORDS];
        let skipped = words.as_ptr().align_offset(BLOCK_WORDS * 8).min(BLOCK_WORDS);
        Self { words, skipped, blocks, items: 0, capacity }
    }

    /// The words of all blocks.
    fn ours(&self) -> &[u64] {
        self.words.get(self.skipped..self.skipped + self.blocks * BLOCK_WORDS).unwrap_or_default()
    }

    /// The words of all blocks.
    fn ours_mut(&mut self) -> &mut [u64] {
        let all = self.skipped..self.skipped + self.blocks * BLOCK_WORDS;
        self.words.get_mut(all).unwrap_or_default()
    }

    /// Whether it holds as many items as it was made for.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.items >= self.capacity
    }

    /// Items that it was made for.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if self.items > 0 {
            self.words.fill(0);
            self.items = 0;
        }
    }

    /// A word of the item's block, so that the block is in the cache when it is asked for. Whoever
    /// asks for many items does well to warm some of them first: the memory then serves them all at
    /// once instead of one after the other.
    #[must_use]
    pub fn warm(&self, hash: u64) -> u64 {
        if self.items == 0 {
            return 0;
        }
        self.words.get(self.block(hash)).copied().unwrap_or(0)
    }

    /// Whether the item was inserted (or looks as if it was).
    #[must_use]
    pub fn contains(&self, hash: u64) -> bool {
        if self.items == 0 {
            return false;
        }
        let (block, bits) = self.place(hash);
        let block = self.words.get(block..).and_then(|it| it.first_chunk::<BLOCK_WORDS>());
        block.is_some_and(|it| it.iter().zip(bits).all(|(word, mask)| word & mask == mask))
    }

    /// Inserts the item; whether it was there before.
    pub fn insert(&mut self, hash: u64) -> bool {
        let (block, bits) = self.place(hash);
        let block = self.words.get_mut(block..).and_then(|it| it.first_chunk_mut::<BLOCK_WORDS>());
        let Some(block) = block else { return true };
        let mut seen = true;
        for (word, mask) in block.iter_mut().zip(bits) {
            seen &= *word & mask == mask;
            *word |= mask;
        }
        self.items += u64::from(!seen);
        seen
    }

    /// Bytes of memory.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Where the block begins, by the hash's upper half: multiply-shift, so that the count need not
    /// be a power of two.
    fn block(&self, hash: u64) -> usize {
        let block = (u128::from(hash) * self.blocks as u128) >> 64;
        self.skipped + usize::try_from(block).unwrap_or(0) * BLOCK_WORDS
    }

    /// Where the block begins, and the bits by nine-bit pieces of a mix of the hash.
    fn place(&self, hash: u64) -> (usize, [u64; BLOCK_WORDS]) {
        let mut mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^= mixed >> 29;
        let mut bits = [0; BLOCK_WORDS];
        for _ in 0..BITS_AN_ITEM {
            let word = (mixed & 7) as usize;
            if let Some(mask) = bits.get_mut(word) {
                *mask |= 1 << (mixed >> 3 & 63);
            }
            mixed >>= 9;
        }
        (self.block(hash), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(at: u64) -> u64 {
        let mut it = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    #[test]
    fn a_copy_knows_what_the_filter_knows_and_both_lie_along_cache_lines() {
        let mut filter = Filter::new(1_000);
        (0..500).for_each(|it| {
            filter.insert(mix(it));
        });
        let copy = filter.clone();
        let answers = |it: &Filter| (0..2_000).map(|at| it.contains(mix(at))).collect::<Vec<_>>();
        assert_eq!(answers(&copy), answers(&filter));
        for it in [&filter, &copy] {
            assert_eq!(it.ours().as_ptr().align_offset(64), 0);
        }
    }

    #[test]
    fn a_full_filter_forgets_nothing_and_is_wrong_about_few() {
        let mut filter = Filter::new(50_000);
        (0..50_000).for_each(|it| {
            filter.insert(mix(it));
        });
        assert!((0..50_000).all(|it| filter.contains(mix(it))));
        let wrong = (50_000..150_000).filter(|it| filter.contains(mix(*it))).count();
        assert!(wrong < 2_500, "{wrong} of 100,000 unseen items looked seen");
    }
}
