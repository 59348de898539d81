//! The open alerts: findings go in, changes come out.
//!
//! One harvest is one alert. A finding joins an open alert that names its key or the address that
//! it came through, or one whose clients work along the same ids; anything else opens a new one.
//! Who joins is told at once while they are few, and else once a minute: an alert with a thousand
//! members must not be told a thousand times. The identity is a keyed hash of kind, route, first
//! key and the slice in which the episode began, so that the same log always gives the same
//! identity, and a receiver that has seen it recognises it.

use super::change::{Alert, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status};
use super::open::{Adopted, Open};
use super::standing::{KeyRecords, Standing};
use crate::evidence::{Stream, as_f64};
use crate::judge::{Cause, Finding, FindingKind, Listed};
use crate::time::Moment;
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

/// Clients that an alert lists; the rest are counted.
pub const CLIENTS_MAX: usize = 1_000;
/// Open alerts. Beyond it the oldest ticket is closed in silence and counted: a page never is.
const OPEN_MAX: usize = 10_000;

/// Those who joined are told at once where the alert has grown this many times.
const JOINED_FACTOR: f64 = 1.5;
/// Judged keys of an alert that a new finding is compared with, the latest.
const COMPARED_MAX: usize = 8;
/// The open alerts of an engine.
#[derive(Clone, Debug)]
pub struct Book {
    key: (u64, u64),
    open: BTreeMap<String, Open>,
    by_key: BTreeMap<(u16, u64), String>,
    dropped: u64,
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
    /// The open alert whose clients work along the same ids, if there is one.
    pub campaign: Option<String>,
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
            FindingKind::Raised | FindingKind::Changed => self.raise(finding, context),
        }
    }

    /// Whether an open alert is about a finding's own keys.
    #[must_use]
    pub fn has_home(&self, finding: &Finding) -> bool {
        self.own_home(finding).is_some()
    }

    /// The open alerts of a route, each with the judged keys that are loud in it, the latest few.
    pub fn loud_on(&self, route: u16) -> impl Iterator<Item = (&str, &[u64])> {
        let open = self.open.iter().filter(move |(_, it)| it.route == route);
        open.map(|(id, it)| {
            let latest = it.loud.len().saturating_sub(COMPARED_MAX);
            (id.as_str(), it.loud.get(latest..).unwrap_or_default())
        })
    }

    fn home_of(&self, finding: &Finding, context: &Context<'_>) -> Option<String> {
        self.own_home(finding).or_else(|| context.campaign.clone())
    }

    fn own_home(&self, finding: &Finding) -> Option<String> {
        let keys = std::iter::once(finding.key)
            .chain(finding.members.iter().map(|it| it.key))
            .chain(std::iter::once(finding.via).filter(|it| *it != 0));
        let mut homes = keys.filter_map(|key| self.by_key.get(&(finding.route, key)));
        homes.next().cloned()
    }

    fn raise(&mut self, finding: &Finding, context: Context<'_>) -> Option<Alert> {
        let id = match self.home_of(finding, &context) {
            Some(id) => id,
            None => self.begin(finding, &context),
        };
        let open = self.open.get_mut(&id)?;
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
        let before = open.members.len();
        for member in &finding.members {
            open.join(member);
        }
        let joined = open.members.len() > before;
        self.by_key.insert((finding.route, finding.key), id.clone());
        for (key, _) in &open.members {
            self.by_key.insert((finding.route, *key), id.clone());
        }
        open.settle_counts();
        let (members, told) = (open.members.len() as u64, open.told);
        if joined && !louder && (members as f64) < told as f64 * JOINED_FACTOR {
            open.untold = true;
            return None;
        }
        (open.told, open.untold) = (members, false);
        Some(open.alert.clone())
    }

    /// The alerts that somebody has joined since they were told. Called once a minute.
    pub fn tell(&mut self) -> Vec<Alert> {
        let untold = self.open.values_mut().filter(|it| it.untold);
        let told = untold.map(|open| {
            (open.told, open.untold) = (open.members.len() as u64, false);
            open.alert.clone()
        });
        told.collect()
    }

    fn begin(&mut self, finding: &Finding, context: &Context<'_>) -> String {
        if self.open.len() >= OPEN_MAX {
            self.make_room();
        }
        let first = finding.members.first().map_or(finding.key, |it| it.key);
        let kind = kind_of(finding.cause);
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
            told: 0,
            untold: false,
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
        let members: Vec<_> = members.into_iter().zip(alert.clients.iter().cloned()).collect();
        let (told, records) = (members.len() as u64, BTreeMap::new());
        let open = Open { alert, records, members, loud, route, told, untold: false, adopted };
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

fn alert_of(finding: &Finding, id: String, context: &Context<'_>) -> Alert {
    let (expected, seen) = quantities_of(finding);
    Alert {
        id,
        status: Status::Firing,
        severity: if finding.page { Severity::Page } else { Severity::Ticket },
        kind: kind_of(finding.cause),
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

const fn kind_of(cause: Cause) -> Kind {
    match cause {
        Cause::Evidence(Stream::Cold) => Kind::Harvest,
        Cause::Evidence(Stream::Miss) => Kind::Guessing,
        Cause::Evidence(Stream::Walk) => Kind::Walk,
        Cause::Evidence(Stream::Monotone) => Kind::Sweep,
        Cause::Evidence(Stream::Volume) => Kind::Volume,
        Cause::Evidence(Stream::Guess) => Kind::PassGuessing,
        Cause::Listed(Listed::Decoy) => Kind::Decoy,
        Cause::Listed(Listed::Watched) => Kind::Watched,
        Cause::Written => Kind::Tampering,
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
    use crate::judge::{Member, Picture};
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
            cause: Cause::Evidence(Stream::Walk),
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
        let (at, offsets, campaign) = (finding.at, Vec::new(), None);
        book.take(finding, Context { route: &route, at, offsets, campaign })
    }

    /// A finding whose client works along the same ids as those of an open alert.
    fn join(book: &mut Book, finding: &Finding, id: &str) -> Option<Alert> {
        let route: Arc<str> = "beneficiary".into();
        let (at, offsets, campaign) = (finding.at, Vec::new(), Some(id.to_owned()));
        book.take(finding, Context { route: &route, at, offsets, campaign })
    }

    #[test]
    fn a_thousand_who_join_are_told_a_few_times_and_then_once_a_minute() {
        let mut book = Book::new((1, 2));
        let id = take(&mut book, &finding(1, FIRED, 10)).unwrap().id;
        let joins = (2..=1_000).filter_map(|key| join(&mut book, &finding(key, FIRED, 10), &id));
        let told: Vec<Alert> = joins.collect();
        assert!((10..30).contains(&told.len()), "{}", told.len());
        assert!(told.iter().all(|it| it.id == id && it.status == Status::Updated));
        let last = book.tell();
        assert_eq!((last[0].members_total, last[0].records_out.estimate), (1_000, 10_000));
        assert!(book.tell().is_empty());
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
