//! The journal: which cuts were made after a snapshot.
//!
//! A slice is closed by the clock where a partition had been read to its end, so the log alone does
//! not say what was judged together. Every cut is a row here before the alerts of it leave; a restart
//! makes the same cuts again. A journal begins with its snapshot and has that one's number.
//!
//! Rows are appended and synced only where something rests on them. A row ends with a keyed hash
//! over it and all before it: the first one that does not fit is where a crash tore the file, and
//! the rest is cut off. Nothing had left on its account, since it was not synced.

use super::seal::Key;
use crate::killpoint;
use crate::source::{Partition, Place};
use crate::timeline::{CutRow, Note, Reading, Told};
use borsh::{BorshDeserialize, BorshSerialize};
use siphasher::sip::SipHasher24;
use std::fs::{self, File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const MAGIC: [u8; 8] = *b"darban\x02\n";
/// Bytes of a row at most: ten thousand partitions.
const ROW_BYTES_MAX: usize = 1 << 18;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Row {
    /// A partition got its index, and is read from this offset on.
    Place(Partition, Place, i64),
    /// A record's time was taken from our clock.
    Reading(Reading),
    /// A cut.
    Cut(CutRow),
    /// Something that no look-up says.
    Note(Note),
}

impl Extend<Row> for Told {
    fn extend<T: IntoIterator<Item = Row>>(&mut self, rows: T) {
        for row in rows {
            match row {
                Row::Place(partition, place, next) => {
                    self.places.insert(partition, (place, next));
                }
                Row::Reading(reading) => self.readings.push(reading),
                Row::Cut(cut) => self.cuts.push(cut),
                Row::Note(note) => self.notes.push((self.cuts.len(), note)),
            }
        }
    }
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    chain: Chain,
    bytes: u64,
    unwritten: Vec<u8>,
    /// A write failed: the file may be longer than `bytes`.
    torn: bool,
}

/// The rows of a journal, as far as they are whole.
struct Rows<'a> {
    left: &'a [u8],
    chain: Chain,
}

/// What rows end with: a keyed hash over each and all before it.
#[derive(Clone, Copy, Debug)]
struct Chain {
    key: (u64, u64),
    last: u64,
}

impl Chain {
    fn begin(key: &Key, number: u64) -> Self {
        let whole = u128::from_le_bytes(key.derive(&number.to_le_bytes(), b"journal"));
        #[expect(clippy::cast_possible_truncation, reason = "its two halves")]
        let key = (whole as u64, (whole >> 64) as u64);
        Self { key, last: number }
    }

    fn next(&mut self, body: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.key.0, self.key.1);
        hasher.write_u64(self.last);
        hasher.write(body);
        self.last = hasher.finish();
        self.last
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let length = u32::from_le_bytes(*self.left.first_chunk::<4>()?) as usize;
        let body = self.left.get(4..4 + length).filter(|_| length <= ROW_BYTES_MAX)?;
        let hash = self.left.get(4 + length..)?.first_chunk::<8>()?;
        let mut chain = self.chain;
        if u64::from_le_bytes(*hash) != chain.next(body) {
            return None;
        }
        let row = Row::try_from_slice(body).ok()?;
        (self.chain, self.left) = (chain, self.left.get(4 + length + 8..)?);
        Some(row)
    }
}

/// What the journal of a snapshot says; nothing where there is none. It may be another process's,
/// which writes on.
///
/// # Errors
/// Where the disk refuses.
pub(super) fn read(path: &Path, key: &Key, number: u64) -> io::Result<Vec<Row>> {
    let bytes = fs::read(path)?;
    let left = bytes.strip_prefix(&MAGIC).unwrap_or_default();
    Ok(Rows { left, chain: Chain::begin(key, number) }.collect())
}

impl Journal {
    /// Opens the journal of a snapshot, or makes it, to add to it: what a crash has torn is cut off.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) fn open(path: &Path, key: &Key, number: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let begun = bytes.strip_prefix(&MAGIC);
        let mut rows = Rows { left: begun.unwrap_or_default(), chain: Chain::begin(key, number) };
        while rows.next().is_some() {}
        let whole = if begun.is_some() { bytes.len() - rows.left.len() } else { 0 };
        file.set_len(whole as u64)?;
        let unwritten = if begun.is_some() { Vec::new() } else { MAGIC.to_vec() };
        Ok(Self { file, chain: rows.chain, bytes: whole as u64, unwritten, torn: false })
    }

    /// Adds rows; on the disk once [`sync`](Self::sync) has returned.
    ///
    /// # Errors
    /// None are expected: it writes to memory.
    pub fn push(&mut self, row: &Row) -> io::Result<()> {
        let body = borsh::to_vec(row)?;
        let hash = self.chain.next(&body);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.unwritten.extend(length.to_le_bytes());
        self.unwritten.extend(body);
        self.unwritten.extend(hash.to_le_bytes());
        Ok(())
    }

    /// Hands what was added to the system, which keeps it if only the process dies.
    ///
    /// # Errors
    /// Where the disk refuses; the next call writes it.
    pub fn write(&mut self) -> io::Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        if self.torn {
            self.file.set_len(self.bytes)?;
        }
        self.torn = true;
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(&self.unwritten)?;
        self.bytes += self.unwritten.len() as u64;
        self.unwritten.clear();
        self.torn = false;
        Ok(())
    }

    /// The same, and waits until it is on the disk.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn sync(&mut self) -> io::Result<()> {
        self.write()?;
        killpoint::pass("journal");
        self.file.sync_data()?;
        killpoint::pass("journal-synced");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const KEY: Key = Key::new([5; 32]);

    fn path(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("darban-journal-{name}-{}", std::process::id()));
        let _none = fs::remove_file(&path);
        path
    }

    fn cut(slice: i64) -> Row {
        Row::Cut(CutRow { slice, bounds: vec![(Partition(0), slice * 10)] })
    }

    fn written(path: &Path, rows: &[Row]) {
        let mut journal = Journal::open(path, &KEY, 3).unwrap();
        rows.iter().for_each(|it| journal.push(it).unwrap());
        journal.sync().unwrap();
    }

    fn rows(path: &Path) -> Vec<Row> {
        read(path, &KEY, 3).unwrap()
    }

    #[test]
    fn what_was_added_by_one_process_and_the_next_comes_back_in_order() {
        let path = path("order");
        written(&path, &[cut(1), cut(2)]);
        written(&path, &[cut(3)]);
        assert_eq!(rows(&path), [cut(1), cut(2), cut(3)]);
        assert_eq!(read(&path, &Key::new([6; 32]), 3).unwrap(), []);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn whoever_reads_a_journal_leaves_it_as_it_is() {
        let path = path("reader");
        written(&path, &[cut(1), cut(2)]);
        let bytes = fs::read(&path).unwrap();
        // Half of a row stands there while it is being written.
        let torn = &bytes[..bytes.len() - 5];
        fs::write(&path, torn).unwrap();
        assert_eq!(rows(&path), [cut(1)]);
        assert!(fs::read(&path).unwrap() == torn);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_torn_or_changed_row_ends_it_and_what_is_added_then_is_read() {
        let path = path("torn");
        written(&path, &[cut(1), cut(2)]);
        let bytes = fs::read(&path).unwrap();
        for at in MAGIC.len()..bytes.len() {
            fs::write(&path, &bytes[..at]).unwrap();
            let kept = rows(&path);
            assert!(kept.len() < 2 && kept.iter().zip([cut(1)]).all(|(a, b)| *a == b), "{at}");
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            fs::write(&path, &changed).unwrap();
            assert!(rows(&path).len() < 2, "{at}");
        }
        written(&path, &[cut(9)]);
        assert_eq!(rows(&path).last(), Some(&cut(9)));
        fs::remove_file(path).unwrap();
    }
}
