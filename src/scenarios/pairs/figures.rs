//! What cohorts came to.

use super::{KINDS, Kind, PAGES_MAX, PAIRS_OF_MAX};
use crate::evidence::math::ln;
use crate::evidence::{Nats, STREAMS, Stream, nats};
use crate::judge::Explained;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// `ln 100` and `ln 1000`.
static LEVELS: LazyLock<(Nats, Nats)> = LazyLock::new(|| (nats(ln(100.0)), nats(ln(1_000.0))));

/// How often evidence stood how high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tail {
    /// Pairs that it was read after.
    pub pairs: u64,
    /// Of these, after how many it was `ln 100` or more.
    pub hundred: u64,
    /// The same of `ln 1000`.
    pub thousand: u64,
}

impl Tail {
    /// Takes what it was after one.
    pub fn take(&mut self, log_e: Nats) {
        let (hundred, thousand) = *LEVELS;
        self.pairs += 1;
        self.hundred += u64::from(log_e >= hundred);
        self.thousand += u64::from(log_e >= thousand);
    }

    /// Adds another's.
    pub const fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.hundred += other.hundred;
        self.thousand += other.thousand;
    }

    /// The shares of pairs after which evidence was as high.
    #[must_use]
    pub fn shares(&self) -> [f64; 2] {
        [self.hundred, self.thousand].map(|it| it as f64 / self.pairs.max(1) as f64)
    }
}

/// What the clients of one kind came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KindFigures {
    /// The kind's name.
    pub name: &'static str,
    /// First contacts times the keys that each was judged for.
    pub pairs: u64,
    /// Clients times the days that were counted.
    pub client_days: u64,
    /// Alerts at page level that began in the counted days.
    pub pages: u64,
    /// Alerts of these days that stayed tickets.
    pub tickets: u64,
    /// Alerts at page level of the fortnight before, in which nobody is known yet.
    pub pages_before: u64,
    /// What paged.
    pub paged: BTreeMap<String, u64>,
    /// Every stream's evidence.
    #[serde(serialize_with = "by_name")]
    pub streams: [Tail; STREAMS],
    /// All of them together, as they are compared with a level.
    pub merged: Tail,
}

impl KindFigures {
    pub(super) fn of(kind: &Kind) -> Self {
        Self { name: kind.name, ..Self::default() }
    }

    /// Takes how a key stands after a contact.
    pub(super) fn take(&mut self, opened: &Explained) {
        self.pairs += 1;
        self.merged.take(opened.log_e);
        for (stream, log_e, is_live) in opened.streams {
            let tail = self.streams.get_mut(stream.index()).filter(|_| is_live);
            tail.into_iter().for_each(|it| it.take(log_e));
        }
    }

    fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.client_days += other.client_days;
        self.pages += other.pages;
        self.tickets += other.tickets;
        self.pages_before += other.pages_before;
        for (what, count) in &other.paged {
            *self.paged.entry(what.clone()).or_default() += count;
        }
        self.streams.iter_mut().zip(other.streams).for_each(|(own, other)| own.add(other));
        self.merged.add(other.merged);
    }
}

/// What all came to.
#[derive(Clone, Debug, Serialize)]
pub struct PairFigures {
    /// The level of a page, in nats.
    pub page_nats: f64,
    /// All of them.
    pub all: KindFigures,
    /// Each kind.
    pub kinds: Vec<KindFigures>,
}

impl PairFigures {
    /// The sum of cohorts.
    #[must_use]
    pub fn sum(page_nats: f64, cohorts: &[KindFigures]) -> Self {
        let mut all = KindFigures { name: "all", ..KindFigures::default() };
        let counts = |name: &str| KINDS.iter().any(|it| it.name == name && it.counts());
        cohorts.iter().filter(|it| counts(it.name)).for_each(|it| all.add(it));
        let of = |kind: &Kind| {
            let mut sum = KindFigures::of(kind);
            cohorts.iter().filter(|it| it.name == kind.name).for_each(|it| sum.add(it));
            sum
        };
        Self { page_nats, all, kinds: KINDS.iter().map(of).collect() }
    }

    /// Whether no more paged than so many pairs allow.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.all.pages * PAIRS_OF_MAX <= PAGES_MAX * self.all.pairs
    }
}

/// Streams by their names.
fn by_name<S: Serializer>(streams: &[Tail; STREAMS], out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(STREAMS))?;
    for (stream, tail) in Stream::ALL.iter().zip(streams) {
        map.serialize_entry(stream.name(), tail)?;
    }
    map.end()
}
