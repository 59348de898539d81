//! The files of a state directory: which there are, how one is written, which may go.
//!
//! A snapshot is written beside itself, synced, renamed, and the directory synced: at any moment
//! there is a whole one under its name or none. The two latest are kept, with the journals from the
//! older one on.

use super::journal::{self, Journal};
use super::meta::Meta;
use super::seal::{Key, Opener, Refusal, Sealer};
use crate::engine::Section;
use crate::killpoint;
use crate::timeline::Told;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Snapshots that are kept.
const GENERATIONS: usize = 2;

/// A state directory.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    key: Key,
    /// Journals stay when their snapshot goes.
    keep_journals: bool,
}

/// A snapshot that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its number.
    pub number: u64,
    /// The word by which it is known.
    pub tag: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// The lock of a state directory, which is ours while this lives.
#[derive(Debug)]
pub struct Ours(File);

impl Ours {
    /// Tells whoever waits that our pages are served: an address that is still free is for its own.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn serves(&self) -> io::Result<()> {
        (&self.0).write_all(b"serves\n")
    }
}

impl Directory {
    /// A state directory, made where there is none; its journals stay when their snapshots go, or
    /// do not.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(path: &Path, key: Key, keep_journals: bool) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { keep_journals, ..Self::read_only(path, key) })
    }

    /// The same, of another process: nothing in it is changed.
    #[must_use]
    pub fn read_only(path: &Path, key: Key) -> Self {
        Self { path: path.to_owned(), key, keep_journals: true }
    }

    /// Makes the directory ours until what is returned is dropped or the process ends, however it
    /// does: two owners would write over each other.
    ///
    /// # Errors
    /// Where another process has it, or the disk refuses.
    pub fn lock(&self) -> io::Result<Ours> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.path.join("lock"))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                Ok(Ours(file))
            }
            Err(fs::TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "another darban uses it"))
            }
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the owner has said that its pages are served.
    #[must_use]
    pub fn owner_serves(&self) -> bool {
        fs::metadata(self.path.join("lock")).is_ok_and(|it| it.len() > 0)
    }

    /// The file of a snapshot.
    #[must_use]
    pub fn snapshot(&self, number: u64) -> PathBuf {
        self.path.join(format!("snapshot-{number:010}"))
    }

    fn journal(&self, number: u64) -> PathBuf {
        self.path.join(format!("journal-{number:010}"))
    }

    /// The numbers of the snapshots, latest first.
    ///
    /// # Errors
    /// Where the directory cannot be read.
    pub fn snapshots(&self) -> io::Result<Vec<u64>> {
        let mut numbers = self.numbers("snapshot-")?;
        numbers.reverse();
        Ok(numbers)
    }

    /// The numbers of the journals, earliest first.
    ///
    /// # Errors
    /// Where the directory cannot be read.
    pub fn journals(&self) -> io::Result<Vec<u64>> {
        self.numbers("journal-")
    }

    fn numbers(&self, prefix: &str) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|it| it.strip_prefix(prefix));
            numbers.extend(number.and_then(|it| it.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a snapshot's beginning.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn read(&self, number: u64) -> Result<(Meta, Sections), Refusal> {
        Sections::open(&self.snapshot(number), &self.key)
    }

    /// Writes a snapshot of these sections, the last of which `None` follows; it is on the disk when
    /// this returns.
    ///
    /// # Errors
    /// Where the disk refuses, or there are no more sections and no `None`: whoever made them has
    /// given up, and there is no such snapshot.
    pub fn write(
        &self,
        meta: &Meta,
        sections: impl IntoIterator<Item = Option<Section>>,
    ) -> io::Result<Written> {
        let path = self.snapshot(meta.number);
        let beside = self.path.join("snapshot.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut sealer = Sealer::begin(BufWriter::new(options.open(&beside)?), &self.key)?;
        BorshSerialize::serialize(meta, &mut sealer)?;
        let mut is_whole = false;
        for section in sections {
            is_whole = section.is_none();
            section.serialize(&mut sealer)?;
        }
        if !is_whole {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "it was given up"));
        }
        let (mut file, tag) = sealer.end()?;
        file.flush()?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        killpoint::pass("snapshot");
        file.sync_all()?;
        killpoint::pass("snapshot-synced");
        let bytes = file.metadata()?.len();
        fs::rename(&beside, &path)?;
        killpoint::pass("snapshot-renamed");
        self.sync()?;
        self.prune()?;
        Ok(Written { number: meta.number, tag, bytes })
    }

    /// Takes away what the two latest snapshots do not need.
    fn prune(&self) -> io::Result<()> {
        let snapshots = self.snapshots()?;
        for old in snapshots.iter().skip(GENERATIONS) {
            fs::remove_file(self.snapshot(*old))?;
        }
        let oldest = snapshots.iter().take(GENERATIONS).min().copied().unwrap_or(0);
        if !self.keep_journals {
            for old in self.journals()?.into_iter().filter(|it| *it < oldest) {
                fs::remove_file(self.journal(old))?;
            }
        }
        Ok(())
    }

    /// Takes away everything: for `--discard-state`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn discard(&self) -> io::Result<()> {
        for number in self.snapshots()? {
            fs::remove_file(self.snapshot(number))?;
        }
        for number in self.journals()? {
            fs::remove_file(self.journal(number))?;
        }
        self.sync()
    }

    /// Opens the journal that begins with a snapshot, to add to it.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn open_journal(&self, number: u64) -> io::Result<Journal> {
        let opened = Journal::open(&self.journal(number), &self.key, number)?;
        self.sync()?;
        Ok(opened)
    }

    /// What the journals from that of a snapshot on say.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn told_from(&self, number: u64) -> io::Result<Told> {
        let mut told = Told::default();
        for number in self.journals()?.into_iter().filter(|it| *it >= number) {
            told.extend(journal::read(&self.journal(number), &self.key, number)?);
        }
        Ok(told)
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// The sections of a snapshot, one after the other.
pub struct Sections {
    from: Opener<BufReader<File>>,
    ended: bool,
}

impl std::fmt::Debug for Sections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sections").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Sections {
    /// Opens a snapshot's file.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn open(path: &Path, key: &Key) -> Result<(Meta, Self), Refusal> {
        let mut from = Opener::begin(BufReader::new(File::open(path)?), key)?;
        match Meta::deserialize_reader(&mut from) {
            Ok(meta) => Ok((meta, Self { from, ended: false })),
            Err(error) => Err(from
                .broken()
                .map_or_else(|| Refusal::Content(error.to_string()), Refusal::Sealed)),
        }
    }

    /// The chunk that could not be opened, where reading ended there.
    #[must_use]
    pub const fn broken(&self) -> Option<u64> {
        self.from.broken()
    }

    /// The word by which the file is known, once it was read to its end.
    #[must_use]
    pub const fn tag(&self) -> u64 {
        self.from.tag()
    }
}

impl Iterator for Sections {
    type Item = io::Result<Section>;

    fn next(&mut self) -> Option<io::Result<Section>> {
        if self.ended {
            return None;
        }
        let read = Option::<Section>::deserialize_reader(&mut self.from);
        self.ended = !matches!(read, Ok(Some(_)));
        match read {
            // The end counts where the file ends with it.
            Ok(None) => {
                io::Read::read(&mut self.from, &mut [0]).map_or_else(|it| Some(Err(it)), |_| None)
            }
            other => other.transpose(),
        }
    }
}
