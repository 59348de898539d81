//! The open alerts: findings go in, changes come out.
//!
//! One harvest is one alert. A finding about a key that an open alert names, or that came through
//! an address that one names, joins it; anything else opens a new one. The identity is a keyed
//! hash of kind, route, first key and the slice in which the episode began, so that the same log
//! always gives the same identity, and a receiver that has seen it recognises it.

use super::change::{
    Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status,
};
use super::standing::{KeyRecords, Standing};
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
    /// What an earlier process left, if this alert is from one.
    adopted: Option<Adopted>,
}

/// What an earlier process left of an alert.
#[derive(Clone, Debug)]
struct Adopted {
    /// What its keys had read.
    records: Vec<KeyRecords>,
    /// Keys that this process has not found anything about. It never will if they stopped.
    unheard: Vec<u64>,
    /// Slice time from which their silence is counted.
    since: Option<Moment>,
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
        let alert = &mut open.alert;
        let first = alert.status == Status::Firing && alert.changed_at.0 == 0;
        // What is only observed never turns down, or up, an alert that may call somebody; and what
        // may call somebody does so out of an alert that was only observed.
        let louder = first
            || match (alert.mode, mode_of(finding)) {
                (Mode::Observe, Mode::Page) => true,
                (Mode::Page, Mode::Observe) => false,
                _ => severity > alert.severity,
            };
        alert.status = if louder { Status::Firing } else { Status::Updated };
        if louder {
            alert.severity = severity;
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
        if let Some(adopted) = &mut open.adopted {
            adopted.unheard.retain(|it| *it != finding.key);
        }
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
            adopted: None,
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
        let mut alert = self.end(&id, context.at)?;
        (alert.expected, alert.seen) = quantities_of(finding);
        Some(alert)
    }

    /// Goes on with an alert that an earlier process left open on this route.
    pub fn adopt(&mut self, standing: Standing, route: u16) {
        let Standing { alert, records, members } = standing;
        let (id, keys) = (alert.id.clone(), records.iter().map(|it| it.key));
        let loud: Vec<u64> = keys.collect();
        for key in loud.iter().chain(&members) {
            self.by_key.insert((route, *key), id.clone());
        }
        let adopted = Some(Adopted { records, unheard: loud.clone(), since: None });
        let members = members.into_iter().zip(alert.clients.iter().cloned()).collect();
        let open = Open { alert, records: BTreeMap::new(), members, loud, route, adopted };
        self.open.insert(id, open);
    }

    /// Takes how many records (with half an interval) have left by a judged key by now.
    pub fn count(&mut self, route: u16, key: u64, records: (u64, u64)) {
        let open = self.by_key.get(&(route, key)).and_then(|id| self.open.get_mut(id));
        if let Some(known) = open.and_then(|it| it.records.get_mut(&key)) {
            *known = records;
        }
    }

    /// Where every open alert stands: records out of all its keys.
    pub fn progress(&self) -> impl Iterator<Item = (&str, RecordsOut)> {
        self.open.iter().map(|(id, open)| (id.as_str(), open.records_out()))
    }

    /// Ends what was adopted and has not been heard of for `after_ms` since the first call.
    /// Called now and then with the slice time.
    pub fn expire(&mut self, at: Moment, after_ms: i64) -> Vec<Alert> {
        let mut over = Vec::new();
        for (id, open) in &mut self.open {
            let Some(adopted) = &mut open.adopted else { continue };
            let since = *adopted.since.get_or_insert(at);
            if at.since(since) < after_ms || adopted.unheard.is_empty() {
                continue;
            }
            let unheard = std::mem::take(&mut adopted.unheard);
            open.loud.retain(|it| !unheard.contains(it));
            if open.loud.is_empty() {
                over.push(id.clone());
            }
        }
        over.into_iter().filter_map(|id| self.end(&id, at)).collect()
    }

    /// What has to be kept of an alert that has just changed.
    #[must_use]
    pub fn standing(&self, change: &Alert) -> Standing {
        let Some(open) = self.open.get(&change.id) else {
            return Standing { alert: change.clone(), records: Vec::new(), members: Vec::new() };
        };
        let records =
            open.totals().map(|(key, it)| KeyRecords { key, estimate: it.0, error: it.1 });
        Standing {
            alert: Alert { records_out: open.records_out(), ..open.alert.clone() },
            records: records.collect(),
            members: open.members.iter().take(CLIENTS_MAX).map(|it| it.0).collect(),
        }
    }

    /// Takes an alert out of the book, resolved.
    fn end(&mut self, id: &str, at: Moment) -> Option<Alert> {
        let mut open = self.open.remove(id)?;
        self.by_key.retain(|_, it| it != id);
        open.settle_counts();
        open.alert.status = Status::Resolved;
        open.alert.changed_at = at;
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

    /// Records out by judged key, with those that an earlier process counted.
    fn totals(&self) -> impl Iterator<Item = (u64, (u64, u64))> {
        let before = self.adopted.iter().flat_map(|it| &it.records);
        let adopted = before
            .map(|it| (it.key, it.and(self.records.get(&it.key).copied().unwrap_or_default())));
        let known =
            |key: u64| self.adopted.iter().flat_map(|it| &it.records).any(|it| it.key == key);
        let fresh = self.records.iter().filter(move |it| !known(*it.0));
        adopted.chain(fresh.map(|(key, it)| (*key, *it)))
    }

    fn records_out(&self) -> RecordsOut {
        let sum = |sum: (u64, u64), it: (u64, u64)| (sum.0 + it.0, sum.1 + it.1);
        let (estimate, error) = self.totals().map(|it| it.1).fold((0, 0), sum);
        RecordsOut { estimate, error }
    }

    fn settle_counts(&mut self) {
        let clients = self.members.iter().take(CLIENTS_MAX);
        self.alert.clients = clients.map(|it| it.1.clone()).collect();
        self.alert.members_total = self.members.len() as u64;
        self.alert.records_out = self.records_out();
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

#[cfg(test)]
mod tests {
    use super::super::sample::FIRED;
    use super::*;
    use crate::attribute::KeyKind;
    use crate::evidence::STREAMS;
    use crate::judge::Picture;
    use crate::time::{HOUR_MS, SECOND_MS};

    fn finding(key: u64, at: Moment, records: u64) -> Finding {
        let name = format!("clinic-{key}").into_bytes();
        Finding {
            what: FindingKind::Raised,
            route: 0,
            key,
            kind: KeyKind::Staff,
            via: 0,
            members: vec![Member { key, kind: KeyKind::Staff, name }],
            page: true,
            observe: false,
            loudest: Stream::Walk,
            log_e: 18_000,
            streams: [0; STREAMS],
            first_seen: at.plus(-60 * SECOND_MS),
            first_slice: at.index(SECOND_MS) - 60,
            at,
            records: (records, 0),
            picture: Picture {
                expected: 2.0,
                seen: 9.0,
                span_seconds: 60,
                quantity: String::new(),
            },
            examples: Vec::new(),
        }
    }

    fn take(book: &mut Book, finding: &Finding) -> Option<Alert> {
        let route: Arc<str> = "beneficiary".into();
        book.take(finding, Context { route: &route, at: finding.at, offsets: Vec::new() })
    }

    /// A book that goes on with what another left open about `clinic-7`, with its alert.
    fn adopted() -> (Book, Alert) {
        let mut before = Book::new((1, 2));
        let alert = take(&mut before, &finding(7, FIRED, 100)).unwrap();
        before.count(0, 7, (240, 0));
        let mut after = Book::new((1, 2));
        after.adopt(before.standing(&alert), 0);
        (after, alert)
    }

    #[test]
    fn a_harvest_that_goes_on_after_a_restart_is_the_same_alert_with_what_left_before() {
        let (mut book, before) = adopted();
        let again = take(&mut book, &finding(7, FIRED.plus(HOUR_MS), 60)).unwrap();
        assert_eq!(
            (&again.id, again.status, again.kind),
            (&before.id, Status::Updated, before.kind)
        );
        assert_eq!((again.first_seen, again.fired_at), (before.first_seen, before.fired_at));
        assert_eq!(again.records_out, RecordsOut { estimate: 270, error: 30 });
        assert_eq!(book.expire(FIRED.plus(9 * HOUR_MS), HOUR_MS), [], "it is heard of");
    }

    #[test]
    fn a_page_is_not_lost_in_an_alert_that_is_only_observed() {
        let mut book = Book::new((1, 2));
        let address = Finding { observe: true, ..finding(1, FIRED, 10) };
        let observed = take(&mut book, &address).unwrap();
        assert_eq!((observed.status, observed.mode), (Status::Firing, Mode::Observe));
        let login = Finding { via: 1, page: false, ..finding(9, FIRED.plus(1), 5) };
        let ticket = take(&mut book, &login).unwrap();
        assert_eq!((ticket.status, ticket.severity), (Status::Firing, Severity::Ticket));
        assert_eq!((ticket.mode, &ticket.id), (Mode::Page, &observed.id));
        let back = take(&mut book, &address).unwrap();
        assert_eq!((back.status, back.severity), (Status::Updated, Severity::Ticket));
        let page = take(&mut book, &Finding { page: true, ..login }).unwrap();
        assert_eq!((page.status, page.severity), (Status::Firing, Severity::Page));
        assert_eq!(page.mode, Mode::Page);
    }

    #[test]
    fn a_harvest_that_ended_while_nobody_looked_resolves_after_its_quiet_time() {
        let (mut book, before) = adopted();
        let start = FIRED.plus(HOUR_MS);
        assert_eq!(book.expire(start, HOUR_MS), []);
        assert_eq!(book.expire(start.plus(HOUR_MS - 1), HOUR_MS), []);
        let over = book.expire(start.plus(HOUR_MS), HOUR_MS);
        let told: Vec<_> = over.iter().map(|it| (&it.id, it.status, it.records_out)).collect();
        let out = RecordsOut { estimate: 240, error: 0 };
        assert_eq!(told, [(&before.id, Status::Resolved, out)]);
        assert_eq!(book.open().count(), 0);
        assert!(!book.standing(&over[0]).is_open());
        let fresh = take(&mut book, &finding(7, start.plus(2 * HOUR_MS), 9)).unwrap();
        assert_ne!(fresh.id, before.id);
    }
}
