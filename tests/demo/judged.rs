//! The demo's traffic through the engine, without broker, clock and text.

use darban::alert::{Alert, Mode, Severity, Status};
use darban::scenarios::{Demo, Harvested, Trial, Truth, config_toml};
use darban::time::{DAY_MS, Moment, days_from_civil};
use std::collections::{BTreeMap, BTreeSet};

/// Demos that are judged.
const SEEDS: u64 = 6;

/// What came of a demo, from its first line to the end of its days.
struct Judged {
    truth: Truth,
    trial: Trial,
    alerts: Vec<Alert>,
}

fn judged(seed: u64) -> Judged {
    let near = Moment(days_from_civil(2026, 11, 26) * DAY_MS);
    let demo = Demo::new(seed, near);
    let mut trial = Trial::new(&config_toml(&demo.portal), seed).unwrap();
    let mut truth = Truth::whole(&demo.harvests);
    for request in demo.requests().take_while(|it| it.at < demo.end()) {
        truth.feed(&request);
        trial.feed(&request);
    }
    trial.judge();
    let alerts = trial.take_alerts();
    Judged { truth, trial, alerts }
}

impl Judged {
    fn names(&self, alert: &Alert, harvest: &Harvested) -> bool {
        let of = |it: &_| self.trial.name_of(it);
        harvest.clients.iter().map(of).any(|(key, id)| {
            alert.clients.iter().any(|client| client.key == key && client.id == id)
        })
    }

    /// The identities of the alerts that name a harvest's client.
    fn of(&self, harvest: &Harvested) -> BTreeSet<&str> {
        let theirs = self.alerts.iter().filter(|it| self.names(it, harvest));
        theirs.map(|it| it.id.as_str()).collect()
    }

    /// Harvests of this seed whose counts their labels contradict. One is counted once: its ticket
    /// and its page are read from one sketch.
    fn check(&self, seed: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        for harvest in self.truth.harvests() {
            let what = format!("seed {seed}, {}", harvest.scenario);
            assert_eq!(self.of(harvest).len(), 1, "{what}: {:?}", self.of(harvest));
            let firing = |it: &&Alert| it.status == Status::Firing && self.names(it, harvest);
            let fired: Vec<&Alert> = self.alerts.iter().filter(firing).collect();
            let pages = fired.iter().filter(|it| it.severity == Severity::Page);
            assert_eq!(pages.count(), 1, "{what}");
            let mut off_by = None;
            for alert in fired {
                let (client, route, out) = (&harvest.clients[0], harvest.route, alert.records_out);
                let (from, until) = (alert.first_seen, alert.fired_at);
                let taken = self.truth.disclosed_to(client, route, from, until);
                let off = out.estimate.abs_diff(taken);
                let words = format!("{what}: {out:?} from {from} to {until}, label {taken}");
                // No count is far off, and one that is called exact is.
                assert!(off <= 2 * out.error, "{words}");
                off_by = off_by.or((off > out.error).then_some(words));
            }
            wrong.extend(off_by);
        }
        let theirs = |alert: &&Alert| self.truth.harvests().iter().any(|it| self.names(alert, it));
        let is_page = |it: &&Alert| it.severity == Severity::Page && it.mode == Mode::Page;
        let honest: Vec<&Alert> =
            self.alerts.iter().filter(is_page).filter(|it| !theirs(it)).collect();
        assert!(honest.is_empty(), "seed {seed}: {honest:#?}");
        wrong
    }

    /// What a person who looks at the demo's numbers wants to know.
    fn told(&self) -> String {
        let mut told: BTreeMap<&str, String> = BTreeMap::new();
        for alert in &self.alerts {
            told.entry(&alert.id).or_insert_with(|| {
                let client = alert.clients.first().map_or("?", |it| it.id.as_str());
                format!("{:?} {client} {}", alert.severity, alert.route)
            });
        }
        told.into_values().collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn every_seed_pages_each_harvest_once_and_nobody_honest() {
    let mut wrong = Vec::new();
    for seed in 1..=SEEDS {
        let judged = judged(seed);
        println!("seed {seed}: {}", judged.told());
        wrong.extend(judged.check(seed));
    }
    // One sketch a seed is an estimate, and its interval is one of 95 %.
    assert!(wrong.len() <= 1, "{wrong:#?}");
}
