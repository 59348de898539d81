//! Who asks, as far as a sample tells: which keys there are, and which proxies stand in front.

use super::sample::{Row, attributor, hash};
use crate::attribute::{Field, KeyKind, KeySpec, Options, net_of};
use crate::decode::{AccessRecord, Format};
use ipnet::IpNet;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Networks that are in nobody's public address space.
const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];
/// Proxies by their /24; of more networks the private block that they are in is named.
const PROXY_NETS_MAX: usize = 8;
/// `X-Forwarded-For` in fewer lines, of a hundred, is something that clients write.
const FORWARDED_PERCENT_MIN: usize = 5;
/// A proxy is in at least so many of a hundred lines with `X-Forwarded-For`.
const PROXY_PERCENT_MIN: usize = 2;
/// A key is in at least so many of a hundred lines.
const KEY_PERCENT_MIN: usize = 5;
/// Keys beside the user at most: the decoder has room for eight values beside its own.
const KEYS_MAX: usize = 4;

/// A client key that lines carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its kind.
    pub kind: KeyKind,
    /// Its field, as the configuration names it.
    pub field: String,
    /// In how many lines it stands.
    pub records: usize,
    /// How many different ones there are.
    pub different: usize,
}

/// Everything about clients.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    pub(super) keys: Vec<Key>,
    /// Proxies whose `X-Forwarded-For` is to be believed.
    pub(super) proxies: Vec<IpNet>,
    /// Those that are believed already.
    pub(super) trusted: Vec<IpNet>,
    /// By row: its finest key.
    pub(super) finest: Vec<Option<(KeyKind, u64)>>,
    /// By row: its address, through these proxies.
    pub(super) addresses: Vec<Option<u64>>,
}

pub(super) fn clients(rows: &[Row], trusted: Option<&[IpNet]>) -> Clients {
    let guessed = proxies(rows);
    let keys = keys(rows);
    let believed = trusted.unwrap_or(&guessed);
    let addresses = addresses(rows, believed);
    let finest = rows
        .iter()
        .zip(&addresses)
        .map(|(row, address)| {
            let of_key = keys.iter().find_map(|it| Some((it.kind, value(row, &it.field)?)));
            of_key.or_else(|| Some((KeyKind::Address, (*address)?)))
        })
        .collect();
    let trusted = trusted.unwrap_or_default().to_vec();
    Clients { keys, proxies: guessed, trusted, finest, addresses }
}

/// The hash of a row's key.
fn value(row: &Row, field: &str) -> Option<u64> {
    match field.split_once(':') {
        None => row.user,
        Some(("capture", index)) => {
            let value = row.captures.get(index.parse::<usize>().ok()?)?;
            (!value.is_empty()).then(|| hash(value.as_bytes()))
        }
        Some((_, pointer)) => row.pointed.iter().find(|it| it.pointer == pointer).map(|it| it.hash),
    }
}

fn keys(rows: &[Row]) -> Vec<Key> {
    // Names of headers are the clients' own, so there may be as many as lines.
    let mut candidates: BTreeMap<(KeyKind, String), usize> = BTreeMap::new();
    let mut count = |kind, field| *candidates.entry((kind, field)).or_default() += 1;
    let user = rows.iter().find(|it| it.user.is_some()).map(|it| kind_of_user(it.format));
    for row in rows {
        user.iter().filter(|_| row.user.is_some()).for_each(|it| count(*it, "user".to_owned()));
        row.pointed.iter().for_each(|it| count(it.kind, format!("json:{}", it.pointer)));
        for (at, value) in row.captures.iter().enumerate() {
            let is_key =
                !value.is_empty() && net_of(value).is_none() && !value.contains(['/', ' ', ',']);
            if is_key {
                count(KeyKind::Credential, format!("capture:{at}"));
            }
        }
    }
    candidates.retain(|_, count| *count * 100 >= rows.len() * KEY_PERCENT_MIN);
    let mut keys: Vec<Key> = Vec::new();
    let mut seen: BTreeSet<Vec<Option<u64>>> = BTreeSet::new();
    for (kind, field) in candidates.into_keys() {
        if keys.len() > KEYS_MAX {
            break;
        }
        let values: Vec<Option<u64>> = rows.iter().map(|it| value(it, &field)).collect();
        let records = values.iter().flatten().count();
        let different: BTreeSet<u64> = values.iter().flatten().copied().collect();
        // What a proxy captured and is always the same is a host's name or a type, nobody's key.
        let is_nobody = field.starts_with("capture:") && different.len() < 2;
        // Two names of one value are one key.
        if !is_nobody && seen.insert(values) {
            keys.push(Key { kind, field, records, different: different.len() });
        }
    }
    keys.sort_by_key(|it| (it.kind.index(), it.field.clone()));
    keys
}

/// What a format's user is.
fn kind_of_user(format: Format) -> KeyKind {
    match format {
        Format::Kong | Format::Apisix | Format::AzureApim => KeyKind::Partner,
        Format::Tyk | Format::AwsApiGateway => KeyKind::Credential,
        _ => KeyKind::Staff,
    }
}

/// The private block that an address is in.
fn block(of: &IpNet) -> Option<IpNet> {
    PRIVATE.iter().filter_map(|it| it.parse().ok()).find(|it: &IpNet| it.contains(of))
}

pub(super) fn is_private(of: &IpNet) -> bool {
    block(of).is_some()
}

/// The proxies of a row, from the nearest on: the peer, and further ones that are private and have
/// somebody in front of them.
fn hops(row: &Row) -> Vec<IpNet> {
    let Some(forwarded) = &row.forwarded else { return Vec::new() };
    let mut chain: Vec<&str> = forwarded.split(',').collect();
    chain.extend(row.peer.as_deref());
    let behind = chain.split_first().map(|it| it.1).unwrap_or_default();
    let nets = behind.iter().rev().map_while(|it| net_of(it));
    nets.take_while(is_private).collect()
}

fn proxies(rows: &[Row]) -> Vec<IpNet> {
    let forwarded = rows.iter().filter(|it| it.forwarded.is_some()).count();
    if forwarded * 100 < rows.len() * FORWARDED_PERCENT_MIN {
        return Vec::new();
    }
    let mut nets: BTreeMap<IpNet, usize> = BTreeMap::new();
    for hop in rows.iter().flat_map(hops) {
        let wide = if hop.prefix_len() == 32 { 24 } else { 64 };
        let wider = IpNet::new(hop.addr(), wide).map_or(hop, |it| it.trunc());
        *nets.entry(wider).or_default() += 1;
    }
    nets.retain(|_, count| *count * 100 >= forwarded * PROXY_PERCENT_MIN);
    if nets.len() <= PROXY_NETS_MAX {
        return nets.into_keys().collect();
    }
    let blocks: BTreeSet<IpNet> = nets.keys().filter_map(block).collect();
    blocks.into_iter().collect()
}

/// By row: the address of the client, as attribution finds it.
fn addresses(rows: &[Row], trusted: &[IpNet]) -> Vec<Option<u64>> {
    let address = KeySpec {
        kind: KeyKind::Address,
        field: Field::Address,
        pattern: None,
        class: crate::attribute::ClassId::default(),
        hashed: false,
    };
    let options =
        Options { keys: vec![address], trusted_proxies: trusted.to_vec(), ..Options::default() };
    let Some(attributor) = attributor(options) else { return vec![None; rows.len()] };
    let of = |row: &Row| {
        let record = AccessRecord {
            peer: row.peer.as_deref().map(|it| Cow::Borrowed(it.as_bytes())),
            forwarded: row.forwarded.as_deref().map(|it| Cow::Borrowed(it.as_bytes())),
            ..AccessRecord::default()
        };
        attributor.explain(&record).keys.first().map(|it| hash(it.1.as_bytes()))
    };
    rows.iter().map(of).collect()
}
