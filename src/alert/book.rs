//! The open alerts: findings go in, changes come out.
//!
//! One harvest is one alert. A finding about a key that an open alert names, or that came through
//! an address that one names, joins it; anything else opens a new one. The identity is a keyed
//! hash of kind, route, first key and the slice in which the episode began, so that the same log
//! always gives the same identity, and a receiver that has seen it recognises it.

use super::change::{
    Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status,
};
use crate::evidence::{Stream, as_f64};
use crate::judge::{Finding, FindingKind, Member};
use crate::time::Moment;
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

/// Clients that an alert lists; the rest are counted.
pub const CLIENTS_MAX: usize = 1_000;
/// Open alerts. Beyond it the oldest ticket is closed in silence and counted: a page never is.
const OPEN_MAX: usize = 10_000;

/// The open alerts of an engine.
#[derive(Clone, Debug)]
pub struct Book {
    key: (u64, u64),
    open: BTreeMap<String, Open>,
    by_key: BTreeMap<(u16, u64), String>,
    dropped: u64,
}

#[derive(Clone, Debug)]
struct Open {
    alert: Alert,
    /// Records out by judged key, with the half-width.
    records: BTreeMap<u64, (u64, u64)>,
    members: Vec<(u64, Client)>,
    /// Judged keys that are not quiet yet.
    loud: Vec<u64>,
    route: u16,
}

/// What a finding cannot know.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The route's name.
    pub route: &'a Arc<str>,
    /// The end of the slice.
    pub at: Moment,
    /// Where in the log the episode stands.
    pub offsets: Vec<OffsetSpan>,
}

impl Book {
    /// No open alerts; identities are hashed with `key`.
    #[must_use]
    pub const fn new(key: (u64, u64)) -> Self {
        Self { key, open: BTreeMap::new(), by_key: BTreeMap::new(), dropped: 0 }
    }

    /// Takes a finding; the change that it makes, if it makes one.
    pub fn take(&mut self, finding: &Finding, context: Context<'_>) -> Option<Alert> {
        match finding.what {
            FindingKind::Quiet => self.quiet(finding, &context),
            FindingKind::Raised | FindingKind::Changed => Some(self.raise(finding, context)),
        }
    }

    fn home_of(&self, finding: &Finding) -> Option<String> {
        let keys = std::iter::once(finding.key)
            .chain(finding.members.iter().map(|it| it.key))
            .chain(std::iter::once(finding.via).filter(|it| *it != 0));
        let mut homes = keys.filter_map(|key| self.by_key.get(&(finding.route, key)));
        homes.next().cloned()
    }

    fn raise(&mut self, finding: &Finding, context: Context<'_>) -> Alert {
        let id = match self.home_of(finding) {
            Some(id) => id,
            None => self.begin(finding, &context),
        };
        let Some(open) = self.open.get_mut(&id) else { return alert_of(finding, id, &context) };
        let severity = if finding.page { Severity::Page } else { Severity::Ticket };
        let (was, alert) = (open.alert.status, &mut open.alert);
        let louder = severity > alert.severity || was == Status::Firing && alert.changed_at.0 == 0;
        alert.status = if louder { Status::Firing } else { Status::Updated };
        alert.severity = alert.severity.max(severity);
        if louder {
            alert.fired_at = finding.at;
            alert.streams = streams_of(finding);
            alert.log_e = as_f64(finding.log_e);
            alert.mode = mode_of(finding);
        }
        alert.first_seen = alert.first_seen.min(finding.first_seen);
        alert.changed_at = context.at;
        (alert.expected, alert.seen) = quantities_of(finding);
        alert.offsets = context.offsets;
        alert.examples = finding.examples.iter().map(ToString::to_string).collect();
        open.records.insert(finding.key, finding.records);
        if !open.loud.contains(&finding.key) {
            open.loud.push(finding.key);
        }
        for member in &finding.members {
            open.join(member);
        }
        self.by_key.insert((finding.route, finding.key), id.clone());
        for (key, _) in &open.members {
            self.by_key.insert((finding.route, *key), id.clone());
        }
        open.settle_counts();
        open.alert.clone()
    }

    fn begin(&mut self, finding: &Finding, context: &Context<'_>) -> String {
        if self.open.len() >= OPEN_MAX {
            self.make_room();
        }
        let first = finding.members.first().map_or(finding.key, |it| it.key);
        let kind = kind_of(finding.loudest);
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        hasher.write(kind.name().as_bytes());
        hasher.write_u16(finding.route);
        hasher.write_u64(first);
        hasher.write_i64(finding.first_slice);
        let id = format!("{:016x}", hasher.finish());
        let mut alert = alert_of(finding, id.clone(), context);
        // Not yet given out: the change that follows is its first.
        alert.changed_at = Moment(0);
        let open = Open {
            alert,
            records: BTreeMap::new(),
            members: Vec::new(),
            loud: Vec::new(),
            route: finding.route,
        };
        self.open.insert(id.clone(), open);
        id
    }

    fn quiet(&mut self, finding: &Finding, context: &Context<'_>) -> Option<Alert> {
        let id = self.by_key.get(&(finding.route, finding.key))?.clone();
        let open = self.open.get_mut(&id)?;
        open.records.insert(finding.key, finding.records);
        open.loud.retain(|it| *it != finding.key);
        if !open.loud.is_empty() {
            return None;
        }
        let mut open = self.open.remove(&id)?;
        self.by_key.retain(|_, it| *it != id);
        open.settle_counts();
        open.alert.status = Status::Resolved;
        open.alert.changed_at = context.at;
        (open.alert.expected, open.alert.seen) = quantities_of(finding);
        Some(open.alert)
    }

    fn make_room(&mut self) {
        let tickets = self.open.iter().filter(|it| it.1.alert.severity == Severity::Ticket);
        let oldest = tickets.min_by_key(|it| it.1.alert.changed_at).map(|it| it.0.clone());
        if let Some(id) = oldest {
            self.open.remove(&id);
            self.by_key.retain(|_, it| *it != id);
            self.dropped += 1;
        }
    }

    /// The open alerts, by identity.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.open.values().map(|it| &it.alert)
    }

    /// The identity of the open alert that a key of a route is judged in.
    #[must_use]
    pub fn of(&self, route: u16, key: u64) -> Option<&str> {
        self.by_key.get(&(route, key)).map(String::as_str)
    }

    /// Tickets closed for want of room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Open {
    fn join(&mut self, member: &Member) {
        if self.members.iter().any(|it| it.0 == member.key) {
            return;
        }
        let id = String::from_utf8_lossy(&member.name).into_owned();
        self.members.push((member.key, Client { key: member.kind, id }));
    }

    fn settle_counts(&mut self) {
        let clients = self.members.iter().take(CLIENTS_MAX);
        self.alert.clients = clients.map(|it| it.1.clone()).collect();
        self.alert.members_total = self.members.len() as u64;
        let (estimate, error) =
            self.records.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        self.alert.records_out = RecordsOut { estimate, error };
        debug_assert!(self.route < u16::MAX);
    }
}

fn alert_of(finding: &Finding, id: String, context: &Context<'_>) -> Alert {
    let (expected, seen) = quantities_of(finding);
    Alert {
        id,
        status: Status::Firing,
        severity: if finding.page { Severity::Page } else { Severity::Ticket },
        kind: kind_of(finding.loudest),
        route: context.route.clone(),
        mode: mode_of(finding),
        late: false,
        clients: Vec::new(),
        members_total: 0,
        first_seen: finding.first_seen,
        fired_at: finding.at,
        changed_at: context.at,
        records_out: RecordsOut { estimate: finding.records.0, error: finding.records.1 },
        expected,
        seen,
        streams: streams_of(finding),
        log_e: as_f64(finding.log_e),
        examples: finding.examples.iter().map(ToString::to_string).collect(),
        offsets: Vec::new(),
    }
}

const fn kind_of(loudest: Stream) -> Kind {
    match loudest {
        Stream::Cold => Kind::Harvest,
        Stream::Miss => Kind::Guessing,
        Stream::Walk => Kind::Walk,
        Stream::Monotone => Kind::Sweep,
        Stream::Volume => Kind::Volume,
    }
}

const fn mode_of(finding: &Finding) -> Mode {
    if finding.observe { Mode::Observe } else { Mode::Page }
}

fn streams_of(finding: &Finding) -> BTreeMap<&'static str, f64> {
    let pairs = Stream::ALL.iter().zip(finding.streams);
    pairs.filter(|it| it.1 > 0).map(|(stream, it)| (stream.name(), rounded(as_f64(it)))).collect()
}

/// Three digits after the point: evidence is not known better.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0 + 0.5).floor() / 1_000.0
}

fn quantities_of(finding: &Finding) -> (Quantity, Quantity) {
    let quantity = |subjects: f64| Quantity {
        subjects: rounded(subjects),
        span_seconds: finding.picture.span_seconds,
        quantity: finding.picture.quantity.clone(),
    };
    (quantity(finding.picture.expected), quantity(finding.picture.seen))
}
