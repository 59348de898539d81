//! `[clients]`: which keys a request carries, and whose word is taken for it.

use super::classes::{Classes, of_kind};
use super::document::{Node, Spot};
use super::field::Fields;
use super::shapes::{flag, list, network, one_of, text};
use super::table::Table;
use crate::attribute::{Field, KeyKind, KeySpec, shipped_crawlers, shipped_monitors};
use ipnet::IpNet;
use serde_json::json;

/// Client keys at most: each is looked for in every record.
pub const KEYS_MAX: usize = 64;

/// What `[clients]` says; what is wrong is noted and left out.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) crawlers: Vec<String>,
    pub(super) monitors: Vec<String>,
    pub(super) keys: Vec<KeySpec>,
    /// Where the class of each configured key stands.
    classes: Vec<Spot>,
    /// Where the lists stand, for problems that `attribute` finds.
    pub(super) spots: [Spot; 2],
}

pub(super) fn read(mut table: Table<'_>, fields: &Fields, classes: &Classes) -> Clients {
    let trusted_proxies = table.or("trusted_proxies", "[]", list("networks", network));
    let crawlers = table.or("crawlers", "\"shipped\"", |it| agents(it, shipped_crawlers()));
    let monitors = table.or("monitors", "\"shipped\"", |it| agents(it, shipped_monitors()));
    let spots = [table.spot("crawlers"), table.spot("monitors")];
    let (mut keys, mut class_spots): (Vec<KeySpec>, Vec<Spot>) = Default::default();
    for key in table.tables("keys") {
        if keys.len() == KEYS_MAX {
            let allowed = format!("{KEYS_MAX} client keys");
            table.document.refuse(key.spot_itself().problem("is one too many", Some(&allowed)));
        }
        let (spot, class) = (key.spot_itself(), key.spot("class"));
        let Some(key) = key_spec(key, fields, classes) else {
            continue;
        };
        let is_same = |it: &KeySpec| (it.kind, &it.field, &it.pattern) == same_of(&key);
        if keys.iter().any(is_same) {
            let what = "never counts: an earlier key has the same kind, field and pattern";
            table.document.refuse(spot.problem(what, None));
        }
        keys.push(key);
        class_spots.push(class);
    }
    let has_address = keys.iter().any(|key| key.kind == KeyKind::Address);
    keys.extend((!has_address).then(|| by_address(KeyKind::Address, Field::Address, classes)));
    let has_network = keys.iter().any(|key| key.kind == KeyKind::Network);
    let address = keys.iter().find(|key| key.kind == KeyKind::Address && !has_network);
    let network = address.map(|it| by_address(KeyKind::Network, it.field.clone(), classes));
    keys.extend(network);
    Clients {
        trusted_proxies: trusted_proxies.unwrap_or_default(),
        crawlers: crawlers.unwrap_or_default(),
        monitors: monitors.unwrap_or_default(),
        keys,
        classes: class_spots,
        spots,
    }
}

const fn same_of(key: &KeySpec) -> (KeyKind, &Field, &Option<String>) {
    (key.kind, &key.field, &key.pattern)
}

/// The keys that every request has: where none is configured, the address is judged all the same,
/// and the network that it stands in.
fn by_address(kind: KeyKind, field: Field, classes: &Classes) -> KeySpec {
    KeySpec {
        kind,
        field,
        pattern: None,
        class: classes.named(of_kind(kind)).unwrap_or_default(),
        hashed: false,
    }
}

fn key_spec(mut table: Table<'_>, fields: &Fields, classes: &Classes) -> Option<KeySpec> {
    let kinds = KeyKind::ALL.map(|kind| (kind, kind.name()));
    let allowed = kinds.map(|(_, name)| name).join(", ");
    let kind = table.required("kind", &allowed, one_of(&kinds));
    let read = |node: &Node<'_>| fields.read(node);
    let field = match kind {
        Some(KeyKind::Address | KeyKind::Network) => table.or("field", "\"address\"", read),
        _ => table.required("field", "where the key stands, such as \"user\"", read),
    };
    let pattern = table.optional("pattern", text);
    let class = match kind {
        Some(kind) => table.or("class", &format!("\"{}\"", of_kind(kind)), |it| classes.id(it)),
        None => table.optional("class", |it| classes.id(it)),
    };
    let hidden = matches!(kind, Some(KeyKind::Credential | KeyKind::Session));
    let hashed = table.or("hashed", if hidden { "true" } else { "false" }, flag);
    Some(KeySpec { kind: kind?, field: field?, pattern, class: class?, hashed: hashed? })
}

/// A list of parts of user agents: ours, none, or the operator's own.
fn agents(node: &Node<'_>, shipped: impl Iterator<Item = &'static str>) -> Option<Vec<String>> {
    node.shape_around(
        list("parts of user agents", text),
        |own| json!({ "anyOf": [{ "enum": ["shipped", "none"] }, own] }),
    )?;
    match node.value.as_str() {
        Some("shipped") => Some(shipped.map(str::to_owned).collect()),
        Some("none") => Some(Vec::new()),
        Some(_) => node.refuse_name(&["shipped", "none", "a list of parts of user agents"]),
        None => {
            let names = list("parts of user agents", text)(node)?;
            Some(names.into_iter().map(|it| it.to_lowercase()).collect())
        }
    }
}

/// Marks the classes of session keys, whose subjects count a session. A class cannot be both.
pub(super) fn settle_sessions(clients: &Clients, classes: &mut Classes, root: &Table<'_>) {
    for (index, class) in classes.0.iter_mut().enumerate() {
        let of_class = |key: &&KeySpec| usize::from(key.class.0) == index;
        let is_session = |key: &KeySpec| key.kind == KeyKind::Session;
        class.per_session |= clients.keys.iter().filter(of_class).any(is_session);
        let keys = clients.keys.iter().zip(&clients.classes).filter(|(key, _)| of_class(key));
        for (key, spot) in keys.filter(|(key, _)| class.per_session && !is_session(key)) {
            let what = format!(
                "is \"{}\", whose subjects count a session, for {} keys, which have none",
                class.name,
                key.kind.name()
            );
            root.document.refuse(spot.problem(what, Some("a class that no session key has")));
        }
    }
}
