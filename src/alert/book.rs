//! The open alerts: findings go in, changes come out.
//!
//! One harvest is one alert. A finding joins an open alert that names its key, on this route or
//! (where that is a page, or of the same kind and begun together) on another; one that names the
//! address or the network that it came through, on this route; or one whose clients work along the
//! same ids. Anything else opens a new one. Who joins is told at once while they are few, and else
//! once a minute: an alert with a thousand members must not be told a thousand times. The identity
//! is a keyed hash of kind, route, first key and the slice in which the episode began, so that the
//! same log always gives the same identity, and a receiver that has seen it recognises it.

use super::change::{Alert, Mode, OffsetSpan, RecordsOut, Severity, Status};
use super::of_finding::{alert_of, kind_of, mode_of, quantities_of, streams_of};
use super::open::{Judged, Open};
use crate::evidence::as_f64;
use crate::judge::{Finding, FindingKind, has_grown};
use crate::time::Moment;
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

/// Clients that an alert lists; the rest are counted.
pub const CLIENTS_MAX: usize = 1_000;
/// Open alerts. Beyond it the oldest ticket is closed in silence and counted: a page never is.
pub(super) const OPEN_MAX: usize = 10_000;

/// Those who joined are told at once where the alert has grown this many times.
const JOINED_FACTOR: f64 = 1.5;
/// Of so few members it is told at once when one of them becomes louder.
const FEW: usize = 10;
/// Judged keys of an alert that a new finding is compared with, the latest.
const COMPARED_MAX: usize = 64;

/// The open alerts of an engine.
#[derive(Clone, Debug)]
pub struct Book {
    pub(super) key: (u64, u64),
    pub(super) open: BTreeMap<String, Open>,
    /// By judged profile.
    pub(super) by_profile: BTreeMap<u64, String>,
    /// By client key, whatever the route.
    pub(super) by_client: BTreeMap<u64, String>,
    pub(super) dropped: u64,
    /// An alert is told again when its records out have grown this many times.
    update_factor: f64,
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
    /// No open alerts; identities are hashed with `key`. What many clients share is told again when
    /// its records out have grown `update_factor` times.
    #[must_use]
    pub const fn new(key: (u64, u64), update_factor: f64) -> Self {
        Self {
            key,
            open: BTreeMap::new(),
            by_profile: BTreeMap::new(),
            by_client: BTreeMap::new(),
            dropped: 0,
            update_factor,
        }
    }

    /// Takes a finding; the change that it makes, if it makes one.
    pub fn take(&mut self, finding: &Finding, context: Context<'_>) -> Option<Alert> {
        match finding.what {
            FindingKind::Quiet => self.quiet(finding, &context),
            FindingKind::Near | FindingKind::Raised | FindingKind::Changed => {
                self.raise(finding, context)
            }
        }
    }

    /// Whether an open alert is about a finding's own keys.
    #[must_use]
    pub fn has_home(&self, finding: &Finding) -> bool {
        self.own_home(finding).is_some()
    }

    /// Whether the open alert about a finding's own key is a ticket about nobody else.
    #[must_use]
    pub fn is_ticket_of(&self, finding: &Finding) -> bool {
        self.ticket_of(finding).is_some()
    }

    fn ticket_of(&self, finding: &Finding) -> Option<&str> {
        let judged = Judged::of(finding);
        let id = self.by_profile.get(&judged.id())?;
        let open = self.open.get(id)?;
        let alone = open.loud.iter().all(|it| *it == judged) && open.adopted.is_none();
        (alone && open.alert.severity == Severity::Ticket).then_some(id)
    }

    /// Ends a client's own ticket, because the client turns out to be one of a campaign.
    pub fn leave_ticket(&mut self, finding: &Finding, at: Moment) -> Option<Alert> {
        let id = self.ticket_of(finding)?.to_owned();
        self.end(&id, at)
    }

    /// Whether an open alert is a page.
    #[must_use]
    pub fn is_page(&self, id: &str) -> bool {
        self.open.get(id).is_some_and(|it| it.alert.severity == Severity::Page)
    }

    /// The open alert about a judged key.
    #[must_use]
    pub fn id_of(&self, route: u16, key: u64) -> Option<&str> {
        self.by_profile.get(&Judged { route, key }.id()).map(String::as_str)
    }

    /// The open alerts with the keys that are loud in each on this route, the latest few.
    pub fn loud_on(&self, route: u16) -> impl Iterator<Item = (&str, Vec<u64>)> {
        self.open.iter().map(move |(id, it)| {
            let loud = it.loud.iter().rev().filter(|it| it.route == route);
            (id.as_str(), loud.take(COMPARED_MAX).map(|it| it.key).collect())
        })
    }

    fn home_of(&self, finding: &Finding, context: &Context<'_>) -> Option<String> {
        self.own_home(finding).or_else(|| context.campaign.clone())
    }

    fn own_home(&self, finding: &Finding) -> Option<String> {
        if let Some(id) = self.by_profile.get(&Judged::of(finding).id()) {
            return Some(id.clone());
        }
        let (kind, mode) = (kind_of(finding.cause), mode_of(finding));
        let is_home = |id: &&String, elsewhere: bool| {
            self.open.get(*id).is_some_and(|open| {
                let here = open.routes.contains(&finding.route);
                here || elsewhere && open.goes_on_in(finding, kind, mode)
            })
        };
        let own = std::iter::once(finding.key).chain(finding.members.iter().map(|it| it.key));
        let own = own.filter_map(|key| self.by_client.get(&key)).find(|id| is_home(id, true));
        let via = || self.by_client.get(&finding.via).filter(|id| is_home(id, false));
        own.or_else(via).cloned()
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
        let judged = Judged::of(finding);
        open.hear(judged, finding.records);
        if !open.loud.contains(&judged) {
            open.loud.push(judged);
        }
        open.come_through(judged, finding.via);
        // Which stream is the loudest changes while a client goes on; another client's, or the same
        // one's on another route, is news.
        let is_new = !self.by_profile.contains_key(&judged.id());
        let news = is_new && open.come_to(kind_of(finding.cause), (finding.route, context.route));
        let before = open.members.len();
        for member in &finding.members {
            open.join(member);
        }
        let joined = open.members.len() > before;
        self.by_profile.insert(judged.id(), id.clone());
        for key in finding.members.iter().map(|it| it.key).chain([finding.key]) {
            self.by_client.insert(key, id.clone());
        }
        open.settle_counts();
        // What one of many clients does changes the picture of all only where all have read more.
        let records = open.alert.records_out.estimate;
        let grown = has_grown(open.told_records, records, self.update_factor);
        let members = open.members.len() as f64;
        let waits = if joined {
            members < open.told as f64 * JOINED_FACTOR
        } else {
            let few = if finding.what == FindingKind::Changed { 1 } else { FEW };
            open.members.len() > few && !grown && !news
        };
        if waits && !louder {
            open.untold |= joined;
            return None;
        }
        Some(open.tell())
    }

    /// The alerts whose members have changed since they were told. Called once a minute, with the
    /// slice time.
    pub fn tell(&mut self, at: Moment) -> Vec<Alert> {
        self.open.values_mut().for_each(Open::explain_addresses);
        let untold = self.open.values_mut().filter(|it| it.untold);
        let told = untold.map(|open| {
            (open.alert.status, open.alert.changed_at) = (Status::Updated, at);
            open.tell()
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
        self.open.insert(id.clone(), Open::new(alert, finding.route));
        id
    }

    fn quiet(&mut self, finding: &Finding, context: &Context<'_>) -> Option<Alert> {
        let judged = Judged::of(finding);
        let id = self.by_profile.get(&judged.id())?.clone();
        let open = self.open.get_mut(&id)?;
        open.hear(judged, finding.records);
        open.loud.retain(|it| *it != judged);
        if !open.is_quiet() {
            return None;
        }
        let mut alert = self.end(&id, context.at)?;
        (alert.expected, alert.seen) = quantities_of(finding);
        Some(alert)
    }

    /// Takes how many records (with half an interval) have left by a judged key by now.
    pub fn count(&mut self, route: u16, key: u64, records: (u64, u64)) {
        let profile = Judged { route, key }.id();
        let open = self.by_profile.get(&profile).and_then(|id| self.open.get_mut(id));
        if let Some(known) = open.and_then(|it| it.records.get_mut(&profile)) {
            *known = (*known).max(records);
        }
    }

    /// Where every open alert stands: records out of all its keys.
    pub fn progress(&self) -> impl Iterator<Item = (&str, RecordsOut)> {
        self.open.iter().map(|(id, open)| (id.as_str(), open.records_out()))
    }

    /// Whether an alert is open.
    #[must_use]
    pub fn is_open(&self, id: &str) -> bool {
        self.open.contains_key(id)
    }

    /// Takes an alert out of the book, resolved.
    pub(super) fn end(&mut self, id: &str, at: Moment) -> Option<Alert> {
        let mut open = self.remove(id)?;
        open.settle_counts();
        open.alert.status = Status::Resolved;
        open.alert.changed_at = at;
        Some(open.alert)
    }

    pub(super) fn make_room(&mut self) {
        let tickets = self.open.iter().filter(|it| it.1.alert.severity == Severity::Ticket);
        let oldest = tickets.min_by_key(|it| it.1.alert.changed_at).map(|it| it.0.clone());
        if let Some(id) = oldest {
            self.remove(&id);
            self.dropped += 1;
        }
    }

    fn remove(&mut self, id: &str) -> Option<Open> {
        self.by_profile.retain(|_, it| it != id);
        self.by_client.retain(|_, it| it != id);
        self.open.remove(id)
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

#[cfg(test)]
mod tests {
    use super::super::sample::FIRED;
    use super::*;
    use crate::attribute::KeyKind;
    use crate::evidence::{STREAMS, Stream};
    use crate::judge::{Cause, Member, Picture, SITE_KEY};
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

    #[test]
    fn a_harvest_of_two_routes_is_one_alert_and_a_ticket_of_another_kind_gives_it_no_name() {
        let mut book = Book::new((1, 2), 3.0);
        let ticket = Finding { page: false, ..finding(1, FIRED, 10) };
        let first = take(&mut book, &ticket).unwrap();
        let photo = |kind: Stream, at: Moment| {
            let cause = Cause::Evidence(kind);
            Finding { route: 1, cause, ..finding(1, at, 7) }
        };
        let mut take_photo = |finding: Finding| {
            let (at, offsets, campaign) = (finding.at, Vec::new(), None);
            let context = Context { route: &"photo".into(), at, offsets, campaign };
            book.take(&finding, context)
        };
        let other = take_photo(photo(Stream::Volume, FIRED)).unwrap();
        assert_ne!(other.id, first.id, "of another kind");
        let mut book = Book::new((1, 2), 3.0);
        take(&mut book, &finding(1, FIRED, 10)).unwrap();
        let context =
            Context { route: &"photo".into(), at: FIRED, offsets: Vec::new(), campaign: None };
        let both = book.take(&photo(Stream::Walk, FIRED.plus(SECOND_MS)), context).unwrap();
        assert_eq!((both.id, both.status), (first.id, Status::Updated));
        assert_eq!((both.records_out.estimate, both.also_on), (17, vec!["photo".into()]));
        let quiet = Finding { what: FindingKind::Quiet, ..finding(1, FIRED, 10) };
        assert_eq!(take(&mut book, &quiet), None, "it goes on with the photos");
    }

    #[test]
    fn records_out_never_fall_when_a_route_as_a_whole_joins_a_client_and_are_not_counted_twice() {
        let mut book = Book::new((1, 2), 3.0);
        take(&mut book, &finding(1, FIRED, 4_883)).unwrap();
        let site = |records: u64| {
            let members = vec![finding(1, FIRED, 0).members.remove(0)];
            Finding { key: SITE_KEY, members, ..finding(1, FIRED, records) }
        };
        let mut out = |it: &Finding| take(&mut book, it).map(|it| it.records_out.estimate);
        assert_eq!(out(&site(148)), Some(4_883));
        assert_eq!(out(&finding(1, FIRED, 4_890)), Some(4_890));
        assert_eq!(out(&site(5_000)), Some(5_000));
        assert_eq!(out(&finding(1, FIRED, 4_900)), Some(5_000));
    }

    #[test]
    fn records_out_never_fall_when_a_client_that_was_quiet_begins_again() {
        let mut book = Book::new((1, 2), 3.0);
        take(&mut book, &finding(1, FIRED, 1_500)).unwrap();
        let both = Finding { members: finding(2, FIRED, 0).members, ..finding(1, FIRED, 1_500) };
        take(&mut book, &both);
        take(&mut book, &finding(2, FIRED, 200)).unwrap();
        let quiet = Finding { what: FindingKind::Quiet, ..finding(1, FIRED, 1_500) };
        assert_eq!(take(&mut book, &quiet), None, "the other goes on");
        take(&mut book, &finding(1, FIRED, 35));
        let out: Vec<u64> = book.progress().map(|it| it.1.estimate).collect();
        assert_eq!(out, [1_700]);
    }

    /// A finding whose client works along the same ids as those of an open alert.
    fn join(book: &mut Book, finding: &Finding, id: &str) -> Option<Alert> {
        let route: Arc<str> = "beneficiary".into();
        let (at, offsets, campaign) = (finding.at, Vec::new(), Some(id.to_owned()));
        book.take(finding, Context { route: &route, at, offsets, campaign })
    }

    #[test]
    fn a_thousand_who_join_are_told_a_few_times_and_then_once_a_minute() {
        let mut book = Book::new((1, 2), 3.0);
        let id = take(&mut book, &finding(1, FIRED, 10)).unwrap().id;
        let joins = (2..=1_000).filter_map(|key| join(&mut book, &finding(key, FIRED, 10), &id));
        let told: Vec<Alert> = joins.collect();
        assert!((10..30).contains(&told.len()), "{}", told.len());
        assert!(told.iter().all(|it| it.id == id && it.status == Status::Updated));
        let at = FIRED.plus(60 * SECOND_MS);
        let last = book.tell(at);
        assert_eq!((last[0].members_total, last[0].records_out.estimate), (1_000, 10_000));
        assert_eq!((last[0].status, last[0].changed_at), (Status::Updated, at));
        assert!(book.tell(at).is_empty());
    }

    /// A finding of a login behind an office's address.
    fn behind(key: u64, records: u64) -> Finding {
        Finding { via: 9, ..finding(key, FIRED, records) }
    }

    #[test]
    fn an_address_is_named_until_two_clients_behind_it_have_read_what_it_has() {
        let mut book = Book::new((1, 2), 3.0);
        let first = take(&mut book, &finding(9, FIRED, 300)).unwrap();
        for key in [1, 2] {
            assert_eq!(take(&mut book, &behind(key, 20)).unwrap().id, first.id);
        }
        assert_eq!(book.tell(FIRED), [], "40 of 300 records");
        book.count(0, 1, (180, 0));
        let at = FIRED.plus(60 * SECOND_MS);
        let told = book.tell(at);
        assert_eq!((told[0].members_total, told[0].status), (2, Status::Updated));
        assert_eq!(told[0].changed_at, at, "else nobody would be told");
        // It is named again once it has read more than they have.
        let grown = Finding { what: FindingKind::Changed, ..finding(9, at, 3_000) };
        assert_eq!(take(&mut book, &grown).unwrap().members_total, 3);
    }

    #[test]
    fn an_address_of_which_nothing_is_known_is_explained_by_nobody() {
        let mut book = Book::new((1, 2), 3.0);
        let id = take(&mut book, &behind(1, 20)).unwrap().id;
        join(&mut book, &behind(2, 20), &id);
        assert_eq!(book.tell(FIRED), []);
        let address = join(&mut book, &finding(9, FIRED, 3_000), &id).unwrap();
        assert_eq!((address.id, address.members_total), (id, 3));
    }

    /// A book that goes on with what another left open about `clinic-7`, with its alert.
    fn adopted() -> (Book, Alert) {
        let mut before = Book::new((1, 2), 3.0);
        let alert = take(&mut before, &finding(7, FIRED, 100)).unwrap();
        before.count(0, 7, (240, 0));
        let mut after = Book::new((1, 2), 3.0);
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
        let mut book = Book::new((1, 2), 3.0);
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
