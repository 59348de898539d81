//! Learned values as configuration.
//!
//! A fragment could not be pasted behind a configuration that has the same tables, which TOML
//! forbids. So `--write` writes the whole configuration with the values set where they belong; its
//! comments and its order stay. What comes out is checked as any configuration is.

use std::fmt::Write;

/// A value of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    /// The table's name with its dots.
    pub table: String,
    pub key: &'static str,
    pub value: String,
}

impl Setting {
    pub(super) fn new(table: &str, key: &'static str, value: f64) -> Self {
        Self { table: table.to_owned(), key, value: rounded(value) }
    }
}

/// A number with three digits that tell, as TOML writes a float.
fn rounded(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// The settings as tables of their own.
pub(super) fn fragment(settings: &[Setting]) -> String {
    set("", settings)
}

/// The text with these settings in their tables.
pub(super) fn set(text: &str, settings: &[Setting]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for setting in settings {
        let assigned = format!("{} = {}", setting.key, setting.value);
        let Some(header) = lines.iter().position(|it| is_header(it, &setting.table)) else {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend([format!("[{}]", setting.table), assigned]);
            continue;
        };
        let within =
            lines.iter().skip(header + 1).take_while(|it| !it.trim_start().starts_with('['));
        match within.into_iter().position(|it| is_key(it, setting.key)) {
            Some(at) => {
                if let Some(line) = lines.get_mut(header + 1 + at) {
                    *line = assigned;
                }
            }
            // Behind the keys that it has, so that a table reads from its subjects on.
            None => {
                let keys = lines.iter().skip(header + 1).take_while(|it| {
                    let it = it.trim_start();
                    !it.is_empty() && !it.starts_with(['[', '#'])
                });
                let at = header + 1 + keys.count();
                lines.insert(at, assigned);
            }
        }
    }
    let mut out = String::new();
    for line in lines {
        let written = writeln!(out, "{line}");
        debug_assert!(written.is_ok(), "a string takes everything");
    }
    out
}

fn is_header(line: &str, table: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    let inner = line.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.is_some_and(|it| it.split('.').map(str::trim).eq(table.split('.')))
}

fn is_key(line: &str, key: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| name.trim() == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> [Setting; 3] {
        [
            Setting::new("detect", "contacts_per_week", 70_123_456.0),
            Setting::new("classes.staff", "subjects", 19.27),
            Setting::new("classes.staff", "k", 3.456_78),
        ]
    }

    #[test]
    fn a_fragment_has_each_table_once() {
        let words = "[detect]\ncontacts_per_week = 70123456.0\n\n[classes.staff]\n\
                     subjects = 19.3\nk = 3.457\n";
        assert_eq!(fragment(&settings()), words);
    }

    #[test]
    fn values_take_the_place_of_those_that_stand_there_and_all_else_stays() {
        let text = "# ours\n[ classes . staff ] # people\nsubjects = 50 # many\nmode = \"page\"\n\n\
                    [[routes]]\nname = \"k\"\nk = 1\n";
        let expected = "# ours\n[ classes . staff ] # people\nsubjects = 19.3\nmode = \"page\"\n\
                        k = 3.457\n\n[[routes]]\nname = \"k\"\nk = 1\n\n[detect]\n\
                        contacts_per_week = 70123456.0\n";
        assert_eq!(set(text, &settings()), expected);
    }
}
