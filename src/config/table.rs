//! A table of the configuration, asked key by key.

use super::document::{Accepted, Document, Node, Spot};
use super::problem::{Problem, nearest};
use crate::alert::escape_text;
use serde_json::Value;
use std::cell::RefCell;
use toml::de::{DeTable, DeValue};

/// A table, given or not. What it was not asked for is reported when it goes.
#[derive(Debug)]
pub(super) struct Table<'n> {
    pub(super) document: &'n Document<'n>,
    entries: Option<&'n DeTable<'n>>,
    spot: Spot,
    asked: Vec<&'static str>,
    /// Keys that are known but never accepted.
    forbidden: Vec<&'static str>,
    /// Unknown keys are not reported: what is allowed depends on a value that is wrong.
    lenient: bool,
}

impl<'n> Table<'n> {
    pub(super) fn new(
        document: &'n Document<'n>,
        entries: Option<&'n DeTable<'n>>,
        path: String,
        line: Option<usize>,
    ) -> Self {
        let (asked, forbidden, lenient) = (Vec::new(), Vec::new(), false);
        Self { document, entries, spot: Spot { path, line }, asked, forbidden, lenient }
    }

    /// A key with a default, which is written as in the file.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: &str,
        read: impl Fn(&Node<'_>) -> Option<T>,
    ) -> Option<T> {
        let shape = self.shape(key, &read);
        let given = self.ask(key, Some(default), false, shape);
        if let Some(node) = given {
            return read(&node);
        }
        let spot = Spot { path: self.path_of(key), line: None };
        match DeValue::parse(default) {
            Ok(value) => {
                let (document, value) = (self.document, value.get_ref());
                read(&Node { document, value, spot, probe: None })
            }
            Err(error) => {
                self.document.refuse(spot.problem(format!("has a bad default: {error}"), None));
                None
            }
        }
    }

    /// A key that may be absent.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node<'_>) -> Option<T>,
    ) -> Option<T> {
        let shape = self.shape(key, &read);
        self.ask(key, None, false, shape).and_then(|node| read(&node))
    }

    /// A key that must be there; `allowed` says what to write.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        read: impl Fn(&Node<'_>) -> Option<T>,
    ) -> Option<T> {
        let shape = self.shape(key, &read);
        match self.ask(key, None, true, shape) {
            Some(node) => read(&node),
            None => {
                self.fault(key, "is missing", allowed);
                None
            }
        }
    }

    /// The table under a key, which may be absent.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'n> {
        self.asked.push(key);
        let Some(node) = self.node(key) else {
            return Table::new(self.document, None, self.path_of(key), self.spot.line);
        };
        node.into_table("a table")
    }

    /// The tables `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'n>> {
        self.asked.push(key);
        let Some(node) = self.node(key) else {
            return Vec::new();
        };
        let Some(items) = node.items() else {
            return node
                .refuse(&format!("tables, each begun with [[{}]]", self.path_of(key)))
                .unwrap_or_default();
        };
        items.into_iter().map(|item| item.into_table("a table")).collect()
    }

    /// The tables `[key.NAME]` with their names.
    pub(super) fn named(&mut self, key: &'static str) -> Vec<(String, Table<'n>)> {
        let mut table = self.table(key);
        table.lenient = true;
        let names = table.entries.into_iter().flat_map(|it| it.keys());
        let names: Vec<&str> = names.map(|name| name.get_ref().as_ref()).collect();
        let inner = |name: &str| Some((name.to_owned(), table.node(name)?.into_table("a table")));
        names.into_iter().filter_map(inner).collect()
    }

    /// Refuses a secret that stands in the configuration itself, without repeating it.
    pub(super) fn only_by_file(&mut self, key: &'static str, file_key: &'static str) {
        self.forbidden.push(key);
        if self.has(key) {
            let allowed = format!("{file_key}, the path of a file that holds it");
            self.fault(key, "is a secret and must not stand in the configuration", &allowed);
        }
    }

    /// Reports no unknown keys of this table.
    pub(super) fn forgive(&mut self) {
        self.lenient = true;
    }

    /// Whether the text gives this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|it| it.contains_key(key))
    }

    /// Whether the text gives this table.
    pub(super) const fn is_given(&self) -> bool {
        self.entries.is_some()
    }

    /// Notes a problem with a key of this table.
    pub(super) fn fault(&self, key: &str, what: &str, allowed: &str) {
        self.document.refuse(self.spot(key).problem(what, Some(allowed)));
    }

    /// Where a key stands, or would.
    pub(super) fn spot(&self, key: &str) -> Spot {
        Spot { path: self.path_of(key), line: self.line_of(key).or(self.spot.line) }
    }

    /// Where the table itself stands.
    pub(super) fn spot_itself(&self) -> Spot {
        self.spot.clone()
    }

    /// What `read` would take, where the document describes.
    fn shape<T>(&self, key: &str, read: impl Fn(&Node<'_>) -> Option<T>) -> Value {
        let shape = RefCell::new(Value::Null);
        if self.document.describes {
            let (value, spot) = (DeValue::Boolean(false), self.spot(key));
            read(&Node { document: self.document, value: &value, spot, probe: Some(&shape) });
        }
        shape.into_inner()
    }

    fn ask(
        &mut self,
        key: &'static str,
        default: Option<&str>,
        required: bool,
        shape: Value,
    ) -> Option<Node<'n>> {
        self.asked.push(key);
        let node = self.node(key);
        let (default, given) = (default.map(str::to_owned), node.is_some());
        let accepted = Accepted { path: self.path_of(key), default, given, required, shape };
        self.document.accepted.borrow_mut().push(accepted);
        node
    }

    fn node(&self, key: &str) -> Option<Node<'n>> {
        let value = self.entries?.get(key)?.get_ref();
        Some(Node { document: self.document, value, spot: self.spot(key), probe: None })
    }

    fn path_of(&self, key: &str) -> String {
        let dot = if self.spot.path.is_empty() { "" } else { "." };
        format!("{}{dot}{}", self.spot.path, escape_text(key))
    }

    fn line_of(&self, key: &str) -> Option<usize> {
        let (name, _) = self.entries?.get_key_value(key)?;
        Some(self.document.line(name.span().start))
    }
}

impl<'n> Node<'n> {
    fn into_table(self, allowed: &str) -> Table<'n> {
        let entries = match self.value {
            DeValue::Table(entries) => Some(entries),
            _ => self.refuse(allowed),
        };
        Table::new(self.document, entries, self.spot.path, self.spot.line)
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        if self.lenient {
            return;
        }
        for name in self.entries.into_iter().flat_map(|it| it.keys()) {
            let name: &str = name.get_ref();
            if self.asked.contains(&name) || self.forbidden.contains(&name) {
                continue;
            }
            let near = nearest(name, self.asked.iter().copied()).map(str::to_owned);
            let problem = self.spot(name).problem("is no known key", Some(&self.asked.join(", ")));
            self.document.refuse(Problem { nearest: near, ..problem });
        }
    }
}
