//! Ids as positions in an id space: what `walk` and `monotone` see of an id.
//!
//! An enumeration shows as neighbouring ids, and which ids are neighbours depends on how they are
//! made: a number's successor is one more, a date-led id's is the next serial number of the same
//! day (its check digit jumps about), a time-ordered UUID's is a later one. Each codec keeps the
//! order of the ids that it reads and gives no position for all others: a wrong position would be
//! evidence, none is only silence.

use super::lookup::Position;
use super::options::Codec;
use crate::time::{civil_from_days, days_from_civil};

/// Most digits of a number: 20 may not fit 64 bits.
const NUMBER_DIGITS_MAX: usize = 19;
/// Most base-36 digits that fit 64 bits.
const BASE36_DIGITS_MAX: usize = 12;
/// A date-led id: six digits of a date, three of a serial number and a check digit at least.
const DATE_LED_DIGITS: std::ops::RangeInclusive<usize> = 10..=14;
/// From this many digits on a date-led id may begin with a four-digit year.
const LONG_YEAR_DIGITS_MIN: usize = 12;
/// Two-digit years from this one on are of the 20th century. No clock may decide it.
const CENTURY_PIVOT: u64 = 30;
/// Crockford's base 32, in the order of its values.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Codec {
    /// Where this id stands, or [`Position::NONE`] for one that the codec does not read.
    #[must_use]
    pub fn position(self, id: &[u8]) -> Position {
        let ordinal = match self {
            Self::Auto => by_look(id),
            Self::Number | Self::Padded => number(id),
            Self::DateLed => date_led(id),
            Self::Base36 => base36(id),
            Self::Uuid7 => uuid7(id),
            Self::Ulid => ulid(id),
            Self::Cursor | Self::None => None,
        };
        ordinal.map_or(Position::NONE, Position::new)
    }
}

/// Without configuration only what cannot be mistaken: digits, a version 7 UUID, a ULID. Base 36
/// would read every word, and a date cannot be told from a number.
fn by_look(id: &[u8]) -> Option<u64> {
    match id.len() {
        36 => uuid7(id),
        26 => ulid(id),
        _ => number(id),
    }
}

fn number(id: &[u8]) -> Option<u64> {
    if id.is_empty() || id.len() > NUMBER_DIGITS_MAX {
        return None;
    }
    digits(id, 10)
}

fn base36(id: &[u8]) -> Option<u64> {
    if id.is_empty() || id.len() > BASE36_DIGITS_MAX {
        return None;
    }
    digits(id, 36)
}

/// The value of digits in this base, either case; `None` for any other byte.
fn digits(id: &[u8], base: u32) -> Option<u64> {
    id.iter().try_fold(0_u64, |value, byte| {
        let digit = char::from(*byte).to_digit(base)?;
        value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    })
}

/// The last digit checks the others and would tear neighbours apart: dropped.
fn date_led(id: &[u8]) -> Option<u64> {
    if !DATE_LED_DIGITS.contains(&id.len()) {
        return None;
    }
    let (check, body) = id.split_last()?;
    if !check.is_ascii_digit() {
        return None;
    }
    let long = if id.len() >= LONG_YEAR_DIGITS_MIN { led_by(8, body) } else { None };
    long.or_else(|| led_by(6, body))
}

/// Days since 1900 and the serial number behind them.
fn led_by(date_digits: usize, body: &[u8]) -> Option<u64> {
    let (date, serial) = body.split_at_checked(date_digits)?;
    let date = number(date)?;
    let year = match (date_digits, date / 10_000) {
        (6, year) if year >= CENTURY_PIVOT => 1900 + year,
        (6, year) => 2000 + year,
        (_, year @ 1900..=2099) => year,
        _ => return None,
    };
    let signed = |it: u64| i64::try_from(it).ok();
    let civil = (signed(year)?, signed(date / 100 % 100)?, signed(date % 100)?);
    let days = days_from_civil(civil.0, civil.1, civil.2);
    if civil_from_days(days) != civil {
        return None;
    }
    let days = u64::try_from(days - days_from_civil(1900, 1, 1)).ok()?;
    let serials = 10_u64.checked_pow(u32::try_from(serial.len()).ok()?)?;
    days.checked_mul(serials)?.checked_add(number(serial)?)
}

/// 48 bits of milliseconds and the 12 bits behind the version, which many makers count up.
fn uuid7(id: &[u8]) -> Option<u64> {
    let hyphens = [8, 13, 18, 23].into_iter().all(|at| id.get(at) == Some(&b'-'));
    let hex = id.iter().filter(|it| it.is_ascii_hexdigit()).count();
    let variant = matches!(id.get(19), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'));
    if id.len() != 36 || !hyphens || hex != 32 || !variant || id.get(14) != Some(&b'7') {
        return None;
    }
    let part = |range| digits(id.get::<std::ops::Range<usize>>(range)?, 16);
    Some((part(0..8)? << 28) | (part(9..13)? << 12) | part(15..18)?)
}

/// 48 bits of milliseconds and the next 15, which monotonic makers count up from below: they
/// carry into these only after long bursts, but keep the order.
fn ulid(id: &[u8]) -> Option<u64> {
    if id.len() != 26 || !matches!(id.first(), Some(b'0'..=b'7')) {
        return None;
    }
    let value = |byte: &u8| {
        let at = CROCKFORD.iter().position(|it| *it == byte.to_ascii_uppercase())?;
        u64::try_from(at).ok()
    };
    let (time, rest) = id.split_at_checked(13)?;
    let ordinal = time.iter().try_fold(0, |ordinal, it| Some(ordinal << 5 | value(it)?))?;
    rest.iter().all(|it| value(it).is_some()).then_some(ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::seeded;
    use proptest::prelude::*;

    fn ordinal(codec: Codec, id: &str) -> Option<u64> {
        codec.position(id.as_bytes()).ordinal()
    }

    #[test]
    fn known_ids_stand_where_they_should() {
        let day = days_from_civil(1985, 3, 7).abs_diff(days_from_civil(1900, 1, 1));
        for (codec, id, expected) in [
            (Codec::Number, "0", 0),
            (Codec::Number, "9999999999999999999", 9_999_999_999_999_999_999),
            (Codec::Padded, "0012345678", 12_345_678),
            (Codec::DateLed, "8503071234", day * 1_000 + 123),
            (Codec::DateLed, "198503071234", day * 1_000 + 123),
            (Codec::DateLed, "19850307123456", day * 100_000 + 12_345),
            (Codec::DateLed, "8503075009087", day * 1_000_000 + 500_908),
            (Codec::Base36, "zz", 35 * 36 + 35),
            (Codec::Base36, "Zz", 35 * 36 + 35),
            (Codec::Uuid7, "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 0x0017_F22E_279B_0CC3),
            (Codec::Ulid, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 0x0156_3E3A_B5D3 << 15 | 0x6B3B),
            (Codec::Auto, "0012345678", 12_345_678),
            (Codec::Auto, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 0x0017_F22E_279B_0CC3),
            (Codec::Auto, "01arz3ndektsv4rrffq69g5fav", 0x0156_3E3A_B5D3 << 15 | 0x6B3B),
        ] {
            assert_eq!(ordinal(codec, id), Some(expected), "{codec:?} {id}");
        }
    }

    #[test]
    fn what_a_codec_does_not_read_has_no_position() {
        for (codec, ids) in [
            (Codec::Number, &["", "-1", "+1", "1.5", "12a", "10000000000000000000", "٣"][..]),
            (
                Codec::DateLed,
                &["8502301234", "8513011234", "8500101234", "850307123", "85030712-4"],
            ),
            (Codec::DateLed, &["850307123x", "999999999999999", "189901011234"]),
            (Codec::Base36, &["", "zzzzzzzzzzzzz", "a-b", "a_b", "é"]),
            (Codec::Uuid7, &["017f22e2-79b0-4cc3-98c4-dc0c0c07398f"]),
            (Codec::Uuid7, &["017f22e2-79b0-7cc3-18c4-dc0c0c07398f"]),
            (
                Codec::Uuid7,
                &["017f22e2079b0-7cc3-98c4-dc0c0c07398f", "017f22e279b07cc398c4dc0c0c07398f"],
            ),
            (Codec::Ulid, &["81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3"]),
            (Codec::Auto, &["", "ab12", "20240101x", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f"]),
            (Codec::Cursor, &["1", "8503071234"]),
            (Codec::None, &["1", "8503071234"]),
        ] {
            for id in ids {
                assert_eq!(ordinal(codec, id), None, "{codec:?} {id}");
            }
        }
    }

    fn crockford(value: u128) -> String {
        let digit = |at: u32| CROCKFORD[usize::try_from(value >> (5 * at) & 31).unwrap()];
        (0..26).rev().map(|at| char::from(digit(at))).collect()
    }

    fn uuid(ms: u64, random: u128) -> String {
        let (ms, random) = (ms & 0xFFFF_FFFF_FFFF, random & ((1 << 74) - 1));
        let (a, b) = (random >> 62, random & ((1 << 62) - 1) | 1 << 63);
        let (b, c) = (b >> 48, b & 0xFFFF_FFFF_FFFF);
        format!("{:08x}-{:04x}-7{a:03x}-{b:04x}-{c:012x}", ms >> 16, ms & 0xFFFF)
    }

    fn base36_text(mut value: u64) -> String {
        let mut text = Vec::new();
        while value > 0 || text.is_empty() {
            text.push(char::from_digit(u32::try_from(value % 36).unwrap(), 36).unwrap());
            value /= 36;
        }
        text.iter().rev().collect()
    }

    proptest! {
        #![proptest_config(seeded())]

        #[test]
        fn numbers_keep_their_order(a in 0..10_u64.pow(19), b in 0..10_u64.pow(19)) {
            for codec in [Codec::Number, Codec::Padded, Codec::Auto] {
                let at = |it: u64| ordinal(codec, &it.to_string()).unwrap();
                let padded = |it: u64| ordinal(codec, &format!("{it:019}")).unwrap();
                prop_assert_eq!(at(a).cmp(&at(b)), a.cmp(&b));
                prop_assert_eq!(padded(a), at(a));
            }
        }

        #[test]
        fn base36_ids_keep_their_order(a in 0..36_u64.pow(12), b in 0..36_u64.pow(12)) {
            let at = |it| ordinal(Codec::Base36, &base36_text(it)).unwrap();
            prop_assert_eq!(at(a).cmp(&at(b)), a.cmp(&b));
        }

        #[test]
        fn date_led_ids_keep_the_order_of_date_and_serial_whatever_the_check_digit(
            a in (0..73_000_i64, 0..1000_u32, 0..10_u32),
            b in (0..73_000_i64, 0..1000_u32, 0..10_u32),
        ) {
            let at = |(days, serial, check): (i64, u32, u32)| {
                let (year, month, day) = civil_from_days(days_from_civil(1900, 1, 1) + days);
                ordinal(Codec::DateLed, &format!("{year}{month:02}{day:02}{serial:03}{check}")).unwrap()
            };
            prop_assert_eq!(at(a).cmp(&at(b)), (a.0, a.1).cmp(&(b.0, b.1)));
        }

        #[test]
        fn short_date_led_ids_keep_their_order_from_1930_to_2029(
            a in (0..36_500_i64, 0..1000_u32), b in (0..36_500_i64, 0..1000_u32),
        ) {
            let at = |(days, serial): (i64, u32)| {
                let (year, month, day) = civil_from_days(days_from_civil(1930, 1, 1) + days);
                let year = year % 100;
                ordinal(Codec::DateLed, &format!("{year:02}{month:02}{day:02}{serial:03}7")).unwrap()
            };
            prop_assert_eq!(at(a).cmp(&at(b)), a.cmp(&b));
        }

        #[test]
        fn time_ordered_ids_never_go_back(a: (u64, u128), b: (u64, u128)) {
            let (x, y) = (uuid(a.0, a.1), uuid(b.0, b.1));
            for codec in [Codec::Uuid7, Codec::Auto] {
                let (at_x, at_y) = (ordinal(codec, &x).unwrap(), ordinal(codec, &y).unwrap());
                prop_assert!(at_x == at_y || (x < y) == (at_x < at_y));
            }
            let (x, y) = (crockford(a.1), crockford(b.1));
            for codec in [Codec::Ulid, Codec::Auto] {
                let (at_x, at_y) = (ordinal(codec, &x).unwrap(), ordinal(codec, &y).unwrap());
                prop_assert!(at_x == at_y || (x < y) == (at_x < at_y));
            }
        }

        #[test]
        fn every_codec_is_total(id: Vec<u8>) {
            for (codec, _) in Codec::ALL {
                let position = codec.position(&id);
                prop_assert!(id.is_ascii() || position == Position::NONE);
            }
        }
    }
}
