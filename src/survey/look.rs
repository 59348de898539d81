//! What an id looks like: what stands in a path for one of many.

use crate::attribute::Codec;

/// Letters behind the last dot of a file's name at most.
const SUFFIX_MAX: usize = 5;
/// From this length on hexadecimal digits are no word.
const HEX_MIN: usize = 8;
/// From this length on letters and digits mixed are no name of a page.
const TOKEN_MIN: usize = 20;
/// Digits that an id of letters and digits has at least: `v2` and `oauth2` have one.
const DIGITS_MIN: usize = 3;

/// A name without its ending, and the ending with its dot.
pub(super) fn split(text: &str) -> (&str, &str) {
    // What follows the dot of a mail address is no file's ending.
    let dot = text.rfind('.').filter(|it| *it > 0 && !text.contains('@'));
    let Some(at) = dot else { return (text, "") };
    let Some((stem, suffix)) = text.split_at_checked(at) else { return (text, "") };
    let ending = suffix.trim_start_matches('.');
    let is_ending = (1..=SUFFIX_MAX).contains(&ending.len())
        && ending.starts_with(|it: char| it.is_ascii_alphabetic())
        && ending.bytes().all(|it| it.is_ascii_alphanumeric());
    if is_ending { (stem, suffix) } else { (text, "") }
}

/// Whether a text looks like an id.
pub(super) fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.:+@~".contains(&it);
    if text.is_empty() || !text.bytes().all(plain) || is_date(text) || is_year(text) {
        return false;
    }
    let all_digits = digits == text.len();
    let hex = text.len() >= HEX_MIN && digits > 0 && text.bytes().all(|it| it.is_ascii_hexdigit());
    all_digits
        || hex
        || is_uuid(text)
        || Codec::Ulid.position(text.as_bytes()).ordinal().is_some()
        || text.contains('@')
        || digits >= DIGITS_MIN
        || text.len() >= TOKEN_MIN && digits > 0
}

/// A calendar's year is a folder, not a person.
fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse::<u16>().is_ok_and(|it| (1900..=2099).contains(&it))
}

/// A day as folders and reports have it.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|it| it.len()).collect();
    let digits = parts.iter().all(|it| it.bytes().all(|it| it.is_ascii_digit()));
    digits
        && (lengths == [4, 2, 2] || lengths == [4, 2])
        && parts.first().is_some_and(|it| is_year(it))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_uuids_ulids_hashes_and_case_numbers_are_ids() {
        for id in [
            "7",
            "0012345678",
            "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "5f2a91bc",
            "AB1234567",
            "CASE-2024-0001",
            "+989121234567",
            "someone@example.org",
            "dGhpcyBpcyBhbiBpZA0xQQ",
        ] {
            assert!(is_id(id), "{id}");
        }
    }

    #[test]
    fn words_versions_years_and_days_are_none() {
        for word in
            ["", "people", "v2", "oauth2", "2024", "2024-11-21", "deadbeef", "a b1234", "{id}"]
        {
            assert!(!is_id(word), "{word}");
        }
    }

    #[test]
    fn the_ending_of_a_file_is_told_from_its_name() {
        for (text, parts) in [
            ("17.pdf", ("17", ".pdf")),
            ("a.b.html", ("a.b", ".html")),
            ("1.5", ("1.5", "")),
            (".css", (".css", "")),
            ("plain", ("plain", "")),
        ] {
            assert_eq!(split(text), parts, "{text}");
        }
    }
}
