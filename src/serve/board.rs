//! The alerts that the pages show: all open ones and the last thousand resolved.

use crate::alert::{Alert, RecordsOut, Status};
use crate::engine::Drawn;
use std::collections::{BTreeMap, VecDeque};

/// Resolved alerts kept: a page about last night stays readable, and memory has a limit.
pub const RESOLVED_MAX: usize = 1_000;
/// Open alerts kept: far beyond what the engine holds open, in case it forgets to resolve.
const OPEN_MAX: usize = 100_000;

/// Other alerts of a client that its alert's page lists.
const OTHERS_MAX: usize = 10;

/// Alerts by id, as of their last change.
#[derive(Debug, Default)]
pub struct Board {
    open: BTreeMap<String, Alert>,
    resolved: VecDeque<Alert>,
    /// What can be drawn, of alerts that stand in either.
    drawn: BTreeMap<String, Drawn>,
}

/// An alert and what its page shows beside it.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Where the ids of its busiest client lie.
    pub drawn: Option<&'a Drawn>,
    /// Other alerts of its first client, open ones first.
    pub others: Vec<&'a Alert>,
}

impl Board {
    /// Takes an alert change. Changes of one alert come in order.
    pub fn apply(&mut self, alert: Alert) {
        if alert.status == Status::Resolved {
            self.open.remove(&alert.id);
            self.resolved.retain(|it| it.id != alert.id);
            if self.resolved.len() >= RESOLVED_MAX
                && let Some(oldest) = self.resolved.pop_front()
            {
                self.drawn.remove(&oldest.id);
            }
            self.resolved.push_back(alert);
        } else if self.open.contains_key(&alert.id) || self.open.len() < OPEN_MAX {
            self.resolved.retain(|it| it.id != alert.id);
            self.open.insert(alert.id.clone(), alert);
        }
    }

    /// Says how many distinct records have left to an open alert's clients by now. A count that
    /// has become an estimate may come out lower than before: the higher one stays, with the error
    /// that belongs to it.
    pub fn progress(&mut self, id: &str, records: RecordsOut) {
        if let Some(alert) = self.open.get_mut(id)
            && records.estimate >= alert.records_out.estimate
        {
            alert.records_out = records;
        }
    }

    /// Takes where the ids of an open alert's busiest client lie. A process that goes on with an
    /// alert begins a drawing anew, and shows it once there is something to see.
    pub fn draw(&mut self, id: &str, drawn: Drawn) {
        if self.open.contains_key(id) {
            self.drawn.insert(id.to_owned(), drawn);
        }
    }

    /// The open alerts: pages first, then the newest.
    #[must_use]
    pub fn open(&self) -> Vec<&Alert> {
        let mut all: Vec<&Alert> = self.open.values().collect();
        all.sort_by(|a, b| (b.severity, b.fired_at, &a.id).cmp(&(a.severity, a.fired_at, &b.id)));
        all
    }

    /// The resolved alerts, the last one first.
    pub fn resolved(&self) -> impl Iterator<Item = &Alert> {
        self.resolved.iter().rev()
    }

    /// An alert, open or resolved.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Alert> {
        self.open.get(id).or_else(|| self.resolved.iter().find(|it| it.id == id))
    }

    /// An alert and what belongs on its page.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<Case<'_>> {
        let alert = self.get(id)?;
        let first = alert.clients.first();
        let is_other = |it: &&Alert| first.is_some() && it.clients.first() == first && it.id != id;
        let others = self.open.values().rev().chain(self.resolved()).filter(is_other);
        Some(Case { alert, drawn: self.drawn.get(id), others: others.take(OTHERS_MAX).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, Severity, sample};
    use crate::attribute::KeyKind;
    use crate::judge::Shape;

    fn alert(id: &str) -> Alert {
        Alert { id: id.to_owned(), ..sample::alert() }
    }

    fn ids(board: &Board) -> Vec<&str> {
        board.open().iter().map(|it| it.id.as_str()).collect()
    }

    #[test]
    fn pages_stand_before_tickets_and_the_newest_first() {
        let mut board = Board::default();
        board.apply(Alert { severity: Severity::Ticket, ..alert("ticket") });
        board.apply(alert("old"));
        board.apply(Alert { fired_at: sample::FIRED.plus(1), ..alert("new") });
        assert_eq!(ids(&board), ["new", "old", "ticket"]);
    }

    #[test]
    fn progress_only_rises_and_a_change_replaces_it() {
        let mut board = Board::default();
        board.apply(alert("a"));
        let before = board.get("a").unwrap().records_out.estimate;
        let out = |estimate, error| RecordsOut { estimate, error };
        board.progress("a", out(before + 5, 2));
        board.progress("a", out(before, 1));
        board.progress("unknown", out(9, 0));
        assert_eq!(board.get("a").unwrap().records_out, out(before + 5, 2));
    }

    fn drawn() -> Drawn {
        let client = Client { key: KeyKind::Staff, id: "clinic-17".to_owned() };
        let shape = Shape { places: (0..20).collect(), look_ups: 20 };
        Drawn { client, route: "beneficiary".into(), shape }
    }

    #[test]
    fn a_drawing_stays_with_its_alert_and_goes_with_it() {
        let mut board = Board::default();
        board.draw("a", drawn());
        assert!(board.drawn.is_empty(), "of an alert that nobody knows");
        board.apply(alert("a"));
        board.draw("a", drawn());
        board.apply(Alert { status: Status::Resolved, ..alert("a") });
        assert_eq!(board.case("a").unwrap().drawn, Some(&drawn()));
        for at in 0..RESOLVED_MAX {
            board.apply(Alert { status: Status::Resolved, ..alert(&at.to_string()) });
        }
        assert!(board.case("a").is_none() && board.drawn.is_empty());
    }

    #[test]
    fn a_case_has_the_other_alerts_of_its_client_and_of_nobody_else() {
        let mut board = Board::default();
        let client = Client { key: KeyKind::Partner, id: "clinic-17".to_owned() };
        for it in [
            alert("a"),
            alert("open"),
            Alert { status: Status::Resolved, ..alert("resolved") },
            Alert { clients: vec![client], ..alert("namesake") },
            Alert { clients: Vec::new(), ..alert("nobody") },
        ] {
            board.apply(it);
        }
        let others = |id: &str| -> Vec<String> {
            board.case(id).unwrap().others.iter().map(|it| it.id.clone()).collect()
        };
        assert_eq!(others("a"), ["open", "resolved"]);
        assert!(others("nobody").is_empty());
    }

    #[test]
    fn a_resolved_alert_is_kept_until_a_thousand_others_were_resolved() {
        let mut board = Board::default();
        board.apply(alert("first"));
        for at in 0..=RESOLVED_MAX {
            let id = if at == 0 { "first".to_owned() } else { at.to_string() };
            board.apply(Alert { status: Status::Resolved, ..alert(&id) });
            assert_eq!(board.get("first").is_some(), at < RESOLVED_MAX, "after {at}");
        }
        assert!(board.open().is_empty());
        assert_eq!(board.resolved().count(), RESOLVED_MAX);
        assert_eq!(board.resolved().next().unwrap().id, RESOLVED_MAX.to_string());
    }
}
