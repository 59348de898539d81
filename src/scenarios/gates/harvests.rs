//! What harvests take before the page.

use super::super::random::Random;
use super::super::{
    Harvest, Merge, Order, Pace, Partner, Portal, Request, Source, Trial, Truth, config_toml,
};
use super::{Lengths, Logins, begin, collect, ids};
use crate::alert::Alert;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS};
use std::collections::BTreeMap;

/// How long a harvest may go on before it counts as missed.
const WINDOW_MS: i64 = 4 * HOUR_MS;
/// How long a run goes on after its page, to see whether there is a second one.
const AFTER_MS: i64 = 10 * MINUTE_MS;
/// A gate about a harvest.
#[derive(Clone, Copy, Debug)]
pub struct HarvestGate {
    /// What it is called.
    pub name: &'static str,
    /// The 90th of a hundred runs may not take more before the page; `None` for one that is only
    /// looked at.
    pub bar: Option<u64>,
    /// Counts attempts, whatever they were answered, instead of records.
    pub attempts: bool,
    harvest: fn(&Draw<'_>) -> Harvest,
}

/// What a seed draws for its harvests.
struct Draw<'a> {
    portal: &'a Portal,
    at: Moment,
    /// Any login of staff.
    login: u32,
    /// One that seldom mistypes.
    careful: u32,
    first: u64,
}

/// The gates, in the order in which they are printed.
#[must_use]
pub const fn harvest_gates() -> &'static [HarvestGate] {
    &[
        HarvestGate {
            name: "S5 register in a row, one address",
            bar: Some(24),
            attempts: false,
            harvest: |it| Harvest { order: serial(it, 1), ..Harvest::s5_records(1, it.at) },
        },
        HarvestGate {
            name: "S5 every 40th number, one in 5 s",
            bar: Some(24),
            attempts: false,
            harvest: |it| Harvest {
                order: serial(it, 40),
                pace: Pace::Every { ms: 5 * SECOND_MS, jitter: 0.5 },
                ..Harvest::s5_records(1, it.at)
            },
        },
        HarvestGate {
            name: "S4 walk hidden in a partner's key",
            bar: Some(24),
            attempts: false,
            harvest: |it| Harvest { order: serial(it, 1), ..Harvest::s4(it.portal, 1, it.at) },
        },
        HarvestGate {
            name: "S4 one in 20 of the key's look-ups",
            bar: None,
            attempts: false,
            harvest: |it| Harvest {
                order: serial(it, 1),
                pace: Pace::Poisson { per_second: 0.5 },
                ..Harvest::s4(it.portal, 1, it.at)
            },
        },
        HarvestGate {
            name: "S3b stolen login, half misses",
            bar: Some(45),
            attempts: true,
            harvest: |it| Harvest { hits: 0.5, ..Harvest::s3b(it.careful, it.at) },
        },
        HarvestGate {
            name: "S3b stolen login, 40 % misses",
            bar: Some(65),
            attempts: true,
            harvest: |it| Harvest { hits: 0.6, ..Harvest::s3b(it.careful, it.at) },
        },
        HarvestGate {
            name: "S3b half misses, whatever the login",
            bar: None,
            attempts: true,
            harvest: |it| Harvest { hits: 0.5, ..Harvest::s3b(it.login, it.at) },
        },
        HarvestGate {
            name: "session reading valid ids at random",
            bar: Some(60),
            attempts: false,
            harvest: |it| Harvest::reader(it.first, it.at),
        },
        HarvestGate {
            name: "login reading valid ids, one in 10 s",
            bar: Some(130),
            attempts: false,
            harvest: |it| Harvest {
                hits: 1.0,
                pace: Pace::Every { ms: 10 * SECOND_MS, jitter: 0.5 },
                ..Harvest::s9(it.portal, it.login, 0.0, it.at)
            },
        },
    ]
}

fn serial(draw: &Draw<'_>, stride: u64) -> Order {
    Order::Serial { first: draw.first, stride }
}

/// What one seed's harvests came to.
#[derive(Clone, Debug)]
pub struct HarvestRuns {
    /// What each gate's harvest had taken when the page fired, by gate.
    pub taken: Vec<Option<u64>>,
    /// Pages for each harvest, by gate.
    pub pages: Vec<usize>,
    /// Pages for honest clients, during history or beside the harvests.
    pub others: Vec<Alert>,
}

impl HarvestRuns {
    /// One seed's history, then every gate's harvest on its own.
    ///
    /// # Errors
    /// When the portal's configuration is wrong, in words.
    pub fn run(seed: u64, lengths: Lengths) -> Result<Self, String> {
        let portal = portal(seed, lengths);
        let mut random = Random::of(seed, 0x6761, 0);
        let start = portal.start.plus(lengths.history_days * DAY_MS);
        let at =
            start.plus(8 * HOUR_MS + i64::try_from(random.below(600)).unwrap_or(0) * MINUTE_MS);
        let Logins { any: login, careful, .. } = Logins::draw(&portal, &mut random);
        let first = 200_000 + random.below(1_000_000);
        let draw = Draw { portal: &portal, at, login, careful, first };
        let mut honest = portal.requests();
        let mut trial = Trial::new(&config_toml(&portal), seed)?;
        let mut beside = Vec::new();
        for request in honest.by_ref() {
            if request.at >= at {
                beside.push(request);
                break;
            }
            trial.feed(&request);
        }
        beside.extend(honest.take_while(|it| it.at < at.plus(WINDOW_MS)));
        trial.judge();
        let mut found = BTreeMap::new();
        collect(&mut found, trial.take_alerts());
        let mut runs = Self { taken: Vec::new(), pages: Vec::new(), others: Vec::new() };
        runs.others.extend(found.into_values());
        for gate in harvest_gates() {
            runs.harvest(gate, &draw, trial.clone(), &beside);
        }
        Ok(runs)
    }

    fn harvest(&mut self, gate: &HarvestGate, draw: &Draw<'_>, trial: Trial, beside: &[Request]) {
        let harvest = Harvest { end: draw.at.plus(WINDOW_MS), ..(gate.harvest)(draw) };
        let mut truth = Truth::new(std::slice::from_ref(&harvest));
        let keys: Vec<_> = harvest.clients.iter().map(|it| trial.name_of(it)).collect();
        let is_own =
            |it: &Alert| it.clients.iter().any(|it| keys.contains(&(it.key, it.id.clone())));
        let stolen = harvest.requests(draw.portal.people(), draw.portal.seed, 1);
        let (own, others): (Vec<Alert>, Vec<Alert>) =
            go_on(trial, beside, stolen, (&mut truth, &is_own)).into_values().partition(is_own);
        let taken = |at| if gate.attempts { truth.attempts(1, at) } else { truth.taken(1, at) };
        self.taken.push(own.iter().map(|it| it.fired_at).min().map(taken));
        self.pages.push(own.len());
        self.others.extend(others);
    }
}

/// Goes on from history with a harvest among the honest requests, until some time after its page.
fn go_on(
    mut trial: Trial,
    beside: &[Request],
    stolen: Source,
    (truth, is_own): (&mut Truth, &dyn Fn(&Alert) -> bool),
) -> BTreeMap<String, Alert> {
    let honest: Source = Box::new(Vec::from(beside).into_iter());
    let mut found = BTreeMap::new();
    let mut until = Moment(i64::MAX);
    for request in Merge::new(vec![honest, stolen], Moment(i64::MAX)) {
        if request.at >= until {
            break;
        }
        truth.feed(&request);
        trial.feed(&request);
        collect(&mut found, trial.take_alerts());
        if until.0 == i64::MAX && found.values().any(is_own) {
            until = request.at.plus(AFTER_MS);
        }
    }
    trial.judge();
    collect(&mut found, trial.take_alerts());
    found
}

/// The portal of a seed: one partner is as busy as in scenario S4.
fn portal(seed: u64, lengths: Lengths) -> Portal {
    let usual = Portal::new(seed, begin(), lengths.history_days + 1);
    let fewer = f64::from(lengths.smaller);
    let mut partners = usual.partners.clone();
    if let Some(first) = partners.first_mut() {
        *first = Partner { per_second: Partner::busy().per_second / fewer, ..*first };
    }
    let mut portal = Portal { ids: ids(seed), partners, ..usual };
    portal.citizens.per_day /= fewer;
    portal.visitors.per_day /= fewer;
    portal
}
