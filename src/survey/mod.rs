//! What a sample of a log tells before darban reads it in earnest: formats, routes with the places of
//! ids, client keys, proxies, and what nobody could see in it.
//!
//! `darban doctor` prints it and `darban init` makes a configuration of it, or of an OpenAPI document
//! where there is no log yet. A sample holds ids and
//! names as the log has them, so nothing but templates, counts and shares leaves this module: words of
//! a path that look like no id (behind a person only those that several people have), never a value that stands in a slot, and no client.

mod blind;
mod clients;
mod draft;
mod examine;
mod look;
mod openapi;
mod pointers;
mod query;
mod routes;
mod sample;
mod snippets;
mod templates;

pub use blind::{Blind, Kind};
pub use clients::Key;
pub use draft::{Origin, draft, draft_of_document};
pub use openapi::{Documented, documented};
pub use routes::{ROUTES_MAX, Route};
pub use sample::{Sample, Sampler, attributor};

use crate::attribute::{Options, RouteClass};
use crate::decode::{Format, Refusal};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// What is configured, where a sample is looked at with a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Routes, keys and proxies.
    pub options: &'a Options,
    /// Path endings of assets.
    pub skip_suffixes: &'a [String],
}

/// A configured route in a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// Its name.
    pub name: String,
    /// What it serves.
    pub class: RouteClass,
    /// Requests on it.
    pub matched: usize,
    /// Those that name a subject.
    pub with_subject: usize,
}

/// What a sample tells.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records of the log.
    pub records: u64,
    /// Access records that were decoded.
    pub decoded: usize,
    /// Formats, the most frequent first.
    pub formats: Vec<(Format, usize)>,
    /// What was refused, and why.
    pub refused: BTreeMap<Refusal, usize>,
    /// Routes by the look of paths and queries.
    pub routes: Vec<Route>,
    /// Client keys beside the address.
    pub keys: Vec<Key>,
    /// Proxies, by the look of `X-Forwarded-For`.
    pub proxies: Vec<IpNet>,
    /// Configured routes, where there is a configuration.
    pub configured: Vec<Configured>,
    /// What cannot be seen, and what to do about it.
    pub blind: Vec<Blind>,
    /// Times are written without a zone.
    pub is_zoneless: bool,
}

/// Path endings of assets where nothing is configured: as in the configuration.
const SUFFIXES: &[&str] = &[".css", ".js", ".png", ".gif", ".jpg", ".ico", ".svg", ".woff2"];

impl Report {
    /// Looks at a sample, with what is configured or without.
    #[must_use]
    pub fn of(sample: &Sample, given: Option<Given<'_>>) -> Self {
        let rows = &sample.rows;
        let trusted = given.map(|it| it.options.trusted_proxies.as_slice());
        let clients = clients::clients(rows, trusted);
        let suffixes: Vec<String> = match given {
            Some(given) => given.skip_suffixes.to_vec(),
            None => SUFFIXES.iter().map(|it| (*it).to_owned()).collect(),
        };
        let routes = routes::routes(rows, &clients, &suffixes);
        let mut formats: BTreeMap<Format, usize> = BTreeMap::new();
        rows.iter().for_each(|it| *formats.entry(it.format).or_default() += 1);
        let mut formats: Vec<(Format, usize)> = formats.into_iter().collect();
        formats.sort_by_key(|it| std::cmp::Reverse(it.1));
        let mut report = Self {
            records: sample.records,
            decoded: sample.decoded(),
            formats,
            refused: sample.refused.clone(),
            routes,
            keys: clients.keys.clone(),
            proxies: clients.proxies.clone(),
            configured: given.map(|it| configured(rows, it.options)).unwrap_or_default(),
            blind: Vec::new(),
            is_zoneless: rows.iter().filter(|it| it.zoneless).count() * 2 > rows.len(),
        };
        report.blind = examine::all(sample, &clients, &report, given.is_some());
        report
    }
}

/// The routes that people are looked up on and that are, for the most part, not configured: each with
/// how a configuration writes it.
#[must_use]
pub fn unwatched(sample: &Sample, given: Given<'_>) -> Vec<(Route, String)> {
    let report = Report::of(sample, Some(given));
    examine::missing(&report).map(|it| (it.clone(), examine::adopted(it, &report))).collect()
}

fn configured(rows: &[sample::Row], options: &Options) -> Vec<Configured> {
    let mut routes: Vec<Configured> = options
        .routes
        .iter()
        .map(|it| Configured {
            name: it.name.clone(),
            class: it.class,
            matched: 0,
            with_subject: 0,
        })
        .collect();
    for known in rows.iter().filter_map(|it| it.known.as_ref()) {
        let route = known.route.and_then(|it| routes.get_mut(usize::from(it.0)));
        if let Some(route) = route {
            route.matched += 1;
            route.with_subject += usize::from(known.has_subject);
        }
    }
    routes
}

/// A part of a whole of a hundred, in words.
fn percent(part: usize, whole: usize) -> String {
    match part * 100 / whole.max(1) {
        0 if part > 0 => "under 1 %".to_owned(),
        share => format!("{share} %"),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn assets_are_those_of_a_configuration_that_says_nothing_of_them() {
        let toml = "[[routes]]\nname = \"p\"\npath = \"/{subject}\"\nclass = \"personal\"\n";
        let config = Config::parse_without_files(toml, std::path::Path::new("")).unwrap();
        assert_eq!(config.decode.skip_suffixes, super::SUFFIXES);
    }
}
