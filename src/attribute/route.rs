//! Which route a request is on.
//!
//! There is one router for each configured method and one for all others, so that the most
//! specific template wins among the routes that take the method at all: with `GET /a/{subject}`
//! and `/{*subject}` a POST to `/a/1` is on the second. Methods are compared in any case, because
//! some servers take `get`.
//!
//! An asset is a path with a skipped suffix that no route takes, or that a route takes with a tail
//! (`{*}`, `{*subject}`): what lies somewhere below. Where the template spells the path out to its
//! end, the suffix belongs to an id: servers that ignore it exist, and `/people/17.css` must not
//! be a way around.

use super::client::Glob;
use super::lookup::{RouteId, Skip};
use super::options::{Codec, RouteSpec};
use super::path::{EncodedSlash, PathScratch, Target};
use super::problem::{Fault, Part, Problem};
use super::template::{Template, shape};
use matchit::{InsertError, Router};
use std::collections::BTreeSet;

/// Routes at most: what a [`RouteId`] counts.
const ROUTES_MAX: usize = u16::MAX as usize;

/// A configured route, compiled.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) spec: RouteSpec,
    /// The codec of its ids; none for a whole tail without a configured one.
    pub(super) codec: Codec,
    /// What its empty field says, where it has one.
    pub(super) empty: Option<Glob>,
    template: Template,
}

/// Where a request was found to belong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) id: RouteId,
    pub(super) route: &'a Route,
    /// What stands in the path where the template says `{subject}`.
    pub(super) subject: Option<&'a str>,
    /// What stands where it says `{record}`.
    pub(super) record: Option<&'a str>,
}

/// All routes.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    table: Vec<Route>,
    by_method: Vec<(Box<[u8]>, Router<u16>)>,
    /// For methods that no route names.
    other: Router<u16>,
    assets: Assets,
}

impl Routes {
    pub(super) fn new(
        specs: Vec<RouteSpec>,
        skip_suffixes: &[String],
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let assets = Assets::new(skip_suffixes, &mut problems);
        let mut fault = |index, fault| {
            let problem = Problem { part: Part::Route, index, fault };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        };
        if specs.len() > ROUTES_MAX {
            fault(ROUTES_MAX, Fault::TooMany(ROUTES_MAX));
        }
        let mut table = Vec::new();
        for (index, spec) in specs.into_iter().enumerate() {
            let is_method =
                |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_uppercase());
            for method in spec.methods.iter().filter(|it| !is_method(it)) {
                fault(index, Fault::Method(method.clone()));
            }
            match Template::of(&spec) {
                Ok(template) => table.push((index, Route::new(spec, template))),
                Err(faults) => faults.into_iter().for_each(|it| fault(index, it)),
            }
        }
        let methods: BTreeSet<&str> =
            table.iter().flat_map(|(_, it)| &it.spec.methods).map(String::as_str).collect();
        let by_method = methods
            .into_iter()
            .map(|it| (it.as_bytes().into(), router(&table, Some(it), &mut fault)))
            .collect();
        let other = router(&table, None, &mut fault);
        if !problems.is_empty() {
            return Err(problems);
        }
        let table = table.into_iter().map(|(_, route)| route).collect();
        Ok(Self { table, by_method, other, assets })
    }

    /// The route with this id.
    pub(super) fn get(&self, id: RouteId) -> Option<&Route> {
        self.table.get(usize::from(id.0))
    }

    /// The route of a request, or why it has none to judge.
    pub(super) fn find<'a>(
        &'a self,
        method: &[u8],
        target: &Target<'a>,
        scratch: &'a mut PathScratch,
    ) -> Result<Found<'a>, Skip> {
        let router = self
            .by_method
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(method))
            .map_or(&self.other, |(_, router)| router);
        let belongs = target.has_encoded_slash()
            && router.at(target.canonical(EncodedSlash::Separates, scratch)).is_err();
        let slash = if belongs { EncodedSlash::Belongs } else { EncodedSlash::Separates };
        let path = target.canonical(slash, scratch);
        let is_asset = self.assets.has(path.as_bytes());
        let none = if is_asset { Skip::Asset } else { Skip::NoRoute };
        let hit = router.at(path).map_err(|_| none)?;
        let id = RouteId(*hit.value);
        let hides_assets = |it: &&Route| it.template.base.is_some() && is_asset;
        let route = self.get(id).filter(|it| !hides_assets(it)).ok_or(none)?;
        let tail = route.template.subject_is_tail.then_some("/");
        let subject = hit.params.get("subject").or(tail);
        Ok(Found { id, route, subject, record: hit.params.get("record") })
    }
}

impl Route {
    fn new(spec: RouteSpec, template: Template) -> Self {
        let is_opaque = template.subject_is_tail && spec.codec == Codec::Auto;
        let codec = if is_opaque { Codec::None } else { spec.codec };
        let empty = spec.empty_field.as_ref().map(|it| Glob::new(&it.pattern));
        Self { spec, codec, empty, template }
    }

    fn takes(&self, method: Option<&str>) -> bool {
        let named = |method| self.spec.methods.iter().any(|it| it == method);
        self.spec.methods.is_empty() || method.is_some_and(named)
    }
}

/// The router of the routes that take this method, or any that is not named.
fn router(
    table: &[(usize, Route)],
    method: Option<&str>,
    fault: &mut impl FnMut(usize, Fault),
) -> Router<u16> {
    let mut router = Router::new();
    let mut shapes = BTreeSet::new();
    let routes = || table.iter().filter(|(_, route)| route.takes(method));
    // Templates as they are written come first: the path in front of a tail gives way to one.
    let written = routes().map(|(index, route)| (*index, Some(&route.template.pattern), false));
    let bases = routes().map(|(index, route)| (*index, route.template.base.as_ref(), true));
    for (index, pattern, is_base) in written.chain(bases) {
        let (Some(pattern), Ok(id)) = (pattern, u16::try_from(index)) else {
            continue;
        };
        let is_new = shapes.insert(shape(pattern));
        if is_base && !is_new {
            continue;
        }
        match router.insert(pattern, id) {
            Ok(()) => {}
            Err(InsertError::Conflict { with }) => {
                fault(index, Fault::Conflict(with.replace("{*rest}", "{*}")));
            }
            Err(_) => fault(index, Fault::Segment(pattern.clone())),
        }
    }
    router
}

/// The endings of paths that are assets.
#[derive(Clone, Debug)]
struct Assets {
    suffixes: Vec<Box<[u8]>>,
    /// Which bytes the suffixes end with: most paths are told by their last byte.
    lasts: [bool; 256],
}

impl Assets {
    fn new(suffixes: &[String], problems: &mut Vec<Problem>) -> Self {
        let mut lasts = [false; 256];
        for (index, suffix) in suffixes.iter().enumerate() {
            let Some(last) = suffix.as_bytes().last() else {
                let (part, fault) = (Part::SkipSuffix, Fault::EmptySuffix);
                problems.push(Problem { part, index, fault });
                continue;
            };
            for byte in [last.to_ascii_lowercase(), last.to_ascii_uppercase()] {
                lasts.iter_mut().skip(usize::from(byte)).take(1).for_each(|it| *it = true);
            }
        }
        Self { suffixes: suffixes.iter().map(|it| it.as_bytes().into()).collect(), lasts }
    }

    fn has(&self, path: &[u8]) -> bool {
        let ends_with = |suffix: &[u8]| {
            let end = path.len().checked_sub(suffix.len()).and_then(|at| path.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        let last = path.last().and_then(|it| self.lasts.get(usize::from(*it)));
        last == Some(&true) && self.suffixes.iter().any(|it| ends_with(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::options::{RouteClass, SubjectFrom};

    fn spec(methods: &[&str], path: &str) -> RouteSpec {
        RouteSpec {
            name: path.into(),
            methods: methods.iter().map(|it| (*it).to_owned()).collect(),
            path: path.into(),
            class: RouteClass::Register,
            codec: Codec::Auto,
            households: false,
            subject: SubjectFrom::Path,
            region: None,
            empty_bytes: None,
            empty_field: None,
        }
    }

    fn routes(specs: &[(&[&str], &str)]) -> Result<Routes, Vec<Problem>> {
        let specs = specs.iter().map(|(methods, path)| spec(methods, path)).collect();
        Routes::new(specs, &[".css".to_owned(), ".JPG".to_owned()])
    }

    /// Route, subject and record of a request.
    type Hit = Result<(u16, Option<String>, Option<String>), Skip>;

    fn find(routes: &Routes, method: &str, target: &str) -> Hit {
        let mut scratch = PathScratch::default();
        let target = Target::of(target.as_bytes());
        let found = routes.find(method.as_bytes(), &target, &mut scratch)?;
        let owned = |it: Option<&str>| it.map(str::to_owned);
        Ok((found.id.0, owned(found.subject), owned(found.record)))
    }

    fn hit(id: u16, subject: &str, record: Option<&str>) -> Hit {
        Ok((id, Some(subject.to_owned()), record.map(str::to_owned)))
    }

    #[test]
    fn the_registers_of_the_contract_are_matched() {
        let edgar = routes(&[(&[], "/Archives/edgar/data/{subject}/{record}/{*}")]).unwrap();
        let one = hit(0, "354950", Some("0001"));
        for tail in ["/0000950123-09-011236-index.htm", "/a/b/c", "/", ""] {
            let target = format!("/Archives/edgar/data/354950/0001{tail}?x=1");
            assert_eq!(find(&edgar, "GET", &target), one, "{target}");
        }
        assert_eq!(find(&edgar, "GET", "/Archives/edgar/data/354950"), Err(Skip::NoRoute));
        assert_eq!(find(&edgar, "GET", "/Archives/edgar/data/1/2/a.jpg"), Err(Skip::Asset));

        let pages = routes(&[(&[], "/{*subject}")]).unwrap();
        assert_eq!(find(&pages, "HEAD", "/blog//tags/x/"), hit(0, "blog/tags/x", None));
        assert_eq!(find(&pages, "GET", "/"), hit(0, "/", None));
        assert_eq!(find(&pages, "GET", "/main.Css?v=2"), Err(Skip::Asset));
        assert_eq!(find(&pages, "OPTIONS", "*"), Err(Skip::NoRoute));
    }

    #[test]
    fn one_template_can_be_several_routes_by_method() {
        let routes = routes(&[
            (&["GET", "HEAD"], "/a/{subject}"),
            (&["POST"], "/a/{subject}"),
            (&[], "/{*subject}"),
        ])
        .unwrap();
        assert_eq!(find(&routes, "GET", "/a/7"), hit(0, "7", None));
        assert_eq!(find(&routes, "get", "/a/7"), hit(0, "7", None));
        assert_eq!(find(&routes, "HEAD", "/a/7"), hit(0, "7", None));
        assert_eq!(find(&routes, "POST", "/a/7"), hit(1, "7", None));
        assert_eq!(find(&routes, "PUT", "/a/7"), hit(2, "a/7", None));
        assert_eq!(find(&routes, "GET", "/b/7"), hit(2, "b/7", None));
    }

    #[test]
    fn a_subject_can_stand_inside_a_segment() {
        let routes =
            routes(&[(&[], "/scans/{subject}.pdf"), (&[], "/files/r-{subject}/{record}")]).unwrap();
        assert_eq!(find(&routes, "GET", "/scans/17.pdf"), hit(0, "17", None));
        assert_eq!(find(&routes, "GET", "/scans/17.png"), Err(Skip::NoRoute));
        assert_eq!(find(&routes, "GET", "/scans/.pdf"), Err(Skip::NoRoute));
        assert_eq!(find(&routes, "GET", "/files/r-17/2"), hit(1, "17", Some("2")));
    }

    #[test]
    fn the_suffix_of_an_asset_does_not_hide_an_id() {
        let routes = routes(&[(&[], "/people/{subject}"), (&[], "/photos/{subject}.jpg")]).unwrap();
        assert_eq!(find(&routes, "GET", "/people/17.css"), hit(0, "17.css", None));
        assert_eq!(find(&routes, "GET", "/photos/17.jpg"), hit(1, "17", None));
        assert_eq!(find(&routes, "GET", "/photos/17/x.jpg"), Err(Skip::Asset));
        assert_eq!(find(&routes, "GET", "/static/main.css"), Err(Skip::Asset));
        assert_eq!(find(&routes, "GET", "/people/17;.css"), hit(0, "17", None));
    }

    #[test]
    fn an_id_with_an_encoded_slash_is_one_id_unless_a_route_takes_it_apart() {
        let routes = routes(&[(&[], "/cases/{subject}"), (&[], "/a/{subject}/{record}")]).unwrap();
        assert_eq!(find(&routes, "GET", "/cases/12%2f2024"), hit(0, "12%2F2024", None));
        assert_eq!(find(&routes, "GET", "/a/1%2F2"), hit(1, "1", Some("2")));
        assert_eq!(find(&routes, "GET", "/cases%2F12"), hit(0, "12", None));
    }

    #[test]
    fn a_template_in_front_of_a_tail_wins_over_the_empty_tail() {
        let routes = routes(&[(&[], "/a/{subject}/{*}"), (&[], "/a/{subject}")]).unwrap();
        assert_eq!(find(&routes, "GET", "/a/1/x"), hit(0, "1", None));
        assert_eq!(find(&routes, "GET", "/a/1"), hit(1, "1", None));
    }

    #[test]
    fn every_problem_is_reported_once_with_its_place() {
        let specs: &[(&[&str], &str)] = &[
            (&["GET"], "/a/{subject}"),
            (&["GET", "POST"], "/a/{subject}"),
            (&["get"], "/b/{subject}"),
            (&[], "/c/{who}/{subject}"),
            (&[], "/a/{subject}/{*}"),
            (&[], "/a/{subject}/{*}"),
        ];
        let problems = routes(specs).unwrap_err();
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "route 2: `get` is no method: upper-case letters, as in `GET`",
                "route 3: `{who}` is none of {subject}, {record}, {*}, {*subject}",
                "route 1: the path cannot be told from `/a/{subject}` of another route with the same method",
                "route 5: the path cannot be told from `/a/{subject}/{*}` of another route with the same method",
            ]
        );
        let empty = Routes::new(Vec::new(), &[String::new()]).unwrap_err();
        assert_eq!(empty[0].to_string(), "skipped suffix 0: an empty suffix would skip every path");
    }
}
