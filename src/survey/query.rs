//! Subjects that stand in a query.

use super::look::is_id;
use super::templates::IDS_MIN;
use std::collections::{BTreeMap, BTreeSet};

/// Parameters of one path that are looked at.
const NAMES_MAX: usize = 64;
/// Longest name of a parameter.
const NAME_BYTES_MAX: usize = 48;
/// What numbers pages.
const PAGES: &[&str] =
    &["page", "pages", "offset", "start", "from", "cursor", "skip", "after", "pagenumber"];
/// What is different in every request and means nobody.
const NOBODY: &[&str] = &[
    "_",
    "t",
    "ts",
    "time",
    "timestamp",
    "nonce",
    "sig",
    "signature",
    "token",
    "access_token",
    "api_key",
    "apikey",
    "key",
    "limit",
    "size",
    "per_page",
    "pagesize",
    "v",
    "version",
    "width",
    "height",
    "lat",
    "lon",
    "lng",
    "zoom",
    "callback",
    "state",
    "code",
    "date",
    "to",
    "until",
    "since",
    "session",
    "sid",
    "jsessionid",
    "count",
    "rows",
    "sort",
    "order",
];

/// A parameter that holds the subject.
pub(super) struct InQuery {
    pub(super) name: String,
    pub(super) is_page: bool,
    /// The rows that have it, with its value.
    pub(super) values: Vec<(usize, String)>,
}

/// Whether a word numbers pages.
pub(super) fn is_page(word: &str) -> bool {
    PAGES.contains(&word.to_ascii_lowercase().as_str())
}

/// The parameter of these queries that holds the subject: the one with the most different ids, and
/// where there is none the one that numbers pages.
pub(super) fn subject(queries: Vec<(usize, &str)>) -> Option<InQuery> {
    let frequent = frequent(&queries);
    let mut by_name: BTreeMap<&str, Vec<(usize, String)>> = BTreeMap::new();
    for (row, query) in queries {
        for (name, value) in parameters(query).filter(|it| frequent.contains(it.0)) {
            let values = by_name.entry(name).or_default();
            // Of several of one name the first counts, as for attribution.
            if values.last().is_none_or(|it| it.0 != row) {
                let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
                values.push((row, value.into_owned()));
            }
        }
    }
    let score = |(name, values): &(&str, Vec<(usize, String)>)| {
        let different: BTreeSet<&String> = values.iter().map(|it| &it.1).collect();
        let ids = different.iter().filter(|it| is_id(it)).count();
        let is_subject = different.len() >= IDS_MIN && ids * 10 >= different.len() * 8;
        is_subject.then_some((!is_page(name), different.len()))
    };
    let means = |name: &str| !NOBODY.contains(&name.to_ascii_lowercase().as_str());
    let fitting = by_name.into_iter().filter(|it| means(it.0));
    let best = fitting.filter_map(|it| Some((score(&it)?, it))).max_by_key(|it| it.0)?;
    let (name, values) = best.1;
    Some(InQuery { name: name.to_owned(), is_page: is_page(name), values })
}

/// The parameters of a query that have a name and a value.
fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter_map(|it| it.split_once('='));
    pairs.filter(|(name, value)| is_name(name) && !value.is_empty())
}

/// The names that most queries have: one query alone may have a thousand that mean nothing.
fn frequent<'a>(queries: &[(usize, &'a str)]) -> BTreeSet<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, query) in queries {
        let names: BTreeSet<&str> = parameters(query).map(|it| it.0).collect();
        names.into_iter().for_each(|it| *counts.entry(it).or_default() += 1);
    }
    let mut names: Vec<(usize, &str)> = counts.into_iter().map(|(name, it)| (it, name)).collect();
    names.sort_unstable_by_key(|it| std::cmp::Reverse(it.0));
    names.into_iter().take(NAMES_MAX).map(|it| it.1).collect()
}

fn is_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"_-.".contains(&it);
    name.len() <= NAME_BYTES_MAX && !name.is_empty() && name.bytes().all(plain) && !is_id(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(make: impl Fn(usize) -> String) -> Option<(String, bool)> {
        let queries: Vec<String> = (0..20).map(make).collect();
        let found = subject(queries.iter().enumerate().map(|(at, it)| (at, it.as_str())).collect());
        found.map(|it| (it.name, it.is_page))
    }

    #[test]
    fn the_parameter_with_the_most_ids_is_the_subject() {
        let found = of(|it| format!("ts={it}7777&mobile=98912{it:07}&page={}", it % 4));
        assert_eq!(found, Some(("mobile".to_owned(), false)));
    }

    #[test]
    fn pages_are_the_subject_where_there_is_nothing_else() {
        assert_eq!(of(|it| format!("page={it}&q=word")), Some(("page".to_owned(), true)));
    }

    #[test]
    fn words_are_no_subject() {
        assert_eq!(of(|it| format!("q=word{}", it % 2)), None);
    }
}
