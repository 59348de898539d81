//! Matchers as Alertmanager writes them: `client=~"clinic-[0-9]+"`.
//!
//! Whoever silences alerts at Alertmanager knows its four operators, so these are the same: `=`,
//! `!=`, `=~` and `!~`, an expression always against the whole value. Values may stand in quotes,
//! with `\"`, `\\` and `\n` in them. Expressions are `regex`'s: that crate takes time linear in the
//! value whatever the expression (a client chooses its name, and must not choose how long we look at
//! it), and refuses one that would grow beyond a bound.

use regex::{Regex, RegexBuilder};
use std::fmt;
use std::str::FromStr;

/// What a matcher can ask for, in the order in which a silence tells them.
pub const LABELS: [&str; 4] = ["client", "key", "route", "kind"];
/// Bytes of a compiled expression at most; a thousand silences may stand in a file.
const EXPRESSION_BYTES_MAX: usize = 64 << 10;
/// Bytes of a matcher at most.
const TEXT_BYTES_MAX: usize = 1_024;

/// One condition on an alert.
#[derive(Clone, Debug)]
pub struct Matcher {
    label: &'static str,
    operator: Operator,
    value: String,
    /// Compiled once, where the operator takes an expression.
    expression: Option<Regex>,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Fits,
    FitsNot,
}

impl Operator {
    /// The longer ones first, as they are looked for.
    const ALL: [Self; 4] = [Self::Fits, Self::FitsNot, Self::IsNot, Self::Is];

    const fn sign(self) -> &'static str {
        match self {
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::Fits => "=~",
            Self::FitsNot => "!~",
        }
    }
}

impl Matcher {
    /// One of [`LABELS`].
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// Whether a value of the label is what it asks for.
    #[must_use]
    pub fn allows(&self, value: &str) -> bool {
        match self.operator {
            Operator::Is => self.value == value,
            Operator::IsNot => self.value != value,
            Operator::Fits => self.fits(value),
            Operator::FitsNot => !self.fits(value),
        }
    }

    fn fits(&self, value: &str) -> bool {
        self.expression.as_ref().is_some_and(|it| it.is_match(value))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (self.label, self.operator, &self.value) == (other.label, other.operator, &other.value)
    }
}

impl Eq for Matcher {}

impl FromStr for Matcher {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("has more than {TEXT_BYTES_MAX} bytes"));
        }
        let at = text.find(['=', '!']).ok_or("has no operator: =, !=, =~ or !~")?;
        let (name, rest) = text.split_at(at);
        let signed = |it: &Operator| Some((*it, rest.strip_prefix(it.sign())?));
        let found = Operator::ALL.iter().find_map(signed);
        let (operator, rest) = found.ok_or("has no operator: =, !=, =~ or !~")?;
        let label = LABELS.into_iter().find(|it| *it == name.trim());
        let label = label.ok_or_else(|| format!("asks for none of {}", LABELS.join(", ")))?;
        let value = value(rest.trim())?;
        let expression = match operator {
            Operator::Is | Operator::IsNot => None,
            Operator::Fits | Operator::FitsNot => Some(compiled(&value)?),
        };
        Ok(Self { label, operator, value, expression })
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}\"", self.label, self.operator.sign())?;
        for letter in self.value.chars() {
            match letter {
                '"' | '\\' => write!(f, "\\{letter}")?,
                '\n' => f.write_str("\\n")?,
                _ => write!(f, "{letter}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A value, out of its quotes where it stands in some.
fn value(text: &str) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('"') else {
        let plain = !text.is_empty() && !text.contains('"');
        let words = "has a value that is empty, or has quotes in it and stands in none";
        return plain.then(|| text.to_owned()).ok_or_else(|| words.to_owned());
    };
    let mut value = String::new();
    let mut letters = rest.chars();
    loop {
        match letters.next() {
            Some('\\') => match letters.next() {
                Some('n') => value.push('\n'),
                Some(letter @ ('"' | '\\')) => value.push(letter),
                // What an expression escapes is the expression's: `\d`, `\.`.
                Some(letter) => value.extend(['\\', letter]),
                None => break,
            },
            Some('"') if letters.as_str().is_empty() => return Ok(value),
            Some('"') | None => break,
            Some(letter) => value.push(letter),
        }
    }
    Err("has quotes that do not end where the value does".to_owned())
}

fn compiled(value: &str) -> Result<Regex, String> {
    let whole = format!("^(?s:{value})$");
    // Twice, so that `a)|(b` is an error and not two halves of which one is not held to the end.
    let bounded = |it: &str| RegexBuilder::new(it).size_limit(EXPRESSION_BYTES_MAX).build();
    bounded(value).and_then(|_alone| bounded(&whole)).map_err(|error| {
        let words = error.to_string();
        let last = words.lines().last().unwrap_or_default().trim();
        format!("has an expression that is none: {}", last.trim_start_matches("error: "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(matcher: &str, value: &str) -> bool {
        matcher.parse::<Matcher>().unwrap().allows(value)
    }

    #[test]
    fn the_four_operators_are_alertmanagers() {
        for (matcher, value, expected) in [
            ("client=clinic-17", "clinic-17", true),
            ("client=clinic-1", "clinic-17", false),
            ("client=clinic-*", "clinic-17", false),
            ("client!=clinic-17", "clinic-17", false),
            ("client!=clinic-17", "clinic-18", true),
            ("client=~clinic-[0-9]+", "clinic-17", true),
            ("client=~clinic-[0-9]", "clinic-17", false),
            ("client=~linic-17", "clinic-17", false),
            ("client=~a|b", "b", true),
            ("client=~a|b", "ab", false),
            ("client=~.*", "a\nb", true),
            ("client!~clinic-.*", "clinic-17", false),
            ("client!~clinic-.*", "pharmacy-1", true),
            (r#" client =~ "clinic-\d+" "#, "clinic-17", true),
            (r#"client="a\"b\\c\nd""#, "a\"b\\c\nd", true),
            (r#"client="""#, "", true),
            ("route==", "=", true),
        ] {
            assert_eq!(allows(matcher, value), expected, "{matcher} on {value}");
        }
    }

    #[test]
    fn what_is_no_matcher_is_told_why() {
        for (text, words) in [
            ("client", "has no operator: =, !=, =~ or !~"),
            ("client!", "has no operator: =, !=, =~ or !~"),
            ("severity=page", "asks for none of client, key, route, kind"),
            ("client=", "has a value that is empty, or has quotes in it and stands in none"),
            ("client=\"a", "has quotes that do not end where the value does"),
            ("client=\"a\"b", "has quotes that do not end where the value does"),
            ("client=~(", "has an expression that is none: unclosed group"),
            ("client=~a)|(b", "has an expression that is none: unopened group"),
        ] {
            assert_eq!(text.parse::<Matcher>().unwrap_err(), words, "{text}");
        }
        let grown = format!("client=~{}", "(?:\\w{100}){100}");
        assert!(grown.parse::<Matcher>().unwrap_err().contains("size limit"), "{grown}");
        assert!(format!("client={}", "x".repeat(2_000)).parse::<Matcher>().is_err());
    }

    #[test]
    fn what_is_shown_of_one_reads_as_the_same() {
        for text in ["client=a", r#"route!~"a\"b\\.\n""#, r#"kind=~"walk|guessing""#] {
            let matcher: Matcher = text.parse().unwrap();
            assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher, "{text}");
        }
    }
}
