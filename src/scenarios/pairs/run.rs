//! A cohort through the engine.

use super::super::gates::{begin, pages};
use super::super::portal::Portal;
use super::super::request::Request;
use super::super::setup::districts_toml;
use super::super::{Trial, config_toml};
use super::cohort::Clients;
use super::{CLIENTS_MAX, COUNTED_DAYS, HISTORY_DAYS, HISTORY_MS, KEYS, KINDS, Kind, KindFigures};
use crate::alert::{Alert, Status};
use crate::attribute::RouteId;
use crate::config::Config;
use crate::engine::Engine;
use crate::time::{DAY_MS, Moment};
use crate::timeline::Cut;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A cohort that is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Cohort {
    /// Whose.
    pub kind: Kind,
    seed: u64,
    clients: u32,
    level: f64,
    /// The route's place in the configuration.
    route: RouteId,
}

/// The cohorts that make so many pairs or a little more: as many of each kind, the busiest kinds
/// first in each round.
///
/// # Errors
/// When the portal's configuration is wrong, in words.
pub fn cohorts(pairs: u64, seed: u64) -> Result<Vec<Cohort>, String> {
    let portal = Portal::new(seed, begin(), 1);
    let config = Config::parse_without_files(&config_toml(&portal), Path::new("."));
    let config = config.map_err(|problems| problems.to_string())?;
    let of = |kind: &Kind| {
        let routes = &config.attribute.routes;
        let at = routes.iter().position(|it| Some(it.name.as_str()) == kind.route.name())?;
        let class = config.classes.iter().find(|it| it.name == kind.class)?;
        let level = class.level_on(routes.get(at)?.class).subjects;
        let route = RouteId(u16::try_from(at).ok()?);
        Some(Cohort { kind: *kind, seed: 0, clients: 0, level, route })
    };
    let one: Option<Vec<Cohort>> = KINDS.iter().map(of).collect();
    let one = one.ok_or("the portal's configuration lacks a route or a class")?;
    let counted = one.iter().filter(|it| it.kind.counts());
    let a_client: f64 = counted.map(|it| it.kind.contacts(it.level) * KEYS as f64).sum();
    // A hundredth more, because days differ.
    let clients = pairs as f64 * 1.01 / (a_client * COUNTED_DAYS as f64);
    let rounds = (clients / f64::from(CLIENTS_MAX)).ceil().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the most")]
    let (clients, rounds) = ((clients / rounds).ceil() as u32, rounds as u64);
    let round = |number: u64| {
        let first = seed.wrapping_mul(1_000_003).wrapping_add(number * KINDS.len() as u64);
        let seeds = (0..).map(move |it| first.wrapping_add(it));
        let clients = clients.max(1);
        one.clone().into_iter().zip(seeds).map(move |(it, seed)| Cohort { seed, clients, ..it })
    };
    Ok((0..rounds).flat_map(round).collect())
}

impl Cohort {
    /// Runs it.
    ///
    /// # Errors
    /// When the portal's configuration is wrong, in words.
    pub fn run(&self) -> Result<KindFigures, String> {
        let portal = Portal::new(self.seed, begin(), HISTORY_DAYS + COUNTED_DAYS);
        let mut clients = Clients::new(self.kind, self.seed, self.clients, self.level);
        let trial = Trial::new(&[self.kind.told, &districts_toml(&portal)].concat(), self.seed)?;
        let from = portal.start.plus(HISTORY_MS);
        let figures = KindFigures {
            client_days: u64::from(self.clients) * COUNTED_DAYS.unsigned_abs(),
            ..KindFigures::of(&self.kind)
        };
        let mut running = Running { cohort: self, from, trial, figures, worst: BTreeMap::new() };
        let (mut today, mut later) = (Vec::new(), Vec::new());
        for day in 0..HISTORY_DAYS + COUNTED_DAYS {
            let begins = portal.start.plus(day * DAY_MS);
            today.append(&mut later);
            clients.day(begins, &mut today);
            // What follows after midnight belongs among the next day's.
            let over = today.partition_point(|it| it.at < begins.plus(DAY_MS));
            later.extend(today.drain(over..));
            today.drain(..).for_each(|it| running.take(&it));
        }
        running.judge();
        Ok(running.end())
    }
}

/// A cohort under way.
struct Running<'a> {
    cohort: &'a Cohort,
    /// From when on pairs count.
    from: Moment,
    trial: Trial,
    figures: KindFigures,
    /// The alerts so far: when each began, and the change that made it a page.
    worst: BTreeMap<String, (Moment, Option<Alert>)>,
}

impl Running<'_> {
    fn take(&mut self, request: &Request) {
        if self.trial.is_nearly_full() {
            self.judge();
        }
        self.trial.feed(request);
    }

    fn judge(&mut self) {
        let Self { cohort, from, trial, figures, .. } = self;
        trial.judge_each(|cut, engine| {
            if cut.at > *from {
                read(cohort, cut, engine, figures);
            }
        });
        for alert in self.trial.take_alerts() {
            if alert.status == Status::Resolved {
                continue;
            }
            let began = (alert.changed_at, None);
            let (_, page) = self.worst.entry(alert.id.clone()).or_insert(began);
            if page.is_none() && pages(&alert) {
                *page = Some(alert);
            }
        }
    }

    fn end(self) -> KindFigures {
        let mut figures = self.figures;
        for (began, page) in self.worst.into_values() {
            match page {
                // One that was a ticket before and a page now counts now.
                Some(alert) if alert.changed_at > self.from => {
                    figures.pages += 1;
                    *figures.paged.entry(called(&alert)).or_default() += 1;
                }
                Some(_) => figures.pages_before += 1,
                None => figures.tickets += u64::from(began > self.from),
            }
        }
        figures
    }
}

/// Reads the evidence of every key of a cut's contacts, behind it.
fn read(cohort: &Cohort, cut: &Cut, engine: &Engine, figures: &mut KindFigures) {
    let lookups = cut.lookups.iter().map(|it| &it.lookup);
    for lookup in lookups.filter(|it| it.route == cohort.route) {
        let keys: BTreeSet<u64> = lookup.keys.iter().copied().filter(|it| *it != 0).collect();
        for key in keys {
            let Some((_, opened)) = engine.explain(key, lookup.route.0) else { continue };
            figures.take(&opened);
        }
    }
}

/// What a page was: its kind and key, and the stream that said most.
fn called(alert: &Alert) -> String {
    let key = alert.clients.first().map_or("nobody", |it| it.key.name());
    let most = alert.streams.iter().max_by(|one, other| one.1.total_cmp(other.1));
    let most = most.map_or("", |it| it.0);
    format!("{} by {key}, mostly by {most}", alert.kind.name())
}

#[cfg(test)]
mod tests {
    use super::super::PairFigures;
    use super::*;
    use crate::evidence::Stream;

    fn few() -> Vec<KindFigures> {
        cohorts(60_000, 3).unwrap().iter().map(|it| it.run().unwrap()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_figures_and_as_many_pairs_as_were_asked_for() {
        let figures = || PairFigures::sum(18.06, &few());
        let (one, again) = (figures(), figures());
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&again).unwrap());
        assert!((48_000..75_000).contains(&one.all.pairs), "{}", one.all.pairs);
    }

    #[test]
    fn each_kind_is_read_by_the_streams_of_its_route() {
        for kind in few() {
            let read = |stream: Stream| kind.streams[stream.index()].pairs;
            let is_register = kind.name.starts_with("register");
            assert_eq!(read(Stream::Cold) > 0, is_register, "{}", kind.name);
            assert_eq!(read(Stream::Act) > 0, !is_register, "{}", kind.name);
            assert_eq!(read(Stream::Volume), kind.pairs, "{}", kind.name);
        }
    }

    #[test]
    fn many_pairs_are_many_cohorts_of_a_bounded_size() {
        let many = cohorts(100_000_000, 1).unwrap();
        assert!(many.iter().all(|it| it.clients <= CLIENTS_MAX));
        let mut seeds: Vec<u64> = many.iter().map(|it| it.seed).collect();
        seeds.dedup();
        assert_eq!(seeds.len(), many.len());
    }
}
