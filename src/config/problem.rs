//! What is wrong with a configuration: where, what stands there, what is allowed, what was meant.

use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong. It prints as one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The dotted path of the key, lists counted from 0: `routes[2].class`. Empty for the file.
    pub path: String,
    /// The line it stands on, from 1; of something missing the line of its table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What stands there, as the end of a sentence that begins with the path: `is "registr"`.
    pub what: String,
    /// What may stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// The allowed name that looks most like what stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        let path = if self.path.is_empty() { "the file" } else { self.path.as_str() };
        write!(f, "{path} {}", self.what)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean {nearest}?")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file, where the text came from one.
    pub file: Option<PathBuf>,
    /// At least one problem.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.len();
        write!(f, "{count} problem{} in ", if count == 1 { "" } else { "s" })?;
        match &self.file {
            Some(file) => write!(f, "{}", file.display())?,
            None => f.write_str("the configuration")?,
        }
        self.list.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Differences in a name that still count as a slip: one in three letters.
const SLIP_SHARE: usize = 3;
/// In short names too this many differences are a slip.
const SLIPS_MIN: usize = 2;

/// The name most like `found`, where one is like it at all. Case and the two dashes do not count.
pub(crate) fn nearest<'n>(
    found: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = plain(found);
    let most = (wanted.chars().count() / SLIP_SHARE).max(SLIPS_MIN);
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&wanted, &plain(name)), name))
        .filter(|(distance, name)| *distance <= most && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_slip_away_or_there_is_none() {
        let names = ["register", "personal", "list", "pass_check"];
        assert_eq!(nearest("registr", names), Some("register"));
        assert_eq!(nearest("Pass-Check", names), Some("pass_check"));
        assert_eq!(nearest("lsit", names), Some("list"));
        assert_eq!(nearest("elephant", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest("x", ["k"]), None);
    }

    #[test]
    fn a_problem_prints_as_one_line_with_all_that_is_known() {
        let problem = Problem {
            path: "routes[2].class".into(),
            line: Some(12),
            what: "is \"registr\"".into(),
            allowed: Some("register, personal".into()),
            nearest: Some("\"register\"".into()),
        };
        assert_eq!(
            problem.to_string(),
            "line 12: routes[2].class is \"registr\"; allowed: register, personal; \
             did you mean \"register\"?"
        );
        let problems = Problems { file: Some("darban.toml".into()), list: vec![problem] };
        assert!(problems.to_string().starts_with("1 problem in darban.toml\n  line 12: routes"));
    }
}
