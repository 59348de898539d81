//! `[decode]`: how lines are read.

use super::document::Node;
use super::field::is_header;
use super::shapes::{list, one_of, pointer, zone};
use super::table::Table;
use crate::decode::{CustomPointers, Extra, Format};
use jiff::tz::TimeZone;
use serde_json::json;

/// How lines are read.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeConfig {
    /// The format of every line; `None` for auto, which tells it from each.
    pub format: Option<Format>,
    /// The zone of formats that write local time.
    pub zone: TimeZone,
    /// Lower-case path endings that are assets.
    pub skip_suffixes: Vec<String>,
    /// Where the fields of [`Format::Custom`] stand; given with that format only.
    pub custom: Option<CustomPointers>,
    /// Lower-case names of the headers that HAProxy captures, in order.
    pub captures: Vec<String>,
    /// Values outside the fixed fields, by the index of
    /// [`Field::Extra`](crate::attribute::Field::Extra).
    pub extras: Vec<Extra>,
}

/// Path endings of assets: no person stands behind a style sheet.
const SUFFIXES: &str = r#"[".css", ".js", ".png", ".gif", ".jpg", ".ico", ".svg", ".woff2"]"#;

/// Reads all but the extras, which the client keys and routes ask for.
pub(super) fn read(table: &mut Table<'_>) -> Option<DecodeConfig> {
    let format = table.or("format", "\"auto\"", format);
    let zone = table.or("zone", "\"UTC\"", zone);
    let skip_suffixes = table.or("skip_suffixes", SUFFIXES, list("path endings", suffix));
    let captures = table.or("captures", "[]", list("header names", header));
    let is_custom = format == Some(Some(Format::Custom));
    let custom = custom(table.table("custom"), is_custom);
    let (format, zone, skip_suffixes) = (format?, zone?, skip_suffixes?);
    let captures = captures?;
    Some(DecodeConfig { format, zone, skip_suffixes, custom, captures, extras: Vec::new() })
}

fn custom(mut table: Table<'_>, is_custom: bool) -> Option<CustomPointers> {
    if !is_custom {
        if table.is_given() {
            let what = "is given, but format is not \"custom\"";
            let allowed = "[decode.custom] together with format = \"custom\"";
            table.document.refuse(table.spot_itself().problem(what, Some(allowed)));
        }
        table.forgive();
        return None;
    }
    let time = table.required("time", "a JSON pointer such as \"/ts\"", pointer);
    let path = table.required("path", "a JSON pointer such as \"/req/path\"", pointer);
    let mut or_none = |key| table.optional(key, pointer);
    let custom = CustomPointers {
        time: String::new(),
        path: String::new(),
        query: or_none("query"),
        method: or_none("method"),
        status: or_none("status"),
        bytes: or_none("bytes"),
        peer: or_none("peer"),
        user: or_none("user"),
        user_agent: or_none("user_agent"),
        forwarded: or_none("forwarded"),
        ja4: or_none("ja4"),
    };
    Some(CustomPointers { time: time?, path: path?, ..custom })
}

fn format(node: &Node<'_>) -> Option<Option<Format>> {
    let named = Format::ALL.iter().map(|format| (Some(*format), format.name()));
    let names: Vec<(Option<Format>, &str)> = [(None, "auto")].into_iter().chain(named).collect();
    one_of(&names)(node)
}

fn header(node: &Node<'_>) -> Option<String> {
    node.shape(|| json!({ "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" }))?;
    match node.value.as_str().filter(|it| is_header(it)) {
        Some(name) => Some(name.to_ascii_lowercase()),
        None => node.refuse("the name of a request header, such as \"user-agent\""),
    }
}

fn suffix(node: &Node<'_>) -> Option<String> {
    node.shape(|| json!({ "type": "string", "pattern": "^[^/]+$" }))?;
    match node.value.as_str().filter(|it| !it.is_empty() && !it.contains('/')) {
        Some(suffix) => Some(suffix.to_lowercase()),
        None => node.refuse("the end of a path, such as \".css\""),
    }
}
