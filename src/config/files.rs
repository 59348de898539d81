//! The files that a configuration names, secrets among them.
//!
//! A secret is given by file only: what stands in the configuration ends in version control, in a
//! support bundle or on a screen. Its value prints as stars wherever it is printed.

use super::document::{Files, Node};
use super::shapes;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of a secret at most: a password or key; more is the wrong file.
const SECRET_BYTES_MAX: u64 = 4_096;
/// A name this long without a dot or a slash looks more like a key than like a file.
const KEY_LIKE_BYTES: usize = 20;

/// A value that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this value.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for whoever sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Whether a file can be read, a problem noted where not.
pub(super) fn check(node: &Node<'_>, path: &Path) -> bool {
    let opened = match node.document.files {
        Files::Leave => return true,
        Files::Read => open(path),
    };
    opened.map_err(|error| unreadable(node, &error)).is_ok()
}

/// The secret in a file, white space at its ends removed.
pub(super) fn secret(node: &Node<'_>) -> Option<Secret> {
    let path = shapes::path(node)?;
    if node.document.files == Files::Leave {
        return Some(Secret::default());
    }
    let mut text = String::new();
    let read = open(&path).and_then(|it| it.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text));
    let read = match read {
        Ok(bytes) => u64::try_from(bytes).unwrap_or(u64::MAX),
        Err(error) => {
            unreadable(node, &error);
            return None;
        }
    };
    let value = text.trim();
    if value.is_empty() || read > SECRET_BYTES_MAX {
        let what = if value.is_empty() { "names an empty file" } else { "names a large file" };
        let allowed =
            format!("a file of 1 to {SECRET_BYTES_MAX} bytes with nothing but the secret");
        return node.note(what.to_owned(), Some(&allowed), None);
    }
    Some(Secret::new(value.to_owned()))
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    Ok(file)
}

fn unreadable(node: &Node<'_>, error: &io::Error) {
    let name = node.value.as_str().unwrap_or_default();
    let allowed = Some("a file that can be read");
    let _: Option<()> = if name.len() >= KEY_LIKE_BYTES && !name.contains(['.', '/']) {
        node.note("names no file; it looks like the secret itself".to_owned(), allowed, None)
    } else {
        let name = crate::alert::escape_text(name);
        node.note(format!("is \"{name}\", which cannot be read: {error}"), allowed, None)
    };
}
