//! Keyed hashes: what stands for an id everywhere behind this module.
//!
//! SipHash-1-3 under a secret, not a fast unkeyed hash: national ids and telephone numbers are so
//! few that anyone could hash them all and look up a stolen snapshot. Each use has a key of its
//! own, derived from the secret, so that a subject `7` and an address `7` share nothing; a kind of
//! client key is such a use. The value 0 means "absent" in [`Lookup`](super::Lookup), so no hash
//! is ever 0.

use super::lookup::{KEY_KINDS, KeyKind};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The secret of this installation's hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey([u8; 16]);

impl HashKey {
    /// The key with these 16 secret bytes.
    #[must_use]
    pub const fn new(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// The hash of a subject by its id, as look-ups carry it.
    #[must_use]
    pub fn subject(self, id: &[u8]) -> u64 {
        present(derived(self, "subject").hash(id))
    }

    /// What tells lists made with this key from those made with another.
    #[must_use]
    pub fn check(self) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(b"darban which key")
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// The hashes of each use, with their derived keys.
#[derive(Clone)]
pub(super) struct Hashes {
    subject: SipHasher13,
    record: SipHasher13,
    content: SipHasher13,
    region: SipHasher13,
    keys: [SipHasher13; KEY_KINDS],
}

impl Hashes {
    pub(super) fn new(key: HashKey) -> Self {
        let derived = |name: &str| derived(key, name);
        Self {
            subject: derived("subject"),
            record: derived("record"),
            content: derived("content"),
            region: derived("region"),
            keys: KeyKind::ALL.map(|kind| derived(kind.name())),
        }
    }

    /// The subject by its id alone: one person is one subject on every route.
    pub(super) fn subject(&self, id: &[u8]) -> u64 {
        present(self.subject.hash(id))
    }

    /// A record together with its subject, so that both lie in one shard of `novelty`.
    pub(super) fn record(&self, subject: u64, id: &[u8]) -> u64 {
        let mut hasher = self.record;
        hasher.write_u64(subject);
        hasher.write(id);
        present(hasher.finish())
    }

    /// A client key of this kind by its name.
    pub(super) fn key(&self, kind: KeyKind, name: &[u8]) -> u64 {
        present(self.keys.get(kind.index()).map_or(0, |it| it.hash(name)))
    }

    /// A region by its name, 1 to 255: two names share a number in one of 255 cases.
    pub(super) fn region(&self, name: &[u8]) -> u8 {
        u8::try_from(self.region.hash(name) % u64::from(u8::MAX)).unwrap_or(0) + 1
    }

    /// The content of a line, given as numbers.
    pub(super) fn content(&self, words: impl IntoIterator<Item = u64>) -> u64 {
        let mut hasher = self.content;
        for word in words {
            hasher.write_u64(word);
        }
        present(hasher.finish())
    }
}

impl std::fmt::Debug for Hashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashes(..)")
    }
}

/// The hasher of one use.
fn derived(key: HashKey, name: &str) -> SipHasher13 {
    let root = SipHasher13::new_with_key(&key.0);
    let half = |side: &str| root.hash(format!("darban {name} {side}").as_bytes());
    SipHasher13::new_with_keys(half("low"), half("high"))
}

/// A hash that is never the mark of absence.
const fn present(hash: u64) -> u64 {
    if hash == 0 { 1 } else { hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_and_each_secret_has_hashes_of_its_own() {
        let (one, two) = (Hashes::new(HashKey::new([1; 16])), Hashes::new(HashKey::new([2; 16])));
        let mut seen = vec![one.subject(b"7"), two.subject(b"7"), one.record(7, b"7")];
        seen.extend(KeyKind::ALL.map(|kind| one.key(kind, b"7")));
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
        assert_eq!(one.subject(b"7"), one.subject(b"7"));
    }

    #[test]
    fn no_hash_is_the_mark_of_absence() {
        assert_eq!((present(0), present(1), present(9)), (1, 1, 9));
    }

    #[test]
    fn the_secret_is_not_printed() {
        let key = HashKey::new([77; 16]);
        assert_eq!(format!("{key:?} {:?}", Hashes::new(key)), "HashKey(..) Hashes(..)");
    }
}
