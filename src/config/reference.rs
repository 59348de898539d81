//! The reference, `deploy/darban.toml`: every key that there is, with the words that explain it.
//!
//! It is written for people, and has its options behind `# `. Two things of it are of use to a
//! program as well: the text in which every key is given, so that the reader asks for all of them,
//! and the comment above each key, so that an editor says what the file says.

use std::collections::BTreeMap;

const TEXT: &str = include_str!("../../deploy/darban.toml");

/// The reference with every option taken, and with the format that has most keys.
pub(super) fn whole() -> String {
    let lines: Vec<&str> = TEXT.lines().map(|line| taken(line).unwrap_or(line)).collect();
    lines.join("\n").replacen("\nformat = \"auto\"\n", "\nformat = \"custom\"\n", 1)
}

/// `key = value` or `[table]` of a line, whether behind `# ` or not.
fn taken(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let (key, _) = line.split_once(" = ").unwrap_or_default();
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    let is_key = !key.is_empty() && key.bytes().all(plain);
    (is_key || line.starts_with('[')).then_some(line)
}

/// What the comments say, by dotted path without the places in lists. What `[[receivers]]` of a
/// type say stands under `receivers.TYPE`, and what all classes say under `classes.*`.
pub(super) fn words() -> BTreeMap<String, String> {
    let mut reader = Reader::default();
    TEXT.lines().for_each(|line| reader.line(line));
    reader.words
}

/// Where the reading stands.
#[derive(Debug, Default)]
struct Reader {
    words: BTreeMap<String, String>,
    table: String,
    /// The comment so far.
    comment: Vec<String>,
    /// A comment above several keys, for those after the first.
    shared: Option<String>,
    /// The comment above `[[receivers]]`, until its type is read.
    above: String,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(taken) = taken(line) {
            return self.taken(taken);
        }
        let text = line.strip_prefix('#').map(str::trim_end);
        match text {
            // A key of every class, as a row of a table.
            Some(row) if row.starts_with("   ") => {
                if let Some((key, words)) = row.trim_start().split_once("  ") {
                    self.put(format!("classes.*.{key}"), words.trim_start().to_owned());
                }
            }
            Some(text) if !text.starts_with(" ---") => self.comment.push(text.trim().to_owned()),
            _ => self.comment.clear(),
        }
    }

    fn taken(&mut self, line: &str) {
        let comment = std::mem::take(&mut self.comment).join(" ");
        if line.starts_with('[') {
            self.table = line.trim_matches(['[', ']']).to_owned();
            self.shared = None;
            self.above = without_example(&comment);
            return self.put(self.table.clone(), self.above.clone());
        }
        let Some((key, value)) = line.split_once(" = ") else { return };
        if self.table == "receivers" && key == "type" {
            self.table = format!("receivers.{}", value.trim_matches('"'));
            let above = std::mem::take(&mut self.above);
            return self.put(self.table.clone(), above);
        }
        if !comment.is_empty() {
            self.shared = comment.ends_with("Examples:").then(|| without_example(&comment));
        }
        let words = if comment.is_empty() { self.shared.clone() } else { Some(comment) };
        let words = words.map(|it| without_example(&it)).unwrap_or_default();
        self.put(format!("{}.{key}", self.table), words);
    }

    fn put(&mut self, path: String, words: String) {
        if !words.is_empty() {
            self.words.entry(path).or_insert(words);
        }
    }
}

/// The words without the one that announces the value below.
fn without_example(words: &str) -> String {
    let bare = words.strip_suffix("Example:").or_else(|| words.strip_suffix("Examples:"));
    bare.unwrap_or(words).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_explained_by_the_comment_above_it() {
        let words = words();
        let of = |path: &str| words.get(path).map(String::as_str);
        assert_eq!(
            of("alert.resolve_after"),
            Some("An alert resolves after so long without evidence.")
        );
        assert_eq!(
            of("receivers.email.ca_file").map(|it| it.ends_with("this machine.")),
            Some(true)
        );
        assert_eq!(
            of("classes.*.observe_days"),
            Some("days before a client of this class may page")
        );
        assert_eq!(of("classes.partner").map(|it| it.starts_with("Organisations")), Some(true));
        // Two keys under one comment.
        assert_eq!(of("source.security.cert_file"), of("source.security.key_file"));
        assert_eq!(of("receivers.slack.name"), None);
        assert_eq!(of("receivers.slack").map(|it| it.starts_with("Slack, by")), Some(true));
    }

    #[test]
    fn every_option_is_taken() {
        let whole = whole();
        assert!(!whole.lines().any(|line| line.starts_with('#') && taken(line).is_some()));
        assert!(whole.contains("\n[decode.custom]\ntime = \"/ts\"\n"));
    }
}
