//! The files of decoys and watched subjects: keyed hashes, one a line.
//!
//! ```text
//! # darban hash-ids
//! key 5f3a9c0b1d2e4f60
//! 00c0ffee00c0ffee
//! ```
//!
//! The ids themselves stand in no file that darban reads, so that a list may lie beside the
//! configuration. A hash says nothing without its key, and under another key nothing would ever
//! match: so a list says which key it was made with, and one of another key is refused.

use super::Keys;
use crate::judge::WatchList;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Subjects of a list at most.
pub const LISTED_MAX: usize = 1_000_000;
/// Bytes of a list at most: each line with room for a comment.
const LIST_BYTES_MAX: u64 = 64 << 20;
/// Faults named of one list; the rest are counted.
const FAULTS_NAMED_MAX: usize = 5;

/// The first lines of a list made with these keys.
#[must_use]
pub fn head(keys: &Keys) -> [String; 2] {
    ["# darban hash-ids".to_owned(), format!("key {:016x}", keys.hash.check())]
}

/// The line of a subject.
#[must_use]
pub fn line(keys: &Keys, id: &[u8]) -> String {
    format!("{:016x}", keys.hash.subject(id))
}

/// Reads both lists, each where there is one.
///
/// # Errors
/// What is wrong with them, in words.
pub fn read(
    decoys: Option<&Path>,
    watched: Option<&Path>,
    keys: &Keys,
) -> Result<WatchList, String> {
    let list = |name: &str, path: Option<&Path>| match path {
        None => Ok(Vec::new()),
        Some(path) => of_file(path, keys)
            .map_err(|words| format!("detect.{name}: {}: {words}", path.display())),
    };
    match (list("decoys_file", decoys), list("watched_file", watched)) {
        (Ok(decoys), Ok(watched)) => Ok(WatchList::new(&decoys, &watched)),
        (Err(one), Err(two)) => Err(format!("{one}\n{two}")),
        (Err(words), _) | (_, Err(words)) => Err(words),
    }
}

fn of_file(path: &Path, keys: &Keys) -> Result<Vec<u64>, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    if bytes > LIST_BYTES_MAX {
        return Err(format!("has {bytes} bytes, more than {LIST_BYTES_MAX}"));
    }
    of_lines(BufReader::new(file), keys)
}

fn of_lines(lines: impl BufRead, keys: &Keys) -> Result<Vec<u64>, String> {
    let (mut key, mut hashes, mut faults) = (None, Vec::new(), Vec::new());
    for (at, line) in lines.lines().enumerate() {
        let line = line.map_err(|error| format!("cannot be read: {error}"))?;
        let text = line.split('#').next().unwrap_or_default().trim();
        let hash = |text: &str| match text.len() {
            16 => u64::from_str_radix(text, 16).ok(),
            _ => None,
        };
        match (text, text.strip_prefix("key ")) {
            ("", _) => {}
            (_, Some(check)) => key = hash(check.trim()).or(key),
            (text, None) => match hash(text) {
                Some(hash) => hashes.push(hash),
                // The line itself may be an id that was put there by mistake.
                None => faults.push(format!("line {} is no hash of 16 digits", at + 1)),
            },
        }
        if hashes.len() > LISTED_MAX {
            return Err(format!("has more than {LISTED_MAX} subjects"));
        }
    }
    let all = faults.len();
    faults.truncate(FAULTS_NAMED_MAX);
    if all > FAULTS_NAMED_MAX {
        faults.push(format!("{} more", all - FAULTS_NAMED_MAX));
    }
    match key {
        _ if all > 0 => Err(format!("{}; `darban hash-ids` makes such a list", faults.join("; "))),
        None => Err("has no line `key`; `darban hash-ids` makes such a list".to_owned()),
        Some(key) if key != keys.hash.check() => {
            Err("was made with another key: make it again with `darban hash-ids`".to_owned())
        }
        Some(_) => Ok(hashes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: u8) -> Keys {
        Keys::derived(&[secret; 32])
    }

    /// A list made with a key, and one more line.
    fn list(secret: u8, last: &str) -> String {
        format!("{}\n{last}\n", head(&keys(secret)).join("\n"))
    }

    #[test]
    fn a_list_comes_back_as_the_hashes_that_look_ups_carry() {
        let keys = keys(3);
        let text = list(3, &format!("{}\n\n{}  # ours", line(&keys, b"a"), line(&keys, b"b")));
        let hashes = of_lines(text.as_bytes(), &keys).unwrap();
        assert_eq!(hashes, [keys.hash.subject(b"a"), keys.hash.subject(b"b")]);
    }

    #[test]
    fn a_list_of_another_key_is_refused_and_so_is_one_that_does_not_say_whose_it_is() {
        let text = list(3, &line(&keys(3), b"a"));
        assert!(of_lines(text.as_bytes(), &keys(4)).unwrap_err().contains("another key"));
        let bare = line(&keys(3), b"a");
        assert!(of_lines(bare.as_bytes(), &keys(3)).unwrap_err().contains("no line `key`"));
    }

    #[test]
    fn an_id_in_a_list_is_refused_and_not_repeated() {
        let text = list(3, "123456789012");
        let words = of_lines(text.as_bytes(), &keys(3)).unwrap_err();
        assert!(words.contains("line 3") && !words.contains("123456789012"), "{words}");
    }
}
