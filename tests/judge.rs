//! What the engine says of whole portals, from requests to alerts.

use darban::alert::{Alert, Kind};
use darban::attribute::KeyKind;
use darban::scenarios::{Portal, Staff, Trial, config_toml};
use darban::time::{DAY_MS, Moment, days_from_civil};

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
