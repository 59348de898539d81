//! From runs to the figures of a table.

use super::super::catalogue::Scenario;
use super::super::gates::quantile;
use super::super::rules::{RULES, published};
use super::bars::{Asks, Gate, HONEST_WEEKS_A_PAGE, MEMBERS};
use super::calibration::{Calibration, NATS_SHOWN};
use super::labelled::LabelFigures;
use super::run::{HarvestRun, RuleRun};
use super::weeks::{WeekRun, paged, tickets};
use crate::alert::Alert;
use crate::evidence::Stream;
use serde::Serialize;
use std::collections::BTreeMap;

/// Days of a week.
const WEEK_DAYS: f64 = 7.0;
/// The scenarios of an honest portal as it is, which may page now and then.
const MAY_PAGE: &str = "honest";

/// Whether a gate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// It has no bar.
    NoBar,
    /// It was not run.
    NotRun,
}

/// What was run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Run {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// A tenth of the traffic and shorter weeks: no figure to judge a method by.
    pub quick: bool,
    /// The level of evidence at which a page is sent, in nats.
    pub page_nats: f64,
    /// How often engines were killed and went on from a snapshot.
    pub kills: u64,
}

/// The whole scoreboard.
#[derive(Clone, Debug, Serialize)]
pub struct Board {
    /// What was run.
    #[serde(flatten)]
    pub run: Run,
    /// Harvests.
    pub harvests: Vec<GateFigures>,
    /// Weeks that must stay silent.
    pub weeks: Vec<WeekFigures>,
    /// Who was named in logs that were given with labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelFigures>,
    /// Names of the fixed rules, in the order of every list of them.
    pub rules: Vec<&'static str>,
    /// Pages for honest clients during histories and beside harvests.
    pub pages_for_others: u64,
    /// The same by what they were.
    pub others: Vec<String>,
    /// Readings of honest evidence.
    pub readings: u64,
    /// Clients times days on which it was read.
    pub client_days: u64,
    /// By nats from 0 on: the share of readings at which evidence was as much.
    pub exceeded: Vec<f64>,
    /// The same by stream.
    pub streams: Vec<StreamCurve>,
    /// By nats from 0 on: client-days of a thousand on which evidence came to as much.
    pub per_thousand_client_days: Vec<f64>,
}

/// The calibration of one stream.
#[derive(Clone, Debug, Serialize)]
pub struct StreamCurve {
    /// Its name.
    pub stream: &'static str,
    /// By nats from 0 on: the share of readings at which its evidence was as much.
    pub exceeded: Vec<f64>,
}

/// The figures of a gate.
#[derive(Clone, Debug, Serialize)]
pub struct GateFigures {
    /// The scenario.
    pub scenario: &'static str,
    /// The gate.
    pub gate: &'static str,
    /// What is counted.
    pub counts: &'static str,
    /// What nine runs in ten may take at most.
    pub bar: Option<u64>,
    /// What half of them should not exceed.
    pub aim: Option<u64>,
    /// Why it was not run.
    pub not_run: Option<String>,
    /// Runs.
    pub runs: u64,
    /// The share of runs in which it was found.
    pub found: f64,
    /// What was taken at the median; none where most runs were missed.
    pub median: Option<u64>,
    /// What nine runs in ten did not exceed.
    pub p90: Option<u64>,
    /// What each run took.
    pub taken: Vec<Option<u64>>,
    /// Seconds to that at the median.
    pub seconds: Option<u64>,
    /// Pages a campaign: the most of any run.
    pub pages_max: u64,
    /// Pages a campaign, on average over those that were found.
    pub pages_mean: f64,
    /// Of those named, the share who took part: the least of any run.
    pub precision: Option<f64>,
    /// Of those who took part, the share who were named: the least of any run.
    pub recall: Option<f64>,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Whether the median reaches the aim.
    pub reaches_aim: Option<bool>,
    /// The fixed rules.
    pub rules: Vec<RuleFigures>,
}

/// What a fixed rule came to over the runs of a gate.
#[derive(Clone, Debug, Serialize)]
pub struct RuleFigures {
    /// The share of runs in which it called because of the harvest, and not anyway.
    pub found: f64,
    /// The share of runs in which it calls for that key whoever uses it.
    pub noise: f64,
    /// What was taken at the median of those that it found.
    pub median: Option<u64>,
}

/// The figures of a week that must stay silent.
#[derive(Clone, Debug, Serialize)]
pub struct WeekFigures {
    /// The scenario.
    pub scenario: &'static str,
    /// What happens in it.
    pub about: String,
    /// Weeks that were run.
    pub weeks: f64,
    /// Pages in all.
    pub pages: u64,
    /// Pages a week.
    pub pages_a_week: f64,
    /// Tickets a week.
    pub tickets_a_week: f64,
    /// What paged.
    pub paged: Vec<String>,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Keys a week for which each rule called, each once a day.
    pub rules: Vec<f64>,
}

/// The scoreboard of these runs.
#[must_use]
pub fn board(
    run: Run,
    harvests: Vec<GateFigures>,
    weeks: Vec<WeekFigures>,
    others: &[Alert],
    calibration: &Calibration,
) -> Board {
    let curve = |share: &dyn Fn(usize) -> f64| (0..=NATS_SHOWN).map(share).collect::<Vec<f64>>();
    let of_stream = |stream: &Stream| StreamCurve {
        stream: stream.name(),
        exceeded: curve(&|nats| calibration.share_of(*stream, nats)),
    };
    Board {
        run,
        harvests,
        weeks,
        labels: Vec::new(),
        rules: published().iter().map(|it| it.name).collect(),
        pages_for_others: others.len() as u64,
        others: listed(others),
        readings: calibration.readings,
        client_days: calibration.client_days(),
        exceeded: curve(&|nats| calibration.share(nats)),
        streams: Stream::ALL.iter().map(of_stream).collect(),
        per_thousand_client_days: curve(&|nats| calibration.per_thousand_days(nats as f64)),
    }
}

impl Board {
    /// Whether everything that has a bar and was run holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        let (held, of) = self.held();
        held == of
    }

    /// Whether there is anything that the fixed rules were run on.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.harvests.iter().any(|it| it.not_run.is_none())
            || self.weeks.iter().any(|it| !it.rules.is_empty())
    }

    /// How many of what was run and has a bar hold, and how many there are.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        let harvests = self.harvests.iter().map(|it| it.verdict);
        let verdicts: Vec<Verdict> =
            harvests.chain(self.weeks.iter().map(|it| it.verdict)).collect();
        let count = |wanted| verdicts.iter().filter(|it| **it == wanted).count();
        let holds = count(Verdict::Holds);
        (holds, holds + count(Verdict::Fails))
    }
}

impl GateFigures {
    /// Those of a gate that was not run.
    #[must_use]
    pub fn without(gate: &Gate, why: String) -> Self {
        Self { not_run: Some(why), verdict: Verdict::NotRun, ..Self::of(gate, &[]) }
    }

    /// Those of a gate's runs.
    #[must_use]
    pub fn of(gate: &Gate, runs: &[&HarvestRun]) -> Self {
        let taken: Vec<Option<u64>> = runs.iter().map(|it| it.taken).collect();
        let found: Vec<&&HarvestRun> = runs.iter().filter(|it| it.taken.is_some()).collect();
        let seconds: Vec<Option<u64>> = runs.iter().map(|it| it.seconds).collect();
        let pages: u64 = found.iter().map(|it| it.pages).sum();
        let least = |of: fn(&super::Named) -> f64| {
            runs.iter().filter_map(|it| it.named.as_ref()).map(of).reduce(f64::min)
        };
        let median = quantile(&taken, 0.5);
        let of_all = |count: usize| count as f64 / runs.len().max(1) as f64;
        Self {
            scenario: gate.scenario,
            gate: gate.name,
            counts: gate.counts.name(),
            bar: gate.bar,
            aim: gate.aim,
            not_run: None,
            runs: runs.len() as u64,
            found: of_all(found.len()),
            median,
            p90: quantile(&taken, 0.9),
            seconds: quantile(&seconds, 0.5),
            pages_max: runs.iter().map(|it| it.pages).max().unwrap_or(0),
            pages_mean: pages as f64 / found.len().max(1) as f64,
            precision: least(|it| it.precision),
            recall: least(|it| it.recall),
            verdict: verdict_of(gate, runs),
            reaches_aim: gate.aim.map(|aim| median.is_some_and(|it| it <= aim)),
            rules: (0..RULES).map(|rule| RuleFigures::of(rule, runs)).collect(),
            taken,
        }
    }
}

/// Whether a gate holds in these runs.
fn verdict_of(gate: &Gate, runs: &[&HarvestRun]) -> Verdict {
    let taken: Vec<Option<u64>> = runs.iter().map(|it| it.taken).collect();
    let members_named = |it: &&&HarvestRun| {
        let named = it.named.is_some_and(|it| it.precision >= MEMBERS && it.recall >= MEMBERS);
        named && it.pages == 1
    };
    let p90_is_within = |bar: u64| quantile(&taken, 0.9).is_some_and(|it| it <= bar);
    let holds = match (gate.asks, gate.bar) {
        (Asks::Silence, _) => taken.iter().all(Option::is_none),
        (_, None) => return Verdict::NoBar,
        (Asks::Members, Some(bar)) => {
            // Nine runs in ten, as for what is taken.
            let named = runs.iter().filter(members_named).count();
            p90_is_within(bar) && named * 10 >= runs.len() * 9
        }
        (_, Some(bar)) => p90_is_within(bar),
    };
    if holds { Verdict::Holds } else { Verdict::Fails }
}

impl RuleFigures {
    fn of(rule: usize, runs: &[&HarvestRun]) -> Self {
        let came_to: Vec<RuleRun> =
            runs.iter().filter_map(|it| it.rules.get(rule)).copied().collect();
        let found: Vec<Option<u64>> = came_to
            .iter()
            .filter_map(|it| if let RuleRun::Found(taken) = it { Some(Some(*taken)) } else { None })
            .collect();
        let noise = came_to.iter().filter(|it| **it == RuleRun::Noise).count();
        let of_all = |count: usize| count as f64 / runs.len().max(1) as f64;
        Self { found: of_all(found.len()), noise: of_all(noise), median: quantile(&found, 0.5) }
    }
}

impl WeekFigures {
    /// Those of a scenario's weeks.
    #[must_use]
    pub fn of(scenario: &Scenario, runs: &[&WeekRun]) -> Self {
        let of_days = |days: i64| days as f64 / WEEK_DAYS;
        let weeks = of_days(runs.iter().map(|it| it.days).sum());
        let rule_weeks = of_days(runs.iter().map(|it| it.rule_days).sum());
        let pages: Vec<Alert> = runs.iter().flat_map(|it| it.pages.clone()).collect();
        let count = pages.len() as u64;
        let allowed =
            if scenario.name == MAY_PAGE { weeks / HONEST_WEEKS_A_PAGE as f64 } else { 0.0 };
        let holds = count as f64 <= allowed;
        Self {
            scenario: scenario.name,
            about: scenario.about.to_owned(),
            weeks,
            pages: count,
            pages_a_week: rate(count, weeks),
            tickets_a_week: rate(runs.iter().map(|it| it.tickets).sum(), weeks),
            paged: listed(&pages),
            verdict: if holds { Verdict::Holds } else { Verdict::Fails },
            rules: (0..RULES)
                .map(|rule| rate(runs.iter().filter_map(|it| it.rules.get(rule)).sum(), rule_weeks))
                .collect(),
        }
    }

    /// Those of a log that was given: what is in it is known to whoever gave it, so there is no
    /// bar, and rules are fed with simulated requests only.
    #[must_use]
    pub fn given(name: String, changes: Vec<Alert>, days: f64) -> Self {
        let weeks = days / WEEK_DAYS;
        let tickets = tickets(&changes);
        let pages = paged(changes);
        let count = pages.len() as u64;
        Self {
            scenario: "given",
            about: name,
            weeks,
            pages: count,
            pages_a_week: rate(count, weeks),
            tickets_a_week: rate(tickets, weeks),
            paged: listed(&pages),
            verdict: Verdict::NoBar,
            rules: Vec::new(),
        }
    }
}

/// So many a week.
fn rate(count: u64, weeks: f64) -> f64 {
    if weeks > 0.0 { count as f64 / weeks } else { 0.0 }
}

/// What paged, gathered by kind, route and kind of key.
fn listed(pages: &[Alert]) -> Vec<String> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for alert in pages {
        let key = alert.clients.first().map_or("nobody", |it| it.key.name());
        let kind = format!("{} on {} by {key}", alert.kind.name(), alert.route);
        *kinds.entry(kind).or_default() += 1;
    }
    kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bars::{Counts, GATES};
    use super::super::run::Named;
    use super::*;

    fn run(taken: Option<u64>, pages: u64, recall: f64) -> HarvestRun {
        let named = Some(Named { precision: 1.0, recall });
        let rules = [RuleRun::Silent; RULES];
        HarvestRun { taken, seconds: taken, pages, named, rules, others: Vec::new(), deaths: 0 }
    }

    fn gate(asks: Asks) -> Gate {
        let (bar, aim) = (Some(10), Some(5));
        Gate { scenario: "S", name: "n", counts: Counts::Records, bar, aim, asks }
    }

    #[test]
    fn a_bar_holds_at_the_ninetieth_of_a_hundred() {
        let verdict = |missed: usize| {
            let runs: Vec<HarvestRun> =
                (0..10).map(|it| run((it >= missed).then_some(7), 1, 1.0)).collect();
            verdict_of(&gate(Asks::Page), &runs.iter().collect::<Vec<_>>())
        };
        assert_eq!(verdict(1), Verdict::Holds);
        assert_eq!(verdict(2), Verdict::Fails);
    }

    #[test]
    fn members_that_are_not_named_fail_a_gate_that_asks_for_them() {
        let runs = [run(Some(3), 1, 0.5)];
        let runs: Vec<&HarvestRun> = runs.iter().collect();
        assert_eq!(verdict_of(&gate(Asks::Members), &runs), Verdict::Fails);
        assert_eq!(verdict_of(&gate(Asks::Page), &runs), Verdict::Holds);
        let twice = run(Some(3), 2, 1.0);
        assert_eq!(verdict_of(&gate(Asks::Members), &[&twice]), Verdict::Fails);
    }

    #[test]
    fn silence_fails_by_a_single_page() {
        let (quiet, loud) = (run(None, 0, 1.0), run(Some(60), 1, 1.0));
        assert_eq!(verdict_of(&gate(Asks::Silence), &[&quiet]), Verdict::Holds);
        assert_eq!(verdict_of(&gate(Asks::Silence), &[&quiet, &loud]), Verdict::Fails);
    }

    #[test]
    fn what_was_not_run_neither_holds_nor_fails() {
        let first = GATES.first().expect("there are gates");
        let figures = vec![GateFigures::without(first, "no time".to_owned())];
        let board = board(Run::default(), figures, Vec::new(), &[], &Calibration::default());
        assert!(board.holds());
        assert_eq!(board.held(), (0, 0));
    }
}
