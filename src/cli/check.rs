//! `darban check`: is the configuration right, and how does it read these lines?

use super::terminal::{self, Printer};
use super::{Failure, Output, exit};
use crate::attribute::{Attributor, Explanation, KeyKind, RouteId};
use crate::config::Config;
use crate::decode::{Decoded, Decoder, Extra, Shapes, record_json};
use crate::pipeline::{Keys, build, receivers};
use crate::source::files::Files;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration [default: darban.toml, if there is one where only a sample is read]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log lines to read with it (plain, .gz, .zst, or - for standard input)
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

/// Where the configuration is when nobody says where.
const USUAL: &str = "darban.toml";

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let path = arguments.config.clone().unwrap_or_else(|| PathBuf::from(USUAL));
    let Some(sample) = &arguments.sample else { return whole(&path, arguments.output) };
    // A sample may be looked at before there is a configuration: then only decoding is shown. One
    // that is named must be there, or its routes would be missed by nobody.
    let named = arguments.config.is_some() || path.exists();
    let config = if named { Some(super::load(&path)?) } else { None };
    let mut reader = Reader::new(config.as_ref(), arguments.output)?;
    let failed = |error| Failure::new(exit::INPUT, &error);
    let mut files = Files::open(std::slice::from_ref(sample)).map_err(failed)?;
    let partitions: Vec<_> = files.places().map(|it| it.0).collect();
    for partition in partitions {
        while let Some(batch) = files.next_batch(partition).map_err(failed)? {
            for row in &batch.rows {
                reader.line(row.offset, batch.bytes(row))?;
            }
        }
    }
    reader.routes()
}

/// Checks everything that `run` would refuse to start with; it opens what `run` opens, makes
/// nothing, and asks nobody over the network.
fn whole(path: &Path, output: Output) -> Result<(), Failure> {
    let config = Config::load(path).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let shown = path.display().to_string();
    let policy = receivers::policy(&config, &shown).map(drop);
    let receivers = receivers::receivers(&config).map(drop);
    let key_file = &config.privacy.key_file;
    // Without a key file nobody can say whose lists they are, and `run` makes one.
    let keys = match Keys::of_file_or_public(key_file) {
        Ok((keys, true)) => build::engine(&config, &keys).map(drop),
        Ok((_, false)) => Ok(()),
        Err(error) => Err(format!("cannot read {}: {error}", key_file.display())),
    };
    let wrong: Vec<String> =
        [policy, receivers, keys].into_iter().filter_map(Result::err).collect();
    if !wrong.is_empty() {
        return Err(Failure::new(exit::CONFIG, &wrong.join("\n")));
    }
    let mut printer = Printer::new();
    match output {
        Output::Human => printer.line(&format!("{shown} is in order"))?,
        Output::Ndjson => printer.json(&json!({ "type": "check", "config": shown, "ok": true }))?,
    }
    printer.flush()
}

struct Reader<'a> {
    config: Option<&'a Config>,
    decoder: Decoder,
    attributor: Option<Attributor>,
    printer: Printer,
    output: Output,
    matched: BTreeMap<RouteId, Matched>,
}

/// An access record of a line, or why it is none.
fn shown(number: i64, decoded: &Decoded<'_>, extras: &[Extra]) -> Value {
    let mut shown = Map::from_iter([
        ("type".to_owned(), json!("record")),
        ("line".to_owned(), json!(number)),
        ("decoded".to_owned(), json!(decoded.is_ok())),
    ]);
    match decoded {
        Err(refusal) => {
            shown.insert("refused".to_owned(), json!(refusal.name()));
        }
        Ok((format, record)) => {
            shown.insert("format".to_owned(), json!(format.name()));
            shown.extend(record_json(record, extras));
        }
    }
    Value::Object(shown)
}

/// Counts a record for its route.
fn count(matched: &mut BTreeMap<RouteId, Matched>, explained: &Explanation) {
    let Some(route) = explained.route else { return };
    let matched = matched.entry(route).or_default();
    matched.records += 1;
    matched.with_subject += u64::from(explained.has_subject);
    for (kind, _) in &explained.keys {
        *matched.with_key.entry(*kind).or_default() += 1;
    }
}

#[derive(Default)]
struct Matched {
    records: u64,
    with_subject: u64,
    with_key: BTreeMap<KeyKind, u64>,
}

impl<'a> Reader<'a> {
    fn new(config: Option<&'a Config>, output: Output) -> Result<Self, Failure> {
        let decoder =
            config.map_or_else(|| Decoder::new(crate::decode::Options::default()), build::decoder);
        let attributor = match config {
            None => None,
            Some(config) => {
                let keys = super::keys(config)?;
                let built = build::attributor(config, &keys);
                Some(built.map_err(|words| Failure::new(exit::CONFIG, &words))?)
            }
        };
        let printer = Printer::new();
        Ok(Self { config, decoder, attributor, printer, output, matched: BTreeMap::new() })
    }

    fn line(&mut self, number: i64, bytes: &[u8]) -> Result<(), Failure> {
        let extras = self.config.map_or(&[][..], |it| &it.decode.extras);
        let (attributor, matched) = (&self.attributor, &mut self.matched);
        let mut found = Vec::new();
        self.decoder.each(bytes, &mut Shapes::default(), |decoded| {
            if let (Ok((_, record)), Some(attributor)) = (decoded, attributor) {
                count(matched, &attributor.explain(record));
            }
            found.push(shown(number, decoded, extras));
        });
        // A line may be a batch.
        found.iter().try_for_each(|it| match self.output {
            Output::Ndjson => self.printer.json(it),
            Output::Human => self.human(it),
        })
    }

    fn human(&mut self, shown: &Value) -> Result<(), Failure> {
        let text = |name: &str| match shown.get(name) {
            Some(Value::String(text)) => crate::alert::escape_text(text).into_owned(),
            Some(other) => other.to_string(),
            None => "-".to_owned(),
        };
        let line = text("line");
        if shown.get("refused").is_some() {
            let refused = self.printer.styled(terminal::TICKET, "refused");
            return self.printer.line(&format!("{line:>6}  {refused}  {}", text("refused")));
        }
        let parts = ["format", "time", "peer", "user", "method", "target", "status"].map(text);
        self.printer.line(&format!("{line:>6}  {}", parts.join("  ")))
    }

    fn routes(mut self) -> Result<(), Failure> {
        let Some(config) = self.config else { return self.printer.flush() };
        for (at, route) in config.attribute.routes.iter().enumerate() {
            let id = RouteId(u16::try_from(at).unwrap_or(u16::MAX));
            let nothing = Matched::default();
            let matched = self.matched.get(&id).unwrap_or(&nothing);
            let keys: Map<String, Value> = KeyKind::ALL
                .iter()
                .filter_map(|it| Some((it.name().to_owned(), json!(matched.with_key.get(it)?))))
                .collect();
            let line = json!({ "type": "route", "route": route.name, "matched": matched.records,
                "with_subject": matched.with_subject, "with_key": keys });
            match self.output {
                Output::Ndjson => self.printer.json(&line)?,
                Output::Human => self.printer.line(&format!(
                    "route {}: {} matched, {} with subject, keys {}",
                    route.name,
                    matched.records,
                    matched.with_subject,
                    Value::Object(keys)
                ))?,
            }
        }
        self.printer.flush()
    }
}
