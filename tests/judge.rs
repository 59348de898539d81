//! What the engine says of whole portals, from requests to alerts.

use darban::alert::{Alert, Kind, Mode, Severity};
use darban::attribute::KeyKind;
use darban::scenarios::{
    Client, Harvest, Order, Pace, Portal, Route, Sharing, Staff, Trial, Who, config_toml,
};
use darban::time::{DAY_MS, HOUR_MS, Moment, days_from_civil};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The alerts of all of a portal's requests.
fn judged(portal: &Portal) -> Vec<Alert> {
    let mut trial = Trial::new(&config_toml(portal), portal.seed).expect("configured");
    portal.requests().for_each(|it| trial.feed(&it));
    trial.judge();
    trial.take_alerts()
}

#[test]
fn a_colleague_who_mistypes_all_day_is_no_guesser_at_the_offices_address() {
    let monday = Moment(days_from_civil(2026, 11, 23) * DAY_MS);
    let alerts = [1, 2, 3, 4].into_iter().flat_map(|seed| {
        // Of five colleagues most never miss and one misses every other time.
        let staff = Staff { count: 5, misses: 0.1, misses_alike: 0.4, ..Staff::default() };
        judged(&Portal { staff, ..Portal::empty(seed, monday, 90) })
    });
    let at_the_address = |it: &Alert| {
        it.kind == Kind::Guessing && it.clients.iter().any(|it| it.key == KeyKind::Address)
    };
    let alerts: Vec<Alert> = alerts.filter(at_the_address).collect();
    assert!(alerts.is_empty(), "{alerts:#?}");
}

/// Harvests among an honest portal's requests, up to an hour after they began, not yet judged.
fn fed(harvests: &[Harvest]) -> Trial {
    let monday = Moment(days_from_civil(2026, 11, 23) * DAY_MS);
    let mut portal = Portal::new(9, monday, 4);
    portal.citizens.per_day = 500.0;
    portal.visitors.per_day = 300.0;
    portal.partners.truncate(1);
    let start = monday.plus(3 * DAY_MS + 9 * HOUR_MS);
    let end = start.plus(HOUR_MS);
    let today = |it: &Harvest| Harvest { start, end, ..it.clone() };
    let harvests: Vec<Harvest> = harvests.iter().map(today).collect();
    let mut trial = Trial::new(&config_toml(&portal), 9).expect("configured");
    portal.with_harvests(&harvests).take_while(|it| it.at < end).for_each(|it| trial.feed(&it));
    trial
}

/// What they come to: the alerts that page, as they stand by then.
fn paged(harvests: &[Harvest]) -> Vec<Alert> {
    let mut trial = fed(harvests);
    trial.judge();
    let pages = trial.take_alerts().into_iter();
    let pages = pages.filter(|it| it.severity == Severity::Page && it.mode == Mode::Page);
    let latest: BTreeMap<String, Alert> = pages.map(|it| (it.id.clone(), it)).collect();
    latest.into_values().collect()
}

/// A login of staff, two at one office's address.
fn login(number: u32) -> Client {
    let office = u8::try_from(number / 2 % 250).unwrap();
    Client { who: Who::Staff(5_000 + number), address: Ipv4Addr::new(198, 18, office, 9) }
}

#[test]
fn fifty_logins_that_share_one_harvest_are_one_page_with_their_names() {
    for order in [
        Order::Serial { first: 700_000, stride: 1 },
        Order::Gaps { first: 700_000, mean: 3.0 },
        Order::Prefixes { first: 700_000, numbers: 10_000 },
    ] {
        let harvest = Harvest {
            clients: (0..50).map(login).collect(),
            sharing: Sharing::Random,
            pace: Pace::Poisson { per_second: 5.0 },
            hits: 0.85,
            order,
            ..Harvest::new("S6", login(0), Route::Beneficiary, Moment(0))
        };
        let alerts = paged(&[harvest]);
        assert_eq!(alerts.len(), 1, "{order:?}: {alerts:#?}");
        let alert = &alerts[0];
        let own = alert.clients.iter().filter(|it| it.id.starts_with("clinic-50")).count();
        assert!(own >= 45 && own * 10 >= alert.clients.len() * 9, "{order:?}: {alert:#?}");
    }
}

#[test]
fn two_walks_that_share_nothing_out_are_two_pages() {
    let walk = |network: u8, first: u64| {
        let address = Ipv4Addr::new(192, 0, network, 77);
        Harvest {
            order: Order::Serial { first, stride: 1 },
            clients: vec![Client { who: Who::Nobody, address }],
            ..Harvest::s5_records(1, Moment(0))
        }
    };
    // The second pair reads the same numbers: nobody shares anything out.
    for (one, other) in [(100_000, 900_000), (300_000, 300_000)] {
        let alerts = paged(&[walk(10, one), walk(11, other)]);
        assert_eq!(alerts.len(), 2, "{one} and {other}: {alerts:#?}");
        assert!(alerts.iter().all(|it| it.members_total == 1));
    }
}

#[test]
fn neighbours_that_each_walk_a_range_of_their_own_are_independent_collectors() {
    let walk = |host: u8, first: u64| Harvest {
        order: Order::Serial { first, stride: 1 },
        clients: vec![Client { who: Who::Nobody, address: Ipv4Addr::new(192, 0, 10, host) }],
        ..Harvest::s5_records(1, Moment(0))
    };
    let alerts = paged(&[walk(77, 100_000), walk(78, 900_000)]);
    assert_eq!(alerts.len(), 2, "{alerts:#?}");
}

#[test]
fn a_register_read_by_six_addresses_with_its_photos_is_one_page_about_both_routes() {
    let alerts = paged(&[Harvest::s5(6, Moment(0))]);
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert_eq!((alerts[0].members_total, alerts[0].also_on.len()), (6, 1), "{alerts:#?}");
}

#[test]
fn two_hundred_neighbours_that_take_turns_along_the_ids_are_one_page_about_their_network() {
    let client = |host: u8| Client { who: Who::Nobody, address: Ipv4Addr::new(192, 0, 10, host) };
    let alerts = paged(&[Harvest {
        order: Order::Serial { first: 100_000, stride: 1 },
        clients: (1..=200).map(client).collect(),
        sharing: Sharing::Turns,
        pace: Pace::Poisson { per_second: 0.05 },
        ..Harvest::s5_records(1, Moment(0))
    }]);
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    let named = alerts[0].clients.iter().map(|it| (it.key, it.id.as_str()));
    assert_eq!(named.collect::<Vec<_>>(), [(KeyKind::Network, "192.0.10.0/24")]);
}

#[test]
fn a_walk_is_drawn_as_the_line_that_it_is() {
    let harvest = Harvest {
        clients: vec![login(1)],
        pace: Pace::Poisson { per_second: 0.5 },
        order: Order::Serial { first: 700_000, stride: 1 },
        ..Harvest::new("S1", login(1), Route::Beneficiary, Moment(0))
    };
    let mut drawn = BTreeMap::new();
    fed(&[harvest]).judge_each(|_, engine| {
        drawn.extend(engine.drawn().into_iter().map(|(id, it)| (id.to_owned(), it)));
    });
    assert_eq!(drawn.len(), 1, "{drawn:#?}");
    let drawn = drawn.into_values().next().unwrap();
    assert_eq!((drawn.client.id.as_str(), &*drawn.route), ("clinic-5001", "beneficiary"));
    let places = drawn.shape.places;
    let rises = places.windows(2).filter(|it| it[0] < it[1]).count();
    assert!(places.len() >= 64 && rises * 10 >= places.len() * 9, "{rises} of {places:?}");
    assert!(drawn.shape.look_ups > 128, "{}", drawn.shape.look_ups);
}
