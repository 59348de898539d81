//! A route as a whole: crowds in which no client does much.

use crate::simulate;
use darban::alert::{Alert, Kind, Mode, Severity, Status};
use darban::attribute::KeyKind;
use darban::scenarios::{Harvest, Pace, Route, Simulation, Trial, Truth, config_toml, named};
use darban::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use std::collections::BTreeSet;

/// A small portal with a screening form, and this harvest of it after four honest days.
fn portal(seed: u64, harvest: impl Fn(Moment) -> Harvest) -> Simulation {
    let mut simulation = simulate::simulation(&["S7"], seed, 8);
    simulation.harvests = vec![harvest(simulation.begin)];
    simulation
}

/// A portal whose register has as many visitors as the usual one, for a fortnight and some days.
fn register(name: &str, seed: u64) -> Simulation {
    let mut simulation = simulate::simulation(&[], seed, 30);
    simulation.portal.visitors.per_day = 3_000.0;
    named(name).into_iter().for_each(|it| it.apply(&mut simulation));
    simulation
}

/// Homes that read so many times what the register's visitors do at nine.
fn homes(addresses: u64, times: f64, begin: Moment) -> Harvest {
    let per_second = times * 1.35 * 1.3 * 3_000.0 / 86_400.0;
    Harvest { pace: Pace::Poisson { per_second }, ..Harvest::s8(addresses, begin) }
}

/// Minutes from the beginning of a harvest by so many homes to its only page.
fn minutes_to_page(seed: u64, addresses: u64, times: f64) -> Option<i64> {
    let mut simulation = register("S8", seed);
    simulation.harvests = vec![homes(addresses, times, simulation.begin)];
    let (alerts, ..) = found_on("protocol", &simulation, 4 * HOUR_MS);
    let crowds = crowds(&alerts);
    assert!(crowds.len() <= 1, "{crowds:?}");
    crowds.first().map(|it| it.fired_at.since(simulation.begin) / MINUTE_MS)
}

/// What was found on the form until so long after the harvest began, and what it took.
fn found(simulation: &Simulation, after_ms: i64) -> (Vec<Alert>, Truth, Trial) {
    found_on("screening", simulation, after_ms)
}

/// The same on any route.
fn found_on(route: &str, simulation: &Simulation, after_ms: i64) -> (Vec<Alert>, Truth, Trial) {
    let mut trial = Trial::new(&config_toml(&simulation.portal), 7).unwrap();
    let mut truth = Truth::new(&simulation.harvests);
    let until = simulation.begin.plus(after_ms);
    for request in simulation.requests().take_while(|it| it.at < until) {
        truth.feed(&request);
        trial.feed(&request);
    }
    trial.judge();
    let on_route = trial.take_alerts().into_iter().filter(|it| &*it.route == route);
    (on_route.collect(), truth, trial)
}

fn pages(alerts: &[Alert]) -> Vec<&Alert> {
    let is_page = |it: &&Alert| it.severity == Severity::Page && it.mode == Mode::Page;
    alerts.iter().filter(is_page).filter(|it| it.status == Status::Firing).collect()
}

/// Those for more readers than usual, and not for one client.
fn crowds(alerts: &[Alert]) -> Vec<&Alert> {
    let is_crowd = |it: &&Alert| it.kind == Kind::Volume && it.members_total > 1;
    pages(alerts).into_iter().filter(is_crowd).collect()
}

#[test]
fn fifteen_hundred_addresses_that_guess_are_one_page_within_two_hundred_attempts_of_all() {
    let simulation = portal(5, |begin| Harvest::s7(1_500, begin));
    let (alerts, truth, trial) = found(&simulation, DAY_MS + HOUR_MS);
    let pages = pages(&alerts);
    assert_eq!(pages.len(), 1, "the second day's burst is the same campaign");
    assert_eq!((pages[0].kind, &*pages[0].route), (Kind::Guessing, "screening"));
    let attempts = truth.attempts(1, pages[0].fired_at);
    assert!(attempts <= 200, "{attempts} attempts");
    let own = |it: &&Alert| it.id == pages[0].id;
    let at = pages[0].fired_at.plus(10 * MINUTE_MS);
    let then = alerts.iter().filter(own).rfind(|it| it.changed_at <= at).unwrap();
    let thieves = simulation.harvests[0].clients.iter().map(|it| trial.name_of(it));
    let thieves: BTreeSet<(KeyKind, String)> = thieves.collect();
    let named = then.clients.iter().map(|it| (it.key, it.id.clone()));
    let right = named.filter(|it| thieves.contains(it)).count();
    assert!(right * 10 >= then.clients.len() * 9, "{right} of {}", then.clients.len());
    assert!((1_200..1_650).contains(&then.members_total), "{} members", then.members_total);
    let last = alerts.iter().rfind(own).unwrap();
    let (told, taken) = (last.records_out, truth.taken(1, last.changed_at));
    let error = told.error + taken / 50;
    assert!(told.estimate.abs_diff(taken) <= error, "{told:?} of {taken}");
    assert!(alerts.iter().filter(own).count() < 200, "{} changes", alerts.len());
}

#[test]
fn one_address_that_guesses_as_much_is_named_alone() {
    let simulation = portal(6, |begin| Harvest::s7(1, begin));
    let (alerts, ..) = found(&simulation, HOUR_MS);
    let names = |it: &Alert| it.clients.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let named: BTreeSet<Vec<String>> = pages(&alerts).into_iter().map(names).collect();
    let thief = simulation.harvests[0].clients[0].address.to_string();
    assert_eq!(named, BTreeSet::from([vec![thief]]));
}

#[test]
fn a_form_that_nobody_harvests_says_nothing_for_a_week() {
    let mut simulation = portal(8, |begin| Harvest::s7(1, begin));
    simulation.harvests.clear();
    assert!(simulation.portal.guests.iter().any(|it| it.route == Route::Screening));
    let (alerts, ..) = found(&simulation, 4 * DAY_MS);
    assert_eq!(pages(&alerts), Vec::<&Alert>::new());
}

#[test]
fn five_thousand_homes_are_one_page_within_twenty_minutes_that_names_them() {
    let mut simulation = register("S8", 3);
    simulation.harvests = vec![homes(5_000, 4.4, simulation.begin)];
    let (alerts, truth, trial) = found_on("protocol", &simulation, 2 * HOUR_MS);
    let pages = crowds(&alerts);
    assert_eq!(pages.len(), 1, "{pages:?}");
    let minutes = pages[0].fired_at.since(simulation.begin) / MINUTE_MS;
    assert!(minutes <= 20, "{minutes} minutes");
    let last = alerts.iter().rfind(|it| it.id == pages[0].id).unwrap();
    let thieves: BTreeSet<(KeyKind, String)> =
        simulation.harvests[0].clients.iter().map(|it| trial.name_of(it)).collect();
    let named = last.clients.iter().map(|it| (it.key, it.id.clone()));
    let right = named.filter(|it| thieves.contains(it)).count();
    assert!(right * 4 >= last.clients.len() * 3, "{right} of {}", last.clients.len());
    let (told, taken) = (last.records_out.estimate, truth.taken(1, last.changed_at));
    assert!(told >= taken * 2 / 3 && told <= taken * 3 / 2, "{told} of {taken}");
}

#[test]
fn homes_that_read_twice_what_visitors_do_are_a_page_within_two_hours() {
    let minutes = minutes_to_page(4, 5_000, 2.0);
    assert!(minutes.is_some_and(|it| it <= 120), "{minutes:?}");
}

#[test]
fn few_busy_homes_and_many_that_come_once_are_told_as_soon() {
    for addresses in [500, 20_000] {
        let minutes = minutes_to_page(5, addresses, 4.4);
        assert!(minutes.is_some_and(|it| it <= 20), "{minutes:?} for {addresses} addresses");
    }
}

#[test]
fn a_day_on_which_everybody_does_three_times_as_much_is_no_crowd() {
    let simulation = register("B6", 6);
    assert!(simulation.portal.campaign.is_some() && simulation.harvests.is_empty());
    let (alerts, ..) = found_on("protocol", &simulation, DAY_MS);
    assert_eq!(crowds(&alerts), Vec::<&Alert>::new());
}
