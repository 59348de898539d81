//! `darban state`: what a daemon has kept.
//!
//! A snapshot can be read only with the key of the configuration that it was made under, and what is
//! printed of it has no subject, no position and no name in it: those stay sealed.

use super::terminal::Printer;
use super::{Failure, exit, replay};
use crate::attribute::KeyKind;
use crate::config::Config;
use crate::engine::{Engine, Settings};
use crate::judge::WatchList;
use crate::pipeline::{Keys, build, recover};
use crate::profile::Profile;
use crate::state::{Directory, Meta, Sections};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What each snapshot says of itself: when, by which version, how far it has judged
    Info(Which),
    /// Whether it can be read to its end and darban could go on with it
    Verify(Which),
    /// What it has learned, one JSON object a client and route, and the open alerts
    Export(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The configuration: it names the key file, the routes and the directory
    #[arg(long, short, value_name = "FILE", default_value = "/etc/darban/darban.toml")]
    config: PathBuf,
    /// A snapshot; every one of the directory where none is named, and for export the latest
    #[arg(value_name = "SNAPSHOT")]
    path: Option<PathBuf>,
}

/// What a snapshot is read with.
struct Reader {
    config: Config,
    keys: Keys,
    settings: Settings,
    printer: Printer,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (Command::Info(which) | Command::Verify(which) | Command::Export(which)) =
        &arguments.command;
    let config = super::load(&which.config)?;
    let keys = super::keys(&config)?;
    let settings = build::settings_watching(&config, &keys, WatchList::default());
    let mut reader = Reader { config, keys, settings, printer: Printer::new() };
    let paths = match &which.path {
        Some(path) => vec![path.clone()],
        None => reader.all()?,
    };
    let is_export = matches!(arguments.command, Command::Export(_));
    for path in paths.iter().take(if is_export { 1 } else { usize::MAX }) {
        match &arguments.command {
            Command::Info(_) => reader.info(path)?,
            Command::Verify(_) => reader.verify(path)?,
            Command::Export(_) => reader.export(path)?,
        }
    }
    reader.printer.flush()
}

fn refused(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(exit::INPUT, &format!("{}: {why}", path.display()))
}

impl Reader {
    /// The snapshots of the directory, latest first.
    fn all(&self) -> Result<Vec<PathBuf>, Failure> {
        let path = &self.config.state.directory;
        let directory = Directory::read_only(path, self.keys.state.clone());
        let numbers = directory.snapshots().map_err(|error| refused(path, &error))?;
        if numbers.is_empty() {
            return Err(refused(path, &"there is no snapshot"));
        }
        Ok(numbers.into_iter().map(|it| directory.snapshot(it)).collect())
    }

    fn open(&self, path: &Path) -> Result<(Meta, Sections), Failure> {
        Sections::open(path, &self.keys.state).map_err(|error| refused(path, &error))
    }

    fn engine(&self, path: &Path) -> Result<(Meta, Engine, u64), Failure> {
        let (meta, mut sections) = self.open(path)?;
        let keeps = build::layout(&self.config).keeps(&meta.layout).ok_or_else(|| {
            refused(path, &"client keys, classes or the length of slices are other ones now")
        })?;
        let engine = recover::restore(&self.settings, &mut sections, &keeps);
        let engine = engine.map_err(|error| refused(path, &error))?;
        Ok((meta, engine, sections.tag()))
    }

    fn info(&mut self, path: &Path) -> Result<(), Failure> {
        let (meta, _) = self.open(path)?;
        let bytes = std::fs::metadata(path).map_or(0, |it| it.len());
        let partition = |(place, lane): (&crate::source::Place, &crate::timeline::LaneState)| {
            json!({
                "topic": place.topic,
                "partition": place.number,
                "judged_to": lane.resume,
                "record_time": lane.clock,
            })
        };
        let lanes = meta.timeline.lanes.iter();
        let lanes =
            lanes.filter_map(|it| Some((meta.places.get(usize::from(it.partition.0))?, it)));
        let mut row = replay::typed("snapshot");
        row.extend([
            ("path".to_owned(), json!(path.display().to_string())),
            ("number".to_owned(), json!(meta.number)),
            ("lineage".to_owned(), json!(format!("{:016x}", meta.lineage))),
            ("written_by".to_owned(), json!(meta.written_by)),
            ("made_at".to_owned(), json!(meta.made_at)),
            ("bytes".to_owned(), json!(bytes)),
            ("partitions".to_owned(), lanes.map(partition).collect()),
            ("routes".to_owned(), meta.layout.routes.iter().map(|it| json!(it.0)).collect()),
        ]);
        self.printer.json(&Value::Object(row))
    }

    fn verify(&mut self, path: &Path) -> Result<(), Failure> {
        let (meta, engine, tag) = self.engine(path)?;
        let stats = engine.stats();
        let words = format!(
            "{}: whole, snapshot {} of {}, {} profiles, {} open alerts, tag {tag:016x}",
            path.display(),
            meta.number,
            meta.made_at,
            stats.profiles,
            engine.open().count()
        );
        self.printer.line(&words)
    }

    fn export(&mut self, path: &Path) -> Result<(), Failure> {
        let (_, engine, _) = self.engine(path)?;
        for profile in engine.profiles() {
            let row = self.profile(profile);
            self.printer.json(&row)?;
        }
        for alert in engine.open() {
            let mut row = replay::typed("open_alert");
            row.extend([
                ("id".to_owned(), json!(alert.id)),
                ("severity".to_owned(), json!(alert.severity)),
                ("kind".to_owned(), json!(alert.kind)),
                ("route".to_owned(), json!(alert.route)),
                ("members_total".to_owned(), json!(alert.members_total)),
                ("first_seen".to_owned(), json!(alert.first_seen)),
                ("records_out".to_owned(), json!(alert.records_out)),
            ]);
            self.printer.json(&Value::Object(row))?;
        }
        Ok(())
    }

    fn profile(&self, profile: &Profile) -> Value {
        let route = self.settings.routes.get(usize::from(profile.route));
        let class = route.and_then(|it| it.classes.get(usize::from(profile.class)));
        let kind = KeyKind::ALL.get(usize::from(profile.kind)).map(|it| it.name());
        let (records, error) = profile.out.count();
        json!({
            "type": "profile",
            "id": format!("{:016x}", profile.id),
            "route": route.map(|it| it.name.to_string()),
            "key": kind,
            "class": class.map(|it| it.name.as_str()),
            "last_seen": profile.last,
            "own_days": profile.own_days,
            "subjects_a_day": profile.usual.a_day(),
            "log_e": f64::from(profile.log_e) / 1024.0,
            "records_out": { "estimate": records, "error": error },
        })
    }
}
