//! Looks at what is on no route, every few minutes, and says which routes would watch the people on
//! it.
//!
//! The look is a survey of a thousand records, some hundredths of a second on a thread of its own. It
//! changes nothing about judging: a route is an operator's decision, since it decides whose look-ups
//! are evidence. What is found stands on the page `/unwatched`, ready to be pasted, and is counted in
//! `darban_unwatched_routes`.

use super::build;
use super::strays::Strays;
use crate::attribute::Options;
use crate::config::Config;
use crate::decode;
use crate::serve::{Unwatched, UnwatchedPath};
use crate::survey::{Given, Sampler, attributor, unwatched};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// How often it looks.
const LOOK_EVERY_MS: i64 = 5 * MINUTE_MS;
/// When it looks first: whoever has just configured darban waits for it.
const FIRST_LOOK_MS: i64 = MINUTE_MS;
/// How long one sample is filled.
const SAMPLE_MS: i64 = HOUR_MS;
/// What was not seen for so long is not shown any more.
const FORGET_MS: i64 = DAY_MS;

/// What a look is made with.
#[derive(Debug)]
struct Glasses {
    decode: decode::Options,
    options: Options,
    skip_suffixes: Vec<String>,
}

/// Looks where nobody looks.
#[derive(Debug)]
pub struct Surveyor {
    strays: Arc<Strays>,
    found: Arc<Mutex<Unwatched>>,
    glasses: Arc<Glasses>,
    look: Option<JoinHandle<Vec<UnwatchedPath>>>,
    next: Option<Moment>,
    begun: Moment,
}

impl Surveyor {
    /// A surveyor of what a configuration leaves out.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let glasses = Glasses {
            decode: build::decode_options(config),
            options: config.attribute.clone(),
            skip_suffixes: config.decode.skip_suffixes.clone(),
        };
        Self {
            strays: Arc::default(),
            found: Arc::default(),
            glasses: Arc::new(glasses),
            look: None,
            next: None,
            begun: Moment(0),
        }
    }

    /// What the workers fill.
    #[must_use]
    pub fn strays(&self) -> Arc<Strays> {
        self.strays.clone()
    }

    /// What the pages show.
    #[must_use]
    pub fn found(&self) -> Arc<Mutex<Unwatched>> {
        self.found.clone()
    }

    /// Once a second, by a clock that runs `factor` times as fast as real ones; how many routes are
    /// missing.
    pub fn tick(&mut self, now: Moment, factor: i64) -> usize {
        let next = *self.next.get_or_insert_with(|| {
            self.begun = now;
            now.plus(FIRST_LOOK_MS * factor)
        });
        if let Some(look) = self.look.take_if(|it| it.is_finished()) {
            // A look that panicked has said so itself.
            let found = look.join().unwrap_or_default();
            let new = self.shown().put(found, self.begun, now);
            if new > 0 {
                tracing::warn!(
                    "people are read on {new} more paths that no route watches: see /unwatched"
                );
            }
            if now.since(self.begun) >= SAMPLE_MS * factor {
                self.strays.clear();
                self.begun = now;
            }
        }
        if now >= next && self.look.is_none() {
            self.next = Some(now.plus(LOOK_EVERY_MS * factor));
            self.begin();
        }
        let mut shown = self.shown();
        shown.forget(now.plus(-FORGET_MS * factor));
        shown.rows().len()
    }

    fn begin(&mut self) {
        let (rows, seen) = self.strays.sample();
        let glasses = self.glasses.clone();
        let look = move || glasses.look(&rows, seen);
        match thread::Builder::new().name("survey".to_owned()).spawn(look) {
            Ok(look) => self.look = Some(look),
            Err(error) => tracing::warn!("what is on no route is not looked at: {error}"),
        }
    }

    fn shown(&self) -> MutexGuard<'_, Unwatched> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Glasses {
    /// The routes that records on no route would have, of `seen` of which these are a sample.
    fn look(&self, rows: &[Box<[u8]>], seen: u64) -> Vec<UnwatchedPath> {
        let mut sampler = Sampler::new(self.decode.clone(), attributor(self.options.clone()));
        rows.iter().for_each(|it| sampler.take(it, None));
        let given = Given { options: &self.options, skip_suffixes: &self.skip_suffixes };
        let routes = unwatched(&sampler.done(true), given);
        let of_all = |count: usize| {
            let (count, held) = (count as u64, rows.len().max(1) as u64);
            count.saturating_mul(seen.max(held)) / held
        };
        let found = routes.into_iter().map(|(route, written)| UnwatchedPath {
            requests: of_all(route.records - route.watched),
            methods: route.methods.join(", "),
            subjects: route.subjects,
            path: route.path,
            route: written,
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Intake, Keys};
    use crate::source::{Batch, Partition};
    use std::path::Path;

    const CONFIG: &str = "[[clients.keys]]\nkind = \"staff\"\nfield = \"user\"\n[[routes]]\n\
        name = \"card\"\npath = \"/v2/people/{subject}\"\nclass = \"personal\"\n";
    const START: Moment = Moment(1_795_289_416_042);

    fn line(path: &str, status: u16) -> String {
        format!(
            "192.0.2.7 - clinic-7 [21/Nov/2026:19:30:16 +0000] \"GET {path} HTTP/1.1\" {status} \
             512 \"-\" \"app\""
        )
    }

    fn lines(folder: &str, status: u16) -> impl Iterator<Item = String> {
        (0..40).map(move |it| line(&format!("{folder}/{}", 4_000_000_000_u64 + it * 7_919), status))
    }

    /// Looks once at what strayed of some lines; how many routes are missing.
    fn look(surveyor: &mut Surveyor, config: &str, lines: &[String], at: Moment) -> usize {
        let config = Config::parse_without_files(config, Path::new("")).unwrap();
        let attributor = build::attributor(&config, &Keys::derived(&[7; 32])).unwrap();
        let decoder = Arc::new(build::decoder(&config));
        let mut intake = Intake::new(decoder, Arc::new(attributor)).keeping(surveyor.strays());
        let mut batch = Batch::new(Partition(0));
        lines.iter().zip(0..).for_each(|(it, offset)| batch.push(offset, None, it.as_bytes()));
        intake.take(&batch);
        surveyor.tick(at, 1);
        while surveyor.look.as_ref().is_some_and(|it| !it.is_finished()) {
            thread::yield_now();
        }
        surveyor.tick(at, 1)
    }

    fn surveyor(config: &str) -> Surveyor {
        let mut surveyor =
            Surveyor::new(&Config::parse_without_files(config, Path::new("")).unwrap());
        assert_eq!(surveyor.tick(START, 1), 0);
        surveyor
    }

    #[test]
    fn people_on_no_route_are_told_with_the_route_that_would_watch_them() {
        let mut one = surveyor(CONFIG);
        let at = START.plus(FIRST_LOOK_MS);
        let all: Vec<_> = lines("/v2/people", 200).chain(lines("/v3/citizens", 200)).collect();
        assert_eq!(look(&mut one, CONFIG, &all, at), 1);
        let found = one.shown().rows()[0].found.clone();
        assert_eq!(
            (&*found.path, found.requests, found.subjects),
            ("/v3/citizens/{subject}", 40, 40)
        );
        assert!(!found.route.contains("4000"), "{}", found.route);
        // Whoever pastes it is not told again.
        let adopted = format!("{CONFIG}{}", found.route);
        let mut other = surveyor(&adopted);
        let all: Vec<_> = lines("/v2/people", 200).chain(lines("/v3/citizens", 200)).collect();
        assert_eq!(look(&mut other, &adopted, &all, at), 0);
    }

    #[test]
    fn what_a_scanner_makes_up_and_what_names_nobody_is_no_route() {
        let mut one = surveyor(CONFIG);
        let pages = ["/help", "/about", "/imprint"].into_iter().cycle().take(60);
        let all: Vec<_> = lines("/v9/people", 404).chain(pages.map(|it| line(it, 200))).collect();
        assert_eq!(look(&mut one, CONFIG, &all, START.plus(FIRST_LOOK_MS)), 0);
    }

    #[test]
    fn a_sample_is_of_an_hour_and_what_was_not_seen_for_a_day_is_gone() {
        let mut one = surveyor(CONFIG);
        let people: Vec<_> = lines("/v3/citizens", 200).collect();
        assert_eq!(look(&mut one, CONFIG, &people, START.plus(FIRST_LOOK_MS)), 1);
        assert_eq!(look(&mut one, CONFIG, &people, START.plus(HOUR_MS)), 1);
        assert_eq!(one.shown().rows()[0].found.requests, 80);
        assert_eq!(one.strays().sample().1, 0);
        assert_eq!(look(&mut one, CONFIG, &[], START.plus(2 * HOUR_MS)), 1);
        assert_eq!(look(&mut one, CONFIG, &[], START.plus(HOUR_MS + DAY_MS + 1)), 0);
    }
}
