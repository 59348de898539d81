//! `darban evaluate`: the scoreboard of every scenario, and of the published fixed rules beside it.
//!
//! Everything is simulated and judged in process by the engine that production runs, so nothing
//! has to be at hand and nothing is written but what is asked for. Seeds, portals and harvests run
//! side by side; the figures are the same whatever their number of threads.

mod given;
mod html;
mod labels;
mod pairs;
mod plots;
mod table;

use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::alert::Alert;
use crate::config::{Config, nearest};
use crate::scenarios::board::{
    self, Board, Calibration, Classes, GATES, Gate, GateFigures, HarvestRun, History, Run, Verdict,
    WeekFigures, WeekRun, Weeks,
};
use crate::scenarios::gates::Lengths;
use crate::scenarios::{Portal, Scenario, config_toml, named};
use crate::time::Moment;
use indicatif::ProgressBar;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Seeds at most: more than anybody waits for.
const SEEDS_MAX: u64 = 10_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Scenarios to run, as `simulate --list` names them: S5 B6, or S10 for S10a to S10c
    #[arg(required_unless_present_any = ["all", "quick", "background", "calibration"], value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Run every scenario
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// A tenth of the traffic and two days for a week, in minutes: all scenarios unless some are
    /// named
    #[arg(long)]
    quick: bool,
    /// A log of your own to judge beside them, alone: plain, .gz or .zst; may come several times
    #[arg(long, value_name = "PATH", requires = "config")]
    background: Vec<PathBuf>,
    /// The configuration that backgrounds are read with; scenarios come with their own
    #[arg(long, short, value_name = "FILE", requires = "background")]
    config: Option<PathBuf>,
    /// Who is who in it, as CSV with the columns client (or client_ip) and label: prints whom pages
    /// named, by label
    #[arg(long, value_name = "CSV", requires = "background")]
    labels: Option<PathBuf>,
    /// The weeks that must stay silent with no classes declared: which field holds sessions and
    /// logins is all that is configured. Lists what pages, without bars
    #[arg(long, conflicts_with = "background")]
    undeclared: bool,
    /// So many pairs of an honest contact and a key instead, from clients that are nothing but their
    /// own rates: how many page, and how often evidence stands high. 1e8 takes half an hour
    #[arg(long, value_name = "PAIRS", value_parser = pairs::count,
        conflicts_with_all = ["scenarios", "all", "quick", "background", "html", "seeds"])]
    calibration: Option<u64>,
    /// Kill the engine at some hour of every simulated day: it goes on from a snapshot and the cuts
    /// since, as `run` does, and finds the same
    #[arg(long, conflicts_with_all = ["background", "undeclared"])]
    kill_daily: bool,
    /// How many seeds; a bar is read at the 90th of a hundred runs, so 20 say something
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "N")]
    from: u64,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Shape,
    /// Where a report with plots is written, one file that needs no other
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Threads, one a core unless given; the state of portals takes 4 GB or less with two
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// How the scoreboard is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    /// For a person.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let jobs = arguments.jobs.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.map_err(|it| Failure::new(exit::INTERNAL, &it))?;
    if let Some(count) = arguments.calibration {
        return pairs::run(&pool, count, arguments.from, arguments.output);
    }
    let chosen = Chosen::new(arguments)
        .map_err(|problems| Failure::new(exit::USAGE, &problems.join("\n")))?;
    // First: a log that cannot be read should not cost an hour.
    let who = arguments.labels.as_deref().map(labels::read).transpose()?;
    let given = match &arguments.config {
        Some(config) => given::judge(config, &arguments.background, who.as_ref())?,
        None => given::Given::default(),
    };
    let board = pool.install(|| chosen.run());
    let mut board = board.map_err(|it| Failure::new(exit::INTERNAL, &it))?;
    board.weeks.extend(given.weeks);
    board.labels = given.labels;
    let mut printer = Printer::new();
    match arguments.output {
        Shape::Table => table::print(&mut printer, &board)?,
        Shape::Json => {
            let value = serde_json::to_value(&board);
            printer.json(&value.map_err(|it| Failure::new(exit::INTERNAL, &it))?)?;
        }
    }
    printer.flush()?;
    if let Some(path) = &arguments.html {
        super::write(path, &html::report(&board))?;
    }
    if board.holds() {
        return Ok(());
    }
    let (held, of) = board.held();
    Err(Failure::new(exit::GATES, &format!("{} of {of} gates do not hold", of - held)))
}

/// What is to be run.
struct Chosen {
    gates: Vec<&'static Gate>,
    weeks: Vec<&'static Scenario>,
    seeds: Vec<u64>,
    lengths: Lengths,
    classes: Classes,
    /// The level of a page, by the configuration that everything is judged with.
    page_nats: f64,
}

/// One thing that is run with others side by side, and what it gives.
enum Task<'a> {
    Harvests(u64, &'a History),
    Weeks(u64),
}

/// What a task gives.
#[derive(Default)]
struct Given {
    harvests: Vec<(&'static Gate, HarvestRun)>,
    weeks: Vec<(&'static str, WeekRun)>,
    others: Vec<Alert>,
    seed: u64,
}

impl Chosen {
    /// Everything that is wrong at once.
    fn new(arguments: &Arguments) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let (mut gates, mut weeks) = (Vec::new(), Vec::new());
        let is_all = arguments.all || arguments.quick;
        if is_all && arguments.scenarios.is_empty() {
            gates.extend(GATES);
            weeks.extend(board::silent());
        }
        for name in &arguments.scenarios {
            let of_name: Vec<&Gate> =
                GATES.iter().filter(|it| is_called(it.scenario, name)).collect();
            let silent: Vec<&Scenario> =
                named(name).into_iter().filter(|it| is_silent(it)).collect();
            if of_name.is_empty() && silent.is_empty() {
                problems.push(unknown(name));
            }
            gates.extend(of_name.into_iter().filter(|it| !gates.contains(it)).collect::<Vec<_>>());
            let is_new =
                |it: &&Scenario| !weeks.iter().any(|that: &&Scenario| that.name == it.name);
            let more: Vec<&Scenario> = silent.into_iter().filter(is_new).collect();
            weeks.extend(more);
        }
        if !(1..=SEEDS_MAX).contains(&arguments.seeds) {
            problems.push(format!("--seeds: {} is not from 1 to {SEEDS_MAX}", arguments.seeds));
        }
        let classes = if arguments.undeclared { Classes::Undeclared } else { Classes::Declared };
        if arguments.undeclared {
            gates.clear();
            if weeks.is_empty() {
                problems.push("--undeclared: runs weeks that must stay silent, B1 to B15".into());
            }
        }
        let toml = config_toml(&Portal::new(1, Moment(0), 1));
        let config = Config::parse_without_files(&toml, Path::new("."));
        let page_nats = config.as_ref().map_or(0.0, |it| it.detect.h);
        problems.extend(config.err().map(|it| it.to_string()));
        if !problems.is_empty() {
            return Err(problems);
        }
        let lengths = if arguments.quick { board::quick_lengths() } else { Lengths::default() };
        let lengths = Lengths { dies_daily: arguments.kill_daily, ..lengths };
        let seeds = (0..arguments.seeds).map(|it| arguments.from.wrapping_add(it)).collect();
        Ok(Self { gates, weeks, seeds, lengths, classes, page_nats })
    }

    fn run(&self) -> Result<Board, String> {
        let histories = board::histories(&self.gates, self.lengths);
        let steps = histories.iter().map(|it| it.gates().len() + 1).sum::<usize>()
            + self.weeks.len()
            + usize::from(!self.weeks.is_empty());
        let line = terminal::status();
        let told = Told { line: &line, steps: steps * self.seeds.len() };
        let mut given = Vec::new();
        // One seed after the other: a thread that waits for a history's harvests may begin another
        // history, so only what there is to begin bounds the memory.
        for seed in &self.seeds {
            let mut tasks: Vec<Task<'_>> =
                histories.iter().map(|it| Task::Harvests(*seed, it)).collect();
            if !self.weeks.is_empty() {
                tasks.push(Task::Weeks(*seed));
            }
            let of_seed: Result<Vec<Given>, String> =
                tasks.into_par_iter().map(|it| self.task(&it, &told)).collect();
            given.extend(of_seed?);
        }
        line.finish_and_clear();
        Ok(self.board(&given))
    }

    fn task(&self, task: &Task<'_>, told: &Told<'_>) -> Result<Given, String> {
        match task {
            Task::Harvests(seed, history) => {
                let judged = history.judge(*seed, self.lengths)?;
                told.step("history");
                let runs: Result<Vec<_>, String> = history
                    .gates()
                    .par_iter()
                    .map(|gate| {
                        let run = judged.run(gate);
                        told.step(gate.scenario);
                        Ok((*gate, run?))
                    })
                    .collect();
                let harvests = runs?;
                let mut others = judged.pages();
                others.extend(harvests.iter().flat_map(|it| it.1.others.iter().cloned()));
                Ok(Given { harvests, others, seed: *seed, ..Given::default() })
            }
            Task::Weeks(seed) => {
                let weeks = Weeks::new(*seed, self.lengths, self.classes)?;
                told.step("history");
                let run = |scenario: &&'static Scenario| {
                    let run = weeks.run(scenario);
                    told.step(scenario.name);
                    (scenario.name, run)
                };
                let weeks = self.weeks.par_iter().map(run).collect();
                Ok(Given { weeks, seed: *seed, ..Given::default() })
            }
        }
    }

    fn board(&self, given: &[Given]) -> Board {
        let gate = |gate: &&'static Gate| {
            let runs: Vec<&HarvestRun> = given
                .iter()
                .flat_map(|it| &it.harvests)
                .filter(|(of, _)| std::ptr::eq(*of, *gate))
                .map(|it| &it.1)
                .collect();
            match board::not_run(gate, self.lengths) {
                Some(why) => GateFigures::without(gate, why),
                None => GateFigures::of(gate, &runs),
            }
        };
        let week = |scenario: &&'static Scenario| {
            let runs = given.iter().flat_map(|it| &it.weeks);
            let runs: Vec<&WeekRun> =
                runs.filter(|(name, _)| *name == scenario.name).map(|it| &it.1).collect();
            let figures = WeekFigures::of(scenario, &runs);
            match self.classes {
                Classes::Declared => figures,
                Classes::Undeclared => WeekFigures { verdict: Verdict::NoBar, ..figures },
            }
        };
        let mut calibration = Calibration::default();
        for one in given {
            for (_, week) in &one.weeks {
                week.calibration.iter().for_each(|it| calibration.add(it, one.seed));
            }
        }
        let others: Vec<Alert> = given.iter().flat_map(|it| it.others.iter().cloned()).collect();
        let harvests = self.gates.iter().map(gate).collect();
        let weeks = self.weeks.iter().map(week).collect();
        let run = Run {
            seeds: self.seeds.clone(),
            quick: self.lengths.smaller > 1,
            page_nats: self.page_nats,
            kills: given.iter().flat_map(|it| &it.harvests).map(|it| u64::from(it.1.deaths)).sum(),
        };
        board::board(run, harvests, weeks, &others, &calibration)
    }
}

/// Whoever waits.
struct Told<'a> {
    line: &'a ProgressBar,
    steps: usize,
}

impl Told<'_> {
    fn step(&self, name: &str) {
        self.line.inc(1);
        self.line.set_message(format!("{} of {}: {name}", self.line.position(), self.steps));
    }
}

/// Whether a scenario is called so, or is a variant of what is.
fn is_called(scenario: &str, name: &str) -> bool {
    let stem = scenario.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let is_variant = scenario.len() == stem.len() + 1 && stem.eq_ignore_ascii_case(name);
    scenario.eq_ignore_ascii_case(name) || is_variant
}

fn is_silent(scenario: &Scenario) -> bool {
    board::silent().any(|it| it.name == scenario.name)
}

/// The words for a name that nothing has.
fn unknown(name: &str) -> String {
    let names = GATES.iter().map(|it| it.scenario).chain(board::silent().map(|it| it.name));
    match nearest(name, names) {
        Some(like) => format!("unknown scenario `{name}`; the nearest is `{like}`"),
        None => format!("unknown scenario `{name}`; see `darban simulate --list`"),
    }
}
