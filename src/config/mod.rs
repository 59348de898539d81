//! The configuration: a TOML text, checked into what each stage takes, all problems at once.
//!
//! Two layers. The raw one (`document`, `table`) is the text with line numbers; the checked one is
//! [`Config`], which holds only what was found right, so that no stage behind it asks again. A
//! daemon that starts with half a configuration is worse than one that does not start: unknown
//! keys are errors, and a mistake is named with its dotted path, its line, what stands there, what
//! is allowed and the nearest name. Everything has a default but routes, because nobody else knows
//! which path names a person.
//!
//! Secrets come from files only, and `replay`, `check` and `explain`, which send nothing, do not
//! read them: a configuration can be tried out where its secrets are not.

mod classes;
mod clients;
mod decode;
mod detect;
mod document;
mod field;
mod files;
mod hash;
mod host;
mod problem;
mod receivers;
mod reference;
mod routes;
mod schema;
mod shapes;
mod source;
mod table;

pub use classes::{CLASSES_MAX, ClassSpec, Level};
pub use clients::KEYS_MAX;
pub use decode::DecodeConfig;
pub use detect::{AlertConfig, DetectConfig};
pub use document::Accepted;
pub use files::Secret;
pub use host::{HttpConfig, PrivacyConfig, StateConfig, THREADS_MAX};
pub(crate) use problem::nearest;
pub use problem::{Problem, Problems};
pub use receivers::{
    EmailConfig, HeartbeatConfig, RECEIVERS_MAX, ReceiverConfig, ReceiverKind, StdoutFormat,
};
pub(crate) use shapes::milliseconds;
pub use source::{Mechanism, Protocol, Security, SourceConfig, Start};

use crate::attribute::{Options, RouteId};
use document::{Document, Files};
use field::Fields;
use std::path::Path;
use table::Table;

/// Bytes of a configuration at most: more is another file.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where records come from.
    pub source: SourceConfig,
    /// How lines are read.
    pub decode: DecodeConfig,
    /// Routes, client keys, trusted proxies and declared bots.
    pub attribute: Options,
    /// The classes of clients, by [`ClassId`](crate::attribute::ClassId).
    pub classes: Vec<ClassSpec>,
    /// How much evidence an alert needs.
    pub detect: DetectConfig,
    /// What becomes of alerts.
    pub alert: AlertConfig,
    /// Who is told.
    pub receivers: Vec<ReceiverConfig>,
    /// Who is asked to miss us; `None` for nobody.
    pub heartbeat: Option<HeartbeatConfig>,
    /// What is kept.
    pub state: StateConfig,
    /// The pages and metrics.
    pub http: HttpConfig,
    /// Whose secrets are kept.
    pub privacy: PrivacyConfig,
    /// Threads of the engine; `None` for one a core.
    pub threads: Option<usize>,
}

impl Config {
    /// Checks a configuration text. Paths in it are relative to `base_dir`; the files that it
    /// names are opened, and secrets read.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, base_dir: &Path) -> Result<Self, Problems> {
        Document::new(text, base_dir, Files::Read).read(config).map(|(config, _)| config)
    }

    /// The same without opening the files that it names: secrets stay empty.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse_without_files(text: &str, base_dir: &Path) -> Result<Self, Problems> {
        Document::new(text, base_dir, Files::Leave).read(config).map(|(config, _)| config)
    }

    /// Reads and checks a configuration file; paths in it are relative to its directory.
    ///
    /// # Errors
    /// Everything that is wrong with it, also that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        load(path, Self::parse)
    }

    /// The same without opening the files that it names, for commands that send nothing.
    ///
    /// # Errors
    /// Everything that is wrong with it, also that it cannot be read.
    pub fn load_without_files(path: &Path) -> Result<Self, Problems> {
        load(path, Self::parse_without_files)
    }

    /// The keys that were read from a text, given or not, with their defaults.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn accepted(text: &str, base_dir: &Path) -> Result<Vec<Accepted>, Problems> {
        Document::new(text, base_dir, Files::Read).read(config).map(|(_, accepted)| accepted)
    }

    /// The JSON Schema (2020-12) of a configuration.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        let text = reference::whole();
        schema::of(&Document::new(&text, Path::new(""), Files::Leave).describe(config), &text)
    }

    /// What kept state depends on: routes, the order of client keys, codecs. State made under
    /// another hash is not taken, but for routes whose own hash is the same.
    #[must_use]
    pub fn hash(&self) -> u64 {
        hash::of_all(&self.attribute.routes, &self.attribute.keys, &self.decode.extras)
    }

    /// The same of one route.
    #[must_use]
    pub fn route_hash(&self, route: RouteId) -> Option<u64> {
        let spec = self.attribute.routes.get(usize::from(route.0))?;
        Some(hash::of_route(spec, &self.decode.extras))
    }
}

fn load(
    path: &Path,
    parse: impl FnOnce(&str, &Path) -> Result<Config, Problems>,
) -> Result<Config, Problems> {
    let in_file = |problems| Problems { file: Some(path.to_owned()), ..problems };
    let text = read(path).map_err(|what| {
        let (path, line, allowed, nearest) = (String::new(), None, None, None);
        in_file(Problems { file: None, list: vec![Problem { path, line, what, allowed, nearest }] })
    })?;
    let base_dir = path.parent().unwrap_or(Path::new(""));
    parse(&text, base_dir).map_err(in_file)
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::metadata(path).map_err(|it| format!("cannot be read: {it}"))?.len();
    if bytes > TEXT_BYTES_MAX {
        return Err(format!("has {bytes} bytes, more than {TEXT_BYTES_MAX}"));
    }
    std::fs::read_to_string(path).map_err(|it| format!("cannot be read: {it}"))
}

/// Reads every table, whatever is wrong with the others.
fn config(root: &mut Table<'_>) -> Option<Config> {
    let fields = Fields::default();
    let source = source::read(root.table("source"));
    let mut decode_table = root.table("decode");
    let suffixes = decode_table.spot("skip_suffixes");
    let decode = decode::read(&mut decode_table);
    let mut classes = classes::read(root);
    let clients = clients::read(root.table("clients"), &fields, &classes);
    let routes = routes::read(root, &fields);
    let detect = detect::detect(root.table("detect"));
    let usable: Vec<&routes::Route> = routes.iter().flatten().collect();
    let modes = usable.iter().map(|route| route.mode).collect();
    let alert = detect::alert(root.table("alert"), modes, &classes.0);
    let receivers = receivers::read(root, alert.as_ref().map(|it| &it.reach));
    let heartbeat = receivers::heartbeat(root, alert.as_ref().map(|it| &it.reach));
    let threads = host::threads(root.table("engine"));
    let state = host::state(root.table("state"));
    let http = host::http(root.table("http"));
    let privacy = host::privacy(root.table("privacy"), state.as_ref());
    clients::settle_sessions(&clients, &mut classes, root);
    let attribute = Options {
        routes: usable.iter().map(|route| route.spec.clone()).collect(),
        keys: clients.keys,
        trusted_proxies: clients.trusted_proxies,
        skip_suffixes: decode.as_ref().map(|it| it.skip_suffixes.clone()).unwrap_or_default(),
        crawlers: clients.crawlers,
        crawler_class: classes.named("crawler").unwrap_or_default(),
        monitors: clients.monitors,
        monitor_class: classes.named("monitor").unwrap_or_default(),
    };
    routes::check(&attribute, &usable, &suffixes, &clients.spots, root);
    let decode = DecodeConfig { extras: fields.into_extras(), ..decode? };
    Some(Config {
        source: source?,
        decode,
        attribute,
        classes: classes.0,
        detect: detect?,
        alert: alert?.with_own_runbooks(http.as_ref()?),
        receivers: receivers?,
        heartbeat: heartbeat?,
        state: state?,
        http: http?,
        privacy: privacy?,
        threads: threads?,
    })
}
