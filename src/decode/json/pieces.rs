//! Where the values of a batch begin and end, whatever its size.
//!
//! A batch holds more than a line does, so it is parted before anything of it is read as a line. Only quotes and brackets are looked at, in one pass without recursion; whether a piece
//! is right inside is for whoever decodes it to see. Nothing is dropped: what cannot be parted is the
//! last piece.

use std::iter::from_fn;

/// Where the value that begins here ends; `None` where it does not. A line feed inside of a string
/// ends it too: no encoder writes one, and behind it stands the next line of a batch.
pub(in super::super) fn end_of(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ if depth > 0 => {
                let rest = bytes.get(at..)?;
                at += rest.iter().position(|it| matches!(it, b'"' | b'{' | b'[' | b'}' | b']'))?;
            }
            _ => {
                let rest = bytes.get(at..)?;
                let ends = |it: &u8| matches!(it, b',' | b'}' | b']') || it.is_ascii_whitespace();
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                return (length > 0).then_some(at + length);
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Behind the quote that ends the string which begins here.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..)?)?;
        match bytes.get(at) {
            Some(b'"') => return Some(at + 1),
            Some(b'\\') => at += 2,
            _ => return None,
        }
    }
}

/// Whether this is the beginning of a JSON array of lines, and not of a text in brackets (Envoy's
/// time, Gin's name).
pub(in super::super) fn is_array(bytes: &[u8]) -> bool {
    let inside = bytes.strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
    matches!(inside.first(), Some(b'{' | b'[' | b'"' | b']'))
}

/// The values of an array; of one that is cut, what is left last.
pub(in super::super) fn values(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.strip_prefix(b"[").unwrap_or_default();
    from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.first().is_none_or(|it| *it == b']') {
            return None;
        }
        let end = end_of(rest, 0);
        let (value, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        let after = after.trim_ascii_start();
        rest = after.strip_prefix(b",").unwrap_or(match after.first() {
            Some(b']') | None => &[],
            // Neither a comma nor the end: what follows is a piece of its own.
            Some(_) => after,
        });
        Some(value)
    })
}

/// The keys of an object as they are written, and its values.
pub(in super::super) fn members(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes.strip_prefix(b"{").unwrap_or_default();
    from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.first() != Some(&b'"') {
            return None;
        }
        let end = string_end(rest, 0)?;
        let key = rest.get(1..end - 1)?;
        rest = rest.get(end..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        // Of a value that is cut there is the rest.
        let (value, after) = rest.split_at_checked(end_of(rest, 0).unwrap_or(rest.len()))?;
        rest = after.trim_ascii_start().strip_prefix(b",").unwrap_or_default();
        Some((key, value))
    })
}

/// Values without an end that are looked for: each search may go to the end of the text. Behind so
/// many a value ends with its line; what then is no line is refused and counted.
const ENDLESS_MAX: usize = 64;

/// The values that stand behind each other, with line feeds between them: objects, or lines of text.
/// What is no whole object ends where its line does.
pub(in super::super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut endless) = (bytes, 0);
    from_fn(move || {
        rest = rest.trim_ascii_start();
        let is_json = *rest.first()? == b'{' || is_array(rest);
        let end = if is_json && endless < ENDLESS_MAX { end_of(rest, 0) } else { None };
        endless += usize::from(is_json && end.is_none());
        let end = end.or_else(|| memchr::memchr(b'\n', rest)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(piece.trim_ascii_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<&'a str> {
        pieces.map(|it| str::from_utf8(it).unwrap()).collect()
    }

    #[test]
    fn an_array_has_its_values_and_a_cut_one_its_rest() {
        for (array, expected) in [
            ("[]", &[] as &[&str]),
            (r#"[ {"a":"]}\""} , 1,"x,y",[2] ]"#, &[r#"{"a":"]}\""}"#, "1", r#""x,y""#, "[2]"]),
            (r#"[{"a":1},{"b":"#, &[r#"{"a":1}"#, r#"{"b":"#]),
            (r#"[{"a":1}"#, &[r#"{"a":1}"#]),
            (r#"[{"a":1} {"b":2}]"#, &[r#"{"a":1}"#, r#"{"b":2}"#]),
            (r#"[{"a":1},,{"b":2}]"#, &[r#"{"a":1}"#, r#",{"b":2}]"#]),
        ] {
            assert_eq!(shown(values(array.as_bytes())), expected, "{array}");
        }
    }

    #[test]
    fn an_object_has_its_members() {
        let object = br#"{"a" : {"b":"}"}, "c":"d","e":[1"#;
        let found: Vec<_> =
            members(object).map(|(key, value)| shown([key, value].into_iter())).collect();
        assert_eq!(found, [["a", r#"{"b":"}"}"#], ["c", r#""d""#], ["e", "[1"]]);
    }

    #[test]
    fn lines_are_objects_or_end_with_their_line() {
        let text = "{\"a\":\n1}\n{\"b\":2}{\"c\":3}\n{\"cut\":\"x\n{\"d\":4}\r\ntext here\n\nmore";
        assert_eq!(
            shown(lines(text.as_bytes())),
            [
                "{\"a\":\n1}",
                "{\"b\":2}",
                "{\"c\":3}",
                "{\"cut\":\"x",
                "{\"d\":4}",
                "text here",
                "more"
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]

        #[test]
        fn pieces_of_any_bytes_are_parts_of_them_in_order(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b','),
                    Just(b':'), Just(b'\\'), Just(b'\n'), Just(b' '), any::<u8>()], 0..120),
        ) {
            let array = [b"[", &bytes[..]].concat();
            let object = [b"{", &bytes[..]].concat();
            let all = [
                values(&array).map(<[u8]>::len).sum::<usize>(),
                members(&object).map(|it| it.0.len() + it.1.len()).sum(),
                lines(&bytes).map(<[u8]>::len).sum(),
            ];
            prop_assert!(all.iter().all(|it| *it <= bytes.len()), "{:?}", all);
            let kept = lines(&bytes).flatten().filter(|it| !it.is_ascii_whitespace()).count();
            prop_assert_eq!(kept, bytes.iter().filter(|it| !it.is_ascii_whitespace()).count());
        }
    }
}
