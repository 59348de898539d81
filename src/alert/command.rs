//! The command that whoever is woken pastes: it explains the alert's client from the log lines that
//! the alert itself names.
//!
//! Where these are is known: in Kafka by topic, partition and offset, in a backtest in the files
//! that were given. A line with a gap to fill in is a line that is not run at three in the morning.
//! Whatever a client chose stands in it as one quoted word and never as an option.

use super::change::{Alert, Client};
use super::escape::escape_text;
use super::text::Wording;

/// Partitions that a command reads at most: a line beyond some thousand characters is not pasted.
const PARTITIONS_MAX: usize = 64;
/// Characters of paths at most; what was longer was a pattern, and its writer knows it.
const PATHS_CHARACTERS_MAX: usize = 1_000;

/// Where the log lines of alerts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said.
    #[default]
    Unknown,
    /// In Kafka; a broker to begin with.
    Kafka(String),
    /// In files, as they were given.
    Files(Vec<String>),
}

/// The command that explains a client of an alert, and a word where it does not read everything.
pub(super) fn explain(alert: &Alert, client: &Client, wording: &Wording) -> Vec<String> {
    let name = argument("--client", &escape_text(&client.id));
    let explain = format!("darban explain {name} {}", argument("--config", &wording.config));
    match &wording.origin {
        Origin::Kafka(broker) => match fetched(alert, broker) {
            Some((fetch, files)) => {
                let mut steps = vec![format!("{fetch} {explain} {files}")];
                if alert.offsets.len() > PARTITIONS_MAX {
                    let (all, read) = (alert.offsets.len(), PARTITIONS_MAX);
                    steps.push(format!("these are {read} of its {all} partitions"));
                }
                steps
            }
            None => vec![format!("{explain} PATH...")],
        },
        Origin::Files(paths) => {
            let paths = paths.iter().map(|it| word(it)).collect::<Vec<_>>().join(" ");
            let fits = !paths.is_empty() && paths.len() <= PATHS_CHARACTERS_MAX;
            vec![format!("{explain} {}", if fits { &paths } else { "PATH..." })]
        }
        Origin::Unknown => vec![format!("{explain} PATH...")],
    }
}

/// The command that silences an alert's client on its route for half a day. A `*` in a silence stands
/// for anything, and a name that is not shown as it is would match nobody.
pub(super) fn silence(alert: &Alert, client: &Client, wording: &Wording) -> Option<String> {
    let as_shown = escape_text(&client.id) == client.id && !client.id.contains('*');
    as_shown.then(|| {
        let [id, route] = [("--client", client.id.as_str()), ("--route", &alert.route)]
            .map(|(name, value)| argument(name, value));
        let config = argument("--config", &wording.config);
        let reason = format!("'honest, see alert {}'", alert.id);
        let key = client.key.name();
        format!("darban silence add --key {key} {id} {route} --for 12h --reason {reason} {config}")
    })
}

/// What takes an alert's lines out of Kafka, one file a partition, and the names of these files.
fn fetched(alert: &Alert, broker: &str) -> Option<(String, String)> {
    let spans = alert.offsets.get(..alert.offsets.len().min(PARTITIONS_MAX))?;
    // What no topic can be called is not put into a command.
    if spans.is_empty() || spans.iter().any(|it| !is_plain(&it.topic)) {
        return None;
    }
    let file = |topic: &str, partition: &str| format!("{topic}-{partition}.log");
    let files = spans.iter().map(|it| file(&it.topic, &it.partition.to_string()));
    let files = files.collect::<Vec<_>>().join(" ");
    let kcat = format!("kcat -C -e -q -b {}", word(broker));
    let count = |first: i64, last: i64| last.saturating_sub(first).saturating_add(1);
    if let [one] = spans {
        let (topic, partition, first) = (&one.topic, one.partition, one.first);
        let count = count(first, one.last);
        let fetch = format!("{kcat} -t {topic} -p {partition} -o {first} -c {count} > {files} &&");
        return Some((fetch, files));
    }
    let row = |it: &super::OffsetSpan| {
        format!("'{} {} {} {}'", it.topic, it.partition, it.first, count(it.first, it.last))
    };
    let rows = spans.iter().map(row).collect::<Vec<_>>().join(" ");
    let into = file("$t", "$p");
    let fetch = format!(
        "printf '%s\\n' {rows} | while read -r t p o c; do \
         {kcat} -t $t -p $p -o $o -c $c > {into} </dev/null; done;"
    );
    Some((fetch, files))
}

/// `--name value`, so that a shell takes the value as one word and never as an option.
fn argument(name: &str, value: &str) -> String {
    if is_plain(value) { format!("{name} {value}") } else { format!("{name}={}", quoted(value)) }
}

/// A value as one word that is never an option; `-` alone is the standard input.
fn word(value: &str) -> String {
    match value {
        "-" => value.to_owned(),
        _ if is_plain(value) => value.to_owned(),
        _ if value.starts_with('-') => quoted(&format!("./{value}")),
        _ => quoted(value),
    }
}

/// Whether a shell takes a value as it is, and no command takes it for an option.
fn is_plain(value: &str) -> bool {
    let plain = |it: char| it.is_ascii_alphanumeric() || "._/:@+-".contains(it);
    !value.is_empty() && !value.starts_with('-') && value.chars().all(plain)
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::super::{OffsetSpan, sample};
    use super::*;
    use crate::attribute::KeyKind;

    fn command(alert: &Alert, origin: Origin) -> Vec<String> {
        explain(alert, &alert.clients[0], &Wording { origin, ..Wording::default() })
    }

    #[test]
    fn a_silence_is_of_this_client_or_of_nobody() {
        let mut alert = sample::alert();
        let of = |alert: &Alert| silence(alert, &alert.clients[0], &Wording::default());
        assert_eq!(
            of(&alert).unwrap(),
            "darban silence add --key staff --client clinic-17 --route beneficiary --for 12h \
             --reason 'honest, see alert 5f3a9c0b1d2e4f60' --config darban.toml"
        );
        alert.clients[0].id = "it's; rm".to_owned();
        assert!(of(&alert).unwrap().contains(r"--client='it'\''s; rm'"), "{:?}", of(&alert));
        for other in ["clinic-*", "a\u{202e}b", &"x".repeat(300)] {
            alert.clients[0].id = other.to_owned();
            assert_eq!(of(&alert), None, "{other}");
        }
    }

    #[test]
    fn the_command_to_paste_runs_no_other() {
        let mut alert = sample::alert();
        for (name, argument) in [
            ("clinic-17", "--client clinic-17"),
            ("x'; rm -rf / #", r"--client='x'\''; rm -rf / #'"),
            ("-h", "--client='-h'"),
            ("$(id)", "--client='$(id)'"),
            ("", "--client=''"),
            ("2001:db8::/64", "--client 2001:db8::/64"),
        ] {
            alert.clients = vec![Client { key: KeyKind::Address, id: name.to_owned() }];
            let expected = format!("darban explain {argument} --config darban.toml PATH...");
            assert_eq!(command(&alert, Origin::Unknown), [expected]);
        }
        let client = &alert.clients[0];
        let config = "/etc/my darban.toml".to_owned();
        let spaced = explain(&alert, client, &Wording { config, ..Wording::default() });
        assert!(spaced[0].contains(" --config='/etc/my darban.toml' "), "{spaced:?}");
    }

    #[test]
    fn lines_in_kafka_are_fetched_by_their_offsets() {
        let mut alert = sample::alert();
        let broker = || Origin::Kafka("kafka-1:9092".to_owned());
        assert_eq!(
            command(&alert, broker()),
            ["kcat -C -e -q -b kafka-1:9092 -t access -p 3 -o 1 -c 99 > access-3.log && \
              darban explain --client clinic-17 --config darban.toml access-3.log"]
        );
        let span = |partition| OffsetSpan { topic: "b".into(), partition, first: 7, last: 7 };
        alert.offsets.push(span(0));
        assert_eq!(
            command(&alert, broker()),
            ["printf '%s\\n' 'access 3 1 99' 'b 0 7 1' | while read -r t p o c; do \
              kcat -C -e -q -b kafka-1:9092 -t $t -p $p -o $o -c $c > $t-$p.log </dev/null; done; \
              darban explain --client clinic-17 --config darban.toml access-3.log b-0.log"]
        );
        alert.offsets = (0..70).map(span).collect();
        assert_eq!(command(&alert, broker())[1], "these are 64 of its 70 partitions");
        alert.offsets = vec![OffsetSpan { topic: "a b".into(), ..span(0) }];
        assert!(command(&alert, broker())[0].ends_with(" PATH..."));
    }

    #[test]
    fn lines_in_files_are_read_where_they_were() {
        let alert = sample::alert();
        let files = |paths: &[&str]| {
            let paths = paths.iter().map(|it| (*it).to_owned()).collect();
            let mut steps = command(&alert, Origin::Files(paths));
            let (_, rest) =
                steps.remove(0).split_once("darban.toml ").map(|it| (0, it.1.to_owned())).unwrap();
            rest
        };
        assert_eq!(files(&["a.log.gz", "logs/b 1", "-x", "-"]), "a.log.gz 'logs/b 1' './-x' -");
        assert_eq!(files(&[&"x".repeat(PATHS_CHARACTERS_MAX + 1)]), "PATH...");
        assert_eq!(files(&[]), "PATH...");
    }
}
