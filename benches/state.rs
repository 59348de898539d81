//! `make bench-state`: what keeping a million clients costs, and how soon they are back.
//!
//! Profiles as many as `PROFILES` (a million), each seen a few times, then look-ups as fast as they are
//! judged while the daemon's own keeper takes `SNAPSHOTS` of them (a hundred): how long each of them
//! kept the judging thread, how large it is, how long it takes to recover. Then as many identities as
//! `IDENTITIES` (fifty million), each seen once: what the process holds must not grow.

use darban::attribute::{ClassId, KEY_KINDS, KeyKind, Lookup, Outcome, Position, RouteId};
use darban::config::Config;
use darban::engine::{Engine, Settings};
use darban::judge::WatchList;
use darban::pipeline::judging::{self, Judging};
use darban::pipeline::keeper::{self, Keeper};
use darban::pipeline::workers::Fact;
use darban::pipeline::{Keys, Pool, build, recover};
use darban::source::{Partition, Place};
use darban::state::Directory;
use darban::time::{Moment, SECOND_MS, Stopwatch};
use darban::timeline::{self, Chunk, Cut, Placed, Stamp, Timeline};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

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
/// Look-ups that are judged between two looks of the keeper.
const A_ROUND: u64 = 500;
/// Snapshots where `SNAPSHOTS` says nothing.
const SNAPSHOTS: u64 = 100;
/// Identities where `IDENTITIES` says nothing.
const IDENTITIES: u64 = 50_000_000;
/// How long the last snapshot may take.
const LAST: Duration = Duration::from_secs(60);
const TOPIC: &str = "access";
/// Clients where `PROFILES` says nothing.
const PROFILES: u64 = 1_000_000;

fn hash(it: u64) -> u64 {
    let it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (it ^ it >> 31) | 1
}

/// The beginning of a second.
const fn at(number: i64) -> Moment {
    Moment(1_795_000_000_000 + number * SECOND_MS)
}

/// A second in which so many look-ups are made, one by each client.
fn second(number: i64, lookups: u64, client: impl Fn(u64) -> u64) -> Cut {
    let at = at(number);
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
    let lookups = (0..lookups).map(placed).collect();
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
        let profiles = asked("PROFILES", PROFILES)? as u64;
        Ok(Self { config, keys, settings, profiles, pool: Pool::new(2) })
    }

    /// An engine that has met everybody, and the second after.
    fn met(&self) -> (Engine, i64) {
        let mut engine = Engine::new(self.settings.clone());
        let mut number = 0;
        for round in 0..self.profiles * 2 / A_SECOND {
            number += 1;
            let client = |it| (round * A_SECOND + it) % self.profiles;
            engine.step(&second(number, A_SECOND, client), &self.pool);
        }
        (engine, number)
    }

    /// Judging as the daemon begins it, with one partition.
    fn judging(&self, engine: Engine) -> Judging {
        let options = timeline::Options { slice_ms: SECOND_MS };
        let timeline = Timeline::new(options);
        let mut judging =
            Judging::restore(engine, timeline, Pool::new(2), judging::Kept::default());
        let place = Place { topic: TOPIC.into(), number: 0 };
        judging.take(Fact::Assigned(Partition(0), place, 0), at(0));
        judging
    }

    /// Takes snapshots while look-ups are judged; what each cost the judging thread, in
    /// milliseconds: the longest wait for the keeper, and all waits.
    fn keep(&self, judging: &mut Judging, from: i64) -> Result<Kept, Failure> {
        let directory =
            Directory::open(&self.config.state.directory, self.keys.state.clone(), false)?;
        let mut keeper = Keeper::start(keeper::Options {
            directory,
            layout: build::layout(&self.config),
            lineage: 1,
            number: 0,
            every_ms: 0,
        })?;
        let mut kept = Kept { longest: Vec::new(), slices: Vec::new(), bytes: 0 };
        let (mut longest, mut number, mut offset) = (0.0_f64, from, 0);
        while kept.longest.len() < asked("SNAPSHOTS", SNAPSHOTS)? {
            number += 1;
            let client = |it: u64| hash(it ^ number.cast_unsigned() << 20) % self.profiles;
            let chunk = chunk(&second(number, A_ROUND, client), &mut offset);
            let now = at(number);
            judging.take(Fact::Chunk(Box::new(chunk), Box::default()), now);
            let watch = Stopwatch::start();
            let round = judging.judge(now);
            kept.slices.push(ms(watch));
            keeper.note(&round.rows, false);
            let watch = Stopwatch::start();
            keeper.tick(judging, (now, 1), true);
            longest = longest.max(ms(watch));
            if usize::try_from(keeper.stats().written)? > kept.longest.len() {
                kept.longest.push(std::mem::take(&mut longest));
            }
        }
        kept.bytes = keeper.stats().bytes;
        // One that is on its way.
        keeper.finish(judging, at(number), LAST);
        Ok(kept)
    }

    /// Meets identities, each once; what the process holds after every million, in MiB.
    fn rotate(&self) -> Result<Vec<u64>, Failure> {
        let mut engine = Engine::new(self.settings.clone());
        let mut resident = Vec::new();
        let rounds = asked("IDENTITIES", IDENTITIES)? as u64 / A_SECOND;
        for round in 0..rounds {
            let client = |it| (1 << 40) + round * A_SECOND + it;
            engine.step(&second(i64::try_from(round)?, A_SECOND, client), &self.pool);
            if ((round + 1) * A_SECOND).is_multiple_of(1_000_000) {
                resident.push(resident_mib());
            }
        }
        Ok(resident)
    }
}

/// What snapshots cost.
struct Kept {
    /// The longest wait of each.
    longest: Vec<f64>,
    /// How long each round of look-ups was judged.
    slices: Vec<f64>,
    /// Bytes of the last.
    bytes: u64,
}

/// A number that the environment asks for, or another.
fn asked(name: &str, otherwise: u64) -> Result<usize, Failure> {
    let asked = std::env::var(name).ok();
    Ok(usize::try_from(asked.map_or(Ok(otherwise), |it| it.parse())?)?)
}

/// The value that so many of a thousand do not exceed.
fn quantile(values: &mut [f64], of_thousand: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * of_thousand).div_ceil(1_000).saturating_sub(1);
    values.get(at).copied().unwrap_or_default()
}

/// A cut's look-ups as records of the one partition.
fn chunk(cut: &Cut, offset: &mut i64) -> Chunk {
    let mut chunk = Chunk { partition: Partition(0), ..Chunk::default() };
    for (row, placed) in (0..).zip(&cut.lookups) {
        let at = Some(placed.lookup.event);
        chunk.stamps.push(Stamp { offset: *offset, record: at, event: at });
        chunk.lookups.push((row, placed.lookup));
        *offset += 1;
    }
    chunk
}

fn main() -> Result<(), Failure> {
    let name = format!("state-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let house = House::new(&folder)?;
    let (engine, number) = house.met();
    let mut judging = house.judging(engine);
    let mut kept = house.keep(&mut judging, number)?;
    let met = judging.engine().stats().profiles;
    let resident = resident_mib();
    drop(judging);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{met} profiles, {} snapshots of {} MiB: judging waits for one at most {:.0} ms (median), \
         {:.0} ms (p99), {:.0} ms (longest); {} look-ups are judged in {:.1} ms (median), {:.1} ms (p99)\n\
         resident {resident} MiB",
        kept.longest.len(),
        kept.bytes >> 20,
        quantile(&mut kept.longest, 500),
        quantile(&mut kept.longest, 990),
        quantile(&mut kept.longest, 1_000),
        A_ROUND,
        quantile(&mut kept.slices, 500),
        quantile(&mut kept.slices, 990),
    )?;
    let directory =
        Directory::open(&house.config.state.directory, house.keys.state.clone(), false)?;
    let watch = Stopwatch::start();
    let start = (Pool::new(2), at(0));
    let found = recover::recover(&house.config, &house.keys, &directory, start)?;
    let recovering = ms(watch);
    let profiles = found.judging.engine().stats().profiles;
    writeln!(out, "{profiles} profiles are back after {recovering:.0} ms")?;
    drop(found);
    let resident = house.rotate()?;
    // The first three million fill the tables.
    let settled = resident.get(3..).unwrap_or_default();
    let (least, most) = (settled.iter().min(), settled.iter().max());
    if let (Some(least), Some(most)) = (least, most) {
        let grown = (*most as f64 / *least as f64 - 1.0) * 100.0;
        writeln!(
            out,
            "{} million identities: resident {least} to {most} MiB after the third million, {grown:.1} %",
            resident.len()
        )?;
    }
    match std::env::var_os("KEEP") {
        Some(_) => writeln!(out, "the state stays in {}", folder.display())?,
        None => std::fs::remove_dir_all(folder)?,
    }
    Ok(())
}
