//! Snapshots on a disk: what is read back, and what is refused with words.

use crate::deliver::scratch::Scratch;
use crate::determinism::Mix;
use darban::alert::Alert;
use darban::config::Config;
use darban::engine::{Engine, Section};
use darban::judge::WatchList;
use darban::pipeline::recover::{self, Recovered};
use darban::pipeline::{Keys, Pool, backtest, build};
use darban::source::{Partition, Place};
use darban::state::{Directory, Meta, Row};
use darban::time::Moment;
use darban::timeline::{self, CutRow, LaneState};
use std::fs;
use std::path::PathBuf;

const TOPIC: &str = "access";

/// A state directory, a configuration, and an engine that has judged two walks.
struct House {
    scratch: Scratch,
    config: Config,
    keys: Keys,
    engine: Engine,
}

struct Nobody;

impl backtest::Watcher for Nobody {
    fn alert(&mut self, _: Alert) {}
}

fn config(scratch: &Scratch, routes: &str) -> Config {
    let text = format!(
        r#"
[source]
brokers = ["127.0.0.1:9092"]
topics = ["{TOPIC}"]
security = {{ protocol = "plaintext" }}
[state]
directory = "state"
[[clients.keys]]
kind = "staff"
field = "user"
class = "staff"
{routes}"#
    );
    Config::parse(&text, scratch.path()).unwrap()
}

fn house() -> House {
    let scratch = Scratch::new();
    let config = config(&scratch, &[PERSON, FILE].concat());
    let keys = Keys::of_file_or_new(&config.privacy.key_file).unwrap();
    let line = |(login, step): (u64, u64)| {
        let second = step % 60;
        format!(
            "10.0.0.{login} - clerk-{login} [27/Nov/2026:09:{:02}:{second:02} +0000] \"GET /people/{} HTTP/1.1\" 200 512 \"-\" \"curl\"\n",
            step / 60,
            1_000_000 * login + step
        )
    };
    let steps = (0..90).flat_map(|step| (1..40).map(move |login| (login, step * login % 97)));
    let log = scratch.path().join("access.log");
    fs::write(&log, steps.map(line).collect::<String>()).unwrap();
    let (engine, _) = backtest::run(&config, &keys, &[log], &mut Nobody).unwrap();
    House { scratch, config, keys, engine }
}

const PERSON: &str = r#"[[routes]]
name = "person"
path = "/people/{subject}"
class = "personal"
"#;
const FILE: &str = r#"[[routes]]
name = "file"
path = "/files/{subject}"
class = "register"
"#;

impl House {
    fn directory(&self) -> Directory {
        Directory::open(&self.config.state.directory, self.keys.state.clone(), false).unwrap()
    }

    fn meta(&self, number: u64) -> Meta {
        let place = Place { topic: TOPIC.into(), number: 3 };
        let lane =
            LaneState { partition: Partition(0), resume: 70 + number.cast_signed(), clock: None };
        Meta {
            number,
            lineage: 9,
            written_by: "a test".to_owned(),
            made_at: Moment(1_795_000_000_000),
            layout: build::layout(&self.config),
            places: vec![place],
            timeline: timeline::State { closed: Some(5), lanes: vec![lane] },
            gaps: vec![(0, 2)],
        }
    }

    fn keep(&self, number: u64) -> PathBuf {
        let directory = self.directory();
        let mut journal = directory.open_journal(number).unwrap();
        journal.push(&cut(number)).unwrap();
        journal.sync().unwrap();
        let sections = sections(&self.engine).into_iter().map(Some).chain([None]);
        directory.write(&self.meta(number), sections).unwrap();
        directory.snapshot(number)
    }

    fn recover(&self) -> Recovered {
        self.recover_as(&self.config).unwrap()
    }

    fn recover_as(&self, config: &Config) -> Result<Recovered, recover::Error> {
        recover::recover(config, &self.keys, &self.directory(), (Pool::new(1), Moment(7)))
    }
}

fn cut(number: u64) -> Row {
    Row::Cut(CutRow { slice: 6 + number.cast_signed(), bounds: vec![(Partition(0), 90)] })
}

fn sections(engine: &Engine) -> Vec<Section> {
    let mut engine = engine.clone();
    let mut sections = engine.freeze().unwrap();
    loop {
        let more = engine.take_frozen(100_000);
        if more.is_empty() {
            return sections;
        }
        sections.extend(more);
    }
}

fn bytes(engine: &Engine) -> Vec<u8> {
    sections(engine).iter().flat_map(|it| borsh::to_vec(it).unwrap()).collect()
}

#[test]
fn what_is_read_back_is_what_was_written_byte_for_byte() {
    let house = house();
    house.keep(4);
    let found = house.recover();
    assert_eq!(found.refused, Vec::<String>::new());
    assert_eq!(found.snapshot.as_ref().unwrap(), &house.meta(4));
    assert!(house.engine.open().count() > 0 && house.engine.stats().profiles > 70);
    let settings = build::settings_watching(&house.config, &house.keys, WatchList::default());
    let (_, sections) = house.directory().read(4).unwrap();
    let engine = Engine::restore(settings, sections, &[true, true]).unwrap();
    assert!(bytes(&engine) == bytes(&house.engine), "it differs");
}

#[test]
fn it_goes_on_where_the_snapshot_stands_with_the_cuts_after_it() {
    let house = house();
    house.keep(4);
    let found = house.recover();
    assert_eq!(found.judging.to_replay(), 1);
    assert_eq!(found.resume.name, format!("darban:{:016x}", 9));
    let places: Vec<_> = found.resume.places.iter().collect();
    let [(place, Some(stood))] = places[..] else { panic!("{places:?}") };
    assert_eq!((place.number, stood.next), (3, 74));
    assert_eq!(found.judging.gap_records(), 2);
}

#[test]
fn a_damaged_snapshot_is_named_and_the_one_before_it_taken_with_both_journals() {
    let house = house();
    house.keep(4);
    let path = house.keep(5);
    let mut damaged = fs::read(&path).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&path, damaged).unwrap();
    let found = house.recover();
    assert_eq!(found.snapshot.unwrap().number, 4);
    assert!(found.refused[0].starts_with("snapshot 5: it is damaged"), "{:?}", found.refused);
    assert_eq!(found.judging.to_replay(), 2);
    assert_eq!(found.keeper.number, 5);
}

#[test]
fn two_generations_are_kept_and_the_journals_from_the_older_on() {
    let house = house();
    (1..=4).for_each(|it| drop(house.keep(it)));
    let directory = house.directory();
    assert_eq!(directory.snapshots().unwrap(), [4, 3]);
    assert_eq!(directory.journals().unwrap(), [3, 4]);
}

#[test]
fn with_none_that_can_be_read_it_begins_cold_and_says_why() {
    let house = house();
    let path = house.keep(4);
    fs::write(&path, b"something else").unwrap();
    let found = house.recover();
    assert!(found.snapshot.is_none() && found.judging.to_replay() == 0);
    assert_eq!(found.refused, ["snapshot 4: it is no snapshot of darban"]);
    assert_eq!(found.judging.engine().stats().profiles, 0);
    assert!(found.keeper.number > 4 && found.resume.places.is_empty());
}

#[test]
fn a_later_version_ends_the_start_unless_the_state_is_thrown_away() {
    let house = house();
    let path = house.keep(4);
    let mut later = fs::read(&path).unwrap();
    later[8] = 99;
    fs::write(&path, later).unwrap();
    let error = house.recover_as(&house.config).unwrap_err().to_string();
    assert!(error.contains("version 99") && error.contains("--discard-state"), "{error}");
    house.directory().discard().unwrap();
    assert!(house.recover().refused.is_empty());
}

#[test]
fn a_route_that_changed_forgets_and_the_others_do_not() {
    let house = house();
    house.keep(4);
    let profiles = |person: &str, file: &str| {
        let routes = [person, file].concat();
        let found = house.recover_as(&config(&house.scratch, &routes)).unwrap();
        found.judging.engine().stats().profiles
    };
    let all = house.engine.stats().profiles;
    assert_eq!(profiles(PERSON, &FILE.replace("files", "documents")), all);
    assert_eq!(profiles(&PERSON.replace("people", "persons"), FILE), 0);
}

#[test]
fn other_client_keys_or_another_topic_mean_another_state() {
    let house = house();
    house.keep(4);
    let mut other = house.config.clone();
    other.attribute.keys[0].pattern = Some("clerk-*".to_owned());
    let found = house.recover_as(&other).unwrap();
    assert!(found.refused[0].contains("client keys"), "{:?}", found.refused);
    let mut other = house.config.clone();
    other.source.topics = vec!["another".to_owned()];
    let found = house.recover_as(&other).unwrap();
    assert!(found.refused[0].contains("other topics"), "{:?}", found.refused);
}

#[test]
fn a_snapshot_that_was_given_up_half_way_is_none() {
    let house = house();
    house.keep(4);
    let half = sections(&house.engine).into_iter().take(70).map(Some);
    assert!(house.directory().write(&house.meta(5), half).is_err());
    assert_eq!(house.recover().snapshot.unwrap().number, 4);
    // Nor is one in which profiles are missing that it says it has.
    let most = sections(&house.engine);
    let count = most.len();
    let most = most.into_iter().take(count - 1).map(Some).chain([None]);
    house.directory().write(&house.meta(6), most).unwrap();
    let found = house.recover();
    assert!(found.refused[0].ends_with("profiles are missing"), "{:?}", found.refused);
    assert_eq!(found.snapshot.unwrap().number, 4);
}

#[test]
fn a_second_owner_is_turned_away() {
    let house = house();
    let ours = house.directory().lock().unwrap();
    assert_eq!(house.directory().lock().unwrap_err().to_string(), "another darban uses it");
    drop(ours);
    house.directory().lock().unwrap();
}

/// Bytes that were sealed with the right key and mean nothing, as after a defect: refused, or read as
/// another state, but never the end of the process.
#[test]
fn whatever_stands_in_a_snapshot_reading_it_ends_with_words_at_worst() {
    let house = house();
    let settings = build::settings_watching(&house.config, &house.keys, WatchList::default());
    let whole: Vec<Vec<u8>> =
        sections(&house.engine).iter().map(|it| borsh::to_vec(it).unwrap()).collect();
    let small: Vec<usize> = (0..whole.len()).filter(|it| whole[*it].len() < 200_000).collect();
    let mut mix = Mix(7);
    let (mut refused, mut restored) = (0, 0);
    for round in 0..MANGLED {
        let at = small[usize::try_from(mix.below(small.len() as u64)).unwrap()];
        let mut bytes = whole[at].clone();
        for _ in 0..1 + mix.below(3) {
            mangle(&mut bytes, &mut mix);
        }
        let Ok(section) = borsh::from_slice::<Section>(&bytes) else {
            refused += 1;
            continue;
        };
        if round % 16 > 0 {
            continue;
        }
        let others = whole.iter().enumerate().filter(|it| it.0 != at);
        let others = others.map(|(_, it)| borsh::from_slice::<Section>(it));
        let all = others.chain([Ok(section)]);
        restored += usize::from(Engine::restore(settings.clone(), all, &[true, true]).is_ok());
    }
    assert!(refused > 1_000 && restored > 10, "{refused} refused, {restored} restored");
}

/// Sections that are mangled.
const MANGLED: u32 = 4_000;

fn mangle(bytes: &mut Vec<u8>, mix: &mut Mix) {
    let at = usize::try_from(mix.below(bytes.len() as u64)).unwrap();
    match mix.below(4) {
        0 => bytes[at] ^= 1 << mix.below(8),
        1 => bytes[at] = 0xff,
        2 => bytes.truncate(at.max(1)),
        _ => bytes.insert(at, u8::try_from(mix.below(256)).unwrap()),
    }
}
