//! `volume` of a route as a whole: what strangers look up that nobody else does, against what the
//! same hours hold on other days.
//!
//! Five thousand homes that each ask every forty minutes are five thousand clients of whom none
//! does anything unusual, and of whom each may be new the next day. Nothing is left but that there
//! are more of them. But so there are on the day of a campaign, and three times as many people on
//! a register may be a headline or a theft. What tells them apart is what else rises. A campaign
//! moves everybody: those who search for a free slot, who ask for a pass, who come every day, who
//! read what others read. A harvest reads what nobody reads. So what cannot be a harvest, wherever
//! it rises most, is what strangers are allowed to rise by, and each thing more than usual that
//! was read by others too vouches for one that was not.
//!
//! Where nobody can be compared with, everybody is taken to be four times as many, which is more
//! than a campaign; where only clients that are known can, twice: a headline does not move them.
//!
//! Counts are a Polya process (Poisson, with a rate that differs between days by what was
//! observed, at least an eighth), in batches. It is read in several spans that end now, and in
//! each against twice, four and eight times the expected: the mean of all is the evidence. However
//! large a route is, an honest day twice as busy as expected says at most 18 nats, because a large
//! count tells the day's rate the better, and not the less honest.

use super::math::{exp, ln};
use super::tide::{BATCHES, SPANS, Span};
use super::{Nats, nats, polya};
use borsh::{BorshDeserialize, BorshSerialize};

/// How many times the expected a harvest makes of it.
const ALTERNATIVES: [f64; 3] = [2.0, 4.0, 8.0];
/// Up to so many times the expected a count is no evidence of any of them, however it spreads:
/// `ln 2` a contact is less than what twice the expected should have held more.
const SPEAKS_MIN: f64 = 1.4;
/// The square of the coefficient of variation between days, at least.
const VARIATION_MIN: f64 = 0.13 * 0.13;
/// That above which what is compared with vouches for nothing.
const VARIATION_MAX: f64 = 0.5 * 0.5;
/// Contacts to be expected in a span below which it vouches for nothing.
const VOUCHER_MIN: f64 = 10.0;
/// Contacts at the usual rate with which it is read.
const VOUCHER_PRIOR: f64 = 10.0;
/// How busy everybody is taken to be where nobody can be compared with.
const ALONE: f64 = 4.0;
/// The same where only known clients can.
const AMONG_KNOWN: f64 = 2.0;

/// Whether any span holds so much more than expected that it could be evidence. Nothing else needs
/// to be compared with, which is nearly every minute.
#[must_use]
pub fn could_speak(spans: &[Span; SPANS.len()]) -> bool {
    spans.iter().any(|it| it.seen > SPEAKS_MIN * it.most)
}

/// By how much everybody is busier than usual, in each span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Common {
    strangers: [f64; SPANS.len()],
    known: [f64; SPANS.len()],
}

impl Common {
    /// Takes something to compare with, whose days vary so much: what strangers look up that is no
    /// harvest, or else what known clients do.
    pub fn vouch(&mut self, spans: &[Span; SPANS.len()], variation: f64, strangers: bool) {
        if variation > VARIATION_MAX {
            return;
        }
        let kind = if strangers { &mut self.strangers } else { &mut self.known };
        for (highest, it) in kind.iter_mut().zip(spans) {
            if it.usual >= VOUCHER_MIN {
                let ratio = (it.seen + VOUCHER_PRIOR) / (it.usual + VOUCHER_PRIOR);
                *highest = highest.max(ratio);
            }
        }
    }

    /// What strangers may have risen by honestly, by span.
    fn factors(&self) -> [f64; SPANS.len()] {
        let mut factors = [ALONE; SPANS.len()];
        for ((factor, strangers), known) in factors.iter_mut().zip(self.strangers).zip(self.known) {
            if strangers > 0.0 {
                *factor = strangers.max(known).max(1.0);
            } else if known > 0.0 {
                *factor = known.max(AMONG_KNOWN);
            }
        }
        factors
    }
}

/// What strangers did beyond the expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Surge {
    /// `ln E`.
    pub log_e: Nats,
    /// What was seen in the span that says most.
    pub seen: f64,
    /// What was expected in it.
    pub expected: f64,
    /// How long it is.
    pub minutes: usize,
}

/// Reads what strangers looked up, less what is vouched for by span, against what was expected.
#[must_use]
pub fn read(
    spans: &[Span; SPANS.len()],
    vouched: &[f64; SPANS.len()],
    common: &Common,
    variation: f64,
) -> Surge {
    if !variation.is_finite() {
        return Surge::default();
    }
    let k = 1.0 / variation.max(VARIATION_MIN);
    let (mut surge, mut loudest, mut sum) = (Surge::default(), f64::NEG_INFINITY, 0.0);
    let all = spans.iter().zip(vouched).zip(common.factors()).zip(SPANS);
    for (((span, vouched), factor), minutes) in all {
        let (seen, expected) = ((span.seen - vouched).max(0.0), span.most * factor);
        let own = log_ratio(seen, expected, k);
        sum += exp(own);
        if own > loudest {
            loudest = own;
            surge = Surge { log_e: 0, seen: span.seen, expected: expected + vouched, minutes };
        }
    }
    Surge { log_e: nats(ln(sum / SPANS.len() as f64)).max(0), ..surge }
}

/// How much better the alternatives explain a count than the expectation does, in nats.
fn log_ratio(seen: f64, expected: f64, k: f64) -> f64 {
    let (n, m) = (seen / BATCHES, expected / BATCHES);
    let ratios = ALTERNATIVES.map(|times| polya::log_ratio(n, m, times, k, 1.0));
    let sum: f64 = ratios.iter().map(|it| exp(*it)).sum();
    ln(sum / ALTERNATIVES.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::as_f64;
    use super::*;

    const NONE: [f64; SPANS.len()] = [0.0; SPANS.len()];
    const STEADY: f64 = 0.01;

    /// Spans of a route of so many contacts an hour, that has held this many times as many for so
    /// many minutes.
    fn spans(an_hour: f64, times: f64, minutes: usize) -> [Span; SPANS.len()] {
        SPANS.map(|span| {
            let usual = an_hour * span as f64 / 60.0;
            let risen = an_hour * span.min(minutes) as f64 / 60.0;
            Span { seen: usual + (times - 1.0) * risen, usual, most: usual }
        })
    }

    /// Three others, each so many times as busy as usual.
    fn others(times: f64, minutes: usize) -> Common {
        let mut common = Common::default();
        for an_hour in [150.0, 600.0, 2_000.0] {
            common.vouch(&spans(an_hour, times, minutes), STEADY, true);
        }
        common
    }

    fn log_e(spans: &[Span; SPANS.len()], common: &Common, variation: f64) -> f64 {
        as_f64(read(spans, &NONE, common, variation).log_e)
    }

    #[test]
    fn five_times_as_many_are_told_in_ten_minutes_and_three_times_in_an_hour() {
        assert!(log_e(&spans(220.0, 5.4, 10), &others(1.0, 10), STEADY) > 18.1);
        assert!(log_e(&spans(220.0, 3.0, 60), &others(1.0, 60), STEADY) > 18.1);
    }

    #[test]
    fn when_everybody_is_three_times_as_many_nobody_is_too_many() {
        for minutes in [5, 30, 120] {
            let evidence = log_e(&spans(220.0, 3.2, minutes), &others(3.0, minutes), STEADY);
            assert!(evidence < 3.0, "{evidence} after {minutes} minutes");
        }
    }

    #[test]
    fn twice_as_many_are_no_page_however_large_the_route_is() {
        let evidence = log_e(&spans(50_000.0, 2.0, 120), &others(1.0, 120), 0.0);
        assert!(evidence < 18.1, "{evidence}");
    }

    #[test]
    fn where_nobody_can_be_compared_with_it_takes_ten_times_as_many() {
        let alone = Common::default();
        assert!(log_e(&spans(220.0, 5.0, 120), &alone, STEADY) < 3.0);
        assert!(log_e(&spans(220.0, 12.0, 120), &alone, STEADY) > 18.1);
        let mut known = alone;
        known.vouch(&spans(100.0, 1.0, 120), STEADY, false);
        assert!(log_e(&spans(220.0, 3.0, 120), &known, STEADY) < 3.0);
        assert!(log_e(&spans(220.0, 6.0, 120), &known, STEADY) > 18.1);
    }

    #[test]
    fn a_route_whose_days_differ_must_rise_further() {
        assert!(log_e(&spans(220.0, 4.0, 120), &others(1.0, 120), 0.25) < 13.5);
        assert!(log_e(&spans(220.0, 12.0, 120), &others(1.0, 120), 0.25) > 18.1);
    }

    #[test]
    fn who_is_wild_or_seldom_comes_vouches_for_nobody() {
        let mut common = others(1.0, 60);
        common.vouch(&spans(500.0, 9.0, 60), 2.0, true);
        common.vouch(&spans(4.0, 9.0, 60), STEADY, true);
        assert!(log_e(&spans(220.0, 4.0, 60), &common, STEADY) > 18.1);
    }

    #[test]
    fn what_is_vouched_for_does_not_count() {
        let spans = spans(220.0, 4.0, 60);
        let vouched = spans.map(|it| it.seen - it.usual);
        assert_eq!(read(&spans, &vouched, &others(1.0, 60), STEADY).log_e, 0);
    }

    #[test]
    fn what_could_not_speak_is_never_evidence() {
        for an_hour in [3.0, 40.0, 900.0, 1e6] {
            let spans = spans(an_hour, 1.4, 120);
            assert!(!could_speak(&spans));
            assert_eq!(read(&spans, &NONE, &others(1.0, 120), 0.0).log_e, 0);
        }
    }
}
