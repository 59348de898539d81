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
use crate::time::Moment;
use crate::timeline::{CutRow, Reading};
use borsh::{BorshDeserialize, BorshSerialize};
use siphasher::sip::SipHasher24;
use std::fs::{File, OpenOptions};
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
    /// The process began again.
    Start(Moment),
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    key: (u64, u64),
    last: u64,
    bytes: u64,
    unwritten: Vec<u8>,
    /// A write failed: the file may be longer than `bytes`.
    torn: bool,
}

impl Journal {
    /// Opens the journal of a snapshot, or makes it; what it says.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) fn open(path: &Path, key: &Key, number: u64) -> io::Result<(Self, Vec<Row>)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let derived: [u8; 16] = key.derive(&number.to_le_bytes(), b"journal");
        let [low, high] = halves(derived);
        let mut journal = Self {
            file,
            key: (low, high),
            last: number,
            bytes: 0,
            unwritten: Vec::new(),
            torn: false,
        };
        let mut rows = Vec::new();
        match bytes.strip_prefix(&MAGIC) {
            Some(mut rest) => {
                journal.bytes = MAGIC.len() as u64;
                while let Some((row, length)) = journal.next(rest) {
                    rows.push(row);
                    journal.bytes += length as u64;
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
            None => journal.unwritten.extend(MAGIC),
        }
        journal.file.set_len(journal.bytes)?;
        Ok((journal, rows))
    }

    /// The first row of these bytes and its length; `None` where there is none, or not a whole one.
    fn next(&mut self, bytes: &[u8]) -> Option<(Row, usize)> {
        let length = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
        let body = bytes.get(4..4 + length).filter(|_| length <= ROW_BYTES_MAX)?;
        let hash = bytes.get(4 + length..)?.first_chunk::<8>()?;
        let next = self.hash(body);
        if u64::from_le_bytes(*hash) != next {
            return None;
        }
        let row = Row::try_from_slice(body).ok()?;
        self.last = next;
        Some((row, 4 + length + 8))
    }

    fn hash(&self, body: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.key.0, self.key.1);
        hasher.write_u64(self.last);
        hasher.write(body);
        hasher.finish()
    }

    /// Adds rows; on the disk once [`sync`](Self::sync) has returned.
    ///
    /// # Errors
    /// None are expected: it writes to memory.
    pub fn push(&mut self, row: &Row) -> io::Result<()> {
        let body = borsh::to_vec(row)?;
        self.last = self.hash(&body);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.unwritten.extend(length.to_le_bytes());
        self.unwritten.extend(body);
        self.unwritten.extend(self.last.to_le_bytes());
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

fn halves(bytes: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_le_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "its two halves")]
    [whole as u64, (whole >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const KEY: Key = Key::new([5; 32]);

    fn path(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("darban-journal-{name}-{}", std::process::id()));
        let _none = std::fs::remove_file(&path);
        path
    }

    fn cut(slice: i64) -> Row {
        Row::Cut(CutRow { slice, bounds: vec![(Partition(0), slice * 10)] })
    }

    fn written(path: &Path, rows: &[Row]) {
        let (mut journal, _) = Journal::open(path, &KEY, 3).unwrap();
        rows.iter().for_each(|it| journal.push(it).unwrap());
        journal.sync().unwrap();
    }

    fn read(path: &Path) -> Vec<Row> {
        Journal::open(path, &KEY, 3).unwrap().1
    }

    #[test]
    fn what_was_added_by_one_process_and_the_next_comes_back_in_order() {
        let path = path("order");
        written(&path, &[cut(1), cut(2)]);
        written(&path, &[Row::Start(Moment(7)), cut(3)]);
        assert_eq!(read(&path), [cut(1), cut(2), Row::Start(Moment(7)), cut(3)]);
        assert_eq!(Journal::open(&path, &Key::new([6; 32]), 3).unwrap().1, []);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_torn_or_changed_row_ends_it_and_what_is_added_then_is_read() {
        let path = path("torn");
        written(&path, &[cut(1), cut(2)]);
        let bytes = std::fs::read(&path).unwrap();
        for at in MAGIC.len()..bytes.len() {
            std::fs::write(&path, &bytes[..at]).unwrap();
            let kept = read(&path);
            assert!(kept.len() < 2 && kept.iter().zip([cut(1)]).all(|(a, b)| *a == b), "{at}");
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            std::fs::write(&path, &changed).unwrap();
            assert!(read(&path).len() < 2, "{at}");
        }
        written(&path, &[cut(9)]);
        assert_eq!(read(&path).last(), Some(&cut(9)));
        std::fs::remove_file(path).unwrap();
    }
}
