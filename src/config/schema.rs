//! The JSON Schema (draft 2020-12) of the configuration, made of what the reader asks for.
//!
//! Keys, defaults, types, names and limits are the reader's own words (`Document::describe`), and
//! the descriptions are the reference's comments, so neither can go stale. What is written here is
//! only what hangs on more than one key ([`rules`]), and even that not whole: a schema is a first
//! look while one types, and `darban check` has the last word. So the schema refuses nothing that
//! the reader takes, but for the names of SASL mechanisms, which the reader knows in any case.

use super::clients::KEYS_MAX;
use super::document::Accepted;
use super::receivers::{READERS_MAX, RECEIVERS_MAX};
use super::reference;
use super::shapes::{NAME_PATTERN, with};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The schema of what was asked for while `text` was read.
pub(super) fn of(asked: &[Accepted], text: &str) -> Value {
    let (root, words) = (Branch::of(asked), reference::words());
    let types = receiver_types(text);
    let schema = Schema { words, types }.table(&root, "");
    let mut schema = with(schema, "title", json!("The configuration of darban"));
    schema = with(schema, "$schema", json!("https://json-schema.org/draft/2020-12/schema"));
    for (place, rule) in rules() {
        let Some(Value::Object(at)) = schema.pointer_mut(place) else { continue };
        let Value::Object(rule) = rule else { continue };
        at.extend(rule);
    }
    for key in ["class", "hashed"] {
        let place = format!("/properties/clients/properties/keys/items/properties/{key}");
        if let Some(Value::Object(shape)) = schema.pointer_mut(&place) {
            // It is another for each kind of key.
            shape.remove("default");
        }
    }
    schema
}

/// The types of the receivers in a text, in its order.
fn receiver_types(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_default();
    let receivers = table.get("receivers").and_then(toml::Value::as_array);
    let of = |it: &toml::Value| it.get("type").and_then(toml::Value::as_str).map(str::to_owned);
    receivers.into_iter().flatten().map(|it| of(it).unwrap_or_default()).collect()
}

/// The keys as a tree; an element of a list is a branch of its own, `routes[0]`.
#[derive(Debug, Default)]
struct Branch<'a> {
    key: Option<&'a Accepted>,
    inner: BTreeMap<&'a str, Branch<'a>>,
}

impl<'a> Branch<'a> {
    fn of(asked: &'a [Accepted]) -> Self {
        let mut root = Self::default();
        for key in asked {
            let mut branch = &mut root;
            for part in key.path.split('.') {
                branch = branch.inner.entry(part).or_default();
            }
            branch.key = Some(key);
        }
        root
    }
}

/// What a tree is turned into a schema with.
#[derive(Debug)]
struct Schema {
    words: BTreeMap<String, String>,
    types: Vec<String>,
}

impl Schema {
    /// A table that stands at `path`.
    fn table(&self, branch: &Branch<'_>, path: &str) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (part, inner) in &branch.inner {
            let (name, place) = part.split_once('[').unwrap_or((part, ""));
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{name}");
            if inner.key.is_some_and(|key| key.required) {
                required.push(json!(name));
            }
            let schema = match (inner.key, name, place) {
                (Some(key), ..) => self.key(key, &path),
                (None, "receivers", "0]") => self.receivers(branch),
                (None, "classes", _) => self.classes(inner),
                (None, _, "") => self.table(inner, &path),
                // All elements are asked for the same keys.
                (None, _, "0]") => json!({ "type": "array", "items": self.table(inner, &path) }),
                (None, ..) => continue,
            };
            properties.insert(name.to_owned(), schema);
        }
        let table = json!({ "type": "object", "properties": properties,
            "additionalProperties": false });
        let table =
            if required.is_empty() { table } else { with(table, "required", json!(required)) };
        self.described(table, path)
    }

    fn key(&self, key: &Accepted, path: &str) -> Value {
        let default: Option<toml::Table> =
            key.default.as_ref().and_then(|it| format!("it = {it}").parse().ok());
        let default = default.and_then(|it| serde_json::to_value(it.get("it")).ok());
        let shape =
            default.into_iter().fold(key.shape.clone(), |it, value| with(it, "default", value));
        self.described(shape, path)
    }

    fn described(&self, shape: Value, path: &str) -> Value {
        let words = self.words.get(path).or_else(|| {
            let (table, key) = path.rsplit_once('.')?;
            table.starts_with("classes.").then(|| self.words.get(&format!("classes.*.{key}")))?
        });
        words.into_iter().fold(shape, |it, words| with(it, "description", json!(words)))
    }

    /// A receiver is one of its types, each with keys of its own.
    fn receivers(&self, root: &Branch<'_>) -> Value {
        let mut kinds: BTreeMap<&str, Value> = BTreeMap::new();
        for (index, kind) in self.types.iter().enumerate() {
            let Some(branch) = root.inner.get(format!("receivers[{index}]").as_str()) else {
                continue;
            };
            let path = format!("receivers.{kind}");
            let mut table = self.table(branch, &path);
            if let Some(it) = table.pointer_mut("/properties/type") {
                *it = json!({ "const": kind });
            }
            kinds.entry(kind).or_insert(table);
        }
        for (kind, rule) in receiver_rules() {
            if let (Some(Value::Object(at)), Value::Object(rule)) = (kinds.get_mut(kind), rule) {
                at.extend(rule);
            }
        }
        for kind in ["pagerduty", "jsm"] {
            let severity =
                kinds.get_mut(kind).and_then(|it| it.pointer_mut("/properties/severity/items"));
            severity.into_iter().for_each(|it| *it = json!({ "const": "page" }));
        }
        let to = kinds.get_mut("email").and_then(|it| it.pointer_mut("/properties/to/maxItems"));
        to.into_iter().for_each(|it| *it = json!(READERS_MAX));
        let kinds: Vec<Value> = kinds.into_values().collect();
        json!({ "type": "array", "maxItems": RECEIVERS_MAX, "items": { "oneOf": kinds } })
    }

    /// The classes that are always there have defaults of their own; another has to say `subjects`.
    fn classes(&self, branch: &Branch<'_>) -> Value {
        let mut classes: BTreeMap<&str, Value> = BTreeMap::new();
        for (name, class) in &branch.inner {
            classes.insert(name, self.table(class, &format!("classes.{name}")));
        }
        // Of a class without a level for registers its own level is the default there.
        let register = classes.values().find_map(|it| it.pointer("/properties/register")).cloned();
        let register = register.map(|it| without_defaults(&it)).unwrap_or_default();
        for class in classes.values_mut() {
            if let Some(Value::Object(keys)) = class.pointer_mut("/properties") {
                keys.entry("register").or_insert_with(|| register.clone());
            }
        }
        let own = classes.keys().copied().find(|it| !super::classes::is_built_in(it));
        let own = own.and_then(|name| classes.remove(name)).unwrap_or_default();
        let own = with(own, "required", json!(["subjects"]));
        json!({ "type": "object", "properties": classes, "additionalProperties": own,
            "propertyNames": { "pattern": NAME_PATTERN } })
    }
}

fn without_defaults(shape: &Value) -> Value {
    match shape {
        Value::Object(words) => {
            let kept = words.iter().filter(|(key, _)| *key != "default");
            kept.map(|(key, inner)| (key.clone(), without_defaults(inner))).collect()
        }
        other => other.clone(),
    }
}

/// What hangs on more than one key: places in the schema, and what is said there besides.
fn rules() -> [(&'static str, Value); 6] {
    let is = |key: &str, names: &[&str]| json!({ "properties": { key: { "enum": names } }, "required": [key] });
    let none = |keys: &[&str]| {
        let never = keys.iter().map(|key| ((*key).to_owned(), json!(false)));
        json!({ "properties": Value::Object(never.collect()) })
    };
    let with_sasl = json!({ "required": ["username", "password_file"] });
    [
        ("", json!({ "required": ["routes"] })),
        (
            "/properties/decode",
            json!({ "if": is("format", &["custom"]), "then": { "required": ["custom"] },
                "else": none(&["custom"]) }),
        ),
        ("/properties/clients/properties/keys", json!({ "maxItems": KEYS_MAX })),
        (
            "/properties/clients/properties/keys/items",
            // An address stands in every record; of the others somebody has to say where.
            json!({ "required": ["kind"], "if": is("kind", &["address", "network"]),
                "else": { "required": ["field"] } }),
        ),
        (
            "/properties/source/properties/security",
            json!({
                "dependentRequired": { "cert_file": ["key_file"], "key_file": ["cert_file"] },
                "allOf": [
                    { "if": is("protocol", &["tls", "sasl_tls"]),
                        "else": none(&["ca_file", "cert_file", "key_file"]) },
                    { "if": is("protocol", &["sasl_tls", "sasl_plaintext"]), "then": with_sasl,
                        "else": none(&["mechanism", "username", "password_file"]) },
                    { "if": is("mechanism", &["OAUTHBEARER"]), "then": { "required": ["token_url"] },
                        "else": none(&["token_url", "scope"]) },
                ],
            }),
        ),
        (
            "/properties/routes/items",
            json!({ "dependentRequired": { "empty_value": ["empty_field"] } }),
        ),
    ]
}

/// The same by type of receiver.
fn receiver_rules() -> [(&'static str, Value); 2] {
    let login = json!({ "username": ["password_file"], "password_file": ["username"] });
    [
        ("alertmanager", json!({ "oneOf": [{ "required": ["url"] }, { "required": ["urls"] }] })),
        ("email", json!({ "dependentRequired": login })),
    ]
}
