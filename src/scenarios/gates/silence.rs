//! What must stay silent.

use super::super::faults::{LATE_MS, REDELIVERED};
use super::super::{
    BatchOrder, Merge, Nightly, Outage, Partner, Portal, Redelivered, Request, Source, Trial,
    config_toml, mix,
};
use super::{Lengths, begin, collect, ids};
use crate::alert::Alert;
use crate::time::{DAY_MS, Moment};
use std::collections::BTreeMap;

/// A gate about a week that looks like a harvest and is none.
#[derive(Clone, Copy, Debug)]
pub struct SilenceGate {
    /// What it is called.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Honest history, then a week with more of something in it.
    Week(fn(Portal) -> Portal),
    /// A week after which deliveries stop for half an hour every day.
    Late,
    /// A week with deliveries made twice.
    Twice,
    /// The week after a fortnight in which a partner worked every night.
    Nightly(BatchOrder),
}

/// The gates, in the order in which they are printed.
#[must_use]
pub const fn silence_gates() -> &'static [SilenceGate] {
    &[
        SilenceGate { name: "an honest week", kind: Kind::Week(|it| it) },
        SilenceGate { name: "B1 a carrier's address, 20,000 a day", kind: Kind::Week(Portal::b1) },
        SilenceGate {
            name: "B3 random order, from its first night",
            kind: Kind::Week(|it| newcomer(it, BatchOrder::Random)),
        },
        SilenceGate {
            name: "B3 sorted, from its first night",
            kind: Kind::Week(|it| newcomer(it, BatchOrder::Sorted)),
        },
        SilenceGate {
            name: "B3 random order, after a fortnight",
            kind: Kind::Nightly(BatchOrder::Random),
        },
        SilenceGate {
            name: "B3 sorted, after a fortnight",
            kind: Kind::Nightly(BatchOrder::Sorted),
        },
        SilenceGate { name: "B5 anxious citizens", kind: Kind::Week(Portal::b5) },
        SilenceGate { name: "B7 half an hour late, then at once", kind: Kind::Late },
        SilenceGate { name: "B8 delivered twice", kind: Kind::Twice },
    ]
}

/// What one seed's weeks came to: the pages of each gate, for anybody at all, in its order.
#[derive(Clone, Debug)]
pub struct SilenceRun {
    /// Pages by gate.
    pub pages: Vec<Vec<Alert>>,
}

impl SilenceRun {
    /// One seed's weeks.
    ///
    /// # Errors
    /// When the portal's configuration is wrong, in words.
    pub fn run(seed: u64, lengths: Lengths) -> Result<Self, String> {
        let portal = portal(seed, lengths);
        let start = portal.start.plus(lengths.history_days * DAY_MS);
        let mut trial = Trial::new(&config_toml(&portal), seed)?;
        portal.requests().take_while(|it| it.at < start).for_each(|it| trial.feed(&it));
        trial.judge();
        let _history = trial.take_alerts();
        let week = Week { portal: &portal, start, seed };
        let pages = silence_gates().iter().map(|gate| match gate.kind {
            Kind::Week(more) => Ok(week.with(trial.clone(), more)),
            Kind::Late => Ok(week.late(trial.clone())),
            Kind::Twice => Ok(week.twice(trial.clone())),
            Kind::Nightly(order) => nights(seed, lengths, order),
        });
        Ok(Self { pages: pages.collect::<Result<_, _>>()? })
    }
}

/// The week after an honest history.
struct Week<'a> {
    portal: &'a Portal,
    start: Moment,
    seed: u64,
}

impl Week<'_> {
    fn honest(&self) -> impl Iterator<Item = Request> + Send + use<> {
        let start = self.start;
        self.portal.requests().skip_while(move |it| it.at < start)
    }

    /// With what `more` adds to a portal in which nobody else is.
    fn with(&self, mut trial: Trial, more: fn(Portal) -> Portal) -> Vec<Alert> {
        let days = self.portal.end.since(self.start) / DAY_MS;
        let empty = Portal::empty(mix(self.seed), self.start, days);
        let added = more(Portal { ids: self.portal.ids, ..empty });
        let sources: Vec<Source> = vec![Box::new(self.honest()), Box::new(added.requests())];
        Merge::new(sources, self.portal.end).for_each(|it| trial.feed(&it));
        ended(trial)
    }

    /// Half an hour without deliveries every day, each day three hours later.
    fn late(&self, mut trial: Trial) -> Vec<Alert> {
        for request in self.honest() {
            let outage = Outage::daily(self.start, request.at, LATE_MS);
            trial.deliver(&request, outage.delivered(request.at));
        }
        ended(trial)
    }

    fn twice(&self, mut trial: Trial) -> Vec<Alert> {
        let mut now = self.start;
        let (share, block) = REDELIVERED;
        for request in Redelivered::new(self.honest(), self.seed, share, block) {
            now = now.max(request.at);
            trial.deliver(&request, now);
        }
        ended(trial)
    }
}

/// The pages of a week.
fn ended(mut trial: Trial) -> Vec<Alert> {
    trial.judge();
    pages_of(trial.take_alerts())
}

fn pages_of(changes: Vec<Alert>) -> Vec<Alert> {
    let mut found = BTreeMap::new();
    collect(&mut found, changes);
    found.into_values().collect()
}

/// With a partner that nobody knows, behind those that are known.
fn newcomer(portal: Portal, order: BatchOrder) -> Portal {
    let known = Portal::new(portal.seed, portal.start, 1).partners.len();
    let mut partners = vec![Partner { per_second: 0.0, ..Partner::default() }; known];
    partners.push(Partner { nightly: Some(Nightly::usual(order)), ..Partner::default() });
    Portal { partners, ..portal }
}

/// The pages of the week after a fortnight in which a partner worked every night.
fn nights(seed: u64, lengths: Lengths, order: BatchOrder) -> Result<Vec<Alert>, String> {
    let mut portal = portal(seed, lengths).b3(order);
    // The batch is what this is about; a tenth of the citizens keep it company.
    portal.citizens.per_day /= 10.0;
    let learned = portal.start.plus(lengths.history_days * DAY_MS);
    let mut trial = Trial::new(&config_toml(&portal), seed)?;
    let mut requests = portal.requests().peekable();
    while let Some(request) = requests.next_if(|it| it.at < learned) {
        trial.feed(&request);
    }
    trial.judge();
    let _history = trial.take_alerts();
    requests.for_each(|it| trial.feed(&it));
    Ok(ended(trial))
}

fn portal(seed: u64, lengths: Lengths) -> Portal {
    let days = lengths.history_days + lengths.week_days;
    let usual = Portal::new(seed, begin(), days);
    let fewer = f64::from(lengths.smaller);
    let mut portal = Portal { ids: ids(seed), ..usual };
    portal.citizens.per_day /= fewer;
    portal.visitors.per_day /= fewer;
    portal
}
