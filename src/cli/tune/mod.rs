//! `darban tune`: a shadow period of logs in, a configuration out, and what it would cost.
//!
//! The logs are judged as `replay` judges them, and beside that it is counted what clients do: how
//! many people a day, how their days and hours differ, how often they miss, how many contacts a week
//! there are to be judged. What is learned is a class's start; each client's own days go on from
//! there. Classes of which too little was seen keep what they have.

mod client;
mod cost;
mod fragment;
mod shadow;

use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::attribute::{Codec, RouteClass};
use crate::config::{Config, Level};
use crate::engine::Engine;
use crate::evidence::math::{exp, ln};
use crate::evidence::volume::Spread;
use crate::evidence::{nats, walk};
use crate::pipeline::{backtest, build};
use client::Estimate;
use cost::{Owner, SHAPES};
use fragment::Setting;
use shadow::{Learned, Shadow};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Days of clients (or sessions) below which a class keeps what it has.
const DAYS_MIN: u64 = 200;
/// Days of a week.
const WEEK: f64 = 7.0;
/// Contacts a page at least, as the configuration demands.
const CONTACTS_MIN: f64 = 10_000.0;
/// Nats above the highest honest evidence.
const MARGIN: f64 = 0.5;
/// Tempering is never stronger than this, or a shadow period could teach blindness.
const ETA_MIN: f64 = 0.5;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many false pages are accepted: "1 per week", "2 per month", "0.5 per day"
    #[arg(long, value_name = "PAGES", value_parser = budget, default_value = "1 per week")]
    budget: f64,
    /// The configuration; its [source] is not used
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Where the configuration is written with what was learned in it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Log files (plain, .gz, .zst), directories of them, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Reads a budget as pages a week.
fn budget(text: &str) -> Result<f64, String> {
    let (count, unit) =
        text.split_once(" per ").or_else(|| text.split_once('/')).unwrap_or((text, ""));
    let weeks = match unit.trim() {
        "day" => 1.0 / WEEK,
        "week" => 1.0,
        "month" => 30.0 / WEEK,
        "year" => 365.0 / WEEK,
        _ => return Err("not a number `per` day, week, month or year".to_owned()),
    };
    match count.trim().parse::<f64>() {
        Ok(count) if count > 0.0 && count <= 1e6 => Ok(count / weeks),
        _ => Err("not a number of pages above 0 and up to 1e6".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let keys = super::keys(&config)?;
    let attributor =
        build::attributor(&config, &keys).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let mut shadow = Shadow::new(&config, &attributor);
    let outcome = backtest::run(&config, &keys, &arguments.paths, &mut shadow);
    shadow.progress.end();
    let (engine, _) = outcome?;
    let learned = shadow.learned();
    let advice = Advice { config: &config, engine: &engine, learned, budget: arguments.budget };
    let settings = advice.settings()?;
    let mut printer = Printer::new();
    advice.print(&mut printer, &settings)?;
    printer.flush()?;
    if let Some(path) = &arguments.write {
        let text = std::fs::read_to_string(&arguments.config)
            .map_err(|it| Failure::new(exit::CONFIG, &it))?;
        let text = fragment::set(&text, &settings);
        let base = arguments.config.parent().unwrap_or(std::path::Path::new(""));
        Config::parse_without_files(&text, base).map_err(|it| Failure::new(exit::CONFIG, &it))?;
        super::write(path, &text)?;
    }
    Ok(())
}

/// What a class was found to do, as settings of its table, which now has this level.
fn of_class(table: &str, estimate: &Estimate, now: &Level) -> Vec<Setting> {
    let level = Some(estimate.subjects).filter(|_| estimate.has_level);
    // Never below what is configured: the few who mistype are who would be paged.
    let misses = estimate.misses.filter(|it| *it > now.misses);
    let values = [
        ("subjects", level, 0.01..=1e9),
        ("k", estimate.k, 0.01..=1_000.0),
        ("f_minute", estimate.f_minute, 1.0..=10_000.0),
        ("f_hour", estimate.f_hour, 1.0..=10_000.0),
        ("misses", misses, 0.001..=0.45),
    ];
    let setting = |(key, value, within): (&'static str, Option<f64>, RangeInclusive<f64>)| {
        value.map(|it| Setting::new(table, key, it.clamp(*within.start(), *within.end())))
    };
    values.into_iter().filter_map(setting).collect()
}

/// What was learned, against what is configured.
struct Advice<'a> {
    config: &'a Config,
    engine: &'a Engine,
    learned: Learned,
    /// Pages a week.
    budget: f64,
}

impl Advice<'_> {
    fn contacts_per_week(&self) -> f64 {
        self.learned.pairs as f64 * WEEK / self.learned.days.max(1.0)
    }

    /// The page level that the budget asks for, were evidence as rare among honest clients as it
    /// claims.
    fn claimed(&self) -> f64 {
        ln(self.contacts_per_week() / self.budget)
    }

    /// The page level at the budget. Evidence claims more than it should where clients differ more
    /// than the engine assumes; tempering it by eta is the same as a level that is higher by 1/eta,
    /// and that is what the clients of the shadow period ask for: no more of them than the budget
    /// allows came to it.
    fn page(&self) -> f64 {
        let weeks = self.learned.days / WEEK;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pages")]
        let allowed = (self.budget * weeks) as usize;
        let seen = self.learned.peaks.get(allowed).map_or(0.0, |it| it + MARGIN);
        self.claimed().max(seen.min(self.claimed() / ETA_MIN))
    }

    /// What the configuration should say.
    fn settings(&self) -> Result<Vec<Setting>, Failure> {
        let contacts = self.contacts_per_week();
        if contacts / self.budget < CONTACTS_MIN {
            let words = format!(
                "{contacts:.0} contacts a week and {:.3} pages a week are a page every {:.0} \
                 contacts; a budget needs {CONTACTS_MIN:.0} or more for each page",
                self.budget,
                contacts / self.budget
            );
            return Err(Failure::new(exit::INPUT, &words));
        }
        let mut settings = vec![
            Setting::new("detect", "contacts_per_week", self.budget * exp(self.page())),
            Setting {
                value: format!("{:?}", self.budget),
                ..Setting::new("detect", "pages_per_week", 0.0)
            },
        ];
        for (class, spec) in (0_u8..).zip(&self.config.classes) {
            let elsewhere = self.busiest(class, false);
            let register = self.busiest(class, true);
            let name = format!("classes.{}", spec.name);
            settings.extend(elsewhere.into_iter().flat_map(|it| of_class(&name, it, &spec.level)));
            let (name, level) =
                (format!("{name}.register"), spec.register.as_ref().unwrap_or(&spec.level));
            settings.extend(register.into_iter().flat_map(|it| of_class(&name, it, level)));
        }
        Ok(settings)
    }

    /// What a class does on the route of this kind where it makes most contacts: a class has one
    /// start for all of them.
    fn busiest(&self, class: u8, is_register: bool) -> Option<&Estimate> {
        let is_kind = |route: u16| {
            let spec = self.config.attribute.routes.get(usize::from(route));
            spec.is_some_and(|it| (it.class == RouteClass::Register) == is_register)
        };
        let all = self.learned.estimates.iter();
        let own =
            all.filter(|((route, of), it)| *of == class && is_kind(*route) && it.days >= DAYS_MIN);
        own.map(|(_, it)| it).max_by_key(|it| it.contacts)
    }

    fn print(&self, out: &mut Printer, settings: &[Setting]) -> Result<(), Failure> {
        let it = &self.learned;
        out.line(&format!(
            "# {:.1} days, {} contacts times keys; {} pages and {} tickets, whose clients taught \
             nothing",
            it.days, it.pairs, it.pages, it.tickets
        ))?;
        if it.days < 14.0 {
            out.line("# less than a fortnight: nobody is known for most of it, and days are few")?;
        }
        if it.clients_over {
            out.line(
                "# more clients than state.profiles_max: those that came later were left out",
            )?;
        }
        self.rates(out)?;
        self.tempering(out)?;
        self.costs(out)?;
        out.line("#")?;
        fragment::fragment(settings).lines().try_for_each(|line| out.line(line))
    }

    /// What clients of each class do on each route.
    fn rates(&self, out: &mut Printer) -> Result<(), Failure> {
        let head = format!(
            "# {:<32} {:>8} {:>9} {:>8} {:>6} {:>6} {:>6} {:>7} {:>7} {:>7} {:>7}",
            "class on route",
            "clients",
            "days",
            "subjects",
            "k",
            "F min",
            "F hour",
            "miss",
            "cold",
            "walk",
            "rising"
        );
        out.line("#")?;
        out.line(&out.styled(terminal::BOLD, &head))?;
        for ((route, class), estimate) in &self.learned.estimates {
            let [first, _, walks, rising] = self.engine.mean_rates(*route, *class);
            let is_register = self.route_class(*route) == RouteClass::Register;
            let number = |it: Option<f64>, digits: usize| {
                it.map_or_else(|| "-".to_owned(), |it| format!("{it:.digits$}"))
            };
            let few = match estimate {
                it if it.days < DAYS_MIN => "  too few to be written",
                it if !it.has_level => "  most come once: no level",
                _ => "",
            };
            out.line(&format!(
                "# {:<32} {:>8} {:>9} {:>8.2} {:>6} {:>6} {:>6} {:>7} {:>7} {:>7} {:>7}{few}",
                self.named(*route, *class),
                estimate.clients,
                estimate.days,
                estimate.subjects,
                number(estimate.k, 2),
                number(estimate.f_minute, 1),
                number(estimate.f_hour, 1),
                number(estimate.misses, 3),
                number(first.filter(|_| is_register), 3),
                number(walks, 3),
                number(rising, 3),
            ))?;
        }
        Ok(())
    }

    /// How far honest evidence was from what it claims.
    fn tempering(&self, out: &mut Printer) -> Result<(), Failure> {
        let [hundred, thousand] = self.learned.tails;
        let (claimed, page) = (self.claimed(), self.page());
        let highest = self.learned.peaks.first().copied().unwrap_or(0.0);
        out.line("#")?;
        out.line(&format!(
            "# honest evidence: ln 100 or more after {hundred:.2e} of contacts, ln 1000 after \
             {thousand:.2e}, {highest:.1} nats at most"
        ))?;
        out.line(&format!(
            "# {:.0} contacts a week would ask for {claimed:.1} nats, these clients for {page:.1}: \
             eta {:.2},",
            self.contacts_per_week(),
            claimed / page
        ))?;
        out.line("# which contacts_per_week holds: it is as many as ask for that level")
    }

    /// Records out at the budget, by class and route.
    fn costs(&self, out: &mut Printer) -> Result<(), Failure> {
        let page = self.page();
        out.line("#")?;
        out.line(&format!(
            "# records out before the page at {page:.1} nats ({:.3} pages a week), now {:.1}: the \
             least that the streams need",
            self.budget, self.config.detect.h
        ))?;
        let names: String = SHAPES.iter().map(|it| format!(" {:>26}", it.name)).collect();
        let head = format!("# {:<32}{names}", "by an average client that is known");
        out.line(&out.styled(terminal::BOLD, &head))?;
        for ((route, class), estimate) in &self.learned.estimates {
            if estimate.days < DAYS_MIN {
                continue;
            }
            let Some(owner) = self.owner(*route, *class, estimate) else { continue };
            let taken = SHAPES.map(|it| cost::records(it, &owner, nats(page)));
            let taken: String = taken
                .iter()
                .map(|it| {
                    format!(" {:>26}", it.map_or_else(|| "-".to_owned(), |it| it.to_string()))
                })
                .collect();
            out.line(&format!("# {:<32}{taken}", self.named(*route, *class)))?;
        }
        Ok(())
    }

    fn owner(&self, route: u16, class: u8, estimate: &Estimate) -> Option<Owner> {
        let spec = self.config.attribute.routes.get(usize::from(route))?;
        let class_spec = self.config.classes.get(usize::from(class))?;
        let level = class_spec.level_on(spec.class);
        let [_, _, walks, _] = self.engine.mean_rates(route, class);
        let otherwise = Spread { k: level.k, minute: level.f_minute, longer: level.f_hour };
        Some(Owner {
            route: spec.class,
            ordered: !matches!(spec.codec, Codec::None | Codec::Cursor),
            subjects: estimate.subjects,
            spread: estimate.spread(otherwise),
            misses: estimate.misses.unwrap_or(level.misses).max(0.01),
            walks: walks.unwrap_or(0.0).max(walk::RATE),
            per_session: class_spec.per_session,
        })
    }

    fn route_class(&self, route: u16) -> RouteClass {
        let spec = self.config.attribute.routes.get(usize::from(route));
        spec.map_or(RouteClass::Public, |it| it.class)
    }

    fn named(&self, route: u16, class: u8) -> String {
        let route = self.config.attribute.routes.get(usize::from(route));
        let class = self.config.classes.get(usize::from(class));
        let (route, class) = (route.map_or("", |it| &it.name), class.map_or("", |it| &it.name));
        format!("{class} on {route}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_as_people_say_it() {
        assert_eq!(budget("1 per week"), Ok(1.0));
        assert_eq!(budget("0.5 per day"), Ok(3.5));
        assert_eq!(budget("2/week"), Ok(2.0));
        assert!((budget("3 per month").unwrap() - 0.7).abs() < 1e-9);
        assert!(
            ["", "1", "1 per hour", "-1 per week", "0 per week"]
                .iter()
                .all(|it| budget(it).is_err())
        );
    }
}
