//! `make bench-state`: what keeping a million clients costs, and how soon they are back.
//!
//! Profiles as many as `PROFILES` (a million), each seen a few times, then a busy second after the
//! other while a snapshot is taken: how long the longest of them takes beside the same without one,
//! how large the snapshot is, how long it takes to read it back, and what the process holds.

use darban::attribute::{ClassId, KEY_KINDS, KeyKind, Lookup, Outcome, Position, RouteId};
use darban::config::Config;
use darban::engine::{Engine, Section, Settings};
use darban::judge::WatchList;
use darban::pipeline::{Keys, Pool, build};
use darban::source::Partition;
use darban::state::{Directory, Meta};
use darban::time::{Moment, SECOND_MS, Stopwatch};
use darban::timeline::{self, Cut, Placed};
use std::io::Write;
use std::path::Path;

const CONFIG: &str = r#"
[source]
brokers = ["127.0.0.1:9092"]
topics = ["access"]
security = { protocol = "plaintext" }
[state]
directory = "state"
profiles_max = 1_200_000
[[routes]]
name = "person"
path = "/people/{subject}"
class = "personal"
"#;
/// Look-ups of a busy second.
const A_SECOND: u64 = 50_000;
/// Bytes of profiles that are copied between two seconds, as `pipeline` does it.
const COPIED_AT_ONCE: usize = 4 << 20;
/// Busy seconds in a row, of which the longest is told.
const SECONDS: i64 = 100;
/// Clients where `PROFILES` says nothing.
const PROFILES: u64 = 1_000_000;

fn hash(it: u64) -> u64 {
    let it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (it ^ it >> 31) | 1
}

/// A second of look-ups by clients from `first` on, one after the other or anywhere.
fn second(number: i64, client: impl Fn(u64) -> u64) -> Cut {
    let at = Moment(1_795_000_000_000 + number * SECOND_MS);
    let lookup = |turn: u64| {
        let mut keys = [0; KEY_KINDS];
        let address = keys.get_mut(KeyKind::Address.index());
        address.into_iter().for_each(|it| *it = hash(client(turn) + 1));
        // Everybody has one person of its own: nothing is found, so that what is told is what keeping
        // costs.
        let subject = hash(client(turn) << 8);
        Lookup {
            event: at,
            content: subject,
            keys,
            classes: [ClassId(0); KEY_KINDS],
            route: RouteId(0),
            outcome: Outcome::Disclosed,
            subject,
            record: subject,
            position: Position::new(subject >> 20),
            ..Lookup::EMPTY
        }
    };
    let placed = |turn| Placed { lookup: lookup(turn), partition: Partition(0), offset: 0 };
    let lookups = (0..A_SECOND).map(placed).collect();
    let slice = at.index(SECOND_MS);
    Cut { slice, at: at.plus(SECOND_MS), lookups, ..Cut::default() }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_024
}

fn ms(watch: Stopwatch) -> f64 {
    watch.elapsed().as_secs_f64() * 1_000.0
}

type Failure = Box<dyn std::error::Error>;

/// A folder, and what an engine in it is made of.
struct House {
    config: Config,
    keys: Keys,
    settings: Settings,
    profiles: u64,
    pool: Pool,
}

impl House {
    fn new(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let config = Config::parse(CONFIG, folder).map_err(|it| it.to_string())?;
        let keys = Keys::of_file_or_new(&config.privacy.key_file)?;
        let settings = build::settings_watching(&config, &keys, WatchList::default());
        let asked = std::env::var("PROFILES").ok();
        let profiles = asked.and_then(|it| it.parse().ok()).unwrap_or(PROFILES);
        Ok(Self { config, keys, settings, profiles, pool: Pool::new(2) })
    }

    /// An engine that has met everybody, and the second after.
    fn met(&self) -> (Engine, i64) {
        let mut engine = Engine::new(self.settings.clone());
        let mut number = 0;
        for round in 0..self.profiles * 2 / A_SECOND {
            number += 1;
            let client = |it| (round * A_SECOND + it) % self.profiles;
            engine.step(&second(number, client), &self.pool);
        }
        (engine, number)
    }

    /// The longest of some busy seconds in milliseconds, while a snapshot is taken or not; what
    /// came of it, and how long it took to begin.
    fn busy(&self, engine: &mut Engine, from: i64, keeps: bool) -> Result<Busy, Failure> {
        let mut busy = Busy::default();
        for number in from..from + SECONDS {
            let client = |it: u64| hash(it ^ number.cast_unsigned() << 20) % self.profiles;
            let cut = second(number, client);
            let watch = Stopwatch::start();
            if keeps && number == from {
                busy.kept = engine.freeze()?;
                busy.begun_ms = ms(watch);
            }
            engine.step(&cut, &self.pool);
            if keeps {
                busy.kept.extend(engine.take_frozen(COPIED_AT_ONCE));
            }
            busy.longest_ms = busy.longest_ms.max(ms(watch));
        }
        Ok(busy)
    }

    fn meta(&self) -> Meta {
        Meta {
            number: 1,
            lineage: 1,
            written_by: String::new(),
            made_at: Moment(0),
            layout: build::layout(&self.config),
            places: Vec::new(),
            timeline: timeline::State::default(),
            gaps: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Busy {
    longest_ms: f64,
    begun_ms: f64,
    kept: Vec<Section>,
}

fn main() -> Result<(), Failure> {
    let name = format!("state-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let house = House::new(&folder)?;
    let (mut engine, number) = house.met();
    let without = house.busy(&mut engine, number + 1, false)?;
    let mut with = house.busy(&mut engine, number + 1 + SECONDS, true)?;
    loop {
        let more = engine.take_frozen(COPIED_AT_ONCE);
        if more.is_empty() {
            break;
        }
        with.kept.extend(more);
    }
    let (both, met) = (resident_mib(), engine.stats().profiles);
    let directory =
        Directory::open(&house.config.state.directory, house.keys.state.clone(), false)?;
    let watch = Stopwatch::start();
    let written = directory.write(&house.meta(), with.kept.into_iter().map(Some).chain([None]))?;
    let writing = ms(watch);
    drop(engine);
    let watch = Stopwatch::start();
    let (_, sections) = directory.read(1)?;
    let restored = Engine::restore(house.settings, sections, &[true])?;
    let reading = ms(watch);
    writeln!(
        std::io::stdout(),
        "{met} profiles, {} read back\nbegun in {:.0} ms; longest second {:.0} ms, {:.0} ms \
         without\n{} MiB written in {writing:.0} ms, read back in {reading:.0} ms\nresident {} MiB \
         after that, {both} MiB with a whole snapshot in memory",
        restored.stats().profiles,
        with.begun_ms,
        with.longest_ms,
        without.longest_ms,
        written.bytes >> 20,
        resident_mib(),
    )?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
