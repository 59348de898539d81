//! The raw layer: TOML with line numbers, read key by key.
//!
//! Not serde's derive: it stops at the first mistake, and the point of a configuration error is to
//! see them all at once. Here every read notes its own problem and goes on, and a table knows
//! which keys it was asked for, so what nobody asked for is unknown, and the list of accepted
//! keys with their defaults is what the code really reads ([`Accepted`]) and cannot go stale.
//! Defaults are written as in the file and take the same way through the checks.
//!
//! The schema comes the same way: a document that describes asks each reader once more, with a
//! probe in place of a value, what it would take. A reader says so in its first line, beside the
//! check itself, so that no second list of types and limits can differ from the first.

use super::problem::{Problem, Problems, nearest};
use super::table::Table;
use crate::alert::escape_text;
use serde_json::Value;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Characters of a value that a problem repeats.
const SHOWN_MAX: usize = 60;

/// Whether files that the configuration names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// They are, and one that cannot be read is a problem.
    Read,
    /// They are not: secrets stay empty.
    Leave,
}

/// A key that the configuration accepts, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The dotted path, lists counted from 0.
    pub path: String,
    /// Its default as TOML; `None` where it is required or has none.
    pub default: Option<String>,
    /// Whether the text gives it.
    pub given: bool,
    /// Whether its table is wrong without it.
    pub required: bool,
    /// What may stand there, as JSON Schema; null where nobody asked for it.
    pub shape: Value,
}

/// One configuration text while it is read.
#[derive(Debug)]
pub(super) struct Document<'d> {
    text: &'d str,
    base: &'d Path,
    pub(super) files: Files,
    problems: RefCell<Vec<Problem>>,
    pub(super) accepted: RefCell<Vec<Accepted>>,
    /// Whether the shapes of values are asked for too.
    pub(super) describes: bool,
}

impl<'d> Document<'d> {
    pub(super) fn new(text: &'d str, base: &'d Path, files: Files) -> Self {
        let (problems, accepted) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        Self { text, base, files, problems, accepted, describes: false }
    }

    /// The keys that `read` asks for with the shapes of their values, whatever else is wrong.
    pub(super) fn describe<T>(
        mut self,
        read: impl FnOnce(&mut Table<'_>) -> Option<T>,
    ) -> Vec<Accepted> {
        self.describes = true;
        let (root, _) = DeTable::parse_recoverable(self.text);
        let mut table = Table::new(&self, Some(root.get_ref()), String::new(), None);
        read(&mut table);
        drop(table);
        self.accepted.into_inner()
    }

    /// Reads the text with `read`. Where the text is not TOML only that is said: what a parser
    /// guesses behind a missing bracket would be noise.
    pub(super) fn read<T>(
        self,
        read: impl FnOnce(&mut Table<'_>) -> Option<T>,
    ) -> Result<(T, Vec<Accepted>), Problems> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let line = error.span().map(|span| self.line(span.start));
            let what = format!("is not TOML here: {}", error.message());
            self.refuse(Problem { path: String::new(), line, what, allowed: None, nearest: None });
        }
        let mut value = None;
        if self.problems.borrow().is_empty() {
            let mut table = Table::new(&self, Some(root.get_ref()), String::new(), None);
            value = read(&mut table);
        }
        let mut list = self.problems.into_inner();
        match value {
            Some(value) if list.is_empty() => Ok((value, self.accepted.into_inner())),
            _ => {
                list.sort_by_key(|problem| problem.line);
                list.dedup();
                Err(Problems { file: None, list })
            }
        }
    }

    pub(super) fn refuse(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// A path of the configuration, relative to where the configuration stands.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// A place in the document that problems can be noted at later.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) path: String,
    pub(super) line: Option<usize>,
}

impl Spot {
    /// A problem here, in words that follow the path.
    pub(super) fn problem(&self, what: impl Into<String>, allowed: Option<&str>) -> Problem {
        Problem {
            path: self.path.clone(),
            line: self.line,
            what: what.into(),
            allowed: allowed.map(str::to_owned),
            nearest: None,
        }
    }
}

/// One value and where it stands.
#[derive(Debug)]
pub(super) struct Node<'n> {
    pub(super) document: &'n Document<'n>,
    pub(super) value: &'n DeValue<'n>,
    pub(super) spot: Spot,
    /// Where the shape of what may stand here is noted, when that is all that is wanted.
    pub(super) probe: Option<&'n RefCell<Value>>,
}

impl<'n> Node<'n> {
    /// Says what may stand here, as JSON Schema. Where only that is wanted there is nothing to read.
    pub(super) fn shape(&self, shape: impl FnOnce() -> Value) -> Option<()> {
        let Some(probe) = self.probe else { return Some(()) };
        probe.replace(shape());
        None
    }

    /// The same of something that is made of what `read` takes.
    pub(super) fn shape_around<T>(
        &self,
        read: impl FnOnce(&Node<'_>) -> Option<T>,
        around: impl FnOnce(Value) -> Value,
    ) -> Option<()> {
        let Some(probe) = self.probe else { return Some(()) };
        read(self);
        let inner = probe.take();
        probe.replace(around(inner));
        None
    }

    /// Notes that something else is allowed here.
    pub(super) fn refuse<T>(&self, allowed: &str) -> Option<T> {
        self.note(format!("is {}", shown(self.value)), Some(allowed), None)
    }

    /// Notes that only `names` are allowed here, and which of them this looks like.
    pub(super) fn refuse_name<T>(&self, names: &[&str]) -> Option<T> {
        let near = self.value.as_str().and_then(|it| nearest(it, names.iter().copied()));
        let near = near.map(|it| format!("\"{it}\""));
        self.note(format!("is {}", shown(self.value)), Some(&names.join(", ")), near)
    }

    /// Notes a problem here in words that follow the path.
    pub(super) fn note<T>(
        &self,
        what: String,
        allowed: Option<&str>,
        nearest: Option<String>,
    ) -> Option<T> {
        self.document.refuse(Problem { nearest, ..self.spot.problem(what, allowed) });
        None
    }

    /// The elements of a list, each with its place.
    pub(super) fn items(&self) -> Option<Vec<Node<'n>>> {
        let DeValue::Array(array) = self.value else {
            return None;
        };
        let item = |(index, value): (usize, &'n Spanned<DeValue<'n>>)| Node {
            document: self.document,
            value: value.get_ref(),
            spot: Spot {
                path: format!("{}[{index}]", self.spot.path),
                line: self.spot.line.map(|_| self.document.line(value.span().start)),
            },
            probe: None,
        };
        Some(array.iter().enumerate().map(item).collect())
    }
}

/// A value as a problem repeats it: one line, short, without control characters.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > SHOWN_MAX => {
            let head: String = text.chars().take(SHOWN_MAX).collect();
            format!("\"{}…\"", escape_text(&head))
        }
        DeValue::String(text) => format!("\"{}\"", escape_text(text)),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
