//! One step: a cut through the passes.

use super::index::CutIndex;
use super::pass::Cells;
use super::progress::Progress;
use super::shares::Shares;
use super::turns::{judge_finest, judge_roll_ups, judge_sites, remember, shard_of};
use super::{Lanes, SHARDS, Settings};
use crate::alert::{Alert, Book, Context};
use crate::attribute::KeyKind;
use crate::evidence::Stream;
use crate::judge::{
    Cause, Clients, Explained, Finding, FindingKind, Rules, SITE_KEY, Scene, Seen, Site, Space,
    explain, takes_part,
};
use crate::novelty::Novelty;
use crate::profile::{Baselines, Profile, RATES};
use crate::source::{Partition, Place};
use crate::time::{HOUR_MS, MINUTE_MS, Moment};
use crate::timeline::Cut;

/// Distinct first contacts after which the density of ids is read for the first time; from there
/// at every doubling up to [`SPACES_LAST`], then hourly.
const SPACES_FIRST: u64 = 256;
/// The last doubling.
const SPACES_LAST: u64 = 1 << 17;

/// What a step gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// Alert changes, in the order in which they came about.
    pub alerts: Vec<Alert>,
    /// Once a minute of record time: where open alerts stand.
    pub progress: Vec<Progress>,
}

/// Counters and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Lookups judged.
    pub lookups: u64,
    /// First contacts.
    pub novel: u64,
    /// Filter generations of pairs given up because they were full.
    pub forced_pairs: u64,
    /// The same of records.
    pub forced_records: u64,
    /// Profiles.
    pub profiles: u64,
    /// Profiles that had to go.
    pub evicted: u64,
    /// Profiles under suspicion.
    pub suspects: u64,
    /// Profiles under suspicion that found no room.
    pub suspects_refused: u64,
    /// Tickets closed for want of room.
    pub alerts_dropped: u64,
    /// Bytes of state.
    pub bytes: u64,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) rules: Rules,
    settings: Settings,
    pub(super) baselines: Baselines,
    pub(super) spaces: Vec<Space>,
    pub(super) spaces_next: u64,
    pub(super) sites: Vec<Site>,
    pub(super) novelty: Vec<Novelty>,
    pub(super) clients: Vec<Clients>,
    pub(super) book: Book,
    pub(super) index: CutIndex,
    cells: Cells,
    pub(super) shares: Shares,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) lookups: u64,
    /// Event time of the first look-up.
    pub(super) begins: Option<Moment>,
}

impl Clone for Engine {
    fn clone(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            settings: self.settings.clone(),
            baselines: self.baselines.clone(),
            spaces: self.spaces.clone(),
            spaces_next: self.spaces_next,
            sites: self.sites.clone(),
            novelty: self.novelty.clone(),
            clients: self.clients.clone(),
            book: self.book.clone(),
            index: self.index.clone(),
            cells: Cells::default(),
            shares: self.shares.clone(),
            hour: self.hour,
            minute: self.minute,
            lookups: self.lookups,
            begins: self.begins,
        }
    }
}

impl Engine {
    /// An engine that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let routes = settings.routes.len();
        let classes = settings.routes.iter().map(|it| it.classes.len()).max().unwrap_or(0);
        Self {
            rules: Rules::new(
                settings.routes.clone(),
                settings.levels,
                (settings.resolve_after_ms, settings.update_factor),
                settings.watch_list.clone(),
            ),
            baselines: Baselines::new(routes, classes),
            spaces: vec![Space::default(); routes],
            spaces_next: SPACES_FIRST,
            sites: vec![Site::default(); routes],
            novelty: (0..SHARDS).map(|_| Novelty::new(&settings.novelty)).collect(),
            clients: (0..SHARDS).map(|_| Clients::new(settings.limits, routes, classes)).collect(),
            book: Book::new(settings.alert_key, settings.update_factor),
            index: CutIndex::default(),
            cells: Cells::default(),
            shares: Shares::new(routes),
            hour: i64::MIN,
            minute: i64::MIN,
            lookups: 0,
            begins: None,
            settings,
        }
    }

    /// Says what a partition is called, for the offsets in alerts.
    pub fn name(&mut self, partition: Partition, place: Place) {
        self.index.name(partition, place);
    }

    /// Judges a cut.
    pub fn step<L: Lanes>(&mut self, cut: &Cut, lanes: &L) -> Outputs {
        let hour = cut.at.index(HOUR_MS);
        if hour > self.hour {
            let hours = if self.hour == i64::MIN { 1 } else { hour - self.hour };
            self.learn(u32::try_from(hours).unwrap_or(u32::MAX));
            self.hour = hour;
        }
        self.lookups += cut.lookups.len() as u64;
        if self.begins.is_none() {
            self.begins = cut.lookups.iter().map(|it| it.lookup.event).min();
        }
        self.cells.resize(cut.lookups.len());
        self.remember(cut, lanes);
        self.shares.take(cut, &self.cells);
        self.judge(cut, lanes);
        self.index.take(cut);
        let mut outputs = Outputs::default();
        for (_, finding) in self.findings() {
            outputs.alerts.extend(self.book_finding(&finding, cut));
        }
        if self.spaces_next != u64::MAX && self.novel() >= self.spaces_next {
            self.spaces_next =
                if self.spaces_next < SPACES_LAST { self.spaces_next * 2 } else { u64::MAX };
            self.read_spaces();
        }
        let minute = cut.at.index(MINUTE_MS);
        if minute > self.minute {
            self.minute = minute;
            outputs.alerts.extend(self.book.tell(cut.at));
            outputs.alerts.extend(self.book.expire(cut.at, self.settings.resolve_after_ms));
            outputs.progress = self.progress();
        }
        outputs
    }

    /// The first pass: who has seen whom.
    fn remember<L: Lanes>(&mut self, cut: &Cut, lanes: &L) {
        let cells = &self.cells;
        lanes.spread(&mut self.novelty, cut.lookups.len(), &|first, shards| {
            remember(cut, cells, first, shards);
        });
    }

    /// The other passes: finest keys, what stands above them, and every route as a whole.
    fn judge<L: Lanes>(&mut self, cut: &Cut, lanes: &L) {
        let cells = &self.cells;
        let seen = Seen {
            rules: &self.rules,
            baselines: &self.baselines,
            spaces: &self.spaces,
            contacts: self.shares.contacts(),
            names: &cut.names,
            slice: cut.slice,
            at: cut.at,
        };
        lanes.spread(&mut self.clients, cut.lookups.len(), &|first, shards| {
            judge_finest(cut, (cells, &seen), first, shards);
        });
        lanes.spread(&mut self.clients, cut.lookups.len(), &|first, shards| {
            judge_roll_ups(cut, (cells, &seen), first, shards);
            shards.iter_mut().for_each(|it| it.tick(&seen));
        });
        judge_sites(cut, (cells, &seen), &mut self.sites);
    }

    /// The findings of the cut in the order of the lookups behind them, finest keys first.
    fn findings(&mut self) -> Vec<(u32, Finding)> {
        let mut all: Vec<(u32, Finding)> =
            self.clients.iter_mut().flat_map(Clients::take_findings).collect();
        all.extend(self.sites.iter_mut().flat_map(Site::take_findings));
        all.sort_by_key(|(at, it)| (*at, it.kind, it.route, it.key));
        all
    }

    fn book_finding(&mut self, finding: &Finding, cut: &Cut) -> Vec<Alert> {
        let Some(route) = self.rules.routes.get(usize::from(finding.route)) else {
            return Vec::new();
        };
        let since = finding.first_slice.saturating_mul(self.settings.slice_ms);
        let offsets = self.index.spans(Moment(since));
        let campaign = self.campaign_of(finding, cut.at);
        if finding.what == FindingKind::Near {
            if campaign.is_none() {
                return Vec::new();
            }
            if let Some(shard) = self.clients.get_mut(shard_of(finding.key)) {
                shard.joined(finding.key, finding.route, cut.at);
            }
        }
        let left = campaign.as_ref().and_then(|_| self.book.leave_ticket(finding, cut.at));
        let context = Context { route: &route.name, at: cut.at, offsets, campaign };
        left.into_iter().chain(self.book.take(finding, context)).collect()
    }

    /// The open alert of the campaign of a client that is new to the book, or has a ticket of its own
    /// that becomes a page.
    fn campaign_of(&self, finding: &Finding, at: Moment) -> Option<String> {
        let stands_alone = finding.page && self.book.is_ticket_of(finding);
        let is_new = !self.book.has_home(finding) || stands_alone;
        let is_near = finding.what == FindingKind::Near;
        if !is_new || !(is_near || finding.what == FindingKind::Raised) {
            return None;
        }
        // What calls nobody yet is no campaign for who is only suspected, or has a ticket already.
        let is_one_for = |id: &str| !(stands_alone || is_near) || self.book.is_page(id);
        // Who guesses while a whole crowd does is one of it.
        let site = self.sites.get(usize::from(finding.route))?;
        if finding.cause == Cause::Evidence(Stream::Miss) && site.is_loud() {
            let id = self.book.id_of(finding.route, SITE_KEY).filter(|it| is_one_for(it));
            return id.map(str::to_owned);
        }
        let space = self.spaces.get(usize::from(finding.route))?;
        let working = |key: u64| self.clients.get(shard_of(key))?.working(key, finding.route);
        let own = working(finding.key)?;
        let scene = Scene { space, at, log_begins: self.begins };
        let is_one = |keys: &[u64]| {
            let others = keys.iter().filter(|it| **it != finding.key);
            takes_part(own, others.filter_map(|it| working(*it)), scene)
        };
        let mut open = self.book.loud_on(finding.route).filter(|it| is_one_for(it.0));
        open.find(|(_, keys)| is_one(keys)).map(|(id, _)| id.to_owned())
    }

    /// At an hour boundary: lessons and samples, in shard order.
    fn learn(&mut self, hours: u32) {
        for shard in &mut self.clients {
            let (lessons, pulses) = shard.take_lessons();
            self.baselines.take(&lessons, pulses);
        }
        self.baselines.settle(hours);
        self.read_spaces();
    }

    fn read_spaces(&mut self) {
        for (route, space) in self.spaces.iter_mut().enumerate() {
            let own = self.clients.iter().filter_map(|it| it.samples().get(route));
            *space = Space::read(own, space);
        }
        self.baselines.touch();
    }

    fn novel(&self) -> u64 {
        self.novelty.iter().map(|it| it.stats().novel).sum()
    }

    /// Everything about a key on a route, if it has made look-ups there.
    #[must_use]
    pub fn explain(&self, key: u64, route: u16) -> Option<(KeyKind, Explained)> {
        let shard = self.clients.get(shard_of(key))?;
        let profile = shard.profile(key, route)?;
        let space = self.spaces.get(usize::from(route)).copied().unwrap_or_default();
        let records = shard.records(key, route);
        let opened = explain(profile, records, &self.rules, &self.baselines, space)?;
        let kind = KeyKind::ALL.into_iter().find(|it| it.index() == usize::from(profile.kind))?;
        Some((kind, opened))
    }

    /// Every profile, shard by shard.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.clients.iter().flat_map(Clients::profiles)
    }

    /// The mean rates of a class's quiet days on a route: cold (or guess, or act), miss, walk,
    /// rising.
    #[must_use]
    pub fn mean_rates(&self, route: u16, class: u8) -> [Option<f64>; RATES] {
        self.baselines.mean_rates(route, class)
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            lookups: self.lookups,
            alerts_dropped: self.book.dropped(),
            ..Stats::default()
        };
        for shard in &self.novelty {
            stats.novel += shard.stats().novel;
            stats.forced_pairs += shard.stats().forced_pairs;
            stats.forced_records += shard.stats().forced_records;
            stats.bytes += shard.bytes() as u64;
        }
        for shard in &self.clients {
            let own = shard.stats();
            stats.profiles += own.profiles;
            stats.evicted += own.evicted;
            stats.suspects += own.suspects;
            stats.suspects_refused += own.suspects_refused;
            stats.bytes += own.bytes;
        }
        stats
    }
}
