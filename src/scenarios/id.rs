//! The ids of the people and things that a portal keeps, in the layouts that portals have.
//!
//! Traffic is made of ordinals, the place of a person in the register; only a [`Register`] knows
//! what id that person has. So the same seed gives the same traffic in every layout, and whether a
//! method depends on dense numbers shows by changing one option.

use super::random::mix;
use crate::time::civil_from_days;

/// The first beneficiary id without its check digit.
const BENEFICIARY_FIRST: u64 = 2_000_000_000_000;
/// Numbers a person in the sparse layout: about one in a thousand is somebody's.
const SPARSE_GAP: u64 = 997;
/// People born on one day in the date-led layout.
pub(super) const BORN_A_DAY: u64 = 40;
/// The first birthday in the date-led layout, 1935-01-01, as days since 1970.
const BORN_FIRST_DAY: i64 = -12_784;
/// Days until 2021: two-digit years beyond would be read as another century.
const BORN_DAYS: u64 = 31_412;
/// Mobile numbers begin here and end with ten digits.
const MOBILE_FIRST: u64 = 6_000_000_000;
/// How many mobile numbers there are.
pub(super) const MOBILES: u64 = 4_000_000_000;
/// The first protocol's number.
const PROTOCOL_FIRST: u64 = 20_000_000;
/// The first report's number.
const REPORT_FIRST: u64 = 1_000_000;
/// National codes without their check digit: three digits of a region, six of a person.
const NATIONAL_CODES: u64 = 1_000_000_000;
/// Records on a page of a list.
pub(super) const PAGE_RECORDS: u16 = 500;

/// How a portal makes the ids of its beneficiaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// 14 digits: consecutive numbers, each with a Verhoeff check digit behind it.
    #[default]
    Dense,
    /// The same, but only one number in a thousand is given out.
    Sparse,
    /// 12 digits: birth date, century, serial number of the day, check digit.
    DateLed,
    /// Random UUIDs, version 4: no order.
    Uuid,
}

/// How the text of an id is made of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// No id.
    None,
    /// A decimal number.
    Number,
    /// A decimal number of twelve digits with leading zeros.
    Twelve,
    /// A decimal number of ten digits with leading zeros.
    Ten,
    /// A version 4 UUID made of the number.
    Uuid,
}

/// An id as a request carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// How it is written.
    pub form: Form,
    /// Its number; an ordinal for a UUID.
    pub number: u64,
    /// The district in which the person lives, from 1, where answers name it; else 0. No part of the text.
    pub district: u8,
}

impl Id {
    /// No id.
    pub const NONE: Self = Self::of(Form::None, 0);

    /// The id of this number that is written so.
    const fn of(form: Form, number: u64) -> Self {
        Self { form, number, district: 0 }
    }

    /// An id that is a plain number.
    #[must_use]
    pub const fn number(number: u64) -> Self {
        Self::of(Form::Number, number)
    }

    /// Appends the id as a request writes it.
    pub fn write(self, out: &mut Vec<u8>) {
        match self.form {
            Form::None => {}
            Form::Number => decimal(out, self.number, 1),
            Form::Twelve => decimal(out, self.number, 12),
            Form::Ten => decimal(out, self.number, 10),
            Form::Uuid => {
                let (high, low) = (mix(self.number), mix(!self.number));
                hex(out, high >> 32, 8);
                out.push(b'-');
                hex(out, high >> 16, 4);
                out.extend_from_slice(b"-4");
                hex(out, high, 3);
                out.push(b'-');
                hex(out, (low >> 48) & 0x3fff | 0x8000, 4);
                out.push(b'-');
                hex(out, low, 12);
            }
        }
    }
}

/// Appends a decimal number of at least `width` digits, at most 20.
pub(super) fn decimal(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut used) = (value, 0);
    for digit in digits.iter_mut().rev() {
        if rest == 0 && used >= width {
            break;
        }
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Appends the lowest `digits` hexadecimal digits of a number.
pub(super) fn hex(out: &mut Vec<u8>, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = u8::try_from((value >> (4 * place)) & 15).unwrap_or(0);
        out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
}

/// Everybody, or every protocol: ordinals and their ids.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    kind: Kind,
    /// How many ordinals belong to somebody; those beyond have ids that nobody has.
    pub size: u64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// So many have one birthday, where the layout is by birth dates.
    Beneficiaries(Layout, u64),
    Mobiles,
    Protocols,
    Reports {
        named_at_random: bool,
    },
    NationalCodes,
    Pages,
    Offsets,
    Cursors,
    Districts,
    /// Ids that stand nowhere.
    Nothing,
}

impl Register {
    /// The beneficiaries of a portal.
    #[must_use]
    pub const fn beneficiaries(layout: Layout, people: u64, born_a_day: u64) -> Self {
        Self { kind: Kind::Beneficiaries(layout, born_a_day), size: people }
    }

    /// Every mobile number there could be.
    #[must_use]
    pub const fn mobiles() -> Self {
        Self { kind: Kind::Mobiles, size: MOBILES }
    }

    /// The protocols of a register with serial numbers.
    #[must_use]
    pub const fn protocols(protocols: u64) -> Self {
        Self { kind: Kind::Protocols, size: protocols }
    }

    /// Reports, with serial names or random ones.
    #[must_use]
    pub const fn reports(reports: u64, named_at_random: bool) -> Self {
        Self { kind: Kind::Reports { named_at_random }, size: reports }
    }

    /// Every national code there could be: ten digits, of which the first three name a region and
    /// the last one checks the others.
    #[must_use]
    pub const fn national_codes() -> Self {
        Self { kind: Kind::NationalCodes, size: NATIONAL_CODES }
    }

    /// The pages of a list by their number, from 1.
    #[must_use]
    pub const fn pages(pages: u64) -> Self {
        Self { kind: Kind::Pages, size: pages }
    }

    /// The pages of a list by the place of their first record, 500 apart.
    #[must_use]
    pub const fn offsets(pages: u64) -> Self {
        Self { kind: Kind::Offsets, size: pages }
    }

    /// The pages of a list by opaque cursors.
    #[must_use]
    pub const fn cursors(pages: u64) -> Self {
        Self { kind: Kind::Cursors, size: pages }
    }

    /// The districts that slots are searched in.
    #[must_use]
    pub const fn districts(districts: u64) -> Self {
        Self { kind: Kind::Districts, size: districts }
    }

    /// Things without an id.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { kind: Kind::Nothing, size: 1 }
    }

    /// The id with this ordinal. Ascending ordinals have ascending ids, but for UUIDs.
    #[must_use]
    pub fn id(&self, ordinal: u64) -> Id {
        match self.kind {
            Kind::Beneficiaries(Layout::Dense, _) => checked(BENEFICIARY_FIRST + ordinal),
            Kind::Beneficiaries(Layout::Sparse, _) => {
                let within = mix(ordinal) % SPARSE_GAP;
                checked(BENEFICIARY_FIRST + ordinal * SPARSE_GAP + within)
            }
            Kind::Beneficiaries(Layout::DateLed, a_day) => date_led(ordinal, a_day),
            Kind::Beneficiaries(Layout::Uuid, _) => Id::of(Form::Uuid, ordinal),
            Kind::Mobiles => Id::number(MOBILE_FIRST + ordinal % MOBILES),
            Kind::Protocols => Id::number(PROTOCOL_FIRST + ordinal),
            Kind::Reports { named_at_random: true } => Id::of(Form::Uuid, ordinal),
            Kind::Reports { .. } => Id::number(REPORT_FIRST + ordinal),
            Kind::NationalCodes => {
                let body = ordinal % NATIONAL_CODES;
                Id::of(Form::Ten, body * 10 + national_check(body))
            }
            Kind::Pages | Kind::Districts => Id::number(1 + ordinal),
            Kind::Offsets => Id::number(ordinal * u64::from(PAGE_RECORDS)),
            Kind::Cursors => Id::of(Form::Uuid, ordinal),
            Kind::Nothing => Id::NONE,
        }
    }
}

/// A number with its check digit behind it.
fn checked(body: u64) -> Id {
    Id::number(body * 10 + verhoeff(body))
}

/// A birth date, a digit for century and sex, a serial number of the day and a check digit.
fn date_led(ordinal: u64, born_a_day: u64) -> Id {
    let of_sex = (born_a_day / 2).max(1);
    let a_day = of_sex * 2;
    let day = i64::try_from(ordinal / a_day % BORN_DAYS).unwrap_or(0);
    let beyond = ordinal / (a_day * BORN_DAYS);
    let sex = ordinal % a_day / of_sex;
    let serial = (ordinal % of_sex + beyond * of_sex) % 10_000;
    let (year, month, day) = civil_from_days(BORN_FIRST_DAY + day);
    let date = u64::try_from(year % 100 * 10_000 + month * 100 + day).unwrap_or(0);
    let century = if year < 2000 { 3 } else { 5 };
    let body = (date * 10 + century + sex) * 10_000 + serial;
    Id::of(Form::Twelve, body * 10 + modulo_11(body))
}

/// The check digit of an Iranian national code: weights 10 to 2 modulo 11.
fn national_check(body: u64) -> u64 {
    let sum = (0..9_u32).map(|at| body / 10_u64.pow(at) % 10 * (u64::from(at) + 2)).sum::<u64>();
    match sum % 11 {
        rest @ 0..2 => rest,
        rest => 11 - rest,
    }
}

/// The check digit of Kazakhstan's IIN: weights 1 to 11 modulo 11, then weights from 3 on.
fn modulo_11(body: u64) -> u64 {
    let sum = |shift: u64| {
        let place = |at: u32| u64::from(at);
        (0..11_u32)
            .map(|at| body / 10_u64.pow(10 - at) % 10 * ((place(at) + shift) % 11 + 1))
            .sum::<u64>()
            % 11
    };
    match sum(0) {
        10 => sum(2) % 10,
        digit => digit,
    }
}

/// Verhoeff's permutation of a digit by its place.
const PERMUTED: [[u64; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// The check digit of a number (Verhoeff, 1969): digits multiply in the group of a pentagon.
fn verhoeff(body: u64) -> u64 {
    let (mut check, mut rest) = (0, body);
    for row in PERMUTED.iter().cycle().skip(1) {
        let digit = usize::try_from(rest % 10).unwrap_or(0);
        check = pentagon(check, row.get(digit).copied().unwrap_or(0));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    // The inverse: a turn back, a mirror itself.
    if check < 5 { (5 - check) % 5 } else { check }
}

/// Turns are 0 to 4, mirrors 5 to 9.
const fn pentagon(a: u64, b: u64) -> u64 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Codec;

    fn text(id: Id) -> String {
        let mut out = Vec::new();
        id.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn check_digits_are_the_published_ones() {
        // Examples that descriptions of the algorithm carry.
        for (body, digit) in [(236, 3), (12_345, 1), (142_857, 0)] {
            assert_eq!(verhoeff(body), digit, "{body}");
        }
        assert_eq!(modulo_11(10_000_000_000), 1);
        assert_eq!(modulo_11(1), 0);
        // The first weights give 10, so the second ones count.
        assert_eq!(modulo_11(10), 1);
        // Two that checkers of national codes are shown with: 0084575948, 3240175800.
        assert_eq!((national_check(8_457_594), national_check(324_017_580)), (8, 0));
    }

    #[test]
    fn a_changed_digit_never_keeps_its_check_digit() {
        let body = 2_000_000_123_456;
        for place in 0..13 {
            let power = 10_u64.pow(place);
            let digit = body / power % 10;
            for other in (0..10).filter(|it| *it != digit) {
                assert_ne!(verhoeff(body - digit * power + other * power), verhoeff(body));
            }
        }
    }

    #[test]
    fn every_layout_has_its_shape_and_one_id_a_person() {
        for (layout, length) in
            [(Layout::Dense, 14), (Layout::Sparse, 14), (Layout::DateLed, 12), (Layout::Uuid, 36)]
        {
            let register = Register::beneficiaries(layout, 200_000, BORN_A_DAY);
            let mut all: Vec<String> =
                (0..200_000).step_by(7).map(|it| text(register.id(it))).collect();
            assert!(all.iter().all(|it| it.len() == length), "{layout:?}: {}", all[0]);
            let is_number = matches!(layout, Layout::Dense | Layout::Sparse);
            assert!(!is_number || all.is_sorted(), "{layout:?}");
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{layout:?}");
        }
        assert_eq!(text(Register::mobiles().id(5)), "6000000005");
        assert_eq!(text(Register::protocols(9).id(1)), "20000001");
        assert_eq!(text(Register::national_codes().id(8_457_594)), "0084575948");
        assert_eq!(text(Register::offsets(9).id(2)), "1000");
        assert_eq!(text(Register::reports(9, false).id(2)), "1000002");
        assert_eq!(text(Register::reports(9, true).id(2)).len(), 36);
    }

    #[test]
    fn date_led_ids_are_in_the_order_that_attribution_sees() {
        let register = Register::beneficiaries(Layout::DateLed, 1_000_000, BORN_A_DAY);
        let position = |ordinal: u64| {
            let id = text(register.id(ordinal));
            Codec::DateLed.position(id.as_bytes()).ordinal().unwrap()
        };
        let positions: Vec<u64> = (0..1_000_000).step_by(41).map(position).collect();
        assert!(positions.is_sorted());
        assert_eq!(position(41) - position(40), 1);
    }

    #[test]
    fn decimals_and_hexadecimals_are_written_as_the_standard_library_does() {
        for value in [0, 7, 10, 999, 12_345_678_901, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, value, 1);
            decimal(&mut out, value % 1_000, 6);
            hex(&mut out, value, 16);
            let expected = format!("{value}{:06}{value:016x}", value % 1_000);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
