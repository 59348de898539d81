//! Which requests look up whom: routes with the place of their subject, and what they seem to serve.

use super::clients::Clients;
use super::sample::{Row, attributor};
use super::templates::{self, IDS_MIN, Part, Path, Template, written};
use super::{look, query};
use crate::alert::escape_text;
use crate::attribute::{Codec, Options, RouteClass, RouteSpec, SubjectFrom};
use std::collections::{BTreeMap, BTreeSet};

/// Routes that are found at most, those with the most traffic.
pub const ROUTES_MAX: usize = 50;
/// Look-ups that a route has in a sample at least.
const RECORDS_MIN: usize = 3;
/// Subjects that were read again, from which on they tell whether a route is a register.
const AGAIN_MIN: usize = 5;
/// Different tenants in front of people at most, and people for each of them at least.
const TENANTS: (usize, usize) = (10, 20);
/// Ids in order of birth dates are told from numbers by this many different ones.
const DATES_MIN: usize = 10;
/// Longest name of a route.
pub(super) const NAME_MAX: usize = 48;

/// A route as a sample has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// A name out of its words.
    pub name: String,
    /// Its template.
    pub path: String,
    /// Methods that were seen.
    pub methods: Vec<String>,
    /// What it seems to serve.
    pub class: RouteClass,
    /// Why.
    pub why: String,
    /// The field of a subject that does not stand in the path.
    pub subject: Option<String>,
    /// How its ids seem to be ordered, where that is not seen by each of them.
    pub codec: Codec,
    /// Whether ids have an order at all.
    pub is_ordered: bool,
    /// Requests.
    pub records: usize,
    /// Those of them on a route that is configured.
    pub watched: usize,
    /// Different subjects.
    pub subjects: usize,
    /// Different clients, by their finest keys.
    pub clients: usize,
    /// The share of the busiest of them.
    pub busiest: f64,
    /// Whether the busiest is known by no more than its address.
    pub busiest_is_address: bool,
}

/// Methods that a route is drafted with: others are made up by whoever sends them.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "SEARCH"];

/// A route while it is found: its rows, each with its subject.
pub(super) struct Candidate {
    pub(super) path: String,
    pub(super) words: Vec<String>,
    pub(super) subject: Option<String>,
    pub(super) is_pages: bool,
    pub(super) rows: Vec<(usize, String)>,
}

pub(super) fn routes(rows: &[Row], clients: &Clients, assets: &[String]) -> Vec<Route> {
    let is_asset = |path: &str| assets.iter().any(|it| path.to_ascii_lowercase().ends_with(it));
    let paths: Vec<Path<'_>> = rows
        .iter()
        .enumerate()
        .filter(|(_, it)| !it.is_template && it.method != "OPTIONS" && !is_asset(&it.path))
        .map(|(at, it)| (at, it.path.split('/').filter(|it| !it.is_empty()).collect()))
        .collect();
    let segments: BTreeMap<usize, &Path<'_>> = paths.iter().map(|it| (it.0, it)).collect();
    let mut found = Vec::new();
    for template in templates::templates(&paths) {
        let has_slot = template.parts.iter().any(|it| matches!(it, Part::Slot(_)));
        let candidate =
            if has_slot { Some(in_path(&template, &segments)) } else { in_query(rows, &template) };
        for (methods, candidate) in candidate.into_iter().flat_map(|it| by_method(rows, it)) {
            found.extend(route(rows, clients, methods, candidate));
        }
    }
    found.extend(of_templates(rows, clients));
    found.sort_by(|a, b| (b.records, &a.path, &a.methods).cmp(&(a.records, &b.path, &b.methods)));
    fitting(found)
}

/// Routes of a gateway that logs its own templates: where subjects would stand, if there were any.
fn of_templates(rows: &[Row], clients: &Clients) -> Vec<Route> {
    let mut by_path: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let asked = |it: &Row| it.is_template && it.method != "OPTIONS";
    for (at, row) in rows.iter().enumerate().filter(|(_, it)| asked(it)) {
        by_path.entry(row.path.as_str()).or_default().push(at);
    }
    let part = |it: &str| match it.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Some(name) if name.ends_with('+') => Part::Tail,
        Some(_) => Part::Slot(String::new()),
        None => Part::Word(it.to_owned()),
    };
    let candidate = |(path, at): (&str, Vec<usize>)| {
        let parts: Vec<Part> = path.split('/').filter(|it| !it.is_empty()).map(part).collect();
        let is_ours = parts.iter().any(|it| matches!(it, Part::Slot(_)));
        let template = Template { parts, rows: Vec::new() };
        let rows = at.into_iter().map(|it| (it, String::new())).collect();
        let (path, words) = (written(&template.parts, &["subject", "record"]), words(&template));
        is_ours.then_some(Candidate { path, words, subject: None, is_pages: false, rows })
    };
    let found = by_path.into_iter().filter_map(candidate).flat_map(|it| by_method(rows, it));
    found
        .filter(|it| !it.0.is_empty())
        .map(|(methods, it)| {
            let reads = methods.iter().all(|it| matches!(it.as_str(), "GET" | "HEAD"));
            let who = it.rows.iter().filter_map(|it| clients.finest.get(it.0).copied().flatten());
            let (class, why) = class(&it, reads, (0, 0));
            let why = match class {
                RouteClass::Personal => {
                    "a guess: the log has the route's template and no path".to_owned()
                }
                _ => why,
            };
            Route {
                name: name(&it.words, class),
                path: it.path,
                methods,
                class,
                why,
                subject: None,
                codec: Codec::Auto,
                is_ordered: false,
                records: it.rows.len(),
                watched: watched(rows, &it.rows),
                subjects: 0,
                clients: who.collect::<BTreeSet<_>>().len(),
                busiest: 0.0,
                busiest_is_address: false,
            }
        })
        .collect()
}

/// Those that attribution can tell apart, by traffic, each with a name of its own.
pub(super) fn fitting(found: Vec<Route>) -> Vec<Route> {
    let (mut specs, mut kept, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    for mut route in found {
        if kept.len() == ROUTES_MAX {
            break;
        }
        // Whoever writes what moves a cursor into a path does not get it into a configuration.
        if escape_text(&route.path) != route.path {
            continue;
        }
        specs.push(spec(&route));
        let options = Options { routes: specs.clone(), ..Options::default() };
        if attributor(options).is_none() {
            specs.pop();
            continue;
        }
        let base = route.name.clone();
        let mut more = 2;
        while !names.insert(route.name.clone()) {
            route.name = format!("{base}-{more}");
            more += 1;
        }
        kept.push(route);
    }
    kept
}

fn spec(route: &Route) -> RouteSpec {
    let in_query = || SubjectFrom::Field(crate::attribute::Field::Query(String::new()));
    RouteSpec {
        name: route.name.clone(),
        methods: route.methods.clone(),
        path: route.path.clone(),
        class: route.class,
        codec: Codec::Auto,
        households: false,
        subject: route.subject.as_ref().map_or(SubjectFrom::Path, |_| in_query()),
        region: None,
        empty_bytes: None,
        empty_field: None,
    }
}

fn words(template: &Template) -> Vec<String> {
    let word = |it: &Part| match it {
        Part::Word(word) => Some(word.to_ascii_lowercase()),
        Part::Slot(_) | Part::Tail => None,
    };
    template.parts.iter().filter_map(word).collect()
}

/// A template with a slot. The first slot is the subject, unless it is one of a few tenants.
fn in_path(template: &Template, segments: &BTreeMap<usize, &Path<'_>>) -> Candidate {
    let slots = template.parts.iter().enumerate().filter_map(|(at, it)| match it {
        Part::Slot(suffix) => Some((at, suffix)),
        Part::Word(_) | Part::Tail => None,
    });
    let values = |(at, suffix): (usize, &String)| -> Vec<(usize, String)> {
        let value = |row: &usize| {
            let segment = segments.get(row)?.1.get(at)?;
            Some((*row, segment.strip_suffix(suffix.as_str()).unwrap_or(segment).to_owned()))
        };
        template.rows.iter().filter_map(value).collect()
    };
    let by_slot: Vec<_> = slots.map(values).collect();
    let different =
        |it: &Vec<(usize, String)>| it.iter().map(|it| &it.1).collect::<BTreeSet<_>>().len();
    let counts: Vec<usize> = by_slot.iter().map(different).collect();
    let of_tenant = matches!(counts.as_slice(),
        [tenants, people] if *tenants <= TENANTS.0 && *people >= tenants * TENANTS.1);
    let names = if of_tenant { ["record", "subject"] } else { ["subject", "record"] };
    let rows = by_slot.into_iter().nth(usize::from(of_tenant)).unwrap_or_default();
    let path = written(&template.parts, &names);
    let words = words(template);
    let before =
        template.parts.split(|it| matches!(it, Part::Slot(_))).next().and_then(<[_]>::last);
    let is_pages = matches!(before, Some(Part::Word(it)) if query::is_page(it));
    Candidate { path, words, subject: None, is_pages, rows }
}

/// A path without a slot, whose subject stands in its query.
fn in_query(rows: &[Row], template: &Template) -> Option<Candidate> {
    let queries = template.rows.iter().filter_map(|at| Some((*at, rows.get(*at)?.query.as_str())));
    let found = query::subject(queries.collect())?;
    let path =
        if template.parts.is_empty() { "/".to_owned() } else { written(&template.parts, &[]) };
    let subject = Some(format!("query:{}", found.name));
    Some(Candidate {
        path,
        words: words(template),
        subject,
        is_pages: found.is_page,
        rows: found.values,
    })
}

/// Reading and writing apart, as they are different routes.
fn by_method(rows: &[Row], candidate: Candidate) -> Vec<(Vec<String>, Candidate)> {
    let method = |at: &usize| rows.get(*at).map_or("", |it| it.method.as_str());
    let reads = |it: &(usize, String)| matches!(method(&it.0), "GET" | "HEAD");
    let Candidate { path, words, subject, is_pages, rows: all } = candidate;
    let (reading, writing): (Vec<_>, Vec<_>) = all.into_iter().partition(reads);
    let with = |rows: Vec<(usize, String)>| {
        let is_known = |it: &&str| METHODS.contains(it);
        let methods: BTreeSet<&str> =
            rows.iter().map(|it| method(&it.0)).filter(is_known).collect();
        let methods = methods.into_iter().map(str::to_owned).collect();
        let (path, words, subject) = (path.clone(), words.clone(), subject.clone());
        (methods, Candidate { path, words, subject, is_pages, rows })
    };
    [with(reading), with(writing)].into_iter().filter(|it| !it.1.rows.is_empty()).collect()
}

/// How many of a route's rows are on one that is configured.
fn watched(rows: &[Row], of: &[(usize, String)]) -> usize {
    let known = of.iter().filter_map(|it| rows.get(it.0)?.known.as_ref());
    known.filter(|it| it.route.is_some()).count()
}

fn route(
    rows: &[Row],
    clients: &Clients,
    methods: Vec<String>,
    candidate: Candidate,
) -> Option<Route> {
    let client = |at: usize| clients.finest.get(at).copied().flatten();
    let mut readers: BTreeMap<&str, (usize, BTreeSet<u64>)> = BTreeMap::new();
    let mut by_client: BTreeMap<u64, (usize, bool)> = BTreeMap::new();
    for (at, subject) in &candidate.rows {
        let (count, by) = readers.entry(subject).or_default();
        *count += 1;
        if let Some((kind, hash)) = client(*at) {
            by.insert(hash);
            let busy = by_client.entry(hash).or_default();
            *busy = (busy.0 + 1, kind == crate::attribute::KeyKind::Address);
        }
    }
    if candidate.rows.len() < RECORDS_MIN || readers.len() < IDS_MIN || methods.is_empty() {
        return None;
    }
    let again = readers.values().filter(|it| it.0 > 1).count();
    let shared = readers.values().filter(|it| it.1.len() > 1).count();
    let methods_read = methods.iter().all(|it| matches!(it.as_str(), "GET" | "HEAD"));
    let (class, why) = class(&candidate, methods_read, (again, shared));
    let busiest = by_client.values().max().copied().unwrap_or_default();
    let ids: Vec<&[u8]> = readers.keys().map(|it| it.as_bytes()).collect();
    let codec = codec(&ids);
    let ordered = ids.iter().filter(|it| Codec::Auto.position(it).ordinal().is_some()).count();
    Some(Route {
        name: name(&candidate.words, class),
        path: candidate.path,
        methods,
        class,
        why,
        subject: candidate.subject,
        codec,
        is_ordered: ordered * 2 > ids.len(),
        records: candidate.rows.len(),
        watched: watched(rows, &candidate.rows),
        subjects: readers.len(),
        clients: by_client.len(),
        busiest: busiest.0 as f64 / candidate.rows.len().max(1) as f64,
        busiest_is_address: busiest.1,
    })
}

/// Birth dates lead ids where nearly all begin with one: of random numbers one in thirty does.
fn codec(ids: &[&[u8]]) -> Codec {
    let dated = ids.iter().filter(|it| Codec::DateLed.position(it).ordinal().is_some()).count();
    let is_led = ids.len() >= DATES_MIN && dated * 10 >= ids.len() * 9;
    if is_led { Codec::DateLed } else { Codec::Auto }
}

/// What a route seems to serve, and why.
pub(super) fn class(
    it: &Candidate,
    reads: bool,
    (again, shared): (usize, usize),
) -> (RouteClass, String) {
    let has = |words: &[&str]| it.words.iter().any(|it| words.iter().any(|word| it.contains(word)));
    let is_pass = has(&["otp", "passcode", "one-time", "onetime", "2fa", "mfa"]);
    if is_pass && has(&["verify", "check", "confirm", "validate"]) {
        return (RouteClass::PassCheck, "its path says that a one-time pass is tried".to_owned());
    }
    if is_pass && has(&["request", "send", "generate"]) {
        return (
            RouteClass::PassRequest,
            "its path says that a one-time pass is asked for".to_owned(),
        );
    }
    if it.is_pages {
        return (RouteClass::List, "its pages are numbered".to_owned());
    }
    if !reads {
        return (RouteClass::Write, "its methods change something".to_owned());
    }
    if again < AGAIN_MIN {
        let words = format!(
            "a guess: {again} subjects were read more than once, too few to tell whether others read \
             them too (\"register\")"
        );
        return (RouteClass::Personal, words);
    }
    let class = if shared * 2 >= again { RouteClass::Register } else { RouteClass::Personal };
    let words = format!(
        "of {again} subjects that were read more than once, {shared} were by several clients"
    );
    (class, words)
}

/// The last two words of a path, as a name may be written.
pub(super) fn name(words: &[String], class: RouteClass) -> String {
    let is_plain = |it: &&String| it.len() <= NAME_MAX / 2 && !look::is_id(it);
    let last: Vec<&String> = words.iter().rev().filter(is_plain).take(2).collect();
    let joined: Vec<&str> = last.iter().rev().map(|it| it.as_str()).collect();
    let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
    let text: String = joined.join("-").chars().map(plain).collect();
    let text = text.trim_matches('-');
    let text = if text.is_empty() { "route" } else { text };
    match class {
        RouteClass::Write => format!("{text}-write"),
        _ => text.to_owned(),
    }
}
