//! Which client keys a request carries.
//!
//! Every present key is extracted, because each is judged for itself: a login behind a proxy, the
//! proxy's address, the network. Of several sources of one kind the first in the configuration
//! that gives a value counts.

use super::address::Address;
use super::crawlers::{Finder, Memo};
use super::field::Request;
use super::hash::Hashes;
use super::lookup::{ClassId, KEY_KINDS, KeyKind, NameRef};
use super::names::Writer;
use super::options::{Field, KeySpec};
use memchr::memmem;

/// The configured keys, in the order of trust.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    specs: Vec<(KeySpec, Option<Glob>)>,
    /// The classes of clients that say what they are.
    declared: Finder<ClassId>,
}

/// The keys of one request, as a lookup holds them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub(super) hashes: [u64; KEY_KINDS],
    pub(super) classes: [ClassId; KEY_KINDS],
    pub(super) names: NameRef,
}

/// Buffers for names that do not stand in the record as they are.
#[derive(Debug, Default)]
pub(super) struct NameScratch {
    value: Vec<u8>,
    name: Vec<u8>,
    agents: Memo<ClassId>,
}

impl Clients {
    pub(super) fn new(mut specs: Vec<KeySpec>, declared: Finder<ClassId>) -> Self {
        specs.sort_by_key(|it| it.kind);
        let specs = specs.into_iter().map(|spec| {
            let glob = spec.pattern.as_deref().map(Glob::new);
            (spec, glob)
        });
        Self { specs: specs.collect(), declared }
    }

    /// The keys of a request, their names appended to `arena`; `None` where it has none.
    pub(super) fn keys(
        &self,
        request: &Request<'_>,
        hashes: &Hashes,
        scratch: &mut NameScratch,
        arena: &mut Vec<u8>,
    ) -> Option<Keys> {
        let mut found = Keys {
            hashes: [0; KEY_KINDS],
            classes: [ClassId::default(); KEY_KINDS],
            names: NameRef::default(),
        };
        let mut names = Writer::new(arena);
        for (spec, glob) in &self.specs {
            let index = spec.kind.index();
            let (Some(hash), Some(class)) =
                (found.hashes.get_mut(index), found.classes.get_mut(index))
            else {
                continue;
            };
            if *hash != 0 {
                continue;
            }
            let Some(name) = name(spec, request, scratch) else {
                continue;
            };
            if glob.as_ref().is_some_and(|it| !it.matches(name)) {
                continue;
            }
            *hash = hashes.key(spec.kind, name);
            if spec.hashed {
                names.push(spec.kind, &hex(*hash));
            } else {
                names.push(spec.kind, name);
            }
            *class = self.class(spec, request, &mut scratch.agents);
        }
        found.names = names.finish()?;
        Some(found)
    }

    /// The class of a key; an address that says it is a bot is one, unless the configuration has
    /// singled these addresses out.
    fn class(&self, spec: &KeySpec, request: &Request<'_>, agents: &mut Memo<ClassId>) -> ClassId {
        let agent = request.record.user_agent.as_deref();
        match agent {
            Some(agent) if spec.kind == KeyKind::Address && spec.pattern.is_none() => {
                self.declared.recall(agent, agents).unwrap_or(spec.class)
            }
            _ => spec.class,
        }
    }
}

/// The name of the key that a request carries for this specification.
fn name<'a, 'r: 'a>(
    spec: &KeySpec,
    request: &Request<'r>,
    scratch: &'a mut NameScratch,
) -> Option<&'a [u8]> {
    let NameScratch { value, name, .. } = scratch;
    if !matches!(spec.kind, KeyKind::Address | KeyKind::Network) {
        return request.value(&spec.field, value);
    }
    let address = match &spec.field {
        Field::Address => request.address?,
        other => Address::of(request.value(other, value)?)?,
    };
    name.clear();
    if spec.kind == KeyKind::Address {
        address.write_address(name);
    } else if !address.write_network(name) {
        return None;
    }
    Some(name)
}

/// A hash as a name: 16 hexadecimal digits.
fn hex(hash: u64) -> [u8; 16] {
    let mut text = [b'0'; 16];
    for (place, digit) in text.iter_mut().rev().enumerate() {
        let [value, ..] = (hash >> (4 * place)).to_le_bytes();
        *digit = match value & 15 {
            value @ 0..=9 => b'0' + value,
            value => b'a' - 10 + value,
        };
    }
    text
}

/// A pattern in which `*` stands for any bytes, also none.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    first: Box<[u8]>,
    middle: Vec<memmem::Finder<'static>>,
    /// What stands behind the last `*`; without a `*` the value must be `first`.
    last: Option<Box<[u8]>>,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let mut parts = pattern.split('*').map(str::as_bytes);
        let first = parts.next().unwrap_or_default().into();
        let last = parts.next_back().map(Into::into);
        let middle = parts.map(|it| memmem::Finder::new(it).into_owned()).collect();
        Self { first, middle, last }
    }

    pub(super) fn matches(&self, value: &[u8]) -> bool {
        let Some(last) = &self.last else {
            return value == &*self.first;
        };
        let inside = value.strip_prefix(&*self.first).and_then(|it| it.strip_suffix(&**last));
        // The earliest place of each part leaves the most room for the next.
        let end = self.middle.iter().try_fold(inside, |rest, part| {
            let at = part.find(rest?)?;
            Some(rest?.get(at + part.needle().len()..))
        });
        end.flatten().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::address::Trusted;
    use crate::attribute::hash::HashKey;
    use crate::attribute::names;
    use crate::decode::AccessRecord;
    use std::borrow::Cow;

    const STAFF: ClassId = ClassId(3);
    const CRAWLER: ClassId = ClassId(9);

    fn spec(kind: KeyKind, field: Field) -> KeySpec {
        KeySpec { kind, field, pattern: None, class: ClassId(1), hashed: false }
    }

    fn clients(specs: &[KeySpec]) -> Clients {
        Clients::new(specs.to_vec(), Finder::new([("googlebot", CRAWLER)]))
    }

    fn text(value: &str) -> Option<Cow<'_, [u8]>> {
        Some(Cow::Borrowed(value.as_bytes()))
    }

    fn record<'a>(user: &'a str, peer: &'a str, agent: &'a str) -> AccessRecord<'a> {
        let (user, peer, user_agent) = (text(user), text(peer), text(agent));
        AccessRecord { user, peer, user_agent, ..AccessRecord::default() }
    }

    /// The keys and their names by kind.
    fn keys(clients: &Clients, record: &AccessRecord<'_>) -> Option<(Keys, Vec<Option<String>>)> {
        let (mut arena, mut scratch) = (b"before".to_vec(), NameScratch::default());
        let request = Request::of(record, &Trusted::default());
        let hashes = Hashes::new(HashKey::new([7; 16]));
        let keys = clients.keys(&request, &hashes, &mut scratch, &mut arena)?;
        let name = |kind| {
            let name = names::read(&arena, keys.names, kind)?;
            Some(String::from_utf8(name.to_vec()).unwrap())
        };
        Some((keys, KeyKind::ALL.map(name).to_vec()))
    }

    #[test]
    fn every_present_key_is_found_with_its_name() {
        let clients = clients(&[
            spec(KeyKind::Fingerprint, Field::UserAgent),
            spec(KeyKind::Network, Field::Address),
            spec(KeyKind::Address, Field::Address),
            spec(KeyKind::Staff, Field::User),
            spec(KeyKind::Credential, Field::Extra(0)),
        ]);
        let (keys, names) = keys(&clients, &record("anna", "192.0.2.77", "curl/8")).unwrap();
        let expected = [
            None,
            Some("anna"),
            None,
            None,
            None,
            Some("192.0.2.77"),
            Some("192.0.2.0/24"),
            None,
            Some("curl/8"),
        ];
        assert_eq!(names, expected.map(|it| it.map(str::to_owned)));
        assert_eq!(keys.hashes.map(|it| it != 0).to_vec(), expected.map(|it| it.is_some()));
    }

    #[test]
    fn of_one_kind_the_first_that_matches_counts() {
        let clinics = KeySpec {
            pattern: Some("clinic-*".into()),
            class: STAFF,
            ..spec(KeyKind::Staff, Field::User)
        };
        let clients = clients(&[
            clinics,
            KeySpec { pattern: Some("*".into()), ..spec(KeyKind::Staff, Field::User) },
        ]);
        let class = |user| keys(&clients, &record(user, "", "")).unwrap().0.classes[1];
        assert_eq!(class("clinic-17"), STAFF);
        assert_eq!(class("anna"), ClassId(1));
        assert!(keys(&clients, &record("", "192.0.2.1", "x")).is_none());
    }

    #[test]
    fn a_declared_crawler_is_one_unless_its_address_was_singled_out() {
        let agent = "Mozilla/5.0 (compatible; GoogleBot/2.1)";
        let class = |specs: &[KeySpec]| {
            keys(&clients(specs), &record("u", "192.0.2.1", agent)).unwrap().0.classes
        };
        let address = spec(KeyKind::Address, Field::Address);
        let ours = KeySpec { pattern: Some("192.0.2.*".into()), ..address.clone() };
        assert_eq!(class(std::slice::from_ref(&address))[5], CRAWLER);
        assert_eq!(class(&[ours])[5], ClassId(1));
        assert_eq!(class(&[spec(KeyKind::Staff, Field::User), address])[1], ClassId(1));
    }

    #[test]
    fn a_hashed_key_is_named_by_its_hash() {
        let hashed = KeySpec { hashed: true, ..spec(KeyKind::Session, Field::User) };
        let (keys, names) = keys(&clients(&[hashed]), &record("token", "", "")).unwrap();
        assert_eq!(names[4], Some(format!("{:016x}", keys.hashes[4])));
        assert_eq!(&hex(0x0123_4567_89AB_CDEF), b"0123456789abcdef");
    }

    #[test]
    fn addresses_from_other_fields_are_named_alike() {
        let from_user = clients(&[spec(KeyKind::Address, Field::User)]);
        let (keys_a, names) = keys(&from_user, &record("2001:DB8::1", "", "")).unwrap();
        let from_peer = clients(&[spec(KeyKind::Address, Field::Address)]);
        let (keys_b, _) = keys(&from_peer, &record("", "2001:db8::2", "")).unwrap();
        assert_eq!(names[5].as_deref(), Some("2001:db8::/64"));
        assert_eq!(keys_a.hashes[5], keys_b.hashes[5]);
    }

    #[test]
    fn globs_match_as_they_read() {
        for (pattern, yes, no) in [
            ("clinic-*", &["clinic-", "clinic-17"][..], &["clinic", "xclinic-1"][..]),
            ("*@x.org", &["@x.org", "a@x.org"], &["a@x.org.evil"]),
            ("a*b*c", &["abc", "aXbYc", "abbc"], &["ac", "acb", "abcd"]),
            ("ab*ba", &["abba", "abXba"], &["aba"]),
            ("*", &["", "x"], &[]),
            ("**", &["", "x"], &[]),
            ("plain", &["plain"], &["plai", "plainx", ""]),
            ("", &[""], &["x"]),
        ] {
            let glob = Glob::new(pattern);
            assert!(yes.iter().all(|it| glob.matches(it.as_bytes())), "{pattern}");
            assert!(!no.iter().any(|it| glob.matches(it.as_bytes())), "{pattern}");
        }
    }
}
