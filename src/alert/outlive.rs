//! What of the book outlives a process, and what darban tells of itself.
//!
//! Neither is about anybody whom this process has heard of, so no finding ends either: both end when
//! nothing more was said for a while, and a trouble of darban's when it is said to be over.

use super::book::{Book, CLIENTS_MAX, OPEN_MAX};
use super::change::{Alert, Status};
use super::of_note;
use super::open::{Adopted, Open};
use super::standing::{KeyRecords, Standing};
use crate::time::{MINUTE_MS, Moment};
use crate::timeline::{Note, Noted};
use borsh::{BorshDeserialize, BorshSerialize, io};

/// What darban tells of itself stays open for so long at least: a trouble that lasts is said again
/// within that time.
const OWN_LASTS_MS: i64 = 2 * MINUTE_MS;

impl Book {
    /// Goes on with an alert that an earlier process left open on this route.
    pub fn adopt(&mut self, standing: Standing, route: u16) {
        if standing.alert.kind.is_own() {
            let open = Open::of_darban(standing.alert);
            self.open.insert(open.alert.id.clone(), open);
            return;
        }
        let Standing { alert, records, members } = standing;
        let id = alert.id.clone();
        let unheard: Vec<u64> = records.iter().map(|it| it.key).collect();
        self.by_profile.extend(unheard.iter().map(|it| (*it, id.clone())));
        self.by_client.extend(members.iter().map(|it| (*it, id.clone())));
        let adopted = Some(Adopted { records, unheard, since: None });
        let members: Vec<_> = members.into_iter().zip(alert.clients.iter().cloned()).collect();
        let (told, told_records) = (members.len() as u64, alert.records_out.estimate);
        let open = Open { members, told, told_records, adopted, ..Open::new(alert, route) };
        self.open.insert(id, open);
    }

    /// Takes what darban has to say of itself; the change that it makes, if it makes one.
    pub fn note(&mut self, note: &Note) -> Option<Alert> {
        let mut alert = of_note::alert_of(note, self.key);
        if matches!(note.what, Noted::Trouble { over: true, .. }) {
            return self.end(&alert.id, note.at);
        }
        if let Some(open) = self.open.get_mut(&alert.id) {
            open.adopted.iter_mut().for_each(|it| it.since = Some(note.at));
            let goes_on = matches!(note.what, Noted::Trouble { .. });
            if goes_on || open.alert.seen == alert.seen {
                return None;
            }
            (alert.status, alert.first_seen) = (Status::Updated, open.alert.first_seen);
            alert.fired_at = open.alert.fired_at;
            open.alert = alert.clone();
            return Some(alert);
        }
        if self.open.len() >= OPEN_MAX {
            self.make_room();
        }
        self.open.insert(alert.id.clone(), Open::of_darban(alert.clone()));
        Some(alert)
    }

    /// Ends what was adopted and has not been heard of for `after_ms` since the first call.
    /// Called now and then with the slice time.
    pub fn expire(&mut self, at: Moment, after_ms: i64) -> Vec<Alert> {
        let mut over = Vec::new();
        for (id, open) in &mut self.open {
            let Some(adopted) = &mut open.adopted else { continue };
            let since = *adopted.since.get_or_insert(at);
            let least_ms = if open.alert.kind.is_own() { OWN_LASTS_MS } else { 0 };
            if at.since(since) < after_ms.max(least_ms) || adopted.unheard.is_empty() {
                continue;
            }
            adopted.unheard.clear();
            if open.is_quiet() {
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

    /// The open alerts, as they are written down.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        (&self.open, &self.by_profile, &self.by_client, self.dropped).serialize(writer)
    }

    /// Goes on with open alerts that were written down, but for those on a route of which `keeps`
    /// says no.
    ///
    /// # Errors
    /// Where the bytes are none.
    pub fn read(&mut self, bytes: &mut &[u8], keeps: impl Fn(u16) -> bool) -> io::Result<()> {
        let (open, by_profile, by_client, dropped) = BorshDeserialize::deserialize(bytes)?;
        (self.open, self.by_profile, self.by_client) = (open, by_profile, by_client);
        self.dropped = dropped;
        self.open.retain(|_, it| it.routes.iter().all(|it| keeps(*it)));
        let is_open = |id: &String| self.open.contains_key(id);
        self.by_profile.retain(|_, it| is_open(it));
        self.by_client.retain(|_, it| is_open(it));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Place;
    use crate::time::HOUR_MS;
    use crate::timeline::Trouble;

    const AT: Moment = Moment(1_795_000_000_000);

    #[test]
    fn what_darban_tells_of_itself_does_not_end_while_hours_of_a_backlog_pass() {
        let mut book = Book::new((1, 2), 3.0);
        let place = Place { topic: "access".into(), number: 3 };
        let gap = Noted::Gap { place, first: 100, missing: Some(4) };
        let alert = book.note(&Note { at: AT, what: gap }).unwrap();
        for hours in -9..=0 {
            assert_eq!(book.expire(AT.plus(hours * HOUR_MS), HOUR_MS), []);
        }
        let ended = book.expire(AT.plus(HOUR_MS), HOUR_MS);
        assert_eq!((ended[0].id.as_str(), ended[0].status), (&*alert.id, Status::Resolved));
    }

    #[test]
    fn a_trouble_that_is_said_again_stays_and_one_that_is_over_ends() {
        let mut book = Book::new((1, 2), 3.0);
        let mut say = |seconds: i64, over| {
            let (trouble, since, at) = (Trouble::Behind, AT, AT.plus(seconds * 1_000));
            let said = book
                .note(&Note { at, what: Noted::Trouble { trouble, since, count: 6, of: 0, over } });
            assert_eq!(book.expire(at, 1_000), [], "{seconds}");
            said.map(|it| it.status)
        };
        assert_eq!(say(0, false), Some(Status::Firing));
        assert_eq!([say(30, false), say(60, false), say(90, false)], [None; 3]);
        assert_eq!([say(120, true), say(121, true)], [Some(Status::Resolved), None]);
    }
}
