//! `[[routes]]`: which requests look up whom.
//!
//! Paths are read and compared by `attribute`, which knows what it can match; here its findings
//! get their place in the file.

use super::classes::MODES;
use super::document::{Node, Spot};
use super::field::Fields;
use super::problem::{Problem, nearest};
use super::shapes::{flag, list, name, one_of, text, whole};
use super::table::Table;
use crate::alert::Mode;
use crate::attribute::{
    Attributor, Codec, EmptyField, Fault, HashKey, Options, Part, RouteClass, RouteSpec,
    SubjectFrom,
};
use serde_json::json;

/// The placeholders of a path.
const PLACEHOLDERS: [&str; 4] = ["subject", "record", "*", "*subject"];

/// A route while the configuration is read.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) spec: RouteSpec,
    pub(super) mode: Option<Mode>,
    name: Spot,
    path: Spot,
    methods: Spot,
}

/// Reads every route; `None` where one cannot be used at all.
pub(super) fn read(root: &mut Table<'_>, fields: &Fields) -> Vec<Option<Route>> {
    let tables = root.tables("routes");
    if tables.is_empty() && !root.has("routes") {
        root.fault("routes", "is missing", "at least one [[routes]], or nothing is ever judged");
    }
    let routes: Vec<Option<Route>> = tables.into_iter().map(|it| route(it, fields)).collect();
    let names: Vec<&str> = routes.iter().map(name_of).collect();
    for (index, route) in routes.iter().enumerate() {
        let first = names.iter().position(|it| !it.is_empty() && *it == name_of(route));
        if let (Some(route), Some(first)) = (route, first.filter(|first| *first < index)) {
            let what = format!("is the name of routes[{first}] too");
            root.document.refuse(route.name.problem(what, Some("a name of its own")));
        }
    }
    routes
}

fn name_of(route: &Option<Route>) -> &str {
    route.as_ref().map_or("", |it| it.spec.name.as_str())
}

fn route(mut table: Table<'_>, fields: &Fields) -> Option<Route> {
    let name = table.required("name", "a name for alerts and metrics", name);
    let methods = table.or("methods", "[]", list("methods", method));
    let path = table.required("path", "a path such as \"/people/{subject}\"", text);
    let names: Vec<&str> = RouteClass::ALL.iter().map(|(_, name)| *name).collect();
    let class = table.required("class", &names.join(", "), one_of(RouteClass::ALL));
    let codec = table.or("codec", "\"auto\"", one_of(Codec::ALL));
    let households = table.or("households", "false", flag);
    let elsewhere = table.has("subject");
    let subject = table.optional("subject", |node| fields.read(node));
    let region = table.optional("region", |node| fields.read(node));
    let empty_bytes = table.optional("empty_bytes", whole(0..=1 << 20));
    let empty_field = empty_field(&mut table, fields);
    let mode = table.optional("mode", one_of(MODES));
    if let (Some(path), Some(codec)) = (&path, codec) {
        fits(&table, path, codec, households == Some(true));
    }
    let subject = match (subject, elsewhere) {
        (Some(field), _) => SubjectFrom::Field(field),
        // What is wrong with it is noted; the path is checked as if it were right.
        (None, true) => SubjectFrom::Field(crate::attribute::Field::User),
        (None, false) => SubjectFrom::Path,
    };
    let spec = RouteSpec {
        name: name.unwrap_or_default(),
        methods: methods.unwrap_or_default(),
        path: path?,
        // Of a route whose class is wrong nobody knows whether it needs a subject.
        class: class.unwrap_or(RouteClass::Public),
        codec: codec.unwrap_or(Codec::Auto),
        households: households.unwrap_or_default(),
        subject,
        region,
        empty_bytes,
        empty_field,
    };
    let [name, path, methods] = ["name", "path", "methods"].map(|key| table.spot(key));
    Some(Route { spec, mode, name, path, methods })
}

/// What the log says of an empty answer.
fn empty_field(table: &mut Table<'_>, fields: &Fields) -> Option<EmptyField> {
    let elsewhere = table.has("empty_field");
    let field = table.optional("empty_field", |node| fields.read(node));
    if table.has("empty_value") && !elsewhere {
        table.fault("empty_value", "is what no field says", "empty_field, where it stands");
    }
    let pattern = table.or("empty_value", "\"0\"", text)?;
    Some(EmptyField { field: field?, pattern })
}

/// Notes a codec that the path or households have no use for.
fn fits(table: &Table<'_>, path: &str, codec: Codec, households: bool) {
    let has_order = !matches!(codec, Codec::None | Codec::Cursor);
    if path.contains("{*subject}") && has_order && codec != Codec::Auto {
        let what =
            format!("is \"{}\", but the whole tail of a path has no order", codec_name(codec));
        table.fault("codec", &what, "auto or none with {*subject}");
    }
    if households && !has_order {
        let what = "is true, but the ids have no order in which families could be adjacent";
        table.fault("households", what, "false, or a codec with an order");
    }
}

fn codec_name(codec: Codec) -> &'static str {
    Codec::ALL.iter().find(|(it, _)| *it == codec).map_or("", |(_, name)| name)
}

fn method(node: &Node<'_>) -> Option<String> {
    node.shape(|| json!({ "type": "string", "pattern": "^[A-Za-z]+$" }))?;
    let fits = |it: &&str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_alphabetic());
    match node.value.as_str().filter(fits) {
        Some(method) => Some(method.to_ascii_uppercase()),
        None => node.refuse("a method, such as \"GET\""),
    }
}

/// Notes what `attribute` cannot use, each at its place. `routes` are those of `options`, in order.
pub(super) fn check(
    options: &Options,
    routes: &[&Route],
    suffixes: &Spot,
    agents: &[Spot; 2],
    root: &Table<'_>,
) {
    let Err(problems) = Attributor::new(options.clone(), HashKey::new([0; 16])) else {
        return;
    };
    let [crawlers, monitors] = agents;
    let places: Vec<(Part, usize)> = problems.iter().map(|it| (it.part, it.index)).collect();
    for problem in problems {
        // Of a path that is broken otherwise, the subject may only seem to be missing.
        let faults = places.iter().filter(|it| **it == (problem.part, problem.index)).count();
        if problem.fault == Fault::NoSubject && faults > 1 {
            continue;
        }
        let route = routes.get(problem.index);
        let spot = match (problem.part, route, &problem.fault) {
            // Noted where the field was read.
            (_, _, Fault::NoSuchExtra(_)) => continue,
            (Part::Route, Some(route), Fault::Method(_)) => Some(&route.methods),
            (Part::Route, Some(route), _) => Some(&route.path),
            (Part::SkipSuffix, ..) => Some(suffixes),
            (Part::Crawler, ..) => Some(crawlers),
            (Part::Monitor, ..) => Some(monitors),
            (Part::Route, None, _) | (Part::Key, ..) => None,
        };
        let spot = spot.cloned().unwrap_or_else(|| root.spot("routes"));
        root.document.refuse(placed(&spot, route.copied(), &problem.fault));
    }
}

/// A fault as a problem of the configuration.
fn placed(spot: &Spot, route: Option<&Route>, fault: &Fault) -> Problem {
    let written = route.map(|it| it.spec.path.as_str()).unwrap_or_default();
    let near = match fault {
        Fault::Placeholder(name) => nearest(name, PLACEHOLDERS).map(|it| format!("{{{it}}}")),
        _ => None,
    };
    let is_path = spot.path.ends_with(".path");
    let what = if is_path {
        format!("is \"{}\": {fault}", crate::alert::escape_text(written))
    } else {
        format!("cannot be used: {fault}")
    };
    Problem { nearest: near, ..spot.problem(what, None) }
}
