//! `darban simulate`: a portal's access log with scenarios in it, and who took what.
//!
//! Lines are written as they are made, so memory stays the same whatever the length, and the same
//! arguments give the same bytes. Arguments are read raw and checked together: all
//! that is wrong is said at once.

use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::config::nearest;
use crate::decode::Format;
use crate::scenarios::{
    Choice, HARVEST_OPTIONS, Harvest, LABELS_HEADER, PORTAL_OPTIONS, Request, Scenario, Setting,
    Simulation, Tally, Writer, config_toml, custom_toml, mix, named, scenarios,
};
use crate::time::{DAY_MS, Moment, days_from_civil};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Lines of several gateways in one log. Clients keep to a gateway, as behind a balancer that
/// hashes addresses. Left out are the format that has no column for logins, and the one that needs
/// a configuration of its own.
const MIXED: [Format; 8] = [
    Format::NginxCombined,
    Format::NginxIngress,
    Format::NginxJson,
    Format::EnvoyJson,
    Format::Haproxy,
    Format::Traefik,
    Format::Caddy,
    Format::ApacheCommon,
];
const MIXED_NAME: &str = "mixed";
/// Days at most: ten years, more than anybody writes and far from where calendars end.
const DAYS_MAX: i64 = 3_660;
/// How a configuration begins that may be written over: elsewhere `--config` names one to read, and
/// somebody may mean that.
const WRITTEN: &str = "# Fits a log of `darban simulate`, which writes this file anew.\n\n";
/// Bytes that are handed over at a time.
const BUFFER_BYTES: usize = 256 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Scenarios to put into one log, as --list names them: S5 B6, or S10 for S10a to S10c
    #[arg(required_unless_present = "list", value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// List scenarios and options
    #[arg(long)]
    list: bool,
    /// Another seed gives other people, other ids and other times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days of the log; scenarios begin halfway, after a fortnight at most
    #[arg(long, default_value_t = 2)]
    days: i64,
    /// When the log begins
    #[arg(long, value_name = "RFC3339", default_value = "2026-03-02T00:00:00Z")]
    start: String,
    /// A format by its name in the configuration, or mixed
    #[arg(long, default_value = "nginx_json")]
    format: String,
    /// Where the log is written; - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Where it is written who took what, as CSV
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Where the ids are written that were planted as decoys and are touched, one a line
    #[arg(long, value_name = "FILE")]
    decoys: Option<PathBuf>,
    /// Where a configuration is written that fits the portal
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An option of the portal, as --list names them
    #[arg(long = "portal-option", value_name = "NAME=VALUE")]
    portal_options: Vec<String>,
    /// An option of every harvest
    #[arg(long = "harvest-option", value_name = "NAME=VALUE")]
    harvest_options: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.list {
        return list();
    }
    let checked = Checked::new(arguments)
        .map_err(|problems| Failure::new(exit::USAGE, &problems.join("\n")))?;
    let simulation = checked.simulation;
    if let Some(path) = &arguments.config {
        let decode = if checked.format == Some(Format::Custom) { custom_toml() } else { "" };
        let text = [WRITTEN, &config_toml(&simulation.portal), decode].concat();
        std::fs::write(path, text).map_err(|it| unwritable(path, &it))?;
    }
    if let Some(path) = &arguments.decoys {
        let mut text = Vec::new();
        for id in simulation.decoys() {
            id.write(&mut text);
            text.push(b'\n');
        }
        std::fs::write(path, text).map_err(|it| unwritable(path, &it))?;
    }
    // Opened first: a folder that is not there should not cost a log.
    let labels = arguments.labels.as_deref().map(create).transpose()?;
    let mut tally = Tally::new(&simulation.harvests);
    let mut pen = Pen::new(&simulation, checked.format);
    let counted = |request: &Request| {
        if labels.is_some() {
            tally.feed(request);
        }
    };
    if arguments.output == Path::new("-") {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
        write(&simulation, &mut pen, counted, &mut out).map_err(|it| terminal::failed(&it))?;
    } else {
        let mut out = create(&arguments.output)?;
        let written = write(&simulation, &mut pen, counted, &mut out);
        written.map_err(|it| unwritable(&arguments.output, &it))?;
    }
    match (labels, &arguments.labels) {
        (Some(file), Some(path)) => table(file, &tally).map_err(|it| unwritable(path, &it)),
        _ => Ok(()),
    }
}

/// What arguments that fit together come to.
struct Checked {
    simulation: Simulation,
    /// `None` for several.
    format: Option<Format>,
}

impl Checked {
    /// Everything that is wrong at once.
    fn new(arguments: &Arguments) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut chosen: Vec<&'static Scenario> = Vec::new();
        for name in &arguments.scenarios {
            let found = named(name);
            if found.is_empty() {
                let like = nearest(name, scenarios().map(|it| it.name));
                problems.push(unknown("scenario", name, like, "see --list"));
            }
            // Twice the same would be two harvests by the same clients.
            let is_new = |it: &&'static Scenario| !chosen.iter().any(|that| that.name == it.name);
            let more: Vec<_> = found.into_iter().filter(is_new).collect();
            chosen.extend(more);
        }
        let start = arguments.start.parse::<jiff::Timestamp>().map(|it| it.as_millisecond());
        let start = start.ok().filter(|it| (0..latest()).contains(it)).map(Moment);
        if start.is_none() {
            problems.push(format!(
                "--start: `{}` is no time from 1970 to 2200, such as 2026-03-02T00:00:00Z",
                arguments.start
            ));
        }
        if !(1..=DAYS_MAX).contains(&arguments.days) {
            problems.push(format!("--days: {} is not from 1 to {DAYS_MAX}", arguments.days));
        }
        let format = format_of(&arguments.format, &mut problems);
        if let Some(path) = arguments.config.as_deref().filter(|it| is_foreign(it)) {
            let path = path.display();
            problems
                .push(format!("--config: {path} was not written by simulate, and would be lost"));
        }
        let start = start.unwrap_or(Moment(0));
        let setting =
            Setting { seed: arguments.seed, start, days: arguments.days.clamp(1, DAYS_MAX) };
        let mut simulation = Simulation::new(&setting);
        let texts = &arguments.portal_options;
        set(PORTAL_OPTIONS, [&mut simulation.portal], ("portal", texts), &mut problems);
        chosen.iter().for_each(|it| it.apply(&mut simulation));
        // What is wrong is said where there is no harvest, too.
        let mut nobody = Harvest::reader(0, start);
        let harvests = simulation.harvests.iter_mut().chain([&mut nobody]);
        let texts = &arguments.harvest_options;
        set(HARVEST_OPTIONS, harvests, ("harvest", texts), &mut problems);
        if problems.is_empty() { Ok(Self { simulation, format }) } else { Err(problems) }
    }
}

/// Whether something is there that simulate did not write.
fn is_foreign(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|it| !it.starts_with(WRITTEN.as_bytes()))
}

/// Beyond this no log begins.
const fn latest() -> i64 {
    days_from_civil(2200, 1, 1) * DAY_MS
}

fn format_of(name: &str, problems: &mut Vec<String>) -> Option<Format> {
    let found = Format::ALL.iter().find(|it| it.name() == name).copied();
    if found.is_none() && name != MIXED_NAME {
        let mut names: Vec<&str> = Format::ALL.iter().map(|it| it.name()).collect();
        names.push(MIXED_NAME);
        let like = nearest(name, names.iter().copied());
        problems.push(unknown("format", name, like, &format!("one of {}", names.join(", "))));
    }
    found
}

/// Sets options, given as NAME=VALUE, of everything that has them.
fn set<'a, T: 'a>(
    options: &[Choice<T>],
    of: impl IntoIterator<Item = &'a mut T>,
    (what, texts): (&str, &[String]),
    problems: &mut Vec<String>,
) {
    let mut chosen = Vec::new();
    for text in texts {
        let Some((name, value)) = text.split_once('=') else {
            problems.push(format!("--{what}-option: `{text}` is not NAME=VALUE"));
            continue;
        };
        match options.iter().find(|it| it.name == name) {
            Some(option) => chosen.push((option, value)),
            None => {
                let like = nearest(name, options.iter().map(|it| it.name));
                problems.push(unknown(&format!("{what} option"), name, like, "see --list"));
            }
        }
    }
    for one in of {
        for (option, value) in &chosen {
            let words = || {
                format!("--{what}-option: {} takes {}, not `{value}`", option.name, option.takes)
            };
            if !option.set(one, value) && !problems.contains(&words()) {
                problems.push(words());
            }
        }
    }
}

/// The words for a name that nothing has.
fn unknown(what: &str, name: &str, like: Option<&str>, otherwise: &str) -> String {
    match like {
        Some(like) => format!("unknown {what} `{name}`; the nearest is `{like}`"),
        None => format!("unknown {what} `{name}`; {otherwise}"),
    }
}

/// What lines are written with.
struct Pen {
    /// One, or one for each gateway.
    writers: Vec<Writer>,
}

impl Pen {
    fn new(simulation: &Simulation, format: Option<Format>) -> Self {
        let formats = format.map_or_else(|| MIXED.to_vec(), |it| vec![it]);
        Self { writers: formats.into_iter().map(|it| simulation.writer(it)).collect() }
    }

    /// Appends a request's line, with its line feed.
    fn line(&mut self, request: &Request, out: &mut Vec<u8>) {
        let gateways = self.writers.len() as u64;
        let gateway = mix(u64::from(u32::from(request.client.address))) % gateways.max(1);
        if let Some(writer) = self.writers.get_mut(usize::try_from(gateway).unwrap_or(0)) {
            writer.write(request, out);
            out.push(b'\n');
        }
    }
}

fn write(
    simulation: &Simulation,
    pen: &mut Pen,
    mut counted: impl FnMut(&Request),
    out: &mut impl Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    for request in simulation.requests() {
        line.clear();
        pen.line(&request, &mut line);
        out.write_all(&line)?;
        counted(&request);
    }
    out.flush()
}

fn table(mut out: BufWriter<File>, tally: &Tally) -> io::Result<()> {
    writeln!(out, "{LABELS_HEADER}")?;
    for row in tally.rows() {
        writeln!(out, "{}", row.csv())?;
    }
    out.flush()
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|it| unwritable(path, &it))?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(exit::INTERNAL, &format!("cannot write {}: {error}", path.display()))
}

fn list() -> Result<(), Failure> {
    let mut printer = Printer::new();
    for scenario in scenarios() {
        printer.line(&format!("{:<8} {}", scenario.name, scenario.about))?;
    }
    printer.line("\n--portal-option")?;
    options(&mut printer, PORTAL_OPTIONS)?;
    printer.line("\n--harvest-option")?;
    options(&mut printer, HARVEST_OPTIONS)?;
    printer.flush()
}

fn options<T>(printer: &mut Printer, options: &[Choice<T>]) -> Result<(), Failure> {
    options
        .iter()
        .try_for_each(|it| printer.line(&format!("{:<24} {} ({})", it.name, it.about, it.takes)))
}
