//! Routes and client keys out of an OpenAPI 3 document, where there is no log yet.
//!
//! A document says which paths there are, where ids stand in them, and which keys a request carries. It
//! does not say who reads whom, which is what makes a route a register or personal: that stays a
//! guess, with its reason beside it, until a log tells. What names nobody in its path or query is no
//! route (a body is in no access log), and is listed instead of forgotten.

use super::routes::{Candidate, NAME_MAX, Route, class, fitting, name};
use super::templates::{Part, written};
use super::{Key, Report, SUFFIXES, query};
use crate::attribute::{Codec, KeyKind, RouteClass};
use serde_json::Value;

/// What a document tells.
#[derive(Clone, Debug, Default)]
pub struct Documented {
    /// Its routes and keys; of nothing else anything is known.
    pub report: Report,
    /// Operations that name nobody in their path or query, as `POST /people/search`.
    pub left_out: Vec<String>,
    /// Routes for which there was no room, or that nothing tells from another.
    pub dropped: usize,
}

/// Methods by what they do; both are routes of their own.
const METHODS: [(&[&str], bool); 2] =
    [(&["get", "head"], true), (&["post", "put", "patch", "delete"], false)];
/// Words of parameters in front of people: whoever's they are, nobody is looked up by them.
const CONTAINERS: [&str; 10] = [
    "tenant",
    "organi",
    "version",
    "locale",
    "lang",
    "region",
    "country",
    "realm",
    "workspace",
    "format",
];
/// Reference after reference that is followed: a document may lead in a circle.
const REFERENCES_MAX: usize = 8;
/// Client keys that are drafted at most, as from a log.
const KEYS_MAX: usize = 4;

/// Reads a document; `None` where it is none of OpenAPI 3.
#[must_use]
pub fn documented(document: &Value) -> Option<Documented> {
    let version = document.get("openapi")?.as_str()?;
    let paths = document.get("paths")?.as_object().filter(|_| version.starts_with("3."))?;
    let base = base(document);
    let (mut routes, mut left_out) = (Vec::new(), Vec::new());
    let is_asset = |it: &str| SUFFIXES.iter().any(|end| it.to_ascii_lowercase().ends_with(end));
    for (path, item) in paths.iter().filter(|it| !is_asset(it.0)) {
        let item = resolved(document, item);
        for (methods, is_read) in METHODS {
            let operations = methods.iter().filter_map(|it| Some((*it, item.get(*it)?)));
            let operations: Vec<(&str, &Value)> = operations.collect();
            let path = format!("{base}{path}");
            let asked = Asked { document, item, path: &path, operations, is_read };
            match asked.route() {
                Some(route) => routes.push(route),
                None => left_out.extend(asked.methods().iter().map(|it| format!("{it} {path}"))),
            }
        }
    }
    routes.sort_by_key(|it| rank(it.class));
    let found = routes.len();
    let report = Report { routes: fitting(routes), keys: keys(document), ..Report::default() };
    let dropped = found - report.routes.len();
    Some(Documented { report, left_out, dropped })
}

/// The path of the first server, which stands in front of every path.
fn base(document: &Value) -> String {
    let server = document.pointer("/servers/0");
    let mut url = server.and_then(|it| it.get("url")?.as_str()).unwrap_or_default().to_owned();
    let variables = server.and_then(|it| it.get("variables")?.as_object());
    for (name, variable) in variables.into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => url.as_str(),
    };
    path.trim_end_matches('/').to_owned()
}

/// What a reference inside the document leads to; anything else as it is.
fn resolved<'d>(document: &'d Value, mut value: &'d Value) -> &'d Value {
    for _ in 0..REFERENCES_MAX {
        let reference = value.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|it| document.pointer(it.strip_prefix('#')?));
        let Some(target) = target else { break };
        value = target;
    }
    value
}

/// The operations of one path that read, or those that write.
struct Asked<'d> {
    document: &'d Value,
    item: &'d Value,
    path: &'d str,
    operations: Vec<(&'d str, &'d Value)>,
    is_read: bool,
}

impl<'d> Asked<'d> {
    fn methods(&self) -> Vec<String> {
        self.operations.iter().map(|(method, _)| method.to_ascii_uppercase()).collect()
    }

    fn route(&self) -> Option<Route> {
        let (_, first) = self.operations.first()?;
        let (parts, slots) = parts(self.path)?;
        let person = slots.iter().position(|it| !is_container(it));
        let in_query = self.subject_in_query().filter(|_| person.is_none());
        let at = match &in_query {
            Some(_) => None,
            // One in front of people is looked up itself where nothing follows it.
            None => Some(person.or_else(|| ends_in_slot(&parts).then(|| slots.len() - 1))?),
        };
        let asked = in_query.clone().or_else(|| slots.get(at?).cloned())?;
        let subject = in_query.map(|name| format!("query:{name}"));
        let slot_name = |it: usize| if Some(it) == at { "subject" } else { "record" };
        let names: Vec<&str> = (0..slots.len()).map(slot_name).collect();
        let words = parts.iter().filter_map(|it| match it {
            Part::Word(word) => Some(word.to_ascii_lowercase()),
            Part::Slot(_) | Part::Tail => None,
        });
        let path = written(&parts, &names);
        let is_pages = subject.is_some() && query::is_page(&asked);
        let words = words.collect();
        let candidate = Candidate { path, words, subject, is_pages, rows: Vec::new() };
        let (class, why) = match class(&candidate, self.is_read, (0, 0)) {
            (RouteClass::Personal, _) if self.is_open(first) => {
                let why = format!(
                    "a guess: `{asked}` is asked for without any credential, so that \
                    everybody may read everybody's; if each reads their own, \"personal\""
                );
                (RouteClass::Register, why)
            }
            (RouteClass::Personal, _) => {
                let why = format!(
                    "a guess: the document has `{asked}` and does not say who reads \
                    whom; where clients read each other's, \"register\""
                );
                (RouteClass::Personal, why)
            }
            known => known,
        };
        let operation = first.get("operationId").and_then(Value::as_str).map(label);
        let named = operation.filter(|it| !it.is_empty());
        Some(Route {
            name: named.unwrap_or_else(|| name(&candidate.words, class)),
            path: candidate.path,
            methods: self.methods(),
            class,
            why,
            subject: candidate.subject,
            codec: Codec::Auto,
            is_ordered: false,
            records: 0,
            watched: 0,
            subjects: 0,
            clients: 0,
            busiest: 0.0,
            busiest_is_address: false,
        })
    }

    /// The parameter of a query that names whom a request asks for, else the one that turns pages.
    fn subject_in_query(&self) -> Option<String> {
        let own = self.operations.iter().filter_map(|(_, it)| it.get("parameters"));
        let all = own.chain(self.item.get("parameters")).filter_map(Value::as_array).flatten();
        let all = all.map(|it| resolved(self.document, it));
        let of_query = all.filter(|it| it.get("in").and_then(Value::as_str) == Some("query"));
        let named: Vec<(&str, &Value)> =
            of_query.filter_map(|it| Some((it.get("name")?.as_str()?, it))).collect();
        let is_id = |(name, it): &&(&str, &Value)| {
            let schema = it.get("schema").map(|it| resolved(self.document, it));
            let is_free =
                schema.is_some_and(|it| it.get("enum").is_none() && is_text_or_number(it));
            let is_needed = it.get("required") == Some(&Value::Bool(true));
            is_needed && is_free && !query::is_page(name)
        };
        let turns = || named.iter().find(|(name, _)| query::is_page(name));
        named.iter().find(is_id).or_else(turns).map(|(name, _)| (*name).to_owned())
    }

    /// Whether an operation asks for no credential at all.
    fn is_open(&self, operation: &Value) -> bool {
        let security = operation.get("security").or_else(|| self.document.get("security"));
        security.and_then(Value::as_array).is_none_or(Vec::is_empty)
    }
}

/// Whether a schema's type, or one of its types, may be an id's.
fn is_text_or_number(schema: &Value) -> bool {
    let is = |it: &Value| matches!(it.as_str(), Some("string" | "integer"));
    schema.get("type").is_some_and(|it| is(it) || it.as_array().is_some_and(|it| it.iter().any(is)))
}

/// A path in parts with the names of its slots; `None` where a slot stands inside other words.
fn parts(path: &str) -> Option<(Vec<Part>, Vec<String>)> {
    let (mut parts, mut slots) = (Vec::new(), Vec::new());
    for segment in path.split('/').filter(|it| !it.is_empty()) {
        let Some(inner) = segment.strip_prefix('{') else {
            if segment.contains(['{', '}']) {
                return None;
            }
            parts.push(Part::Word(segment.to_owned()));
            continue;
        };
        let (slot, suffix) = inner.split_once('}').filter(|(_, it)| !it.contains(['{', '}']))?;
        slots.push(slot.to_owned());
        parts.push(Part::Slot(suffix.to_owned()));
    }
    Some((parts, slots))
}

fn ends_in_slot(parts: &[Part]) -> bool {
    matches!(parts.last(), Some(Part::Slot(_)))
}

/// Whether a parameter stands in front of people.
fn is_container(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CONTAINERS.iter().any(|word| name.contains(word))
}

/// What a route is worth in a draft that has no room for all.
const fn rank(class: RouteClass) -> u8 {
    match class {
        RouteClass::Personal | RouteClass::Register => 0,
        RouteClass::PassRequest | RouteClass::PassCheck => 1,
        RouteClass::List => 2,
        RouteClass::Write | RouteClass::Public => 3,
    }
}

/// An operation's id as a name of the configuration.
fn label(operation: &str) -> String {
    let plain = |it: char| {
        if it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-') { it } else { '-' }
    };
    operation.chars().take(NAME_MAX).map(plain).collect()
}

/// The keys that requests carry, by the document's schemes.
fn keys(document: &Value) -> Vec<Key> {
    let schemes = document.pointer("/components/securitySchemes").and_then(Value::as_object);
    let mut keys: Vec<Key> = Vec::new();
    for scheme in schemes.into_iter().flatten().map(|(_, it)| resolved(document, it)) {
        let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, field) = match (text("type"), text("in")) {
            ("apiKey", "header") => {
                (KeyKind::Credential, format!("header:{}", text("name").to_ascii_lowercase()))
            }
            ("apiKey", "query") => (KeyKind::Credential, format!("query:{}", text("name"))),
            ("http" | "oauth2" | "openIdConnect", _) => (KeyKind::Staff, "user".to_owned()),
            _ => continue,
        };
        if keys.len() < KEYS_MAX && keys.iter().all(|it| it.field != field) {
            keys.push(Key { kind, field, records: 0, different: 0 });
        }
    }
    keys
}
