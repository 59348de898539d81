//! Changes to the file of silences: one is added, one is ended before its time.
//!
//! The file is a person's: comments, order and what else they wrote stay as they are, which is why
//! it is edited and not written anew (`toml_edit`, the editor behind cargo). It is replaced in one
//! step (beside it, synced, renamed over), so that the daemon, which looks once a minute, reads
//! the old or the new one. A file that is wrong is not touched.
//!
//! Who did what, when and why stands in a log beside it before the change counts: a silence that
//! nobody can explain is how a harvest stays unseen. A change that then fails is a line too. The
//! log is also the lock: two who change at once wait for each other.

use super::outbox::sync_directory;
use super::silence_file::{self, TEXT_BYTES_MAX};
use crate::alert::{Silence, Silences, escape_json};
use crate::time::Moment;
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use toml_edit::{Array, ArrayOfTables, Datetime, DocumentMut, Item, Table, value};

/// What the name of the log ends in, behind the name of the file.
pub const AUDIT_SUFFIX: &str = ".audit.ndjson";
/// Rights of a file of silences that is made: others may read what is silenced.
const MODE: u32 = 0o644;
/// Rights of the log.
const AUDIT_MODE: u32 = 0o640;

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceChange {
    /// One more.
    Add(Box<Silence>),
    /// One ends now.
    Expire {
        /// Which.
        id: String,
        /// Why.
        reason: String,
    },
}

/// Who changes, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changer {
    /// Whose account it is.
    pub who: String,
    /// `cli` or `http`.
    pub via: &'static str,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SilenceChangeError {
    /// The file cannot be read as it is, or would not be after the change.
    #[error("{}: {}", path.display(), problems.join("; "))]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problems: Vec<String>,
    },
    /// No silence that still holds, or will, has this id.
    #[error("no silence that holds or will hold has the id {0}; `darban silence list` has all")]
    Unknown(String),
    /// The disk refuses.
    #[error("changing {}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Changes the file at `path`, which need not be there for the first silence; the silences that
/// were added or ended.
///
/// # Errors
/// Where the file is wrong, has no such silence, or cannot be written. Then it is as before.
pub fn change_silences(
    path: &Path,
    change: &SilenceChange,
    changer: &Changer,
    now: Moment,
) -> Result<Vec<Silence>, SilenceChangeError> {
    let path = &followed(path);
    let disk = |source| SilenceChangeError::Disk { path: path.clone(), source };
    let wrong = |problems| SilenceChangeError::File { path: path.clone(), problems };
    let mut log = audit(path).map_err(disk)?;
    let text = silence_file::read(path).map_err(disk)?.unwrap_or_default();
    let (text, changed) = match change {
        SilenceChange::Add(silence) => {
            (added(&text, silence).map_err(wrong)?, vec![(**silence).clone()])
        }
        SilenceChange::Expire { id, .. } => expired(&text, id, now).map_err(wrong)?,
    };
    if let (SilenceChange::Expire { id, .. }, true) = (change, changed.is_empty()) {
        return Err(SilenceChangeError::Unknown(id.clone()));
    }
    let what = match change {
        SilenceChange::Add(_) => "add",
        SilenceChange::Expire { .. } => "expire",
    };
    for silence in &changed {
        let why = match change {
            SilenceChange::Add(silence) => &silence.reason,
            SilenceChange::Expire { reason, .. } => reason,
        };
        note(&mut log, what, &row(silence, why, changer, now)).map_err(disk)?;
    }
    if let Err(error) = replace(path, &text) {
        let words = json!({ "at": now, "why": error.to_string() });
        note(&mut log, "failed", &words).map_err(disk)?;
        return Err(disk(error));
    }
    Ok(changed)
}

/// Where the log of a file lies.
#[must_use]
pub fn audit_path(path: &Path) -> PathBuf {
    let mut name = followed(path).into_os_string();
    name.push(AUDIT_SUFFIX);
    name.into()
}

/// A link, as into a checkout, is followed: what is replaced is the file that it leads to.
fn followed(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_absent| path.to_owned())
}

/// The text with one more silence at its end.
fn added(text: &str, silence: &Silence) -> Result<String, Vec<String>> {
    let mut document = editable(text)?;
    let mut table = Table::new();
    for (key, text) in silence.plain() {
        if let Some(text) = text {
            table.insert(key, value(text));
        }
    }
    if !silence.matchers.is_empty() {
        let texts: Array = silence.matchers.iter().map(|it| it.to_string()).collect();
        table.insert("matchers", value(texts));
    }
    for (key, at) in [("from", silence.from), ("until", Some(silence.until))] {
        if let Some(at) = at {
            table.insert(key, value(datetime(at)?));
        }
    }
    table.insert("reason", value(silence.reason.as_str()));
    if let Some(author) = &silence.author {
        table.insert("author", value(author.as_str()));
    }
    let tables = document.entry("silence").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    tables.as_array_of_tables_mut().ok_or_else(not_tables)?.push(table);
    checked(document.to_string())
}

/// The text in which the silences with an id end now, and these; those that have not begun are
/// gone.
fn expired(text: &str, id: &str, now: Moment) -> Result<(String, Vec<Silence>), Vec<String>> {
    let mut document = editable(text)?;
    let silences = Silences::parse(text)?;
    let meant = |it: &Silence| it.id() == id && now < it.until;
    let rows = silences.list().iter().enumerate().filter(|(_, it)| meant(it));
    let rows: Vec<(usize, Silence)> = rows.map(|(at, it)| (at, it.clone())).collect();
    if rows.is_empty() {
        return Ok((text.to_owned(), Vec::new()));
    }
    let tables = document.get_mut("silence").and_then(Item::as_array_of_tables_mut);
    let tables = tables.ok_or_else(not_tables)?;
    for (at, silence) in rows.iter().rev() {
        if silence.from.is_some_and(|from| now <= from) {
            tables.remove(*at);
            continue;
        }
        let until = tables.get_mut(*at).and_then(|it| it.get_mut("until"));
        if let Some(until) = until.and_then(Item::as_value_mut) {
            let decor = until.decor().clone();
            *until = datetime(now)?.into();
            *until.decor_mut() = decor;
        }
    }
    let ended = rows.into_iter().map(|(_, it)| it).collect();
    Ok((checked(document.to_string())?, ended))
}

/// The text as a document, if it is right as it is.
fn editable(text: &str) -> Result<DocumentMut, Vec<String>> {
    Silences::parse(text)?;
    text.parse().map_err(|error: toml_edit::TomlError| vec![error.message().to_owned()])
}

/// The text, if it is right.
fn checked(text: String) -> Result<String, Vec<String>> {
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(vec![format!("it would have more than {TEXT_BYTES_MAX} bytes")]);
    }
    Silences::parse(&text).map(|_| text)
}

fn not_tables() -> Vec<String> {
    vec!["silence: write each as a `[[silence]]` table, not as a list in one line".to_owned()]
}

fn datetime(at: Moment) -> Result<Datetime, Vec<String>> {
    at.to_string().parse().map_err(|_unwritable| vec![format!("{at} cannot be written")])
}

/// The log, locked until it is dropped.
fn audit(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).mode(AUDIT_MODE);
    let at = audit_path(path);
    let log = match options.clone().create_new(true).open(&at) {
        Ok(made) => {
            // It belongs to whom the file does, or the next change by that one would be refused.
            if let Ok(it) = fs::metadata(path) {
                let _not_allowed = fchown(&made, Some(it.uid()), Some(it.gid()));
            }
            made
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(&at)?,
        Err(error) => return Err(error),
    };
    log.lock()?;
    Ok(log)
}

fn row(silence: &Silence, why: &str, changer: &Changer, now: Moment) -> Value {
    json!({
        "at": now,
        "who": changer.who,
        "via": changer.via,
        "why": why,
        "id": silence.id(),
        "silence": silence.shown(),
    })
}

/// Adds a line to the log, and waits until it is on the disk.
fn note(log: &mut File, what: &str, row: &Value) -> io::Result<()> {
    let mut row = row.clone();
    if let Some(fields) = row.as_object_mut() {
        fields.insert("what".to_owned(), what.into());
    }
    log.write_all(format!("{}\n", escape_json(&row.to_string())).as_bytes())?;
    log.sync_all()
}

/// Puts a text in the place of a file's, which stays its owner's.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let before = fs::metadata(path).ok();
    let mode = before.as_ref().map_or(MODE, |it| it.permissions().mode());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // Made anew and not opened: what lies there may be a link that somebody else has put there.
    let _left_over = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    if let Some(it) = before {
        // Where whoever changes it may give it away, as under `sudo`.
        let _not_allowed = fchown(&file, Some(it.uid()), Some(it.gid()));
    }
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_directory(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_289_416_042);
    const FILE: &str = "# Reviewed every Monday.\n\n[[silence]] # the nightly batch\nclient = \
        \"batch-*\"   # all of them\nuntil = 2027-01-01T00:00:00Z # new year\nreason = \"known\"\n";

    fn silence(client: &str) -> Silence {
        Silence {
            client: Some(client.to_owned()),
            key: None,
            route: Some("beneficiary".to_owned()),
            kind: None,
            matchers: vec![r#"client!~"a\"\\.b""#.parse().unwrap()],
            from: None,
            until: NOW.plus(86_400_000),
            reason: "a \"campaign\"\nof ours".to_owned(),
            author: Some("someone".to_owned()),
        }
    }

    #[test]
    fn what_stood_there_stays_as_it_was_and_what_is_added_is_what_was_asked_for() {
        let text = added(FILE, &silence("clinic-17")).unwrap();
        assert!(text.starts_with(FILE), "{text}");
        assert_eq!(Silences::parse(&text).unwrap().list()[1], silence("clinic-17"));
        let first = added("", &silence("a")).unwrap();
        assert_eq!(Silences::parse(&first).unwrap().list(), [silence("a")]);
    }

    #[test]
    fn an_end_changes_one_time_and_leaves_every_comment() {
        let id = Silences::parse(FILE).unwrap().list()[0].id();
        let (text, ended) = expired(FILE, &id, NOW).unwrap();
        assert_eq!(text, FILE.replace("2027-01-01T00:00:00Z", "2026-11-21T19:30:16.042Z"));
        assert_eq!(ended.len(), 1);
        // It has the id that it had, and cannot be ended twice.
        assert_eq!(Silences::parse(&text).unwrap().list()[0].id(), id);
        assert_eq!(expired(&text, &id, NOW).unwrap().1, []);
        assert_eq!(expired(FILE, "0000000000000000", NOW).unwrap().1, []);
    }

    #[test]
    fn one_that_has_not_begun_goes() {
        let pending = Silence { from: Some(NOW.plus(1_000)), ..silence("a") };
        let text = added(FILE, &pending).unwrap();
        assert_eq!(expired(&text, &pending.id(), NOW).unwrap().0, FILE);
    }

    #[test]
    fn a_file_that_is_wrong_or_written_in_one_line_is_not_touched() {
        let wrong = added("[[silence]]\nclient = 4\n", &silence("a")).unwrap_err();
        assert!(wrong.iter().any(|it| it.starts_with("silence[0].until")), "{wrong:?}");
        let inline = "silence = [{ route = \"r\", until = 2027-01-01T00:00:00Z, reason = \"r\" }]";
        assert_eq!(added(inline, &silence("a")).unwrap_err(), not_tables());
    }
}
