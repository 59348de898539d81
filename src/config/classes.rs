//! `[classes.NAME]`: what to expect of a client before it has shown what it does.
//!
//! One class can have two levels: an address reads twenty files a day in a public register and
//! three people where each client reads its own, and both are the same client. So a class is one
//! id with a level of its own for registers, not two classes, and a client key needs no class per
//! route.

use super::document::Node;
use super::problem::nearest;
use super::shapes::{NAME_PATTERN, number, one_of, whole};
use super::table::Table;
use crate::alert::Mode;
use crate::attribute::{ClassId, KeyKind, RouteClass};
use serde_json::json;

/// Classes at most: an index is a byte, and nobody can tell more kinds of clients apart.
pub const CLASSES_MAX: usize = 64;

/// Modes with their names in the configuration.
pub(super) const MODES: &[(Mode, &str)] = &[(Mode::Page, "page"), (Mode::Observe, "observe")];

/// A class of clients.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSpec {
    /// Its name.
    pub name: String,
    /// What its clients do on every route but registers.
    pub level: Level,
    /// What they do on registers, where that differs.
    pub register: Option<Level>,
    /// `subjects` counts a session, not a day: its clients are known by session keys.
    pub per_session: bool,
    /// Days that a client is observed before it may page.
    pub observe_days: u32,
    /// Whether its alerts may page, where that differs from the rest.
    pub mode: Option<Mode>,
}

impl ClassSpec {
    /// What its clients do on a route of this class.
    #[must_use]
    pub fn level_on(&self, route: RouteClass) -> &Level {
        match (&self.register, route) {
            (Some(register), RouteClass::Register) => register,
            _ => &self.level,
        }
    }
}

/// How many subjects clients look up, and how far that spreads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Subjects a day, or a session.
    pub subjects: f64,
    /// How alike a client's days are: the shape of a gamma distribution.
    pub k: f64,
    /// `k` of a client that has not ten days of its own.
    pub k_new: f64,
    /// Variance to mean of counts within a minute; of no meaning for sessions.
    pub f_minute: f64,
    /// Variance to mean of counts within an hour and longer; of no meaning for sessions.
    pub f_hour: f64,
    /// The share of its clients' first contacts that find nobody: what a client's own is shrunk to.
    pub misses: f64,
}

/// The honest share of misses that every class starts with.
const MISSES: f64 = 0.05;

impl Level {
    const fn new(subjects: f64, k: f64, f_minute: f64, f_hour: f64) -> Self {
        Self { subjects, k, k_new: 1.2, f_minute, f_hour, misses: MISSES }
    }
}

/// What a class that is not built in starts with, but for `subjects`.
const OWN: Level = Level::new(0.0, 4.0, 1.4, 4.5);

/// The classes that are always there, in the order of their ids: name, level, level on registers,
/// days of observation. Session keys use the first.
const BUILT_IN: [(&str, Level, Option<Level>, u32); 7] = [
    ("citizen", Level::new(1.5, 1.0, 1.0, 1.0), None, 0),
    ("staff", Level::new(20.0, 4.0, 1.4, 4.5), None, 0),
    ("partner", Level::new(20_000.0, 2.0, 20.0, 50.0), None, 14),
    ("address", Level::new(3.0, 0.5, 10.0, 10.0), Some(Level::new(20.0, 0.3, 10.0, 10.0)), 0),
    ("crawler", Level::new(5_000.0, 0.5, 50.0, 50.0), None, 0),
    ("monitor", Level::new(50.0, 4.0, 1.0, 1.0), None, 0),
    ("network", Level::new(3.0, 0.5, 10.0, 10.0), Some(Level::new(20.0, 0.3, 10.0, 10.0)), 0),
];

/// Whether a class is always there.
pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(built_in, ..)| *built_in == name)
}

/// The class of a key that names none.
pub(super) const fn of_kind(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Credential | KeyKind::Staff => "staff",
        KeyKind::Partner | KeyKind::Subtenant => "partner",
        KeyKind::Session => "citizen",
        KeyKind::Network => "network",
        KeyKind::Address | KeyKind::Asn | KeyKind::Fingerprint => "address",
    }
}

/// The classes while the configuration is read.
#[derive(Debug)]
pub(super) struct Classes(pub(super) Vec<ClassSpec>);

impl Classes {
    /// Reads the name of a class.
    pub(super) fn id(&self, node: &Node<'_>) -> Option<ClassId> {
        // Which classes there are is for the configuration to say.
        node.shape(|| json!({ "type": "string", "pattern": NAME_PATTERN }))?;
        let id = node.value.as_str().and_then(|name| self.named(name));
        id.or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|class| class.name.as_str()).collect();
            node.refuse_name(&names)
        })
    }

    /// The id of a class.
    pub(super) fn named(&self, name: &str) -> Option<ClassId> {
        let index = self.0.iter().position(|class| class.name == name)?;
        u8::try_from(index).ok().map(ClassId)
    }
}

/// Reads `[classes]`: the built-in ones, changed where the text says so, then others.
pub(super) fn read(root: &mut Table<'_>) -> Classes {
    let mut given = root.named("classes");
    let mut classes = Vec::new();
    for (name, level, register, observe_days) in BUILT_IN {
        let index = given.iter().position(|(given, _)| given == name);
        let table = index.map(|index| given.remove(index).1);
        let base = ClassSpec {
            name: name.to_owned(),
            level,
            register,
            per_session: name == of_kind(KeyKind::Session),
            observe_days,
            mode: None,
        };
        classes.push(match table {
            Some(table) => class(table, base),
            None => base,
        });
    }
    for (name, table) in given {
        own(&mut classes, &name, table);
    }
    Classes(classes)
}

/// Reads a class that is not built in.
fn own(classes: &mut Vec<ClassSpec>, name: &str, mut table: Table<'_>) {
    let problem = if !super::shapes::is_name(name) {
        Some(("is no name of a class", super::shapes::NAME_ALLOWED.to_owned()))
    } else if classes.len() >= CLASSES_MAX {
        Some(("is one class too many", format!("{CLASSES_MAX} classes")))
    } else {
        None
    };
    if let Some((what, allowed)) = problem {
        table.document.refuse(table.spot_itself().problem(what, Some(&allowed)));
        table.forgive();
        return;
    }
    if !table.has("subjects") && table.is_given() {
        let near = nearest(name, BUILT_IN.iter().map(|(name, ..)| *name));
        let near = near.map(|name| format!("classes.{name}"));
        let spot = table.spot("subjects");
        let problem = spot.problem("is missing", Some("the subjects a day of a class of your own"));
        table.document.refuse(super::problem::Problem { nearest: near, ..problem });
    }
    let base = ClassSpec {
        name: name.to_owned(),
        level: OWN,
        register: None,
        per_session: false,
        observe_days: 0,
        mode: None,
    };
    classes.push(class(table, base));
}

fn class(mut table: Table<'_>, base: ClassSpec) -> ClassSpec {
    let level = level(&mut table, &base.level);
    let days = base.observe_days.to_string();
    let observe_days = table.or("observe_days", &days, whole(0..=365));
    let mode = table.optional("mode", one_of(MODES));
    let mut register = table.table("register");
    let on_registers = base.register.or_else(|| register.is_given().then_some(level));
    let register = on_registers.map(|base| self::level(&mut register, &base));
    let observe_days = observe_days.and_then(|it| u32::try_from(it).ok());
    let observe_days = observe_days.unwrap_or(base.observe_days);
    ClassSpec { level, register, observe_days, mode, ..base }
}

/// Reads a level. What is wrong is noted and stays as it was, so that the rest can be checked.
fn level(table: &mut Table<'_>, base: &Level) -> Level {
    let mut or = |key, default: f64, limits| {
        // A class of one's own has no default level; that it is missing is noted elsewhere.
        if default > 0.0 {
            table.or(key, &format!("{default:?}"), number(limits)).unwrap_or(default)
        } else {
            table.optional(key, number(limits)).unwrap_or(default)
        }
    };
    Level {
        subjects: or("subjects", base.subjects, 0.01..=1e9),
        k: or("k", base.k, 0.01..=1_000.0),
        k_new: or("k_new", base.k_new, 0.01..=1_000.0),
        f_minute: or("f_minute", base.f_minute, 1.0..=10_000.0),
        f_hour: or("f_hour", base.f_hour, 1.0..=10_000.0),
        misses: or("misses", base.misses, 0.001..=0.45),
    }
}
