//! Campaigns whose members read in no order: one page, with their names.

use crate::simulate;
use darban::alert::{Alert, Mode, Severity};
use darban::scenarios::{Harvest, Pace, Simulation, Trial, config_toml};
use darban::time::{HOUR_MS, MINUTE_MS, Moment, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Addresses of homes that read a register in random order, one record in `pause_ms` each.
fn harvest(addresses: u64, pause_ms: i64, start: Moment) -> Harvest {
    let ms = pause_ms / i64::try_from(addresses).unwrap();
    let pace = Pace::Every { ms, jitter: 0.5 };
    Harvest { pace, ..Harvest::s8(addresses, start) }
}

/// The clients that each page names in the end, two hours after the harvests began.
fn pages(simulation: &Simulation) -> Vec<BTreeSet<String>> {
    let mut trial = Trial::new(&config_toml(&simulation.portal), 7).unwrap();
    let until = simulation.begin.plus(2 * HOUR_MS);
    let requests = simulation.requests().skip_while(|it| it.at < simulation.begin.plus(-HOUR_MS));
    requests.take_while(|it| it.at < until).for_each(|it| trial.feed(&it));
    trial.judge();
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_page = |it: &Alert| it.severity == Severity::Page && it.mode == Mode::Page;
    for alert in trial.take_alerts().into_iter().filter(is_page) {
        let clients = alert.clients.into_iter().map(|it| it.id);
        named.insert(alert.id, clients.collect());
    }
    named.into_values().collect()
}

fn simulation(harvests: impl Fn(Moment) -> Vec<Harvest>) -> Simulation {
    let mut simulation = simulate::simulation(&["S8"], 5, 8);
    simulation.harvests = harvests(simulation.begin);
    simulation
}

fn names(harvest: &Harvest) -> BTreeSet<String> {
    harvest.clients.iter().map(|it| it.address.to_string()).collect()
}

#[test]
fn twelve_homes_that_read_at_random_with_one_program_are_one_page_with_twelve_names() {
    let simulation = simulation(|begin| vec![harvest(12, 10 * SECOND_MS, begin)]);
    assert_eq!(pages(&simulation), [names(&simulation.harvests[0])]);
}

#[test]
fn two_campaigns_of_another_pace_that_begin_apart_are_two_pages() {
    let simulation = simulation(|begin| {
        let slow = harvest(4, 60 * SECOND_MS, begin.plus(20 * MINUTE_MS));
        let clients = (0..4).map(|it| Harvest::s8(40, begin).clients[30 + it]).collect();
        vec![harvest(6, 5 * SECOND_MS, begin), Harvest { clients, ..slow }]
    });
    let found: BTreeSet<_> = pages(&simulation).into_iter().collect();
    assert_eq!(found, simulation.harvests.iter().map(names).collect());
}

/// So many addresses of one /24, or each of its own, that read a register one record in `minutes`.
fn neighbours(count: u8, together: bool, minutes: i64, begin: Moment) -> Harvest {
    let mut harvest = harvest(u64::from(count), minutes * MINUTE_MS, begin);
    for (client, number) in harvest.clients.iter_mut().zip(1..) {
        let (network, host) = if together { (9, number) } else { (number, 9) };
        client.address = Ipv4Addr::new(100, 66, network, host);
    }
    harvest
}

#[test]
fn a_harvest_that_leaves_each_address_of_a_network_little_is_one_page_that_names_the_network() {
    let together = simulation(|begin| vec![neighbours(20, true, 8, begin)]);
    assert_eq!(pages(&together), [BTreeSet::from(["100.66.9.0/24".to_owned()])]);
    let scattered = simulation(|begin| vec![neighbours(20, false, 8, begin)]);
    assert_eq!(pages(&scattered), [] as [BTreeSet<String>; 0]);
}

#[test]
fn sixty_neighbours_that_each_read_what_anybody_may_are_no_page() {
    let crowd = simulation(|begin| vec![neighbours(60, true, 30, begin)]);
    assert_eq!(pages(&crowd), [] as [BTreeSet<String>; 0]);
}
