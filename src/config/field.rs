//! Names of request values: where a client key or a subject is found.
//!
//! `header:` and `json:` values lie outside the fixed fields of a record, so the decoder must be
//! told of each. They are collected here while the configuration is read, each once, and a field
//! holds the place in that list.

use super::document::Node;
use super::problem::nearest;
use super::shapes::is_pointer;
use crate::attribute::Field;
use crate::decode::{EXTRAS_MAX, Extra};
use serde_json::json;
use std::cell::RefCell;

/// HAProxy's captures go up to this index: more than its own default of captures a line.
const CAPTURE_MAX: usize = 63;

const PLAIN: [(Field, &str); 5] = [
    (Field::User, "user"),
    (Field::Address, "address"),
    (Field::Peer, "peer"),
    (Field::UserAgent, "user_agent"),
    (Field::Ja4, "ja4"),
];
const PREFIXES: [&str; 4] = ["capture", "header", "json", "query"];
const ALLOWED: &str = "user, address, peer, user_agent, ja4, \"capture:0\", \"header:x-api-key\", \
    \"json:/claims/sub\", \"query:token\"";

/// The values outside the fixed fields that were asked for so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    extras: RefCell<Vec<Extra>>,
}

/// What a field is called, for a schema.
const PATTERN: &str =
    "^(user|address|peer|user_agent|ja4|capture:[0-9]+|header:.+|json:/.+|query:.+)$";

impl Fields {
    /// Reads the name of a field.
    pub(super) fn read(&self, node: &Node<'_>) -> Option<Field> {
        node.shape(|| json!({ "type": "string", "pattern": PATTERN }))?;
        let text = node.value.as_str().unwrap_or_default();
        if let Some((field, _)) = PLAIN.iter().find(|(_, name)| *name == text) {
            return Some(field.clone());
        }
        let Some((prefix, rest)) = text.split_once(':') else {
            return refuse(node, text, "");
        };
        match prefix {
            "capture" => {
                let index = rest.parse().ok().filter(|it| *it <= CAPTURE_MAX);
                index.map(Field::Capture).or_else(|| {
                    node.refuse(&format!("capture: and a number from 0 to {CAPTURE_MAX}"))
                })
            }
            "query" if rest.is_empty() => node.refuse("query: and the name of a parameter"),
            "query" => Some(Field::Query(rest.to_owned())),
            "header" if is_header(rest) => {
                self.extra(node, Extra::Header(rest.to_ascii_lowercase()))
            }
            "header" => node.refuse("header: and the name of a request header"),
            "json" if is_pointer(rest) => self.extra(node, Extra::Json(rest.to_owned())),
            "json" => node.refuse("json: and a JSON pointer, such as \"json:/claims/sub\""),
            _ => refuse(node, prefix, rest),
        }
    }

    /// What the decoder must read beside the fixed fields.
    pub(super) fn into_extras(self) -> Vec<Extra> {
        self.extras.into_inner()
    }

    fn extra(&self, node: &Node<'_>, extra: Extra) -> Option<Field> {
        let mut extras = self.extras.borrow_mut();
        if let Some(index) = extras.iter().position(|it| *it == extra) {
            return Some(Field::Extra(index));
        }
        if extras.len() == EXTRAS_MAX {
            let what = format!("asks for one more header or JSON pointer than {EXTRAS_MAX}");
            return node.note(what, Some(&format!("{EXTRAS_MAX} different ones in all")), None);
        }
        extras.push(extra);
        Some(Field::Extra(extras.len() - 1))
    }
}

/// Whether this may be the name of a header.
pub(super) fn is_header(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

fn refuse(node: &Node<'_>, name: &str, rest: &str) -> Option<Field> {
    let shown = crate::alert::escape_text;
    let plain = nearest(name, PLAIN.iter().map(|(_, name)| *name)).filter(|_| rest.is_empty());
    let prefixed = || Some(format!("\"{}:{}\"", nearest(name, PREFIXES)?, shown(rest)));
    let near = plain.map(|it| format!("\"{it}\"")).or_else(prefixed);
    match node.value.as_str() {
        Some(text) => node.note(format!("is \"{}\"", shown(text)), Some(ALLOWED), near),
        None => node.refuse(ALLOWED),
    }
}

/// The name of a field, as the configuration writes it.
pub(super) fn name_of(field: &Field, extras: &[Extra]) -> String {
    match field {
        Field::User => "user".to_owned(),
        Field::Address => "address".to_owned(),
        Field::Peer => "peer".to_owned(),
        Field::UserAgent => "user_agent".to_owned(),
        Field::Ja4 => "ja4".to_owned(),
        Field::Capture(index) => format!("capture:{index}"),
        Field::Query(name) => format!("query:{name}"),
        Field::Extra(index) => match extras.get(*index) {
            Some(Extra::Header(name)) => format!("header:{name}"),
            Some(Extra::Json(pointer)) => format!("json:{pointer}"),
            None => String::new(),
        },
    }
}
