//! The catalogue of scenarios and `darban simulate`: shapes as published, labels, lines, words.

use crate::deliver::scratch::Scratch as Folder;
use crate::scenarios::{as_format_has_it, assert_near, decoder};
use darban::attribute::{Attributed, KeyKind};
use darban::config::Config;
use darban::decode::{AccessRecord, Format, Refusal};
use darban::pipeline::{Keys, build};
use darban::scenarios::{
    Campaign, Client, Filler, Form, Group, HARVEST_OPTIONS, Harvest, Hostile, Id, Ids, Joining,
    Layout, PORTAL_OPTIONS, Pace, Padding, Portal, Register, Request, Route, Scratch, Season,
    Setting, Simulation, Staff, Storm, Tally, Who, as_record, config_toml, named, scenarios,
};
use darban::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS, days_from_civil};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output};

/// A Monday.
fn monday() -> Moment {
    Moment(days_from_civil(2026, 11, 23) * DAY_MS)
}

fn at(day: i64, hour: i64) -> Moment {
    monday().plus(day * DAY_MS + hour * HOUR_MS)
}

const fn setting(seed: u64, start: Moment, days: i64) -> Setting {
    Setting { seed, start, days }
}

/// A simulation of a small portal with these scenarios in it.
pub(crate) fn simulation(names: &[&str], seed: u64, days: i64) -> Simulation {
    let mut simulation = Simulation::new(&setting(seed, monday(), days));
    let portal = &mut simulation.portal;
    portal.citizens.per_day = 500.0;
    portal.staff.count = 30;
    portal.call_centre = Staff::call_centre(4);
    portal.partners.truncate(1);
    portal.visitors.per_day = 200.0;
    for scenario in names.iter().flat_map(|it| named(it)) {
        scenario.apply(&mut simulation);
    }
    simulation
}

/// A harvest's requests in a portal without anybody else.
fn alone(harvest: Harvest, days: i64) -> Vec<Request> {
    Portal::empty(8, monday(), days).with_harvests(&[harvest]).collect()
}

fn share(of: &[Request], is: impl Fn(&Request) -> bool) -> f64 {
    of.iter().filter(|it| is(it)).count() as f64 / of.len() as f64
}

fn clients(of: &[Request]) -> BTreeSet<Client> {
    of.iter().map(|it| it.client).collect()
}

fn numbers(of: &[Request]) -> Vec<u64> {
    of.iter().map(|it| it.subject.number).collect()
}

fn per_day(of: &[Request], start: Moment) -> BTreeMap<i64, usize> {
    let mut days = BTreeMap::new();
    for request in of {
        *days.entry(request.at.since(start).div_euclid(DAY_MS)).or_default() += 1;
    }
    days
}

fn is_serial(of: &[Request]) -> bool {
    numbers(of).windows(2).all(|it| it[1] == it[0] + 1)
}

fn on(of: &[Request], route: Route) -> Vec<Request> {
    of.iter().filter(|it| it.route == route).copied().collect()
}

#[test]
fn every_scenario_of_the_contract_is_in_the_catalogue_under_its_name() {
    let names: Vec<&str> = scenarios().map(|it| it.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for number in 1..=17 {
        assert!(!named(&format!("S{number}")).is_empty(), "S{number}");
    }
    for number in 1..=15 {
        assert!(!named(&format!("b{number}")).is_empty(), "B{number}");
    }
    let called = |name| named(name).iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(called("S10"), ["S10a", "S10b", "S10c"]);
    assert_eq!(called("s3A"), ["S3a"]);
    assert_eq!(called("S4"), ["S4"], "a name of its own is no family");
    assert!(called("S").is_empty() && called("S99").is_empty() && called("").is_empty());
}

#[test]
fn scenarios_begin_after_a_fortnight_or_half_of_the_log() {
    let begin = |days| setting(1, at(0, 5), days).begin();
    assert_eq!(begin(1), at(0, 9));
    assert_eq!(begin(2), at(1, 9));
    assert_eq!(begin(10), at(5, 9));
    assert_eq!(begin(60), at(14, 9));
    assert_eq!(setting(1, at(0, 11), 1).begin(), at(0, 11), "never before the log");
}

#[test]
fn every_line_of_every_scenario_decodes_to_its_request() {
    for (index, scenario) in scenarios().enumerate() {
        let simulation = simulation(&[scenario.name], 5, 1);
        // Each scenario in JSON, and in one other format.
        for format in [Format::NginxJson, Format::ALL[index % Format::ALL.len()]] {
            let labels = read_lines(&simulation, format);
            let expected = usize::from(!simulation.harvests.is_empty());
            assert!(labels.len() > expected, "{} shows no harvest", scenario.name);
        }
    }
}

/// Compares lines with their requests; the labels that were seen.
fn read_lines(simulation: &Simulation, format: Format) -> BTreeSet<u16> {
    let (decoder, mut writer) = (decoder(&simulation.portal), simulation.writer(format));
    let (mut scratch, mut line, mut labels) = (Scratch::default(), Vec::new(), BTreeSet::new());
    let before = simulation.requests().take(20_000).step_by(23);
    let begun = simulation.requests().skip_while(|it| it.at < simulation.begin);
    for request in before.chain(begun.step_by(23).take(3_000)) {
        line.clear();
        writer.write(&request, &mut line);
        labels.insert(request.label);
        let shown = String::from_utf8_lossy(&line);
        assert!(!line.contains(&b'\n'), "{shown}");
        let decoded = decoder.decode(&line);
        let (seen, record) = decoded.unwrap_or_else(|it| panic!("{it:?} {shown}"));
        assert_eq!(seen, format, "{shown}");
        let mut expected = as_format_has_it(format, as_record(&request, &mut scratch));
        if simulation.faults.hostile && request.label > 0 {
            assert_same_client_and_subject(&record, &expected, &shown);
            expected.target = record.target.clone();
            expected.user_agent = record.user_agent.clone();
            expected.captures.clone_from(&record.captures);
        }
        assert_eq!(record, expected, "{shown}");
    }
    labels
}

#[test]
fn the_written_configuration_attributes_every_scenario() {
    for scenario in scenarios() {
        let simulation = simulation(&[scenario.name], 5, 1);
        let config = Config::parse_without_files(&config_toml(&simulation.portal), Path::new(""));
        let keys = Keys::derived(&[7; 32]);
        let attributor = build::attributor(&config.unwrap(), &keys).unwrap();
        let mut scratch = Scratch::default();
        let begun = simulation.requests().skip_while(|it| it.at < simulation.begin);
        for request in begun.step_by(41).take(1_000) {
            let seen = attributor.explain(&as_record(&request, &mut scratch));
            let route = seen.route.and_then(|it| Some(attributor.route(it)?.name.clone()));
            assert_eq!(route.as_deref(), request.route.name(), "{request:?}");
            // Of public routes nobody reads the subject.
            let has_subject = request.subject != Id::NONE && request.route != Route::Slots;
            assert_eq!(seen.has_subject, has_subject, "{request:?}");
            assert_eq!(seen.keys[0].0, request.client.finest().0);
        }
    }
}

#[test]
fn a_screened_code_is_the_same_subject_in_the_body_and_in_the_path() {
    let simulation = simulation(&["S7"], 5, 1);
    let config = Config::parse_without_files(&config_toml(&simulation.portal), Path::new(""));
    let config = config.unwrap();
    let keys = Keys::derived(&[7; 32]);
    let attributor = build::attributor(&config, &keys).unwrap();
    let decoder = decoder(&simulation.portal);
    let subjects = |format| {
        let (mut writer, mut line, mut names) = (simulation.writer(format), Vec::new(), Vec::new());
        let mut scratch = darban::attribute::Scratch::default();
        let mut seen = Vec::new();
        for request in simulation.requests().filter(|it| it.label > 0).take(300) {
            line.clear();
            writer.write(&request, &mut line);
            let record = decoder.decode(&line).unwrap().1;
            match attributor.attribute(&record, request.at, &mut scratch, &mut names) {
                Attributed::Lookup(lookup) => seen.push(lookup.subject),
                Attributed::Skipped(skip) => panic!("{skip:?}"),
            }
        }
        seen
    };
    let first = subjects(Format::NginxJson);
    for format in Format::ALL {
        assert!(subjects(*format) == first, "{format:?}");
    }
}

/// A hostile line says more than it should, but says first what an honest one says.
fn assert_same_client_and_subject(seen: &AccessRecord, plain: &AccessRecord, line: &str) {
    assert!(seen.target.starts_with(&plain.target), "{line}");
    let agents = seen.user_agent.as_ref().zip(plain.user_agent.as_ref());
    assert!(agents.is_none_or(|(seen, plain)| seen.starts_with(plain)), "{line}");
    let last = |it: &AccessRecord| it.captures.last().map(|it| it.to_vec());
    assert_eq!(last(seen), last(plain), "{line}");
}

#[test]
fn hostile_lines_of_every_format_are_read_or_refused_for_a_counted_reason() {
    let simulation = simulation(&["S17"], 3, 1);
    let decoder = decoder(&simulation.portal);
    for format in Format::ALL {
        let mut writer = simulation.writer(*format);
        let (mut scratch, mut line) = (Scratch::default(), Vec::new());
        let (mut faults, mut refused) = (BTreeMap::new(), 0);
        for request in simulation.requests().filter(|it| it.label > 0).take(400) {
            line.clear();
            writer.write(&request, &mut line);
            let fault = Hostile::of(&request);
            *faults.entry(format!("{fault:?}")).or_insert(0) += 1;
            let shown = String::from_utf8_lossy(&line);
            match decoder.decode(&line) {
                Ok((_, record)) => {
                    let plain = as_format_has_it(*format, as_record(&request, &mut scratch));
                    assert_same_client_and_subject(&record, &plain, &shown);
                    assert_eq!(record.status, plain.status, "{shown}");
                }
                Err(reason) => {
                    assert!(Refusal::ALL.contains(&reason), "{shown}");
                    refused += 1;
                }
            }
            assert_eq!(fault == Hostile::HugePath, line.len() > 8_000, "{shown}");
        }
        assert_eq!(faults.len(), 4, "{format:?}: {faults:?}");
        assert_eq!(refused, 0, "{format:?}");
    }
}

#[test]
fn a_search_crawler_says_so_and_one_address_takes_reports_at_random() {
    let crawler = alone(Harvest::s2_crawler(at(0, 0)), 2);
    assert_near("a day", crawler.len() as f64 / 2.0, 900_000.0 / 21.0, 0.02);
    assert!(crawler.iter().all(|it| it.agent.text().contains("Googlebot")));
    let taker = alone(Harvest::s2(at(0, 0)), 1);
    assert_eq!(taker.len(), 20_000);
    let hours = taker[19_999].at.since(at(0, 0)) as f64 / HOUR_MS as f64;
    assert_near("hours", hours, 20_000.0 / 2.0 / 3_600.0, 0.03);
    assert_near("hits", share(&taker, Request::is_disclosed), 0.99, 0.005);
    assert!(!numbers(&taker).is_sorted() && clients(&taker).len() == 1);
    let random = Ids { reports_named_at_random: true, ..Ids::default() };
    let mut portal = Portal::empty(8, monday(), 1);
    portal.ids = random;
    let named = portal.with_harvests(&[Harvest::s2(at(0, 0))]).next().unwrap();
    assert_eq!(named.subject.form, Form::Uuid);
}

#[test]
fn a_relay_follows_its_users_evenings_and_the_news() {
    let relay = alone(Harvest::s3a(5, at(0, 0)), 5);
    let days = per_day(&relay, monday());
    for quiet in [0, 1, 2, 4] {
        assert_near("a day", days[&quiet] as f64, 1_500.0, 0.12);
    }
    assert_near("the day of the news", days[&3] as f64, 75_000.0, 0.08);
    let hour = |it: &Request| it.at.index(HOUR_MS).rem_euclid(24);
    let evening = share(&relay, |it| (18..21).contains(&hour(it)));
    assert_near("evening", evening, 0.24, 0.1);
    assert_eq!(clients(&relay).len(), 2, "two foreign addresses");
    assert!(relay.iter().all(|it| it.client.who == Who::Staff(5)));
    assert!(relay.iter().all(|it| it.route == Route::ByMobile), "never a vaccination");
    let mut often: BTreeMap<Id, u32> = BTreeMap::new();
    relay.iter().for_each(|it| *often.entry(it.subject).or_default() += 1);
    let prominent: BTreeSet<Id> = often.iter().filter(|it| *it.1 > 5).map(|it| *it.0).collect();
    let popular = share(&relay, |it| prominent.contains(&it.subject));
    assert_near("prominent", popular, 0.15, 0.1);
    let others: Vec<Request> =
        relay.iter().filter(|it| !prominent.contains(&it.subject)).copied().collect();
    assert_near("hits", share(&others, Request::is_disclosed), 0.75, 0.02);
    let found: Vec<u16> =
        others.iter().filter(|it| it.is_disclosed()).map(|it| it.records).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 4);
    let mean = f64::from(found.iter().map(|it| u32::from(*it)).sum::<u32>()) / found.len() as f64;
    assert_near("people a hit", mean, 2.5, 0.02);
}

#[test]
fn an_open_register_has_six_addresses_and_other_collectors_who_tamper() {
    let simulation = simulation(&["S5"], 1, 2);
    let all: Vec<Request> = simulation.requests().filter(|it| it.label > 0).collect();
    let of = |label: u16| all.iter().filter(|it| it.label == label).copied().collect::<Vec<_>>();
    assert_eq!([1, 2, 3].map(|it| clients(&of(it)).len()), [6, 1, 1]);
    let firsts = [1, 2, 3].map(|it| of(it)[0].subject);
    assert_eq!(firsts.iter().collect::<BTreeSet<_>>().len(), 3, "each on a range of its own");
    let written = |it: &Request| matches!(it.route, Route::Change | Route::Removal);
    assert!(share(&of(1), written) < 1e-9);
    let tampered = share(&of(2), written);
    assert!(tampered > 0.0 && tampered < 0.003, "{tampered}");
}

#[test]
fn fifty_clinics_share_the_people_in_the_order_of_their_birth() {
    let mut simulation = simulation(&["S6"], 1, 1);
    simulation.begin = at(0, 0);
    let harvest = Harvest { start: at(0, 0), ..simulation.harvests[0].clone() };
    let mut portal =
        Portal { citizens: Portal::empty(1, monday(), 1).citizens, ..simulation.portal };
    portal.staff.count = 0;
    let requests: Vec<Request> =
        portal.with_harvests(&[harvest]).filter(|it| it.label > 0).collect();
    assert_near("a day", requests.len() as f64, 500_000.0, 0.02);
    assert_near("hits", share(&requests, Request::is_disclosed), 0.85, 0.01);
    let hour = |it: &Request| it.at.index(HOUR_MS).rem_euclid(24);
    assert!(requests.iter().all(|it| (9..17).contains(&hour(it))));
    let who = clients(&requests);
    let addresses: BTreeSet<Ipv4Addr> = who.iter().map(|it| it.address).collect();
    assert_eq!((who.len(), addresses.len()), (50, 25));
    let births: Vec<u64> = requests.iter().map(|it| it.subject.number / 1_000_000).collect();
    assert!(requests.iter().all(|it| it.subject.form == Form::Twelve));
    assert!(births.is_sorted(), "in the order of birth dates");
    assert_eq!(numbers(&requests).iter().collect::<BTreeSet<_>>().len(), requests.len());
    assert!(requests.iter().all(|it| it.route == Route::Beneficiary), "no act follows");
}

#[test]
fn a_screening_form_is_tried_in_bursts_region_by_region() {
    let form = alone(Harvest::s7(1_500, at(0, 9)), 9);
    assert_near("in all", form.len() as f64, 7.0 * 6.0 * 36_000.0, 0.01);
    assert!(form.iter().all(|it| it.at.since(at(0, 9)) % DAY_MS < 6 * HOUR_MS));
    assert_eq!(clients(&form).len(), 1_500);
    assert_near("hits", share(&form, Request::is_disclosed), 0.5, 0.01);
    let regions: Vec<u64> = numbers(&form).iter().map(|it| it / 10_000_000).collect();
    assert!(regions.is_sorted() && regions[0] == 40, "one region after the other");
    for id in form.iter().step_by(1_009).map(|it| it.subject.number) {
        let weighted: u64 = (1..10).map(|at| id / 10_u64.pow(at) % 10 * (u64::from(at) + 1)).sum();
        let check = if weighted % 11 < 2 { weighted % 11 } else { 11 - weighted % 11 };
        assert_eq!(id % 10, check, "{id}");
    }
}

#[test]
fn thousands_of_homes_each_read_a_little() {
    let homes = alone(Harvest::s8(5_000, at(0, 0)), 1);
    assert_near("an hour and address", homes.len() as f64 / 24.0 / 5_000.0, 1.5, 0.02);
    assert_eq!(clients(&homes).len(), 5_000);
    assert_near("hits", share(&homes, Request::is_disclosed), 0.97, 0.005);
    let distinct: BTreeSet<u64> = numbers(&homes).into_iter().collect();
    assert_eq!(distinct.len(), homes.len(), "nobody reads what another has read");
    assert!(!numbers(&homes).is_sorted());
}

#[test]
fn passes_are_abused_in_three_ways() {
    let until = |harvest: Harvest| Harvest { attempts_max: 2_000, ..harvest };
    let many = alone(until(Harvest::s10_many_passes(at(0, 0))), 1);
    assert!(is_serial(&many) && many.iter().all(|it| it.route == Route::Pass));
    let codes = alone(until(Harvest::s10_codes(at(0, 0))), 1);
    assert_eq!(codes.iter().map(|it| it.subject).collect::<BTreeSet<_>>().len(), 1);
    assert!(codes.iter().all(|it| it.status == 401 && it.route == Route::PassCheck));
    assert_near("seconds", codes[1_999].at.since(at(0, 0)) as f64 / 1e3, 2_000.0 / 3.0, 0.1);
    let reads = alone(until(Harvest::s10_without_pass(1, at(0, 0))), 1);
    assert!(reads.iter().all(|it| matches!(it.client.who, Who::Session(_))));
    assert!(reads.iter().all(|it| it.route == Route::Beneficiary), "no pass before");
}

#[test]
fn honest_passes_name_the_mobile_number_of_one_who_is_read() {
    let mut portal = Portal::empty(8, monday(), 1);
    (portal.citizens.per_day, portal.citizens.passes) = (300.0, true);
    let all: Vec<Request> = portal.requests().collect();
    let (asked, checked) = (on(&all, Route::Pass), on(&all, Route::PassCheck));
    assert!(asked.iter().all(|it| it.subject.number >= 6_000_000_000));
    let pairs =
        |of: &[Request]| of.iter().map(|it| (it.client, it.subject)).collect::<BTreeSet<_>>();
    assert!(pairs(&checked).is_subset(&pairs(&asked)));
    portal.citizens.passes = false;
    let plain: Vec<Request> = portal.requests().collect();
    let but_ids =
        |of: &[Request]| of.iter().map(|it| (it.at, it.client, it.route)).collect::<Vec<_>>();
    assert!(but_ids(&all) == but_ids(&plain));
}

#[test]
fn a_list_is_walked_from_its_first_page_in_large_pages() {
    for (route, form) in
        [(Route::Pages, Form::Number), (Route::Offsets, Form::Number), (Route::Cursors, Form::Uuid)]
    {
        let portal = Portal::empty(8, monday(), 1);
        let harvest = Harvest::s11(&portal, 31, route, at(0, 0));
        let pages = alone(Harvest { attempts_max: 500, ..harvest }, 1);
        assert!(pages.iter().all(|it| it.records == 500 && it.bytes > 300_000));
        assert!(pages.iter().all(|it| it.subject.form == form && it.route == route));
        let steps: BTreeSet<u64> = numbers(&pages).windows(2).map(|it| it[1] - it[0]).collect();
        let step = if route == Route::Offsets { 500 } else { 1 };
        assert_eq!(steps, BTreeSet::from([step]));
    }
}

#[test]
fn a_walk_finds_nothing_beyond_the_end_of_what_it_walks() {
    let mut portal = Portal::empty(8, monday(), 1);
    (portal.ids.pages, portal.ids.protocols) = (40, 700_100);
    let pages = Harvest::s11(&portal, 31, Route::Pages, at(0, 0));
    let walk = Harvest { attempts_max: 200, ..Harvest::s5_records(1, at(0, 0)) };
    let all: Vec<Request> = portal.with_harvests(&[pages, walk]).collect();
    assert_eq!(on(&all, Route::Pages).len(), 40);
    let protocols = on(&all, Route::Protocol);
    let (within, beyond) = protocols.split_at(100);
    assert!(within.iter().any(Request::is_disclosed));
    assert!(!beyond.iter().any(Request::is_disclosed));
}

#[test]
fn a_walk_begins_to_write_and_writes_what_it_has_just_read() {
    let walk = alone(Harvest { attempts_max: 5_000, ..Harvest::s12(1_000, at(0, 0)) }, 1);
    let is_write = |it: &Request| matches!(it.route, Route::Change | Route::Removal);
    let first = walk.iter().position(is_write).unwrap();
    assert!(first >= 1_000, "{first}");
    let rest = &walk[first..];
    assert_near("writes", share(rest, is_write), 0.085 / 1.085, 0.15);
    for pair in walk.windows(2).filter(|it| is_write(&it[1])) {
        assert_eq!((pair[0].subject, pair[0].client), (pair[1].subject, pair[1].client));
        assert!(pair[0].is_disclosed() && pair[1].at.since(pair[0].at) < SECOND_MS);
    }
    let methods: BTreeSet<&str> = rest.iter().map(|it| it.route.method()).collect();
    assert_eq!(methods, BTreeSet::from(["GET", "PUT", "DELETE"]));
}

#[test]
fn decoys_are_touched_by_the_relay_and_by_nobody_else() {
    let simulation = simulation(&["S13"], 1, 2);
    let decoys: BTreeSet<Id> =
        (0..20).map(|it| simulation.portal.decoy(Route::ByMobile, it)).collect();
    assert_eq!(decoys.len(), 20);
    let all: Vec<Request> = simulation.requests().collect();
    let touches = |of: &[Request]| of.iter().filter(|it| decoys.contains(&it.subject)).count();
    let (honest, relay): (Vec<Request>, Vec<Request>) = all.iter().partition(|it| it.label == 0);
    assert_eq!(touches(&honest), 0);
    assert_near("touches", touches(&relay) as f64 / relay.len() as f64, 0.0425, 0.3);
    assert!(relay.iter().filter(|it| decoys.contains(&it.subject)).all(Request::is_disclosed));
}

#[test]
fn any_harvest_can_be_padded_and_keeps_its_own_order() {
    let plain = || Harvest { attempts_max: 3_000, ..Harvest::s5_records(1, at(0, 0)) };
    let bare = numbers(&alone(plain(), 1));
    for (harvest, padding) in [
        (plain().with_repeats(0.4), 0.4),
        (plain().with_popular(0.2, 200), 0.2),
        (plain().with_popular(0.6, 10_000), 0.6),
    ] {
        let is_repeat = matches!(harvest.padding, Some(Padding { filler: Filler::Repeats, .. }));
        let padded = alone(harvest, 1);
        let walk: BTreeSet<u64> = bare.iter().copied().collect();
        let mut left = bare.iter().peekable();
        for number in numbers(&padded) {
            let _own = left.next_if(|it| **it == number);
        }
        assert!(left.next().is_none(), "the walk goes on between what it is padded with");
        let others = 1.0 - bare.len() as f64 / padded.len() as f64;
        assert_near("padding", others, padding, 0.05);
        let strangers: BTreeSet<u64> =
            numbers(&padded).into_iter().filter(|it| !walk.contains(it)).collect();
        assert_eq!(strangers.is_empty(), is_repeat);
        assert!(strangers.len() <= if padding < 0.3 { 200 } else { 10_000 });
    }
    // Twice the same harvest and pool is the same popular records.
    let popular = |first| {
        let order = darban::scenarios::Order::Serial { first, stride: 1 };
        let harvest = Harvest { order, ..plain() }.with_popular(0.5, 20);
        let all = numbers(&alone(harvest, 1));
        let range = 20_000_000 + first..20_000_000 + first + 3_000;
        all.into_iter().filter(|it| !range.contains(it)).collect::<BTreeSet<_>>()
    };
    assert_eq!(popular(100_000), popular(900_000));
}

#[test]
fn slow_harvests_take_one_record_in_ten_minutes() {
    let portal = Portal::new(8, monday(), 7);
    for (harvest, a_week) in [
        (Harvest::s15_session(at(0, 0)), 7.0 * 144.0),
        (Harvest::s15_login(&portal, 41, at(0, 0)), 7.0 * 144.0),
        (Harvest::s15_office(&portal, 41, at(0, 0)), 5.0 * 48.0),
    ] {
        let slow = alone(harvest, 7);
        assert_near("a week", slow.len() as f64, a_week, 0.15);
        assert!(slow.iter().all(Request::is_disclosed));
        let distinct: BTreeSet<Id> = slow.iter().map(|it| it.subject).collect();
        assert_eq!(distinct.len(), slow.len(), "each record is new");
    }
}

#[test]
fn a_boiling_frog_grows_by_its_share_a_day() {
    for (a_day, days) in [(0.0, 90), (0.01, 90), (0.05, 60), (0.2, 20)] {
        let season = Season::AfterHours(0.0);
        let even = Pace::Growing { per_day: 200.0, a_day, day_shape: 1e6, season };
        let grows = alone(Harvest { pace: even, ..Harvest::s16(9, a_day, at(0, 0)) }, days);
        let counts = per_day(&grows, monday());
        let last = 200.0 * (1.0 + a_day).powi(i32::try_from(days).unwrap() - 1);
        assert_near("the first day", counts[&0] as f64, 200.0, 0.25);
        assert_near("the last day", counts[&(days - 1)] as f64, last, 0.25);
    }
    let uneven = per_day(&alone(Harvest::s16(9, 0.0, at(0, 0)), 60), monday());
    assert!(uneven.values().any(|it| *it > 300) && uneven.values().any(|it| *it < 120));
}

/// Regions that people live in.
const REGIONS: u64 = 32;

/// A portal with staff and nobody else.
fn offices(seed: u64, days: i64, count: u32) -> Portal {
    let mut portal = Portal::empty(seed, monday(), days);
    portal.staff.count = count;
    portal
}

#[test]
fn most_of_a_logins_people_live_in_its_region_and_moving_takes_it_to_another() {
    let share_at_home = |layout: Layout, moves: f64| {
        let mut portal = offices(3, 30, 40);
        (portal.ids.layout, portal.staff.moves) = (layout, moves);
        let people = Register::beneficiaries(Layout::Dense, portal.ids.people, 40);
        let each = portal.ids.people / REGIONS;
        let is_at_home = |it: &Request| {
            let Who::Staff(login) = it.client.who else { return false };
            let region = portal.region_of(login) % REGIONS;
            let first = |region: u64| people.id(region * each).number;
            match layout {
                Layout::Dense => (first(region)..first(region + 1)).contains(&it.subject.number),
                _ => u64::from(it.subject.district) == region + 1,
            }
        };
        let found = |it: &Request| it.route == Route::Beneficiary && it.is_disclosed();
        let looked_up: Vec<Request> = portal.requests().filter(found).collect();
        share(&looked_up, is_at_home)
    };
    for layout in [Layout::Dense, Layout::DateLed, Layout::Uuid] {
        assert_near("at home", share_at_home(layout, 0.0), 0.85 + 0.15 / 32.0, 0.02);
        assert!(share_at_home(layout, 0.2) < 0.6);
    }
}

#[test]
fn staff_act_on_seven_look_ups_in_ten_and_look_up_as_before() {
    let mut portal = offices(4, 5, 60);
    portal.call_centre = Staff::call_centre(10);
    let plain: Vec<Request> = portal.requests().collect();
    portal.staff.acts = 0.7;
    let all: Vec<Request> = portal.requests().collect();
    assert!(all.is_sorted_by_key(|it| it.at));
    let (acts, looks): (Vec<Request>, Vec<Request>) =
        all.iter().partition(|it| it.route == Route::Vaccination);
    assert!(looks == plain, "acts changed a look-up");
    let is_staff = |it: &Request| matches!(it.client.who, Who::Staff(login) if login < 60);
    let found = looks.iter().filter(|it| is_staff(it) && it.is_disclosed()).count();
    assert_near("acts", acts.len() as f64 / found as f64, 0.7, 0.05);
    assert!(acts.iter().all(is_staff), "the call centre never acts");
    for act in acts.iter().step_by(17) {
        let before = looks
            .iter()
            .rfind(|it| it.client == act.client && it.subject == act.subject && it.at < act.at);
        let wait = act.at.since(before.unwrap().at);
        assert!((20 * SECOND_MS..40 * MINUTE_MS).contains(&wait), "{wait}");
    }
}

#[test]
fn an_insider_can_act_as_late_as_honest_staff_do() {
    let portal = offices(4, 3, 30);
    let insider = Harvest::s9_with_acts(&portal, 22, 180.0, at(0, 0));
    let all: Vec<Request> = portal.with_harvests(&[insider]).filter(|it| it.label > 0).collect();
    let (acts, looks): (Vec<Request>, Vec<Request>) =
        all.iter().partition(|it| it.route == Route::Vaccination);
    assert_near("look-ups a day", looks.len() as f64 / 3.0, 180.0, 0.15);
    assert_near("acts", acts.len() as f64, looks.len() as f64, 0.03);
    for act in &acts {
        let look = looks.iter().find(|it| it.subject == act.subject).unwrap();
        let wait = act.at.since(look.at);
        assert!((20 * SECOND_MS..60 * MINUTE_MS).contains(&wait), "{wait}");
    }
    let plain = Harvest::s9(&portal, 22, 180.0, at(0, 0));
    let bare = portal.with_harvests(&[plain]).filter(|it| it.label > 0);
    assert!(bare.eq(looks), "the look-ups are the same");
}

#[test]
fn officers_who_share_a_login_do_as_much_as_if_they_had_one_each() {
    let mut portal = Portal::empty(4, monday(), 5);
    portal.groups.push(Group::shared_logins(monday()));
    let shared: Vec<Request> = portal.requests().collect();
    assert_eq!(clients(&shared).len(), 20);
    let mut each = offices(4, 5, 100);
    each.staff.acts = 0.0;
    let usual = each.requests().count() as f64;
    assert_near("look-ups", shared.len() as f64, usual, 0.25);
    let at_once = shared
        .windows(2)
        .filter(|it| it[0].client == it[1].client && it[1].at.since(it[0].at) < 5 * SECOND_MS);
    assert!(at_once.count() > 20, "they work at the same time");
}

#[test]
fn a_campaign_day_is_three_times_as_busy_for_everybody_and_only_that_day() {
    let campaign =
        |portal: Portal| Portal { campaign: Some(Campaign { day: at(2, 12), times: 3 }), ..portal };
    let mut citizens = Portal::empty(4, monday(), 4);
    citizens.citizens.per_day = 1_000.0;
    let mut visitors = Portal::empty(4, monday(), 4);
    visitors.visitors.per_day = 1_000.0;
    visitors.visitors.regulars = 20;
    let mut partners = Portal::empty(4, monday(), 4);
    partners.partners = vec![darban::scenarios::Partner::default()];
    for plain in [citizens, visitors, partners, offices(4, 4, 150)] {
        let days = |portal: &Portal| per_day(&portal.requests().collect::<Vec<_>>(), monday());
        let (usual, busy) = (days(&plain), days(&campaign(plain.clone())));
        assert_near("the day", busy[&2] as f64, usual[&2] as f64 * 3.0, 0.15);
        for day in [0, 1] {
            assert_eq!(busy[&day], usual[&day]);
        }
        assert_near("the day after", busy[&3] as f64, usual[&3] as f64, 0.25);
    }
}

#[test]
fn one_gateway_of_four_is_minutes_behind_in_its_stamps_alone() {
    let (plain, skewed) = (simulation(&[], 2, 1), simulation(&["B9"], 2, 1));
    let pairs: Vec<(Request, Request)> = plain.requests().zip(skewed.requests()).collect();
    let late: Vec<&(Request, Request)> = pairs.iter().filter(|it| it.0.at != it.1.at).collect();
    assert!(late.iter().all(|it| it.0.at.since(it.1.at) == 3 * MINUTE_MS));
    let addresses = |of: &[&(Request, Request)]| {
        of.iter().map(|it| it.0.client.address).collect::<BTreeSet<_>>().len()
    };
    let all: Vec<&(Request, Request)> = pairs.iter().collect();
    assert_near("gateways", addresses(&late) as f64 / addresses(&all) as f64, 0.25, 0.25);
    assert!(pairs.iter().all(|it| Request { at: it.1.at, ..it.0 } == it.1));
}

#[test]
fn five_hundred_accounts_begin_on_one_morning() {
    let mut portal = Portal::empty(4, monday(), 4);
    portal.groups.push(Group::newcomers(at(2, 9)));
    let all: Vec<Request> = portal.requests().collect();
    assert!(all.iter().all(|it| it.at >= at(2, 9)));
    let first_day: Vec<Request> = all.iter().filter(|it| it.at < at(3, 0)).copied().collect();
    assert!(clients(&first_day).len() > 350, "{}", clients(&first_day).len());
    assert_eq!(portal.staff(210_007).who, Who::Staff(210_007));
    assert!(clients(&all).contains(&portal.staff(210_007)));
}

#[test]
fn a_retry_storm_repeats_what_failed_until_it_is_answered() {
    let mut portal = Portal::empty(4, monday(), 1);
    portal.citizens.per_day = 3_000.0;
    let plain: Vec<Request> = portal.requests().collect();
    let storm = Storm { from: at(0, 9), until: at(0, 12), share: 0.3, times: 8 };
    portal.storm = Some(storm);
    let all: Vec<Request> = portal.requests().collect();
    assert!(all.is_sorted_by_key(|it| it.at));
    let hit = plain.iter().filter(|it| (storm.from..storm.until).contains(&it.at)).count() as f64;
    assert_near("repeats", (all.len() - plain.len()) as f64, hit * 0.3 * 8.0, 0.1);
    let asked = |of: &[Request]| {
        of.iter().map(|it| (it.client, it.route, it.subject)).collect::<BTreeSet<_>>()
    };
    assert!(asked(&all) == asked(&plain), "nobody asks for anything else");
    let answered = |of: &[Request]| {
        of.iter()
            .filter(|it| it.is_disclosed())
            .map(|it| (it.client, it.subject))
            .collect::<BTreeSet<_>>()
    };
    assert!(answered(&all) == answered(&plain), "in the end all are answered");
}

#[test]
fn machines_ask_for_the_same_few_things_all_day() {
    let things = |name: &str| {
        let (plain, with) = (simulation(&[], 2, 1), simulation(&[name], 2, 1));
        let before: BTreeSet<Client> = plain.requests().map(|it| it.client).collect();
        let mut by_client: BTreeMap<Client, Vec<Request>> = BTreeMap::new();
        for request in with.requests().filter(|it| !before.contains(&it.client)) {
            by_client.entry(request.client).or_default().push(request);
        }
        // Guests come for a visit; machines stay.
        by_client.retain(|_, it| it.len() > 500);
        let mut all: Vec<_> = by_client.into_values().collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.len()));
        all
    };
    let distinct = |of: &[Request]| of.iter().map(|it| it.subject).collect::<BTreeSet<_>>().len();
    let watched = things("B12");
    assert_eq!(watched.len(), 10);
    assert!(watched.iter().all(|it| distinct(it) == 1));
    let monitors = watched.iter().filter(|it| it[0].agent.text().contains("UptimeRobot"));
    assert!(monitors.clone().count() == 4 && monitors.flatten().all(Request::is_disclosed));
    let poller = &things("B15a")[0];
    assert_eq!(distinct(poller), 200);
    assert_near("polls", poller.len() as f64, 86_400.0 / 4.0, 0.02);
    for (name, count) in [("B13", 700), ("B14", 700), ("B15b", 500)] {
        let machine = &things(name)[0];
        assert_eq!(distinct(machine), count, "{name}");
    }
    assert!(things("B14")[0].iter().all(|it| it.agent.text().contains("Googlebot")));
    assert!(things("B13")[0].iter().all(|it| it.route == Route::Slots));
}

#[test]
fn a_feed_follower_reads_what_everybody_reads() {
    let all: Vec<Request> = simulation(&["B15b"], 2, 1).requests().collect();
    let protocols = on(&all, Route::Protocol);
    let machine = protocols.iter().find(|it| it.agent.text().starts_with("okhttp")).unwrap().client;
    let (own, others): (Vec<Request>, Vec<Request>) =
        protocols.iter().partition(|it| it.client == machine);
    let theirs: BTreeSet<Id> = others.iter().map(|it| it.subject).collect();
    assert!(share(&own, |it| theirs.contains(&it.subject)) > 0.9);
}

#[test]
fn one_in_a_hundred_of_staff_moves_on_a_day_and_nobody_else_changes() {
    let still: Vec<Request> = offices(4, 28, 200).requests().collect();
    let mut portal = offices(4, 28, 200);
    portal.staff.moves = 0.01;
    let moving: Vec<Request> = portal.requests().collect();
    let of = |all: &[Request]| {
        let mut by_login: BTreeMap<Who, Vec<Request>> = BTreeMap::new();
        all.iter().for_each(|it| by_login.entry(it.client.who).or_default().push(*it));
        by_login
    };
    let (still, moving) = (of(&still), of(&moving));
    let moved = still.iter().filter(|(who, requests)| moving[who] != **requests).count();
    // 28 days at one in a hundred: 49 of 200, some of whom take another shift like theirs.
    assert!((30..65).contains(&moved), "{moved}");
    let elsewhere = moving.values().filter(|it| clients(it).len() > 1).count();
    assert!((15..50).contains(&elsewhere), "{elsewhere}");
}

#[test]
fn a_carriers_new_address_appears_and_stays() {
    let mut portal = Portal::empty(4, monday(), 3);
    portal.joining = Some(Joining::new_nat(at(1, 0)));
    let all: Vec<Request> = portal.requests().collect();
    assert!(all.iter().all(|it| it.at >= at(1, 0)));
    let addresses: BTreeSet<Ipv4Addr> = all.iter().map(|it| it.client.address).collect();
    assert_eq!(addresses.len(), 1);
    let mut usual = Portal::empty(4, monday(), 1);
    (usual.citizens.per_day, usual.citizens.nat_share) = (3_000.0, 1.0);
    assert!(usual.requests().all(|it| !addresses.contains(&it.client.address)));
    assert_near("sessions", clients(&all).len() as f64, 3_800.0, 0.05);
}

#[test]
fn acts_and_passes_leave_every_other_request_of_the_usual_portal() {
    let usual = Portal::new(6, monday(), 1);
    let more = Portal::with_acts_and_passes(6, monday(), 1);
    let is_other =
        |it: &Request| !matches!(it.route, Route::Pass | Route::PassCheck | Route::Vaccination);
    let left = |portal: &Portal| portal.requests().filter(is_other).collect::<Vec<_>>();
    assert!(left(&usual) == left(&more));
}

/// First, last, requests, records.
type Counted = (Moment, Moment, u64, BTreeSet<(Id, u16)>);

#[test]
fn labels_agree_with_a_plain_count() {
    for name in ["S3a", "S5", "S7", "S10", "S14a", "S12"] {
        let simulation = simulation(&[name], 7, 1);
        let mut tally = Tally::new(&simulation.harvests);
        let mut plain: BTreeMap<(u16, String), Counted> = BTreeMap::new();
        for request in simulation.requests() {
            tally.feed(&request);
            if request.label == 0 {
                continue;
            }
            let fresh = || (request.at, request.at, 0, BTreeSet::new());
            let key = (request.label, request.client.finest().1);
            let row = plain.entry(key).or_insert_with(fresh);
            (row.1, row.2) = (request.at, row.2 + 1);
            let records = if request.is_disclosed() { request.records } else { 0 };
            row.3.extend((0..records).map(|it| (request.subject, it)));
        }
        let mut seen = BTreeMap::new();
        for row in tally.rows() {
            assert!(row.scenario.starts_with(name), "{row:?}");
            let value = (row.first, row.last, row.requests, row.records);
            assert!(seen.insert((row.label, row.client.1), value).is_none());
        }
        let counted: BTreeMap<_, _> = plain
            .into_iter()
            .map(|(key, it)| (key, (it.0, it.1, it.2, it.3.len() as u64)))
            .collect();
        assert!(seen == counted, "{name}: {} clients, not {}", seen.len(), counted.len());
    }
}

#[test]
fn scenarios_can_be_put_into_one_log() {
    let mut all = simulation(&[], 7, 2);
    scenarios().for_each(|it| it.apply(&mut all));
    let mut owners: BTreeMap<(KeyKind, String), &str> = BTreeMap::new();
    for harvest in &all.harvests {
        let others = harvest.clients.iter().filter_map(|client| {
            let owner = owners.insert(client.finest(), harvest.scenario);
            owner.filter(|owner| *owner != harvest.scenario)
        });
        assert_eq!(others.collect::<Vec<_>>(), [""; 0], "of {}", harvest.scenario);
    }
    let both = simulation(&["S5", "S3b", "B6", "B8"], 7, 2);
    assert_eq!(both.harvests.len(), 5);
    let labels: BTreeSet<u16> = both.requests().map(|it| it.label).collect();
    assert_eq!(labels, BTreeSet::from([0, 1, 2, 3, 4, 5]));
    assert!(both.portal.campaign.is_some() && both.faults.redelivered.is_some());
    assert_eq!(simulation(&["S6"], 7, 1).portal.ids.layout, Layout::DateLed);
}

/// A folder in which commands are run.
struct Desk(Folder);

impl Desk {
    fn new() -> Self {
        Self(Folder::new())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path().join(name)).unwrap()).into_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let program = env!("CARGO_BIN_EXE_darban");
        Command::new(program).args(arguments).current_dir(self.path()).output().unwrap()
    }

    /// What a command printed, which has to succeed.
    fn said(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {words}");
        output.stdout
    }
}

/// A portal so small that its log is written at once.
const SMALL: [&str; 10] = [
    "--portal-option",
    "citizens=300",
    "--portal-option",
    "staff=30",
    "--portal-option",
    "visitors=300",
    "--portal-option",
    "agents=3",
    "--portal-option",
    "partners=1",
];

#[test]
fn one_seed_writes_the_same_bytes_whatever_else_is_asked_for() {
    let desk = Desk::new();
    let log = |seed: &str, format: &str, more: &[&str]| {
        let command = ["simulate", "S3b", "B8", "--days", "1", "--seed", seed, "--format", format];
        desk.said(&[&command, &SMALL[..], more].concat())
    };
    for format in ["nginx_json", "mixed", "custom"] {
        let first = log("3", format, &[]);
        assert!(first.iter().filter(|it| **it == b'\n').count() > 5_000);
        let labels = ["--labels", "labels.csv", "--config", "darban.toml"];
        assert!(first == log("3", format, &labels), "{format}");
        assert!(first != log("4", format, &[]), "{format}");
        log("3", format, &["--output", "part.log"]);
        assert!(first == std::fs::read(desk.path().join("part.log")).unwrap(), "{format}");
    }
}

#[test]
fn a_replay_of_a_simulated_register_names_who_walked_it() {
    let desk = Desk::new();
    for format in ["nginx_json", "mixed"] {
        let files = ["--output", "part.log", "--labels", "labels.csv", "--config", "darban.toml"];
        let command = ["simulate", "S5", "--days", "1", "--format", format];
        desk.said(&[&command, &SMALL[..], &files].concat());
        let labels = desk.read("labels.csv");
        let mut rows = labels.lines();
        let header = "label,scenario,client_kind,client,first,last,requests,records";
        assert_eq!(rows.next(), Some(header));
        let walkers: Vec<Vec<&str>> = rows.map(|it| it.split(',').collect()).collect();
        assert_eq!(walkers.len(), 8, "{labels}");
        assert!(walkers.iter().all(|it| it[1] == "S5" && it[2] == "address"));
        let alerts =
            desk.said(&["replay", "--config", "darban.toml", "--output", "ndjson", "part.log"]);
        let alerts = String::from_utf8(alerts).unwrap();
        let rows: Vec<serde_json::Value> =
            alerts.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        let summary = rows.last().unwrap();
        let refused: u64 =
            summary["refused"].as_object().unwrap().values().filter_map(|it| it.as_u64()).sum();
        assert_eq!(refused, 0, "{summary}");
        let paged = |name: &str| {
            let is_page = |it: &&serde_json::Value| it["severity"] == "page";
            rows.iter().filter(is_page).any(|it| it["clients"].to_string().contains(name))
        };
        for walker in walkers {
            assert!(paged(walker[3]), "{format}: {walker:?} is in no page");
        }
    }
}

#[test]
fn decoys_are_written_as_the_log_has_them() {
    let desk = Desk::new();
    let files = ["--output", "part.log", "--decoys", "decoys.txt"];
    desk.said(&[&["simulate", "S13", "S5", "--days", "1"], &SMALL[..], &files].concat());
    let decoys = desk.read("decoys.txt");
    let targets: Vec<String> =
        decoys.lines().map(|it| format!("/api/v2/beneficiaries?mobile={it}\"")).collect();
    assert_eq!(targets.len(), 20);
    let log = desk.read("part.log");
    assert!(log.lines().any(|line| targets.iter().any(|it| line.contains(it))));
}

#[test]
fn simulate_says_all_that_is_wrong_at_once() {
    let desk = Desk::new();
    let output = desk.run(&[
        "simulate",
        "S3d",
        "elephant",
        "--days",
        "9223372036854775807",
        "--start",
        "monday",
        "--format",
        "nginx-jsn",
        "--portal-option",
        "stuff=3",
        "--portal-option",
        "acts=7",
        "--portal-option",
        "passes",
        "--harvest-option",
        "hist=1",
        "--harvest-option",
        "popular=0.2",
    ]);
    assert_eq!(output.status.code(), Some(64));
    let words = String::from_utf8(output.stderr).unwrap();
    for part in [
        "unknown scenario `S3d`; the nearest is `S3a`",
        "unknown scenario `elephant`; see --list",
        "--days: 9223372036854775807 is not from 1 to 3660",
        "--start: `monday` is no time from 1970 to 2200",
        "unknown format `nginx-jsn`; the nearest is `nginx_json`",
        "unknown portal option `stuff`; the nearest is `staff`",
        "--portal-option: acts takes a share from 0 to 1, not `7`",
        "--portal-option: `passes` is not NAME=VALUE",
        "unknown harvest option `hist`; the nearest is `hits`",
        "--harvest-option: popular takes a share and a number, such as 0.2/200, not `0.2`",
    ] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
    assert!(output.stdout.is_empty());
    assert_eq!(desk.run(&["simulate"]).status.code(), Some(64));
}

#[test]
fn every_option_of_the_list_is_taken_and_changes_something() {
    let value = |takes: &str| match takes {
        "a number up to 1e9" | "a number from 1 to 1e6" | "a number below 100000" => "77",
        "a number from 0.01 to 1e5" => "77",
        "a number from 0.0001 to 10000" => "77",
        "a share from 0 to 1" => "0.123",
        "a day of the log, counted from 0" | "1, 2 or 3" => "2",
        "dense, sparse, date_led or uuid" => "uuid",
        "script, server, clinic or crawler" => "crawler",
        "a share and a number, such as 0.2/200" => "0.2/200",
        _ => "true",
    };
    let plain = Portal::new(1, monday(), 3);
    for option in PORTAL_OPTIONS {
        let mut portal = plain.clone();
        assert!(option.set(&mut portal, value(option.takes)), "{}", option.name);
        assert!(portal != plain, "{}", option.name);
        for wrong in ["", "x", "-1", "1e999"] {
            assert!(!option.set(&mut portal, wrong), "{} takes `{wrong}`", option.name);
        }
    }
    let plain = Harvest::s5_records(1, at(0, 0));
    for option in HARVEST_OPTIONS {
        // One that can be given any order.
        let mut harvest = plain.clone();
        assert!(option.set(&mut harvest, value(option.takes)), "{}", option.name);
        assert!(harvest != plain, "{}", option.name);
        for wrong in ["", "x", "-1", "1e999"] {
            assert!(!option.set(&mut harvest, wrong), "{} takes `{wrong}`", option.name);
        }
    }
}

#[test]
fn an_option_of_harvests_is_one_of_every_harvest_and_of_nobody_else() {
    let desk = Desk::new();
    let taken = |more: &[&str]| {
        let files = ["--output", "part.log", "--labels", "labels.csv"];
        let command = ["simulate", "S3b", "S8", "--days", "1"];
        desk.said(&[&command, &SMALL[..], &files, more].concat());
        let labels = desk.read("labels.csv");
        let column = |at: usize| {
            let rows = labels.lines().skip(1);
            rows.map(|it| it.split(',').nth(at).unwrap().parse::<u64>().unwrap()).sum::<u64>()
        };
        let lines = desk.read("part.log").lines().count() as u64;
        (lines - column(6), column(6) as f64, column(7))
    };
    let usual = taken(&[]);
    let changed = taken(&["--harvest-option", "hits=0", "--harvest-option", "faster=2"]);
    assert_eq!(changed.0, usual.0, "honest lines");
    assert_near("twice as fast", changed.1, 2.0 * usual.1, 0.05);
    assert!(usual.2 > 1_000 && changed.2 == 0);
}

#[test]
fn deliveries_are_in_order_and_late_where_a_fault_says_so() {
    for name in ["B7", "B8", "B9", "S5"] {
        let simulation = simulation(&[name], 2, 2);
        let all: Vec<(Moment, Request)> = simulation.deliveries().collect();
        assert!(all.is_sorted_by_key(|it| it.0), "{name}");
        assert!(all.iter().map(|it| it.1).eq(simulation.requests()), "{name}");
        let latest = all.iter().map(|it| it.0.since(it.1.at)).max().unwrap();
        let expected = match name {
            "B7" => 29 * MINUTE_MS..=30 * MINUTE_MS,
            "B8" => MINUTE_MS..=2 * HOUR_MS,
            "B9" => 3 * MINUTE_MS..=3 * MINUTE_MS,
            _ => 0..=0,
        };
        assert!(expected.contains(&latest), "{name}: {latest} ms late");
    }
}

#[test]
fn simulate_writes_over_no_configuration_but_its_own() {
    let desk = Desk::new();
    let command =
        [&["simulate", "S1", "--days", "1", "--config", "darban.toml"], &SMALL[..]].concat();
    let first = desk.said(&command);
    assert!(first == desk.said(&command), "its own is written anew");
    std::fs::write(desk.path().join("darban.toml"), "[source]\n").unwrap();
    let output = desk.run(&command);
    assert_eq!(output.status.code(), Some(64));
    let words = String::from_utf8(output.stderr).unwrap();
    let expected = "--config: darban.toml was not written by simulate, and would be lost";
    assert!(words.contains(expected), "{words}");
    assert_eq!(desk.read("darban.toml"), "[source]\n");
}

#[test]
fn simulate_lists_every_scenario_and_option() {
    let listed = String::from_utf8(Desk::new().said(&["simulate", "--list"])).unwrap();
    for scenario in scenarios() {
        assert!(listed.lines().any(|it| it.starts_with(scenario.name)), "{}", scenario.name);
    }
    assert!(listed.contains("\nstaff_per_day ") && listed.contains("\nlater_days "));
}
