//! Times as gateways write them, to milliseconds, rounded down.
//!
//! Read by hand: a few formats, each of fixed shape, at a tenth of the cost of a general parser. A
//! time without a zone is local, and the zone is the configuration's: guessed from the record's own
//! stamp it would differ by the delay of whoever ships logs.

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS, days_from_civil};
use jiff::civil;
use jiff::tz::TimeZone;

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// `2026-11-21T19:30:16.042Z`, any number of fraction digits, `Z` or an offset, `T` or a space.
pub(super) fn rfc3339(text: &[u8]) -> Option<Moment> {
    let (local, zone) = rfc3339_local(text)?;
    Some(Moment(local - offset(zone)?))
}

/// The same, in the local time of `zone` where it says none.
fn rfc3339_in(text: &[u8], zone: &TimeZone) -> Option<Moment> {
    match rfc3339_local(text)? {
        (local, b"") => in_zone(local, zone),
        (local, offset_of) => Some(Moment(local - offset(offset_of)?)),
    }
}

/// The time as if it were UTC, and what follows its fraction.
fn rfc3339_local(text: &[u8]) -> Option<(i64, &[u8])> {
    let (date, rest) = text.split_at_checked(19)?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', _, _, b':', _, _, b':', _, _] =
        date
    else {
        return None;
    };
    let day = day(number(date.get(..4)?)?, number(date.get(5..7)?)?, number(date.get(8..10)?)?)?;
    let clock = clock(date.get(11..)?)?;
    let (fraction, zone) = fraction(rest)?;
    Some((day * DAY_MS + clock + fraction, zone))
}

/// `21/Nov/2026:19:30:16 +0000`.
pub(super) fn clf(text: &[u8]) -> Option<Moment> {
    let local = clf_local(text.get(..20)?)?;
    let zone = text.get(20..)?.strip_prefix(b" ")?;
    Some(Moment(local - offset(zone)?))
}

/// `21/Nov/2026:19:30:16.124` in the local time of `zone`.
pub(super) fn clf_in(text: &[u8], zone: &TimeZone) -> Option<Moment> {
    let local = clf_local(text.get(..20)?)?;
    let (fraction, rest) = fraction(text.get(20..)?)?;
    if !rest.is_empty() {
        return None;
    }
    in_zone(local + fraction, zone)
}

/// `2026/11/21 - 19:30:16` in the local time of `zone` (Gin, under KrakenD).
pub(super) fn gin_in(text: &[u8], zone: &TimeZone) -> Option<Moment> {
    let [_, _, _, _, b'/', _, _, b'/', _, _, b' ', b'-', b' ', clock_of @ ..] = text else {
        return None;
    };
    let [_, _, b':', _, _, b':', _, _] = clock_of else { return None };
    let day = day(number(text.get(..4)?)?, number(text.get(5..7)?)?, number(text.get(8..10)?)?)?;
    in_zone(day * DAY_MS + clock(clock_of)?, zone)
}

/// A local time; where clocks were turned back, the first of the two.
fn in_zone(local: i64, zone: &TimeZone) -> Option<Moment> {
    if *zone == TimeZone::UTC {
        return Some(Moment(local));
    }
    let date = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
        .checked_add(jiff::Span::new().try_milliseconds(local).ok()?)
        .ok()?;
    Some(Moment(zone.to_timestamp(date).ok()?.as_millisecond()))
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, by their magnitude; a fraction
/// belongs to seconds or milliseconds.
pub(super) fn epoch(text: &[u8]) -> Option<Moment> {
    let dot = text.iter().position(|it| *it == b'.').unwrap_or(text.len());
    let Some(whole) = number(text.get(..dot)?) else { return scientific(text) };
    let (fraction, rest) = fraction(text.get(dot..)?)?;
    if !rest.is_empty() {
        return scientific(text);
    }
    let ms = match whole {
        0..100_000_000_000 => whole * SECOND_MS + fraction,
        100_000_000_000..100_000_000_000_000 => whole,
        100_000_000_000_000..100_000_000_000_000_000 => whole / 1_000,
        _ => whole / 1_000_000,
    };
    Some(Moment(ms))
}

/// `1.795289416042e12`, as some encoders write large numbers.
fn scientific(text: &[u8]) -> Option<Moment> {
    let at = memchr::memchr2(b'e', b'E', text)?;
    let (mantissa, exponent) = (text.get(..at)?, text.get(at + 1..)?);
    let exponent = number(exponent.strip_prefix(b"+").unwrap_or(exponent))?;
    let dot = mantissa.iter().position(|it| *it == b'.').unwrap_or(mantissa.len());
    let mut digits: Vec<u8> = mantissa.iter().copied().filter(|it| *it != b'.').collect();
    let point = dot.checked_add(usize::try_from(exponent).ok()?)?;
    // Nanoseconds have nineteen digits.
    if digits.is_empty() || point > 19 || mantissa.len() > digits.len() + 1 {
        return None;
    }
    digits.resize(digits.len().max(point), b'0');
    let (whole, fraction) = digits.split_at_checked(point)?;
    if fraction.is_empty() { epoch(whole) } else { epoch(&[whole, b".", fraction].concat()) }
}

/// Whichever of the above it is; one without a zone is in the local time of `zone`.
pub(super) fn any(text: &[u8], zone: &TimeZone) -> Option<Moment> {
    match text.get(4) {
        Some(b'-') => rfc3339_in(text, zone),
        _ if text.get(2) == Some(&b'/') => clf(text).or_else(|| clf_in(text, zone)),
        _ => epoch(text),
    }
}

fn clf_local(text: &[u8]) -> Option<i64> {
    let [_, _, b'/', _, _, _, b'/', _, _, _, _, b':', _, _, b':', _, _, b':', _, _] = text else {
        return None;
    };
    let name = text.get(3..6)?;
    let month = MONTHS.chunks(3).position(|it| it.eq_ignore_ascii_case(name))?;
    let month = i64::try_from(month).ok()? + 1;
    let day = day(number(text.get(7..11)?)?, month, number(text.get(..2)?)?)?;
    Some(day * DAY_MS + clock(text.get(12..)?)?)
}

fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    ((1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| days_from_civil(year, month, day))
}

/// `19:30:16` as milliseconds; a leap second is the second before it.
fn clock(text: &[u8]) -> Option<i64> {
    let (hour, minute) = (number(text.get(..2)?)?, number(text.get(3..5)?)?);
    let second = number(text.get(6..8)?)?;
    (hour < 24 && minute < 60 && second <= 60)
        .then(|| hour * HOUR_MS + minute * MINUTE_MS + second.min(59) * SECOND_MS)
}

/// `.042` and what follows it: milliseconds, rounded down.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else { return Some((0, text)) };
    let end = rest.iter().position(|it| !it.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at_checked(end)?;
    let digit = |at: usize| digits.get(at).map_or(0, |it| i64::from(it - b'0'));
    (!digits.is_empty()).then(|| (digit(0) * 100 + digit(1) * 10 + digit(2), after))
}

/// `Z`, `+00:00` or `+0000` as milliseconds east of Greenwich.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [a, b, b':', c, d] | [a, b, c, d] => ([*a, *b], [*c, *d]),
        _ => return None,
    };
    Some(sign * (number(&hours)? * HOUR_MS + number(&minutes)? * MINUTE_MS))
}

/// A decimal number of at most nineteen digits.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_i64, |sum, it| {
        let digit = it.is_ascii_digit().then(|| i64::from(it - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(text: &[u8]) -> Option<Moment> {
        super::any(text, &TimeZone::UTC)
    }

    #[test]
    fn every_form_of_one_instant_reads_the_same() {
        let expected = Some(Moment(1_795_289_416_042));
        for text in [
            "2026-11-21T19:30:16.042Z",
            "2026-11-21T21:30:16.0429+02:00",
            "1795289416.042",
            "1795289416042",
            "1795289416042999",
            "1795289416042999999",
            "1795289416042.75",
            "1.795289416042e9",
            "1.7952894160429E+12",
            "1795289416042e0",
            "2026-11-21 19:30:16.042",
            "2026-11-21T19:30:16.042",
            "21/Nov/2026:19:30:16.042",
        ] {
            assert_eq!(any(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(any(b"21/Nov/2026:21:30:16 +0200"), Some(Moment(1_795_289_416_000)));
    }

    #[test]
    fn local_time_is_read_in_its_zone() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let text = b"22/Nov/2026:01:00:16.042";
        assert_eq!(clf_in(text, &zone), Some(Moment(1_795_289_416_042)));
        for text in ["2026-11-22T01:00:16.042", "22/Nov/2026:01:00:16.042", "1795289416042"] {
            assert_eq!(super::any(text.as_bytes(), &zone), Some(Moment(1_795_289_416_042)));
        }
        let gin = gin_in(b"2026/11/22 - 01:00:16", &zone);
        assert_eq!(gin, Some(Moment(1_795_289_416_000)));
    }

    #[test]
    fn a_fraction_has_no_digit_or_nine() {
        for (text, ms) in [
            ("2026-11-21T19:30:16Z", 0),
            ("2026-11-21T19:30:16.1Z", 100),
            ("2026-11-21T19:30:16.04Z", 40),
            ("2026-11-21T19:30:16.042999999Z", 42),
        ] {
            assert_eq!(any(text.as_bytes()), Some(Moment(1_795_289_416_000 + ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            "2026-13-01T00:00:00Z",
            "2026-11-21T25:00:00Z",
            "21/Foo/2026:19:30:16 +0000",
            "1x",
            "1.2.3e3",
            "1e99",
            "e",
            "2026-11-21T19:30:16 UTC",
            "2026-11-21T19:30:16.",
        ] {
            assert_eq!(any(text.as_bytes()), None, "{text}");
        }
    }
}
