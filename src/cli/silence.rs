//! `darban silence`: what nobody wants to be told about.
//!
//! It changes the file that the configuration names and nothing else, so it works where the daemon
//! is down, and the daemon reads what a person wrote and what this command wrote alike.

use super::terminal::{FAINT, Printer, remark};
use super::{Failure, Output, exit};
use crate::alert::{Kind, Matcher, Phase, Silence, Silences, escape_text};
use crate::attribute::KeyKind;
use crate::causes::with_causes;
use crate::config::{Config, milliseconds, nearest};
use crate::deliver::{
    Changer, SilenceChange, SilenceChangeError, audit_path, change_silences, read_silences,
};
use crate::time::{DAY_MS, Moment, wall};
use clap::ArgGroup;
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest that a silence may be set for: nobody remembers it after that.
const LONGEST_MS: i64 = 3_650 * DAY_MS;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add one: alerts that everything given matches are shown and counted, and nobody is told
    Add(Add),
    /// Those that hold or will hold
    List(List),
    /// End one now
    Expire(Expire),
}

#[derive(Debug, clap::Args)]
struct Where {
    /// The configuration, which names the file of silences
    #[arg(long, value_name = "FILE", default_value = "/etc/darban/darban.toml")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("conditions")
        .args(["client", "key", "route", "kind", "matchers"])
        .required(true)
        .multiple(true),
    group = ArgGroup::new("end").args(["span", "until"]).required(true)
)]
struct Add {
    /// As Alertmanager writes them: 'client=~"clinic-[0-9]+"' route!=photo; of client, key, route,
    /// kind, by =, !=, =~ and !~
    #[arg(value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Every client's name; `*` stands for anything
    #[arg(long)]
    client: Option<String>,
    /// The kind of key that every client is known by: staff, address, ...
    #[arg(long)]
    key: Option<String>,
    /// The route's name
    #[arg(long)]
    route: Option<String>,
    /// The alert's kind: walk, harvest, ...
    #[arg(long)]
    kind: Option<String>,
    /// How long, from now or --from on: 90d, 12h, 2w
    #[arg(long = "for", value_name = "DURATION")]
    span: Option<String>,
    /// Until when, with a zone: 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// From when on, where not from now on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Why, for whoever finds it
    #[arg(long)]
    reason: String,
    /// Who decided it, where that is not who runs this
    #[arg(long)]
    author: Option<String>,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Those that are over too
    #[arg(long)]
    expired: bool,
    /// How they are printed
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, clap::Args)]
struct Expire {
    /// Its id, as `list` prints it
    id: String,
    /// Why it is not needed any more
    #[arg(long, default_value = "not needed any more")]
    reason: String,
    #[command(flatten)]
    place: Where,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let now = wall();
    match &arguments.command {
        Command::Add(add) => {
            let (config, path) = place(&add.place)?;
            let silence = silence(add, &config, now)?;
            changed(&path, &SilenceChange::Add(Box::new(silence)), now)
        }
        Command::List(list) => print(list, now),
        Command::Expire(expire) => {
            let (_, path) = place(&expire.place)?;
            let (id, reason) = (expire.id.clone(), expire.reason.clone());
            changed(&path, &SilenceChange::Expire { id, reason }, now)
        }
    }
}

/// The configuration, and the file that it names.
fn place(place: &Where) -> Result<(Config, PathBuf), Failure> {
    let config = super::load(&place.config)?;
    let path = config.alert.silences.clone().ok_or_else(|| {
        let words = "the configuration names no file of silences: set [alert] silences";
        Failure::new(exit::CONFIG, &words)
    })?;
    Ok((config, path))
}

/// The silence that was asked for, or everything that is wrong with it.
fn silence(add: &Add, config: &Config, now: Moment) -> Result<Silence, Failure> {
    let mut wrong = Vec::new();
    let kinds = KeyKind::ALL.iter().map(|it| (it.name(), *it));
    let key = named("--key", add.key.as_deref(), kinds, &mut wrong);
    let kinds = Kind::ALL.iter().map(|it| (it.name(), *it));
    let kind = named("--kind", add.kind.as_deref(), kinds, &mut wrong);
    let routes = config.attribute.routes.iter().map(|it| (&*it.name, it.name.to_string()));
    let route = named("--route", add.route.as_deref(), routes, &mut wrong);
    let mut matchers = Vec::new();
    for text in &add.matchers {
        match text.parse::<Matcher>() {
            Ok(matcher) => matchers.push(matcher),
            Err(words) => wrong.push(format!("{} {words}", escape_text(text))),
        }
    }
    let from = add.from.as_deref().and_then(|it| time("--from", it, &mut wrong));
    let until = match (&add.span, &add.until) {
        (Some(span), _) => end(span, from.unwrap_or(now), &mut wrong),
        (None, Some(until)) => time("--until", until, &mut wrong),
        (None, None) => None,
    };
    if until.is_some_and(|it| it <= from.unwrap_or(now)) {
        wrong.push("--until: must be in the future, and after --from".to_owned());
    }
    for (flag, text) in [("--reason", Some(&add.reason)), ("--client", add.client.as_ref())] {
        if text.is_some_and(|it| it.trim().is_empty()) {
            wrong.push(format!("{flag}: is empty"));
        }
    }
    let (true, Some(until)) = (wrong.is_empty(), until) else {
        return Err(Failure::new(exit::USAGE, &wrong.join("\n")));
    };
    if add.client.is_none() && !matchers.iter().any(|it| it.label() == "client") {
        remark("without --client this hides the next harvest too, whoever's it is");
    }
    let author = Some(add.author.clone().unwrap_or_else(who));
    let (client, reason) = (add.client.clone(), add.reason.clone());
    Ok(Silence { client, key, route, kind, matchers, from, until, reason, author })
}

/// The value that a name stands for.
fn named<'n, T>(
    flag: &str,
    name: Option<&str>,
    all: impl Iterator<Item = (&'n str, T)>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    let (name, mut names) = (name?, Vec::new());
    for (it, value) in all {
        if it == name {
            return Some(value);
        }
        names.push(it);
    }
    let near = nearest(name, names.iter().copied()).map(|it| format!("; did you mean {it}?"));
    wrong.push(format!(
        "{flag}: {} is none of {}{}",
        escape_text(name),
        names.join(", "),
        near.unwrap_or_default()
    ));
    None
}

fn time(flag: &str, text: &str, wrong: &mut Vec<String>) -> Option<Moment> {
    let parsed = text.parse::<jiff::Timestamp>().ok();
    if parsed.is_none() {
        let text = escape_text(text);
        wrong.push(format!("{flag}: {text} is no time with a zone, such as 2026-12-01T00:00:00Z"));
    }
    parsed.map(|it| Moment(it.as_millisecond()))
}

fn end(span: &str, from: Moment, wrong: &mut Vec<String>) -> Option<Moment> {
    let ms = milliseconds(span).filter(|it| (1..=LONGEST_MS).contains(it));
    if ms.is_none() {
        wrong.push(format!("--for: {} is no duration such as 90d, to 3650d", escape_text(span)));
    }
    ms.map(|it| from.plus(it))
}

/// Changes the file, and says what was changed.
fn changed(path: &Path, change: &SilenceChange, now: Moment) -> Result<(), Failure> {
    let changer = Changer { who: who(), via: "cli" };
    let changed = change_silences(path, change, &changer, now).map_err(|error| {
        let code = match error {
            SilenceChangeError::File { .. } => exit::CONFIG,
            SilenceChangeError::Unknown(_) => exit::USAGE,
            SilenceChangeError::Disk { .. } => exit::INTERNAL,
        };
        Failure::new(code, &with_causes(&error))
    })?;
    let mut printer = Printer::new();
    for silence in &changed {
        let words = match change {
            SilenceChange::Add(_) => format!("{} holds until {}", silence.id(), silence.until),
            SilenceChange::Expire { .. } => format!("{} is over", silence.id()),
        };
        printer.line(&words)?;
    }
    printer.flush()?;
    remark(&format!(
        "a daemon takes it within a minute, at once on SIGHUP; noted in {}",
        audit_path(path).display()
    ));
    Ok(())
}

fn print(list: &List, now: Moment) -> Result<(), Failure> {
    let (_, path) = place(&list.place)?;
    let text = read_silences(&path).map_err(|error| {
        Failure::new(exit::INPUT, &format!("cannot read {}: {error}", path.display()))
    })?;
    let text = text.unwrap_or_default();
    let silences = Silences::parse(&text).map_err(|problems| {
        Failure::new(exit::CONFIG, &format!("{}: {}", path.display(), problems.join("; ")))
    })?;
    let mut printer = Printer::new();
    for silence in silences.list() {
        let phase = silence.phase(now);
        if phase == Phase::Expired && !list.expired {
            continue;
        }
        match list.output {
            Output::Ndjson => printer.json(&row(silence, now))?,
            Output::Human => {
                let line = line(silence, phase);
                let line = match phase {
                    Phase::Expired => printer.styled(FAINT, &line),
                    Phase::Active | Phase::Pending => line,
                };
                printer.line(&line)?;
            }
        }
    }
    printer.flush()
}

fn row(silence: &Silence, now: Moment) -> Value {
    let mut row = silence.listed(now);
    if let Some(fields) = row.as_object_mut() {
        fields.insert("type".to_owned(), json!("silence"));
    }
    row
}

fn line(silence: &Silence, phase: Phase) -> String {
    let plain = silence.plain();
    let plain = plain.iter().filter_map(|(key, text)| Some((key, (*text)?)));
    let plain = plain.map(|(key, text)| format!("{key}={}", escape_text(text)));
    let matchers = silence.matchers.iter().map(|it| escape_text(&it.to_string()).into_owned());
    let matchers: Vec<String> = plain.chain(matchers).collect();
    let author = silence.author.as_deref().map(|it| format!(" ({})", escape_text(it)));
    format!(
        "{}  {:<7}  until {}  {}  {}{}",
        silence.id(),
        phase.name(),
        silence.until,
        matchers.join(" "),
        escape_text(&silence.reason),
        author.unwrap_or_default()
    )
}

/// Whose account this runs under: what the kernel says, by the name that this machine has for it,
/// and behind `sudo` who asked for it. What a variable says alone is no name.
fn who() -> String {
    let uid = std::fs::metadata("/proc/self").map(|it| it.uid()).ok();
    let Some(uid) = uid else { return "unknown".to_owned() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let name = found.unwrap_or_else(|| format!("uid {uid}"));
    match std::env::var("SUDO_USER") {
        Ok(asker) if uid == 0 => format!("{name} for {asker}"),
        _ => name,
    }
}
