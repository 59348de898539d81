//! One honest client: its own rates, and contacts drawn from them.

use super::super::id::Id;
use super::super::random::Random;
use super::{ACTS, DISTRICTS, ELSEWHERE, Kind};
use crate::attribute::KeyKind;
use crate::evidence::{cold, miss, monotone, walk};
use std::collections::VecDeque;

/// `a + b` of the beta distributions that clients' rates are drawn from.
const CONCENTRATION: f64 = 5.0;
/// Ids lie below this.
const SPACE: u64 = 4_000_000_000_000_000;
/// What an id that continues no run is away from the last, on average: so near that a client whose
/// ids rise begins from below once in a hundred contacts only.
const STEP: f64 = SPACE as f64 / 100.0;
/// The largest step of one that continues.
const RUN: u64 = 8;
/// Popular records that a client remembers to have read: those of more than a fortnight.
const REMEMBERED: usize = 400;

/// A client's honest rates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    pub misses: f64,
    pub walks: f64,
    pub rises: f64,
    pub cold: f64,
    pub acts: f64,
    pub elsewhere: f64,
}

impl Rates {
    pub(super) fn draw(random: &mut Random) -> Self {
        let mut around = |mean: f64| {
            let (a, b) = (CONCENTRATION * mean, CONCENTRATION * (1.0 - mean));
            random.beta(a, b)
        };
        Self {
            misses: around(miss::RATE),
            walks: around(walk::RATE),
            rises: around(monotone::RATE),
            cold: around(cold::RATE),
            acts: around(ACTS),
            elsewhere: around(ELSEWHERE),
        }
    }
}

/// A client.
#[derive(Clone, Debug)]
pub(super) struct Honest {
    pub(super) random: Random,
    pub(super) rates: Rates,
    /// Popular records on its route; none where every client reads its own.
    popular: u64,
    last: u64,
    /// Its own district.
    home: u8,
    remembered: VecDeque<u64>,
}

/// What it looks up next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub subject: Id,
    pub missed: bool,
    pub acts: bool,
}

impl Honest {
    pub(super) fn new(kind: &Kind, mut random: Random, clients: u32) -> Self {
        let rates = Rates::draw(&mut random);
        // Everybody together reads each of them three times a day or more, so that hardly one is
        // cold.
        let is_register = kind.key == KeyKind::Address;
        let popular = if is_register { u64::from(clients) * 3 } else { 0 };
        let last = random.below(SPACE);
        let home = any_district(&mut random);
        Self { random, rates, popular, last, home, remembered: VecDeque::new() }
    }

    pub(super) fn look(&mut self) -> Look {
        let Rates { misses, walks, rises, cold, acts, elsewhere } = self.rates;
        let rest = (1.0 - walks).max(f64::EPSILON);
        if self.random.chance(walks) {
            self.last = (self.last + 1 + self.random.below(RUN)) % SPACE;
        } else {
            // What continues a run rises, and is cold where anything is.
            let rises = self.random.chance((rises - walks) / rest);
            let step = self.random.exponential(STEP);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a step")]
            let step = (step as u64 + 1_000).min(SPACE / 2);
            let is_popular = self.popular > 0 && self.random.chance((1.0 - cold) / rest);
            let step = if rises { step } else { SPACE - step };
            self.last = (self.last + step) % SPACE;
            if is_popular {
                self.read_popular(rises);
            }
        }
        let missed = self.random.chance(misses);
        let acts = !missed && self.random.chance(acts);
        let is_elsewhere = self.random.chance(elsewhere);
        let district = if is_elsewhere { any_district(&mut self.random) } else { self.home };
        Look { subject: Id { district, ..Id::number(self.last) }, missed, acts }
    }

    /// Moves on to the nearest popular record that it does not remember.
    fn read_popular(&mut self, rises: bool) {
        let apart = SPACE / self.popular;
        let mut number = self.last / apart;
        for _ in 0..REMEMBERED {
            if !self.remembered.contains(&number) {
                break;
            }
            number = (number + if rises { 1 } else { self.popular - 1 }) % self.popular;
        }
        if self.remembered.len() >= REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back(number);
        self.last = (number * apart).min(SPACE - 1);
    }
}

fn any_district(random: &mut Random) -> u8 {
    u8::try_from(1 + random.below(DISTRICTS)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::super::KINDS;
    use super::*;

    #[test]
    fn a_client_does_what_its_rates_say() {
        let mut honest = Honest::new(&KINDS[3], Random::new(5), 2_000);
        honest.rates =
            Rates { misses: 0.2, walks: 0.1, rises: 0.7, cold: 0.4, acts: 0.0, elsewhere: 0.0 };
        let (mut rose, mut missed, mut walked, mut popular) = (0, 0, 0, 0);
        let apart = SPACE / 6_000;
        let trials = 20_000;
        for _ in 0..trials {
            let before = honest.last;
            missed += u32::from(honest.look().missed);
            rose += u32::from(honest.last > before);
            walked += u32::from(honest.last > before && honest.last - before <= RUN);
            popular += u32::from(honest.last.is_multiple_of(apart));
        }
        let share = |count: u32| f64::from(count) / f64::from(trials);
        for (seen, expected) in [(rose, 0.7), (missed, 0.2), (walked, 0.1), (popular, 0.6)] {
            assert!((share(seen) - expected).abs() < 0.02, "{} {expected}", share(seen));
        }
    }

    #[test]
    fn rates_spread_as_a_concentration_of_five_says() {
        let mut random = Random::new(3);
        let drawn: Vec<f64> = (0..20_000).map(|_| Rates::draw(&mut random).misses).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let spread = drawn.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
        assert!((mean - 0.05).abs() < 0.002, "{mean}");
        assert!((spread - 0.05 * 0.95 / 6.0).abs() < 0.001, "{spread}");
    }
}
