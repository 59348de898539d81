//! Paths to templates: what stands at one place for many is a slot.
//!
//! Paths are taken apart segment by segment, all that begin alike together. Of what stands at one
//! place the ids (by their look, and there must be several) become one slot, and so do names of which
//! there are very many. What is left stays as it is written. Behind a person's slot a word is kept
//! only where several people have it: else it may be a name itself.

use super::look::{is_id, split};
use std::collections::{BTreeMap, BTreeSet};

/// Different values that make a slot of what looks like ids.
pub(super) const IDS_MIN: usize = 3;
/// Different values that make a slot of what looks like nothing.
const NAMES_MIN: usize = 12;
/// How often each of them stands there at most, on average.
const NAMES_EACH_MAX: usize = 20;
/// Letters of a name that stands in front of further ids at least: `en` and `v2` are none.
const NAME_MIN: usize = 3;
/// Words behind a slot that are routes of their own; more are a tail.
const WORDS_MAX: usize = 12;
/// Slots that a route can name: subject and record.
const SLOTS_MAX: usize = 2;
/// Deeper paths are cut.
const DEPTH_MAX: usize = 12;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// As it is written.
    Word(String),
    /// An id, and what stands behind it in the segment.
    Slot(String),
    /// Whatever follows.
    Tail,
}

/// A template and the rows on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) parts: Vec<Part>,
    pub(super) rows: Vec<usize>,
}

/// A path by its segments, and which row has it.
pub(super) type Path<'a> = (usize, Vec<&'a str>);

/// The templates of paths, those without a slot too.
pub(super) fn templates(paths: &[Path<'_>]) -> Vec<Template> {
    let mut found = Vec::new();
    let all: Vec<&Path<'_>> = paths.iter().collect();
    grow(&all, &mut Vec::new(), &mut found);
    found
}

fn grow(paths: &[&Path<'_>], parts: &mut Vec<Part>, found: &mut Vec<Template>) {
    let depth = parts.len();
    let slots = parts.iter().filter(|it| matches!(it, Part::Slot(_))).count();
    let (ended, longer): (Vec<&Path<'_>>, Vec<&Path<'_>>) =
        paths.iter().partition(|(_, it)| it.len() == depth);
    if !longer.is_empty() && (slots == SLOTS_MAX || depth == DEPTH_MAX) {
        return close(paths, parts, found);
    }
    add(&ended, parts.clone(), found);
    let mut by_value: BTreeMap<&str, Vec<&Path<'_>>> = BTreeMap::new();
    for path in longer {
        let value = path.1.get(depth).copied().unwrap_or_default();
        by_value.entry(value).or_default().push(path);
    }
    for (suffix, values) in slots_of(&by_value, depth) {
        let rows: Vec<&Path<'_>> =
            values.iter().filter_map(|it| by_value.remove(it)).flatten().collect();
        parts.push(Part::Slot(suffix));
        grow(&rows, parts, found);
        parts.pop();
    }
    if slots > 0 {
        let at = parts.iter().rposition(|it| matches!(it, Part::Slot(_))).unwrap_or_default();
        let is_shared = |paths: &[&Path<'_>]| {
            let people: BTreeSet<_> = paths.iter().map(|it| it.1.get(at)).collect();
            people.len() >= IDS_MIN
        };
        let rare = by_value.iter().filter(|it| !is_shared(it.1)).map(|it| *it.0);
        let mut tail: Vec<&str> = rare.collect();
        if by_value.len() - tail.len() > WORDS_MAX {
            tail = by_value.keys().copied().collect();
        }
        let rows: Vec<&Path<'_>> =
            tail.iter().filter_map(|it| by_value.remove(it)).flatten().collect();
        close(&rows, parts, found);
    }
    // One id or two are too few to tell a slot by, and no words of the site for all that.
    for (value, rows) in by_value {
        let slot = behind_id(value).map(|it| Part::Slot(it.to_owned()));
        parts.push(slot.unwrap_or_else(|| Part::Word(value.to_owned())));
        grow(&rows, parts, found);
        parts.pop();
    }
}

/// The rest of these paths is a tail.
fn close(paths: &[&Path<'_>], parts: &[Part], found: &mut Vec<Template>) {
    add(paths, [parts, &[Part::Tail]].concat(), found);
}

fn add(paths: &[&Path<'_>], parts: Vec<Part>, found: &mut Vec<Template>) {
    if !paths.is_empty() {
        found.push(Template { parts, rows: paths.iter().map(|it| it.0).collect() });
    }
}

/// The slots of one place: the ending behind the id, and the values that are of it.
fn slots_of<'a>(
    by_value: &BTreeMap<&'a str, Vec<&Path<'_>>>,
    depth: usize,
) -> Vec<(String, BTreeSet<&'a str>)> {
    let mut slots: BTreeMap<&str, BTreeSet<&'a str>> = BTreeMap::new();
    let mut words: BTreeSet<&'a str> = BTreeSet::new();
    for value in by_value.keys() {
        let alike = match behind_id(value) {
            Some(suffix) => slots.entry(suffix).or_default(),
            None => &mut words,
        };
        alike.insert(*value);
    }
    slots.retain(|_, values| values.len() >= IDS_MIN);
    // Among numbers a year is a number too.
    if let Some(ids) = slots.get_mut("") {
        let is_number = |it: &&&str| it.bytes().all(|it| it.is_ascii_digit());
        ids.extend(by_value.keys().filter(is_number).copied());
        words.retain(|it| !ids.contains(it));
    }
    let folders = if depth > 0 { folders(&words, by_value, depth) } else { BTreeSet::new() };
    // A page has an ending; a person's name that has one is told by what stands behind it.
    let mut names = words;
    names.retain(|it| !folders.contains(it) && split(it).1.is_empty());
    let rows = |it: &BTreeSet<&str>| -> usize {
        it.iter().filter_map(|it| by_value.get(it)).map(Vec::len).sum()
    };
    // What many ask for is a page, not a person.
    let all = rows(&names);
    names
        .retain(|it| by_value.get(it).is_some_and(|it| it.len() * NAMES_MIN <= all.max(NAMES_MIN)));
    let many = names.len() >= NAMES_MIN && rows(&names) <= names.len() * NAMES_EACH_MAX;
    if many && depth > 0 {
        slots.entry("").or_default().extend(names);
    }
    if !folders.is_empty() {
        slots.entry("").or_default().extend(folders);
    }
    slots.into_iter().map(|(suffix, values)| (suffix.to_owned(), values)).collect()
}

/// What stands behind the id in a segment that looks like one.
fn behind_id(value: &str) -> Option<&str> {
    let (stem, suffix) = split(value);
    is_id(stem).then_some(suffix).or_else(|| is_id(value).then_some(""))
}

/// Names that have the same word and then ids behind them, as folders of people or tenants have: few
/// or many, they are no words of the site.
fn folders<'a>(
    names: &BTreeSet<&'a str>,
    by_value: &BTreeMap<&'a str, Vec<&Path<'_>>>,
    depth: usize,
) -> BTreeSet<&'a str> {
    let mut alike: BTreeMap<&str, BTreeSet<&'a str>> = BTreeMap::new();
    for name in names.iter().filter(|it| it.len() >= NAME_MIN) {
        for (_, path) in by_value.get(name).into_iter().flatten() {
            if let [next, behind, ..] = path.get(depth + 1..).unwrap_or_default()
                && !is_id(next)
                && is_id(split(behind).0)
            {
                alike.entry(next).or_default().insert(*name);
            }
        }
    }
    alike.into_values().filter(|it| it.len() >= IDS_MIN).flatten().collect()
}

/// A template as the configuration writes it, with the names of its slots in their order.
pub(super) fn written(parts: &[Part], names: &[&str]) -> String {
    let mut names = names.iter();
    let mut text = String::new();
    for part in parts {
        text.push('/');
        match part {
            Part::Word(word) => text.push_str(word),
            Part::Slot(suffix) => {
                text.extend(["{", names.next().copied().unwrap_or("record"), "}", suffix]);
            }
            Part::Tail => text.push_str("{*}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[String]) -> Vec<String> {
        let split: Vec<Path<'_>> = paths
            .iter()
            .enumerate()
            .map(|(at, it)| (at, it.split('/').skip(1).collect()))
            .collect();
        let mut found: Vec<String> = templates(&split)
            .iter()
            .filter(|it| it.parts.iter().any(|it| matches!(it, Part::Slot(_))))
            .map(|it| written(&it.parts, &["subject", "record"]))
            .collect();
        found.sort();
        found
    }

    fn paths(make: impl Fn(usize) -> String) -> Vec<String> {
        (0..60).map(make).collect()
    }

    #[test]
    fn ids_are_a_slot_and_words_beside_them_stay() {
        let mut all = paths(|it| format!("/v2/people/{}", 4_000_000 + it));
        all.extend(paths(|_| "/v2/people/search".to_owned()));
        assert_eq!(found(&all), ["/v2/people/{subject}"]);
    }

    #[test]
    fn among_numbers_a_year_is_no_word() {
        let all = paths(|it| format!("/people/{}/visits/{it}", 1_960 + it * 10));
        assert_eq!(found(&all), ["/people/{subject}/visits/{record}"]);
    }

    #[test]
    fn a_record_is_what_stands_behind_a_subject() {
        let all = paths(|it| format!("/people/{}/visits/{it}/notes/a{it}", 9_000 + it / 2));
        assert_eq!(found(&all), ["/people/{subject}/visits/{record}/{*}"]);
    }

    #[test]
    fn the_ending_of_a_file_stays_beside_the_slot() {
        let all = paths(|it| format!("/scans/{}.pdf", 100 + it));
        assert_eq!(found(&all), ["/scans/{subject}.pdf"]);
    }

    #[test]
    fn many_names_are_a_slot_too() {
        let letter = |it: usize| char::from(b'a' + u8::try_from(it % 26).unwrap());
        let all = paths(|it| format!("/profiles/{}{}", letter(it), letter(it / 26 + 3)));
        assert_eq!(found(&all), ["/profiles/{subject}"]);
    }

    #[test]
    fn folders_of_people_are_a_slot_however_few_they_are() {
        let names = ["alice", "bob", "carol", "dave"];
        let all = paths(|it| format!("/users/{}/orders/{it}", names[it % 4]));
        assert_eq!(found(&all), ["/users/{subject}/orders/{record}"]);
        let all = paths(|it| format!("/v2/{}/{it}", ["people", "orders", "visits"][it % 3]));
        assert_eq!(
            found(&all),
            ["/v2/orders/{subject}", "/v2/people/{subject}", "/v2/visits/{subject}"]
        );
    }

    #[test]
    fn a_word_that_few_people_have_is_not_written_down() {
        let all = paths(|it| {
            let last = if it == 7 { "smith" } else { "photo" };
            format!("/people/{}/{last}", 1_000 + it)
        });
        assert_eq!(found(&all), ["/people/{subject}/photo", "/people/{subject}/{*}"]);
    }

    #[test]
    fn ids_are_no_words_however_few_they_are() {
        let all = paths(|it| format!("/people/{}/visits/{it}", ["71012345", "71020264"][it % 2]));
        assert!(found(&all).iter().all(|it| !it.contains("710")), "{:?}", found(&all));
        let names = ["anna.lee", "bob.ray", "cy.fox"];
        let all = paths(|it| format!("/users/{}/orders/{it}", names[it % 3]));
        assert_eq!(found(&all), ["/users/{subject}/orders/{record}"]);
    }

    #[test]
    fn pages_and_versions_are_no_slots() {
        let all = paths(|it| format!("/v{}/help/page", it % 3));
        assert_eq!(found(&all), [""; 0]);
    }
}
