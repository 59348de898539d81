//! Bytes that nobody can read or change without the key: AES-256-GCM over chunks.
//!
//! A file begins with a magic word, its version and a salt; what follows are chunks of a quarter of
//! a megabyte, each with its length before it. Every file has a key of its own, derived from the
//! state key and the salt, so chunk numbers may serve as nonces. A chunk says in its nonce whether
//! it is the last one (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár 2015), and
//! the beginning of the file is authenticated with each: chunks cannot be changed, left out, moved
//! or taken from another file, and a file cannot be cut short.
//!
//! `ring` does the arithmetic: it is what TLS to the receivers goes through already.

use hkdf::Hkdf;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use std::io::{self, Read, Write};

/// The version that is written, and the latest that can be read.
pub const VERSION: u16 = 3;
/// The earliest that can be read: before it nobody had a home region.
const OLDEST: u16 = 3;
const MAGIC: [u8; 8] = *b"darban\x01\n";
const SALT_BYTES: usize = 32;
const HEAD_BYTES: usize = 8 + 2 + SALT_BYTES;
/// Bytes of a chunk before they are sealed.
const CHUNK_BYTES: usize = 256 << 10;
const TAG_BYTES: usize = 16;
/// Set in the length of the last chunk. The nonce has it too, so that it cannot be changed.
const LAST: u32 = 1 << 31;

/// The key of snapshots and journals.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What is derived from it for one use.
    pub(super) fn derive<const N: usize>(&self, salt: &[u8], label: &[u8]) -> [u8; N] {
        let mut bytes = [0; N];
        // A few bytes are always within what SHA-256 can expand to.
        let _always_fits = Hkdf::<Sha256>::new(Some(salt), &self.0).expand(label, &mut bytes);
        bytes
    }

    fn of_file(&self, salt: &[u8]) -> io::Result<LessSafeKey> {
        let bytes: [u8; 32] = self.derive(salt, b"snapshot");
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| io::Error::other("no key"))?;
        Ok(LessSafeKey::new(key))
    }
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It does not begin like one.
    #[error("it is no snapshot of darban")]
    Foreign,
    /// A later version wrote it.
    #[error(
        "version {0} wrote it, and this darban reads up to {VERSION}: upgrade, or begin anew with --discard-state"
    )]
    Newer(u16),
    /// An earlier version wrote it.
    #[error("version {0} wrote it, and this darban reads {OLDEST} and later: it learns anew")]
    Older(u16),
    /// A chunk is not what was written.
    #[error("it is damaged, cut short, or sealed with another key (chunk {0})")]
    Sealed(u64),
    /// What was written is not what is expected.
    #[error("it does not fit: {0}")]
    Content(String),
    /// The disk refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

const fn nonce(chunk: u64, last: bool) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = chunk.to_le_bytes();
    [a, b, c, d, e, f, g, h, last as u8, 0, 0, 0]
}

/// Seals what is written to it.
pub(super) struct Sealer<W: Write> {
    to: W,
    key: LessSafeKey,
    head: [u8; HEAD_BYTES],
    chunk: u64,
    plain: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// Begins a file under a fresh salt.
    pub(super) fn begin(mut to: W, key: &Key) -> io::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
        let mut head = [0; HEAD_BYTES];
        let parts = MAGIC.into_iter().chain(VERSION.to_le_bytes()).chain(salt);
        head.iter_mut().zip(parts).for_each(|(to, it)| *to = it);
        to.write_all(&head)?;
        let plain = Vec::with_capacity(CHUNK_BYTES + TAG_BYTES);
        Ok(Self { to, key: key.of_file(&salt)?, head, chunk: 0, plain })
    }

    fn seal(&mut self, last: bool) -> io::Result<[u8; TAG_BYTES]> {
        let nonce = Nonce::assume_unique_for_key(nonce(self.chunk, last));
        let sealed =
            self.key.seal_in_place_separate_tag(nonce, Aad::from(self.head), &mut self.plain);
        let tag = sealed.map_err(|_| io::Error::other("a chunk cannot be sealed"))?;
        let mut bytes = [0; TAG_BYTES];
        bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, it)| *to = *it);
        let length = u32::try_from(self.plain.len()).unwrap_or(u32::MAX);
        let length = if last { length | LAST } else { length };
        self.to.write_all(&length.to_le_bytes())?;
        self.to.write_all(&self.plain)?;
        self.to.write_all(&bytes)?;
        self.plain.clear();
        self.chunk += 1;
        Ok(bytes)
    }

    /// Seals the last chunk; what it is written to, and a word by which this file is known.
    pub(super) fn end(mut self) -> io::Result<(W, u64)> {
        let [a, b, c, d, e, f, g, h, ..] = self.seal(true)?;
        Ok((self.to, u64::from_le_bytes([a, b, c, d, e, f, g, h])))
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain.len() == CHUNK_BYTES {
            self.seal(false)?;
        }
        let room = CHUNK_BYTES - self.plain.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.plain.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what was sealed.
pub(super) struct Opener<R: Read> {
    from: R,
    key: LessSafeKey,
    head: [u8; HEAD_BYTES],
    chunk: u64,
    plain: Vec<u8>,
    at: usize,
    ended: bool,
    tag: u64,
    /// The chunk that could not be opened.
    broken: Option<u64>,
}

impl<R: Read> Opener<R> {
    /// Reads the beginning of a file.
    pub(super) fn begin(mut from: R, key: &Key) -> Result<Self, Refusal> {
        let mut head = [0; HEAD_BYTES];
        match from.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Refusal::Foreign);
            }
            other => other?,
        }
        let [m @ .., _, _] = head.first_chunk::<10>().copied().unwrap_or_default();
        let [.., low, high] = head.first_chunk::<10>().copied().unwrap_or_default();
        if m != MAGIC {
            return Err(Refusal::Foreign);
        }
        let version = u16::from_le_bytes([low, high]);
        if version > VERSION {
            return Err(Refusal::Newer(version));
        }
        if version < OLDEST {
            return Err(Refusal::Older(version));
        }
        let key = key.of_file(head.last_chunk::<SALT_BYTES>().unwrap_or(&[0; SALT_BYTES]))?;
        let plain = Vec::new();
        Ok(Self { from, key, head, chunk: 0, plain, at: 0, ended: false, tag: 0, broken: None })
    }

    /// The word by which the file is known, once it was read to its end.
    pub(super) const fn tag(&self) -> u64 {
        self.tag
    }

    /// What became of the file where reading it failed.
    pub(super) const fn broken(&self) -> Option<u64> {
        self.broken
    }

    /// The next chunk, if there is one.
    fn open(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.broken = Some(self.chunk);
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let (length, last) = ((length & !LAST) as usize, length & LAST != 0);
        if length > CHUNK_BYTES {
            return Err(damaged());
        }
        self.plain.resize(length + TAG_BYTES, 0);
        self.from.read_exact(&mut self.plain)?;
        let tag =
            self.plain.last_chunk::<TAG_BYTES>().and_then(|it| it.first_chunk::<8>()).copied();
        let nonce = Nonce::assume_unique_for_key(nonce(self.chunk, last));
        let opened = self.key.open_in_place(nonce, Aad::from(self.head), &mut self.plain);
        if opened.is_err() || last && self.from.read(&mut [0])? > 0 {
            self.plain.clear();
            return Err(damaged());
        }
        self.plain.truncate(length);
        (self.at, self.ended) = (0, last);
        (self.tag, self.broken) = (u64::from_le_bytes(tag.unwrap_or_default()), None);
        self.chunk += 1;
        Ok(true)
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a chunk is damaged")
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if !self.open()? {
                return Ok(0);
            }
        }
        let left = self.plain.get(self.at..).unwrap_or_default();
        let taken = left.len().min(to.len());
        to.iter_mut().zip(left).for_each(|(to, it)| *to = *it);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key::new([7; 32]);

    fn sealed(plain: &[u8]) -> (Vec<u8>, u64) {
        let mut sealer = Sealer::begin(Vec::new(), &KEY).unwrap();
        sealer.write_all(plain).unwrap();
        sealer.end().unwrap()
    }

    fn opened(bytes: &[u8], key: &Key) -> Result<(Vec<u8>, u64), String> {
        let mut opener = Opener::begin(bytes, key).map_err(|it| it.to_string())?;
        let mut plain = Vec::new();
        opener.read_to_end(&mut plain).map_err(|it| it.to_string())?;
        Ok((plain, opener.tag()))
    }

    #[test]
    fn what_was_sealed_is_opened_whatever_its_length() {
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let plain: Vec<u8> = (0..length).map(|it| it.to_le_bytes()[0]).collect();
            let (bytes, tag) = sealed(&plain);
            assert_eq!(opened(&bytes, &KEY), Ok((plain, tag)), "{length}");
        }
    }

    #[test]
    fn any_bit_that_is_flipped_is_noticed() {
        let (bytes, _) = sealed(b"a walk along the ids");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(opened(&flipped, &KEY).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_million_files_that_were_tampered_with_are_refused_and_none_is_opened() {
        let (bytes, _) = sealed(b"a walk along the ids");
        // SplitMix64 (Steele et al. 2014).
        let mut seed = 11_u64;
        let mut below = |bound: usize| {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((mixed ^ mixed >> 31) >> 33).unwrap() % bound
        };
        for _ in 0..1_000_000 {
            let mut other = bytes.clone();
            for _ in 0..=below(3) {
                let (at, byte) = (below(other.len()), u8::try_from(below(256)).unwrap());
                match below(4) {
                    0 => other.truncate(at.max(1)),
                    1 => other.insert(at, byte),
                    2 => other.extend([byte, byte]),
                    _ => other[at] ^= byte.max(1),
                }
            }
            assert!(other == bytes || opened(&other, &KEY).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_file_that_is_cut_short_or_goes_on_is_noticed() {
        let (bytes, _) = sealed(&vec![3; CHUNK_BYTES + 100]);
        let cuts = (0..64).chain(CHUNK_BYTES..CHUNK_BYTES + 80).chain([bytes.len() - 1]);
        for cut in cuts {
            assert!(opened(&bytes[..cut], &KEY).is_err(), "{cut}");
        }
        let more: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        assert!(opened(&more, &KEY).is_err());
    }

    #[test]
    fn another_key_opens_nothing_and_a_later_or_an_earlier_version_is_named() {
        let (mut bytes, _) = sealed(b"x");
        assert!(opened(&bytes, &Key::new([8; 32])).is_err());
        bytes[8] = u8::try_from(VERSION + 1).unwrap_or(0);
        assert!(
            matches!(Opener::begin(bytes.as_slice(), &KEY), Err(Refusal::Newer(it)) if it == VERSION + 1)
        );
        bytes[8] = 1;
        assert!(matches!(Opener::begin(bytes.as_slice(), &KEY), Err(Refusal::Older(1))));
        assert!(matches!(Opener::begin(&b"darba"[..], &KEY), Err(Refusal::Foreign)));
    }

    #[test]
    fn two_files_of_the_same_bytes_have_nothing_in_common() {
        let ((a, _), (b, _)) = (sealed(&[0; 64]), sealed(&[0; 64]));
        assert_ne!(a[HEAD_BYTES + 4..], b[HEAD_BYTES + 4..]);
    }
}
