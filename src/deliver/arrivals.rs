//! What arrived, noted at once.
//!
//! Between a receiver's answer and the row in the outbox that says so lies a wait: the outbox is one
//! file, and whoever writes to it waits for the disk with everybody behind. A process that is killed
//! in that time sends a page again. So the number of what arrived is first appended to a file of its
//! own, without waiting for anybody or for the disk: what was written survives the process, if not
//! the machine. The outbox remains what counts; here stand only those that may not be in it yet.
//!
//! Numbers may be given anew once the outbox has forgotten them. So at a start these are taken into
//! the outbox, which is synced, and the file is emptied, which is synced too, before any number is
//! given.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The file's name in the state directory.
pub(super) const FILE_NAME: &str = "arrived";
/// Bytes after which the file is emptied: by then nearly all of it stands in the outbox.
const BYTES_MAX: u64 = 1 << 20;

/// The open file.
#[derive(Debug)]
pub(super) struct Arrivals {
    file: File,
    bytes: u64,
}

impl Arrivals {
    /// Opens the file of a state directory, and what it said.
    ///
    /// # Errors
    /// Where it can be neither made nor read.
    pub(super) fn open(directory: &Path) -> io::Result<(Self, BTreeSet<u64>)> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(directory.join(FILE_NAME))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A number that was cut is another one.
        let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
        let seqs = whole.lines().filter_map(|it| it.parse().ok()).collect();
        Ok((Self { file, bytes: text.len() as u64 }, seqs))
    }

    /// Notes that a notification arrived. One write, so that it is there whole or not at all.
    ///
    /// # Errors
    /// Where the disk refuses: then the outbox alone says it.
    pub(super) fn note(&mut self, seq: u64) -> io::Result<()> {
        let row = format!("{seq}\n");
        self.file.write_all(row.as_bytes())?;
        self.bytes += row.len() as u64;
        Ok(())
    }

    /// Whether so much stands here that it is worth to be forgotten once the outbox is synced.
    pub(super) const fn is_long(&self) -> bool {
        self.bytes > BYTES_MAX
    }

    /// Forgets everything, which stands in the outbox by now; on the disk when it returns.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        if self.bytes > 0 {
            self.file.set_len(0)?;
            self.file.sync_all()?;
            self.bytes = 0;
        }
        Ok(())
    }
}
