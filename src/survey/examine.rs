//! The examination: counts of a sample to what is blind.

use super::blind::{Blind, Kind};
use super::clients::{Clients, is_private};
use super::sample::{Row, Sample};
use super::{Report, draft, percent};
use crate::attribute::{KeyKind, RouteClass, net_of};
use crate::decode::Format;
use crate::time::MINUTE_MS;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// Lines that tell anything.
const LINES_MIN: usize = 10;
/// A format of fewer lines, of a hundred, is a stray one.
const FORMAT_PERCENT_MIN: usize = 5;
/// Of a hundred lines: what nearly all have, or nearly none.
const NEARLY_ALL: usize = 90;
/// Of a hundred lines: what some have, so that it is no accident.
const SOME: usize = 10;
/// Of a hundred lines: refused ones that `run` would raise a ticket for.
const REFUSED: usize = 5;
/// What one key makes of a route, of a hundred, and how many requests tell it.
const SHARED: (f64, usize) = (0.20, 100);
/// Proxies in front of a gateway at most; there are more clients than that.
const PROXIES_MAX: usize = 16;
/// A record's time and that of Kafka differ by less where the zone is right.
const ZONE_MS_MAX: i64 = 25 * MINUTE_MS;

/// Everything that is blind, the worst first.
pub(super) fn all(sample: &Sample, clients: &Clients, report: &Report, known: bool) -> Vec<Blind> {
    let mut blind = Vec::new();
    for (format, count) in &report.formats {
        let of = Of { format: *format, rows: select(sample, *format), sample, clients, known };
        if count * 100 >= sample.rows.len() * FORMAT_PERCENT_MIN {
            of.subjects(report, &mut blind);
            of.keys(&mut blind);
            of.fields(&mut blind);
        }
    }
    configured(report, &mut blind);
    unwatched(report, &mut blind);
    shared(report, &mut blind);
    twice(sample, clients, &mut blind);
    times(sample, report, &mut blind);
    refused(report, &mut blind);
    blind.sort_by_key(|it| it.kind);
    blind
}

fn select(sample: &Sample, format: Format) -> Vec<usize> {
    let rows = sample.rows.iter().enumerate();
    rows.filter(|(_, it)| it.format == format).map(|(at, _)| at).collect()
}

fn is_most(part: usize, whole: usize) -> bool {
    whole > 0 && part * 100 >= whole * NEARLY_ALL
}

/// The lines of one format.
struct Of<'a> {
    format: Format,
    rows: Vec<usize>,
    sample: &'a Sample,
    clients: &'a Clients,
    known: bool,
}

impl Of<'_> {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter_map(|it| self.sample.rows.get(*it))
    }

    fn count(&self, is: impl Fn(&Row) -> bool) -> usize {
        self.rows().filter(|it| is(it)).count()
    }

    fn push(&self, blind: &mut Vec<Blind>, kind: Kind, detail: String) {
        blind.push(Blind::new(kind, Some(self.format), detail));
    }

    fn subjects(&self, report: &Report, blind: &mut Vec<Blind>) {
        let (all, templates) = (self.rows.len(), self.count(|it| it.is_template));
        if templates * 2 > all {
            let share = percent(templates, all);
            let detail = format!("{share} of the lines have the route's template and no path");
            return self.push(blind, Kind::Template, detail);
        }
        // With a configuration its routes say whether there are subjects.
        if self.known || !report.routes.is_empty() {
            return;
        }
        let queries = self.count(|it| !it.query.is_empty());
        let detail = match queries {
            0 => "no path has anything like an id, and no line has a query: it may be cut off",
            _ => "neither paths nor queries have anything like an id",
        };
        self.push(blind, Kind::NoSubject, detail.to_owned());
    }

    fn keys(&self, blind: &mut Vec<Blind>) {
        let all = self.rows.len();
        let kind = |at: &usize| Some(self.clients.finest.get(*at).copied().flatten()?.0);
        let finer = |at: &usize| {
            let known = self.sample.rows.get(*at).and_then(|it| it.known.as_ref());
            known.map_or_else(|| kind(at).is_some_and(|it| it != KeyKind::Address), |it| it.has_key)
        };
        let nobody = self.rows.iter().filter(|it| kind(it).is_none() && !finer(it)).count();
        let with_key = self.rows.iter().filter(|it| finer(it)).count();
        if is_most(nobody, all) {
            let detail = "no line has a login, a key or an address".to_owned();
            return self.push(blind, Kind::NoClient, detail);
        }
        if is_most(all - with_key, all) {
            let detail = format!(
                "{} of the lines have no login, key or session",
                percent(all - with_key, all)
            );
            self.push(blind, Kind::OnlyAddress, detail);
        }
        if !self.proxies(blind) {
            self.one_address(blind);
        }
    }

    /// Whether proxies hide who asks.
    fn proxies(&self, blind: &mut Vec<Blind>) -> bool {
        let given = &self.clients.trusted;
        let untrusted = |it: &Row| {
            let peer = it.peer.as_deref().and_then(net_of);
            peer.filter(|it| !given.iter().any(|net| net.contains(it)))
        };
        let through: Vec<&Row> =
            self.rows().filter(|it| it.forwarded.is_some() && untrusted(it).is_some()).collect();
        let peers: BTreeSet<IpNet> = through.iter().filter_map(|it| untrusted(it)).collect();
        let first = |it: &&Row| {
            it.forwarded.as_deref().and_then(|it| it.split(',').next()).map(str::to_owned)
        };
        let people: BTreeSet<String> = through.iter().filter_map(first).collect();
        let private =
            through.iter().filter(|it| untrusted(it).is_some_and(|it| is_private(&it))).count();
        let is_proxy = private * 2 > through.len()
            || peers.len() <= PROXIES_MAX && people.len() > 2 * peers.len();
        if through.len() * 100 < self.rows.len() * SOME || through.len() < LINES_MIN || !is_proxy {
            return false;
        }
        let detail = format!(
            "{} of the lines came through a proxy that is not in trusted_proxies: {} addresses speak \
             for {} in X-Forwarded-For",
            percent(through.len(), self.rows.len()),
            peers.len(),
            people.len()
        );
        let mut found = Blind::new(Kind::UntrustedProxy, Some(self.format), detail);
        if !self.clients.proxies.is_empty() {
            found.snippet =
                format!("[clients]\ntrusted_proxies = {}", draft::nets(&self.clients.proxies));
        }
        blind.push(found);
        true
    }

    fn one_address(&self, blind: &mut Vec<Blind>) {
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        let addresses =
            self.rows.iter().filter_map(|it| self.clients.addresses.get(*it).copied().flatten());
        addresses.for_each(|it| *counts.entry(it).or_default() += 1);
        let busiest = counts.values().max().copied().unwrap_or_default();
        if self.rows.len() >= LINES_MIN && is_most(busiest, self.rows.len()) {
            let detail =
                format!("{} of the lines are from one address", percent(busiest, self.rows.len()));
            self.push(blind, Kind::OneAddress, detail);
        }
    }

    fn fields(&self, blind: &mut Vec<Blind>) {
        let all = self.rows.len();
        for (kind, missing, what) in [
            (Kind::NoStatus, self.count(|it| it.status.is_none()), "a status"),
            (Kind::NoAgent, self.count(|it| !it.has_agent), "a user agent"),
        ] {
            if is_most(missing, all) {
                self.push(
                    blind,
                    kind,
                    format!("{} of the lines lack {what}", percent(missing, all)),
                );
            }
        }
        let zoneless = self.count(|it| it.zoneless);
        let off = |it: &Row| {
            let apart = it.stamped.zip(it.time).map(|(stamped, time)| stamped.since(time).abs());
            apart.is_some_and(|it| it > ZONE_MS_MAX)
        };
        // With a configuration its zone is right unless Kafka's times say otherwise.
        let is_wrong = !self.known || is_most(self.count(off), all);
        if is_most(zoneless, all) && is_wrong {
            let detail = format!("{} of the times have no zone", percent(zoneless, all));
            self.push(blind, Kind::NoZone, detail);
        }
    }
}

/// What a configuration's routes do not see.
fn configured(report: &Report, blind: &mut Vec<Blind>) {
    let judged = || report.configured.iter().filter(|it| it.class != RouteClass::Public);
    if report.configured.is_empty() || blind.iter().any(|it| it.kind == Kind::Template) {
        return;
    }
    let format = report.formats.first().map(|it| it.0);
    if judged().all(|it| it.matched == 0) {
        let detail = "no line is on a configured route".to_owned();
        blind.push(Blind::new(Kind::NoRoute, format, detail));
    }
    for route in judged().filter(|it| it.matched > 0 && it.with_subject == 0) {
        let detail =
            format!("none of {} lines on route {} has its subject", route.matched, route.name);
        blind.push(Blind::new(Kind::NoSubject, format, detail));
    }
}

/// Routes with people on them, for the most part of no configured route: a portal grows.
fn unwatched(report: &Report, blind: &mut Vec<Blind>) {
    let no_route = blind.iter().any(|it| it.kind == Kind::NoRoute);
    let format = report.formats.first().map(|it| it.0);
    for route in missing(report).filter(|_| !no_route) {
        let written = adopted(route, report);
        let detail = format!(
            "{} requests for {} subjects at {} are on no route",
            route.records - route.watched,
            route.subjects,
            route.path
        );
        let blinded = Blind::new(Kind::Unwatched, format, detail);
        blind.push(Blind { snippet: written, ..blinded });
    }
}

/// Routes that are, for the most part, of no configured one.
pub(super) fn missing(report: &Report) -> impl Iterator<Item = &super::Route> {
    let is_unwatched =
        |it: &&super::Route| it.class != RouteClass::Write && it.watched * 2 < it.records;
    report.routes.iter().filter(|_| !report.configured.is_empty()).filter(is_unwatched)
}

/// How a configuration that has others already writes a route.
pub(super) fn adopted(route: &super::Route, report: &Report) -> String {
    let is_taken = report.configured.iter().any(|it| it.name == route.name);
    let name = if is_taken { format!("{}-more", route.name) } else { route.name.clone() };
    draft::one(&super::Route { name, ..route.clone() })
}

fn shared(report: &Report, blind: &mut Vec<Blind>) {
    let hidden = |kind| blind.iter().any(|it: &Blind| it.kind == kind);
    let one = hidden(Kind::OneAddress) || hidden(Kind::UntrustedProxy);
    let is_shared = |it: &&super::Route| {
        let fair = 2.0 / it.clients.max(1) as f64;
        let is_much = it.busiest > SHARED.0 && (it.clients == 1 || it.busiest > fair);
        it.records >= SHARED.1 && is_much && !(one && it.busiest_is_address)
    };
    let format = report.formats.first().map(|it| it.0);
    let found: Vec<Blind> = report
        .routes
        .iter()
        .filter(is_shared)
        .map(|it| {
            let what = if it.busiest_is_address { "address" } else { "key" };
            let detail = format!(
                "one {what} of {} makes {:.0} % of {} requests to {}",
                it.clients,
                it.busiest * 100.0,
                it.records,
                crate::alert::escape_text(&it.path)
            );
            Blind::new(Kind::SharedKey, format, detail)
        })
        .collect();
    blind.extend(found);
}

fn twice(sample: &Sample, clients: &Clients, blind: &mut Vec<Blind>) {
    let rows = &sample.rows;
    let repeats = |keys: Vec<u64>| {
        let different: BTreeSet<&u64> = keys.iter().collect();
        (keys.len() - different.len(), keys.len())
    };
    let by_id = repeats(rows.iter().filter_map(|it| it.request).collect());
    let same = rows.iter().zip(&clients.addresses).filter_map(|(row, address)| {
        let text = format!("{} {} {} {}", row.time?.0, row.method, row.path, row.query);
        Some(super::sample::hash(format!("{text} {}", (*address)?).as_bytes()))
    });
    let by_look = repeats(same.collect());
    let is_often =
        |(again, all): (usize, usize)| again >= LINES_MIN / 2 && again * 100 >= all * SOME;
    let detail = if is_often(by_id) {
        format!("{} of the request ids come more than once", percent(by_id.0, by_id.1))
    } else if is_often(by_look) {
        let share = percent(by_look.0, by_look.1);
        format!("{share} of the lines have time, method, path and address of another")
    } else {
        return;
    };
    blind.push(Blind::new(Kind::LoggedTwice, None, detail));
}

fn times(sample: &Sample, report: &Report, blind: &mut Vec<Blind>) {
    let without = sample.rows.iter().filter(|it| it.stamped.is_none()).count();
    if sample.from_kafka && without * 2 > sample.rows.len() {
        let format = report.formats.first().map(|it| it.0);
        let detail = format!(
            "{} of the records have no time in Kafka (-1)",
            percent(without, sample.rows.len())
        );
        blind.push(Blind::new(Kind::NoRecordTime, format, detail));
    }
}

fn refused(report: &Report, blind: &mut Vec<Blind>) {
    let count: usize = report.refused.values().sum();
    let all = count + report.decoded;
    if count * 100 >= all * REFUSED && count > 0 {
        let reasons: Vec<String> =
            report.refused.iter().map(|(why, count)| format!("{count} {}", why.name())).collect();
        let detail =
            format!("{} of the lines are refused: {}", percent(count, all), reasons.join(", "));
        blind.push(Blind::new(Kind::Refused, None, detail));
    }
}
