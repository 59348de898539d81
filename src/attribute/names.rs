//! The names of a lookup's client keys, in the arena of its batch.
//!
//! A lookup has a fixed size and most names are never read again, so they are written one after
//! the other behind an offset and copied out only for the few profiles that come near an alert.
//! Layout at the offset: a `u16` with bit `kind.index()` set for each present key, then for each
//! of these in the order of trust a `u16` length and the bytes. All integers little-endian.

use super::lookup::{KeyKind, NameRef};

/// The longest name in bytes; a longer one is cut here, while its hash covers all of it.
pub const NAME_BYTES_MAX: usize = 128;

/// The name of the key of this kind in the lookup whose names stand at `names`, or `None` where
/// the lookup has no such key. Bytes as the client or the gateway wrote them: escape before
/// showing.
#[must_use]
pub fn read(arena: &[u8], names: NameRef, kind: KeyKind) -> Option<&[u8]> {
    let rest = arena.get(usize::try_from(names.0).ok()?..)?;
    let (present, mut rest) = split_u16(rest)?;
    if present & bit(kind) == 0 {
        return None;
    }
    let before = (present & (bit(kind) - 1)).count_ones();
    for _ in 0..before {
        let (length, names) = split_u16(rest)?;
        rest = names.get(usize::from(length)..)?;
    }
    let (length, names) = split_u16(rest)?;
    names.get(..usize::from(length))
}

/// Writes the names of one lookup.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    arena: &'a mut Vec<u8>,
    start: usize,
    present: u16,
}

impl<'a> Writer<'a> {
    pub(super) fn new(arena: &'a mut Vec<u8>) -> Self {
        let start = arena.len();
        arena.extend_from_slice(&[0; 2]);
        Self { arena, start, present: 0 }
    }

    /// Appends the next name; kinds come in the order of trust, each once.
    pub(super) fn push(&mut self, kind: KeyKind, name: &[u8]) {
        let name = cut(name);
        self.present |= bit(kind);
        self.arena.extend_from_slice(&u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
        self.arena.extend_from_slice(name);
    }

    /// Closes the entry; without any name the arena is left as it was.
    pub(super) fn finish(self) -> Option<NameRef> {
        if self.present == 0 {
            self.arena.truncate(self.start);
            return None;
        }
        let [low, high] = self.present.to_le_bytes();
        if let Some([a, b]) = self.arena.get_mut(self.start..self.start + 2) {
            (*a, *b) = (low, high);
        }
        Some(NameRef(u32::try_from(self.start).unwrap_or(u32::MAX)))
    }
}

const fn bit(kind: KeyKind) -> u16 {
    1 << kind.index()
}

fn split_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*number), rest))
}

/// At most [`NAME_BYTES_MAX`] bytes, and no half character at the end of valid text.
fn cut(name: &[u8]) -> &[u8] {
    let Some(head) = name.get(..NAME_BYTES_MAX + 1) else {
        return name;
    };
    let is_continuation = |byte: &u8| byte & 0xC0 == 0x80;
    let end = (NAME_BYTES_MAX - 3..=NAME_BYTES_MAX)
        .rev()
        .find(|end| !head.get(*end).is_some_and(is_continuation))
        .unwrap_or(NAME_BYTES_MAX);
    head.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_present_name_is_read_back_and_no_other() {
        let mut arena = b"of an earlier lookup".to_vec();
        let mut writer = Writer::new(&mut arena);
        writer.push(KeyKind::Staff, b"clinic-17");
        writer.push(KeyKind::Address, b"192.0.2.1");
        writer.push(KeyKind::Fingerprint, b"");
        let names = writer.finish().unwrap();
        for kind in KeyKind::ALL {
            let expected: Option<&[u8]> = match kind {
                KeyKind::Staff => Some(b"clinic-17"),
                KeyKind::Address => Some(b"192.0.2.1"),
                KeyKind::Fingerprint => Some(b""),
                _ => None,
            };
            assert_eq!(read(&arena, names, kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_lookup_without_names_leaves_the_arena_as_it_was() {
        let mut arena = vec![1, 2, 3];
        assert!(Writer::new(&mut arena).finish().is_none());
        assert_eq!(arena, [1, 2, 3]);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let text = "\u{634}".repeat(100);
        assert_eq!(cut(text.as_bytes()).len(), 128);
        assert_eq!(cut(format!("x{text}").as_bytes()).len(), 127);
        assert_eq!(cut(&[0xFF; 300]).len(), 128);
        assert_eq!(cut(&[0x80; 300]).len(), 128);
        assert_eq!(cut(&[b'x'; 128]).len(), 128);
    }

    #[test]
    fn reading_a_foreign_offset_or_arena_never_fails() {
        for arena in [&b""[..], &[255], &[255, 255], &[255, 255, 200, 0, 1], &[1, 0, 9, 0, 1]] {
            for offset in [0, 1, 4, 5, u32::MAX] {
                let none = |kind| read(arena, NameRef(offset), kind).is_none();
                assert!(KeyKind::ALL.into_iter().all(none), "{arena:?} {offset}");
            }
        }
    }
}
