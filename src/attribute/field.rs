//! Values of a request, wherever a client key or a subject is found.

use super::address::{Address, Trusted};
use super::options::Field;
use super::path::Target;
use crate::decode::AccessRecord;
use memchr::{memchr, memchr2};
use percent_encoding::percent_decode;

/// A request, read as far as every key of it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'r> {
    pub(super) record: &'r AccessRecord<'r>,
    pub(super) target: Target<'r>,
    /// The client's address behind trusted proxies.
    pub(super) address: Option<Address<'r>>,
}

impl<'r> Request<'r> {
    pub(super) fn of(record: &'r AccessRecord<'r>, trusted: &Trusted) -> Self {
        let (peer, forwarded) = (record.peer.as_deref(), record.forwarded.as_deref());
        let address = Address::of_client(peer, forwarded, trusted);
        Self { record, target: Target::of(&record.target), address }
    }

    /// The value of a field, written to `buffer` where it does not stand in the record as it is.
    /// Empty is absent.
    pub(super) fn value<'a>(&self, field: &Field, buffer: &'a mut Vec<u8>) -> Option<&'a [u8]>
    where
        'r: 'a,
    {
        let value = match field {
            Field::User => self.record.user.as_deref(),
            Field::Peer => self.record.peer.as_deref(),
            Field::UserAgent => self.record.user_agent.as_deref(),
            Field::Ja4 => self.record.ja4.as_deref(),
            Field::Capture(index) => self.record.captures.get(*index).map(AsRef::as_ref),
            Field::Extra(index) => self.record.extras.get(*index),
            Field::Query(name) => parameter(self.target.query, name.as_bytes(), buffer),
            Field::Address => self.address.map(|address| {
                buffer.clear();
                address.write_address(buffer);
                buffer.as_slice()
            }),
        };
        value.filter(|it| !it.is_empty())
    }
}

/// The first parameter of this name in a query, decoded as a form is; its name may be encoded too.
fn parameter<'a>(query: &'a [u8], name: &[u8], buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let value = query.split(|byte| *byte == b'&').find_map(|pair| {
        let end = memchr(b'=', pair).unwrap_or(pair.len());
        let (key, value) = pair.split_at_checked(end)?;
        let same = key == name || (is_encoded(key) && decoded(key).eq(name.iter().copied()));
        same.then(|| value.strip_prefix(b"=").unwrap_or_default())
    })?;
    if !is_encoded(value) {
        return Some(value);
    }
    buffer.clear();
    buffer.extend(decoded(value));
    Some(buffer)
}

fn is_encoded(text: &[u8]) -> bool {
    memchr2(b'%', b'+', text).is_some()
}

/// The bytes of a form's name or value. A `+` is a space before decoding, `%2B` a plus: so a run
/// between plus signs is decoded for itself.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    text.split(|byte| *byte == b'+').enumerate().flat_map(|(place, run)| {
        let space = (place > 0).then_some(b' ');
        space.into_iter().chain(percent_decode(run))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Extras;
    use std::borrow::Cow;

    fn of_query<'a>(query: &'a str, name: &str, buffer: &'a mut Vec<u8>) -> Option<&'a str> {
        parameter(query.as_bytes(), name.as_bytes(), buffer).map(|it| str::from_utf8(it).unwrap())
    }

    #[test]
    fn the_first_parameter_of_a_name_is_decoded_as_a_form_is() {
        for (query, value) in [
            ("mobile=98912", Some("98912")),
            ("a=1&mobile=98912&mobile=2", Some("98912")),
            ("a=mobile&mobile=%2B98+91%32", Some("+98 912")),
            ("mob%69le=7", Some("7")),
            ("xmobile=1&mobilex=2", None),
            ("mobile", Some("")),
            ("mobile=", Some("")),
            ("mobile=a=b", Some("a=b")),
            ("mobile=100%", Some("100%")),
            ("", None),
        ] {
            assert_eq!(of_query(query, "mobile", &mut Vec::new()), value, "{query}");
        }
    }

    #[test]
    fn each_field_is_read_from_its_place_and_empty_is_absent() {
        let bytes = |text: &'static str| Some(Cow::Borrowed(text.as_bytes()));
        let mut extras = Extras::default();
        extras.set(2, Cow::Borrowed(b"extra"));
        let record = AccessRecord {
            target: Cow::Borrowed(b"/a?q=query"),
            peer: bytes("10.0.0.1"),
            user: bytes("user"),
            user_agent: bytes(""),
            forwarded: bytes("192.0.2.1"),
            ja4: bytes("ja4"),
            captures: vec![Cow::Borrowed(b""), Cow::Borrowed(b"capture")],
            extras,
            ..AccessRecord::default()
        };
        let request = Request::of(&record, &Trusted::new(&["10.0.0.0/8".parse().unwrap()]));
        for (field, value) in [
            (Field::User, Some("user")),
            (Field::Peer, Some("10.0.0.1")),
            (Field::Address, Some("192.0.2.1")),
            (Field::UserAgent, None),
            (Field::Ja4, Some("ja4")),
            (Field::Capture(0), None),
            (Field::Capture(1), Some("capture")),
            (Field::Capture(2), None),
            (Field::Query("q".into()), Some("query")),
            (Field::Query("r".into()), None),
            (Field::Extra(2), Some("extra")),
            (Field::Extra(99), None),
        ] {
            let mut buffer = Vec::new();
            assert_eq!(request.value(&field, &mut buffer), value.map(str::as_bytes), "{field:?}");
        }
    }
}
