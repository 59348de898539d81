//! The file of silences while the daemon runs.
//!
//! A restart would forget every baseline, so nobody should need one to silence an alert: the file
//! is read again with the housekeeping of delivery, once a minute, and at once on SIGHUP. It is
//! compared by its text and not by its time: `cp -p`, a checkout or a config map may bring a new
//! text with an old time, and the file is small.
//!
//! What cannot be read changes nothing: the silences from before go on, and the reason is said
//! once. A file that is gone ends its silences only when it is still gone at the next look,
//! because editors and synchronisers remove a file for a moment when they replace it.

use crate::alert::Silences;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of the file at most: a thousand silences have a tenth of it.
pub(super) const TEXT_BYTES_MAX: u64 = 4 << 20;

/// A file of silences, and what it said when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceFile {
    path: PathBuf,
    seen: Seen,
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// No file.
    Absent,
    /// No file, but there was one at the look before: its silences still hold.
    Gone,
    /// This text.
    Text(String),
    /// It cannot be read.
    Failed(io::ErrorKind),
}

impl SilenceFile {
    /// Reads the silences at a path for the first time. There need not be a file yet.
    ///
    /// # Errors
    /// Everything that is wrong with it, or why it cannot be read.
    pub fn open(path: &Path) -> Result<(Self, Silences), String> {
        let (seen, silences) = match read(path) {
            Ok(None) => (Seen::Absent, Silences::default()),
            Ok(Some(text)) => {
                let silences = parse(path, &text)?;
                (Seen::Text(text), silences)
            }
            Err(error) => return Err(unreadable(path, &error)),
        };
        Ok((Self { path: path.to_owned(), seen }, silences))
    }

    /// Looks at the file again: the silences that hold from now on, or what is wrong with them;
    /// `None` where nothing changed since the last look.
    pub fn look(&mut self) -> Option<Result<Silences, String>> {
        let found = read(&self.path);
        let seen = match &found {
            Ok(None) if matches!(self.seen, Seen::Text(_) | Seen::Failed(_)) => Seen::Gone,
            Ok(None) => Seen::Absent,
            Ok(Some(text)) => Seen::Text(text.clone()),
            Err(error) => Seen::Failed(error.kind()),
        };
        let before = std::mem::replace(&mut self.seen, seen);
        if before == self.seen {
            return None;
        }
        match found {
            Ok(None) if before == Seen::Gone => Some(Ok(Silences::default())),
            Ok(None) => None,
            Ok(Some(text)) => Some(parse(&self.path, &text)),
            Err(error) => Some(Err(unreadable(&self.path, &error))),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The text of a file of silences; nothing where there is no file.
///
/// # Errors
/// It cannot be read, is no UTF-8 or has more than 1 MiB.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut text = String::new();
    file.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        let words = format!("it has more than {TEXT_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(Some(text))
}

fn parse(path: &Path, text: &str) -> Result<Silences, String> {
    Silences::parse(text).map_err(|problems| format!("{}: {}", path.display(), problems.join("; ")))
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ONE: &str = "[[silence]]\nroute = \"a\"\nuntil = 2027-01-01T00:00:00Z\nreason = \"r\"\n";

    fn count(found: Option<Result<Silences, String>>) -> Option<Result<usize, String>> {
        found.map(|it| it.map(|it| it.list().len()))
    }

    #[test]
    fn a_new_text_counts_a_broken_one_changes_nothing_and_is_said_once() {
        let path = std::env::temp_dir().join(format!("darban-silences-{}", std::process::id()));
        let _left_over = fs::remove_file(&path);
        let (mut file, silences) = SilenceFile::open(&path).unwrap();
        assert_eq!((silences.list().len(), count(file.look())), (0, None));
        fs::write(&path, ONE).unwrap();
        assert_eq!((count(file.look()), count(file.look())), (Some(Ok(1)), None));
        fs::write(&path, "[[silence]]").unwrap();
        let words = file.look().unwrap().unwrap_err();
        assert!(words.ends_with("silence[0].until: is required; silence[0].reason: is required"));
        assert_eq!(count(file.look()), None);
        fs::write(&path, ONE.repeat(2)).unwrap();
        assert_eq!(count(file.look()), Some(Ok(2)));
        assert_eq!(SilenceFile::open(&path).unwrap().1.list().len(), 2);
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_silences_and_one_that_stays_away_ends_them() {
        let path =
            std::env::temp_dir().join(format!("darban-silences-gone-{}", std::process::id()));
        fs::write(&path, ONE).unwrap();
        let (mut file, _) = SilenceFile::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(count(file.look()), None, "it may be on its way");
        fs::write(&path, ONE.repeat(3)).unwrap();
        assert_eq!(count(file.look()), Some(Ok(3)));
        fs::remove_file(&path).unwrap();
        assert_eq!((count(file.look()), count(file.look())), (None, Some(Ok(0))));
        assert_eq!(count(file.look()), None);
    }
}
