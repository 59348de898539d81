//! The stage itself: one decoded record in, one lookup or the reason for none out.

use super::address::Trusted;
use super::client::{Clients, Glob, NameScratch};
use super::crawlers::{Finder, NAME_BYTES_MIN};
use super::field::Request;
use super::hash::{HashKey, Hashes};
use super::lookup::{Attributed, KeyKind, Lookup, Mask, Outcome, RouteId, Skip};
use super::names;
use super::options::{EmptyField, Field, KeySpec, Options, RouteClass, RouteSpec, SubjectFrom};
use super::path::PathScratch;
use super::problem::{Fault, Part, Problem};
use super::route::{Found, Routes};
use crate::decode::{AccessRecord, EXTRAS_MAX};
use crate::time::Moment;

/// Attributes records to client keys, routes and subjects. It is the same for every thread; what
/// changes from record to record is in [`Scratch`].
#[derive(Clone)]
pub struct Attributor {
    routes: Routes,
    clients: Clients,
    trusted: Trusted,
    hashes: Hashes,
}

/// Buffers of one thread, so that attribution allocates nothing once they have grown.
#[derive(Debug, Default)]
pub struct Scratch {
    path: PathScratch,
    subject: Vec<u8>,
    names: NameScratch,
}

/// What attribution sees in one record, for `darban check`: never the subject itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The route, also one that is never judged.
    pub route: Option<RouteId>,
    /// Whether the subject is in the record.
    pub has_subject: bool,
    /// What became of the request, where it is on a route.
    pub outcome: Option<Outcome>,
    /// The client keys in the order of trust, each with its name as alerts show it.
    pub keys: Vec<(KeyKind, String)>,
    /// Why it gives no lookup; `None` where it gives one.
    pub skip: Option<Skip>,
}

impl Attributor {
    /// An attributor for these options, or everything that is wrong with them.
    ///
    /// # Errors
    /// One [`Problem`] for each fault, each with the place of its entry in `options`.
    pub fn new(options: Options, key: HashKey) -> Result<Self, Vec<Problem>> {
        let mut problems = faulty_fields(&options);
        let declared = options.crawlers.iter().map(|it| (it.as_str(), options.crawler_class));
        let monitors = options.monitors.iter().map(|it| (it.as_str(), options.monitor_class));
        let declared = Finder::new(declared.chain(monitors));
        let routes = match Routes::new(options.routes, &options.skip_suffixes) {
            Ok(routes) if problems.is_empty() => routes,
            Ok(_) => return Err(problems),
            Err(more) => {
                problems.extend(more);
                return Err(problems);
            }
        };
        Ok(Self {
            routes,
            clients: Clients::new(options.keys, declared),
            trusted: Trusted::new(&options.trusted_proxies),
            hashes: Hashes::new(key),
        })
    }

    /// Attributes a record. `fallback` is the event time of a record without one: its record
    /// time. The names of the keys are appended to `names`, the arena of the batch; nothing is
    /// appended for a skipped record.
    pub fn attribute(
        &self,
        record: &AccessRecord<'_>,
        fallback: Moment,
        scratch: &mut Scratch,
        names: &mut Vec<u8>,
    ) -> Attributed {
        match self.lookup(record, fallback, scratch, names) {
            Ok(lookup) => Attributed::Lookup(lookup),
            Err(skip) => Attributed::Skipped(skip),
        }
    }

    /// The configuration of a route.
    #[must_use]
    pub fn route(&self, id: RouteId) -> Option<&RouteSpec> {
        self.routes.get(id).map(|route| &route.spec)
    }

    /// The keyed hash by which lookups name the client key of this kind with this name, for
    /// finding a client that is given by name. The name as alerts show it; of a key that is shown
    /// as a hash, the value itself.
    #[must_use]
    pub fn key_hash(&self, kind: KeyKind, name: &[u8]) -> u64 {
        self.hashes.key(kind, name)
    }

    /// What attribution sees in a record. Allocates: for checking samples, not for the stream.
    #[must_use]
    pub fn explain(&self, record: &AccessRecord<'_>) -> Explanation {
        let (mut scratch, mut arena) = (Scratch::default(), Vec::new());
        let request = Request::of(record, &self.trusted);
        let keys = self.clients.keys(&request, &self.hashes, &mut scratch.names, &mut arena);
        let name = |kind| {
            let name = names::read(&arena, keys?.names, kind)?;
            Some((kind, String::from_utf8_lossy(name).into_owned()))
        };
        let mut explanation = Explanation {
            route: None,
            has_subject: false,
            outcome: None,
            keys: KeyKind::ALL.into_iter().filter_map(name).collect(),
            skip: None,
        };
        match self.routes.find(&record.method, &request.target, &mut scratch.path) {
            Ok(found) => {
                explanation.route = Some(found.id);
                explanation.outcome = Some(outcome(&found, &request));
                let subject = subject(&found, &request, &mut scratch.subject);
                explanation.has_subject = subject.is_some();
                explanation.skip = match (found.route.spec.class, subject, keys) {
                    (RouteClass::Public, ..) => Some(Skip::Public),
                    (_, None, _) => Some(Skip::NoSubject),
                    (_, _, None) => Some(Skip::NoKey),
                    _ => None,
                };
            }
            Err(skip) => explanation.skip = Some(skip),
        }
        explanation
    }

    fn lookup(
        &self,
        record: &AccessRecord<'_>,
        fallback: Moment,
        scratch: &mut Scratch,
        arena: &mut Vec<u8>,
    ) -> Result<Lookup, Skip> {
        let request = Request::of(record, &self.trusted);
        let Scratch { path, subject: buffer, names } = scratch;
        let found = self.routes.find(&record.method, &request.target, path)?;
        if found.route.spec.class == RouteClass::Public {
            return Err(Skip::Public);
        }
        let id = subject(&found, &request, buffer).ok_or(Skip::NoSubject)?;
        let subject = self.hashes.subject(id);
        let keys = self.clients.keys(&request, &self.hashes, names, arena).ok_or(Skip::NoKey)?;
        let mut lookup = Lookup {
            event: record.time.unwrap_or(fallback),
            content: 0,
            keys: keys.hashes,
            classes: keys.classes,
            route: found.id,
            outcome: outcome(&found, &request),
            subject,
            record: found.record.map_or(subject, |it| self.hashes.record(subject, it.as_bytes())),
            position: found.route.codec.position(id),
            bytes: u32::try_from(record.bytes.unwrap_or(0)).unwrap_or(u32::MAX),
            form: super::form::of(record),
            region: self.region(&found, &request),
            mask: Mask::of(id),
            names: keys.names,
        };
        lookup.content = self.content(&lookup);
        Ok(lookup)
    }

    /// What stands for the region of the person found, 0 where the log does not say.
    fn region(&self, found: &Found<'_>, request: &Request<'_>) -> u8 {
        let Some(field) = &found.route.spec.region else { return 0 };
        let mut buffer = Vec::new();
        request.value(field, &mut buffer).map_or(0, |it| self.hashes.region(it))
    }

    /// Everything of a lookup that a redelivered line has in common with the first: not where its
    /// names stand, and nothing that follows from the rest. The hash of a key tells its kind.
    fn content(&self, lookup: &Lookup) -> u64 {
        let small = u64::from(lookup.bytes) << 32
            | u64::from(lookup.route.0) << 8
            | u64::from(lookup.outcome as u8);
        let facts = [lookup.event.0.cast_unsigned(), small, lookup.subject, lookup.record];
        let keys = lookup.keys.into_iter().filter(|key| *key != 0);
        self.hashes.content(facts.into_iter().chain(keys))
    }
}

impl std::fmt::Debug for Attributor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attributor").finish_non_exhaustive()
    }
}

/// By size, and by what the log says of the answer. Where the line has neither, a 2xx answer counts
/// as disclosed: a miss that was none would hide a harvest.
fn outcome(found: &Found<'_>, request: &Request<'_>) -> Outcome {
    let (route, record) = (found.route, request.record);
    let outcome = Outcome::of(record.status, || {
        let sizes = route.spec.empty_bytes.zip(record.bytes);
        let small = sizes.is_some_and(|(most, bytes)| bytes <= most);
        let field = route.spec.empty_field.as_ref().zip(route.empty.as_ref());
        let says_so = |(spec, glob): (&EmptyField, &Glob)| {
            request.value(&spec.field, &mut Vec::new()).is_some_and(|it| glob.matches(it))
        };
        small || field.is_some_and(says_so)
    });
    // Portals call a wrong pass a bad request as often as they deny it.
    match record.status {
        Some(400 | 409 | 422) if route.spec.class == RouteClass::PassCheck => Outcome::Denied,
        _ => outcome,
    }
}

/// The raw subject id; it does not leave this file.
fn subject<'a, 'r: 'a>(
    found: &Found<'a>,
    request: &Request<'r>,
    buffer: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    let id = match &found.route.spec.subject {
        // A template names where the subject would stand.
        SubjectFrom::Path if request.record.is_template => None,
        SubjectFrom::Path => found.subject.map(str::as_bytes),
        SubjectFrom::Field(field) => request.value(field, buffer),
    };
    id.filter(|it| !it.is_empty())
}

/// What the compiled parts do not check for themselves.
fn faulty_fields(options: &Options) -> Vec<Problem> {
    let too_high = |field: &Field| matches!(field, Field::Extra(index) if *index >= EXTRAS_MAX);
    let in_route = |it: &RouteSpec| {
        matches!(&it.subject, SubjectFrom::Field(it) if too_high(it))
            || it.region.as_ref().is_some_and(too_high)
            || it.empty_field.as_ref().is_some_and(|it| too_high(&it.field))
    };
    let extras = Fault::NoSuchExtra(EXTRAS_MAX);
    let mut problems = Vec::new();
    let mut fault = |part, index, fault: &Fault| {
        problems.push(Problem { part, index, fault: fault.clone() });
    };
    let routes = options.routes.iter().enumerate().filter(|(_, it)| in_route(it));
    routes.for_each(|(index, _)| fault(Part::Route, index, &extras));
    let in_key = |it: &KeySpec| too_high(&it.field);
    let keys = options.keys.iter().enumerate().filter(|(_, it)| in_key(it));
    keys.for_each(|(index, _)| fault(Part::Key, index, &extras));
    for (part, names) in [(Part::Crawler, &options.crawlers), (Part::Monitor, &options.monitors)] {
        for (index, name) in names.iter().enumerate().filter(|(_, it)| it.len() < NAME_BYTES_MIN) {
            fault(part, index, &Fault::ShortAgent(name.clone(), NAME_BYTES_MIN));
        }
    }
    problems
}
