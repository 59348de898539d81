//! From a checked configuration to the stages' own settings.

use super::lists;
use crate::alert::Mode;
use crate::attribute::{Attributor, ClassId, Codec, HashKey, RouteClass, RouteId, RouteSpec};
use crate::config::{ClassSpec, Config};
use crate::decode::{Decoder, Options};
use crate::engine::{Engine, SHARDS, Settings};
use crate::evidence::{math::ln, nats};
use crate::judge::{Acts, Levels, Limits, RouteRules, WatchList, weights_of};
use crate::novelty;
use crate::profile;
use crate::state;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::sync::Arc;

/// What the ticket level lies below the page level: a hundred times less rare.
const TICKET_FACTOR: f64 = 100.0;

/// The keys that everything hashed hangs on.
#[derive(Clone)]
pub struct Keys {
    /// Subjects, records and client keys.
    pub hash: HashKey,
    /// Alert identities.
    pub alert: (u64, u64),
    /// Snapshots and journals.
    pub state: state::Key,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The decoder of a configuration.
#[must_use]
pub fn decoder(config: &Config) -> Decoder {
    Decoder::new(decode_options(config))
}

/// What the decoder of a configuration is made with.
#[must_use]
pub fn decode_options(config: &Config) -> Options {
    let decode = &config.decode;
    Options {
        format: decode.format,
        zone: decode.zone.clone(),
        custom: decode.custom.clone(),
        captures: decode.captures.clone(),
        extras: decode.extras.clone(),
    }
}

/// The attributor of a configuration.
///
/// # Errors
/// What attribution finds wrong with routes or keys; configuration has checked them before.
pub fn attributor(config: &Config, keys: &Keys) -> Result<Attributor, String> {
    Attributor::new(config.attribute.clone(), keys.hash).map_err(|problems| {
        let words: Vec<String> = problems.iter().map(|it| it.fault.to_string()).collect();
        words.join("; ")
    })
}

/// The engine of a configuration.
///
/// # Errors
/// What is wrong with the lists of subjects that it names.
pub fn engine(config: &Config, keys: &Keys) -> Result<Engine, String> {
    settings(config, keys).map(Engine::new)
}

/// What an engine of a configuration is made of.
///
/// # Errors
/// What is wrong with the lists of subjects that it names.
pub fn settings(config: &Config, keys: &Keys) -> Result<Settings, String> {
    let detect = &config.detect;
    let (decoys, watched) = (detect.decoys_file.as_deref(), detect.watched_file.as_deref());
    Ok(settings_watching(config, keys, lists::read(decoys, watched, keys)?))
}

/// The same with these subjects on its lists, whatever files the configuration names.
#[must_use]
pub fn engine_watching(config: &Config, keys: &Keys, watch_list: WatchList) -> Engine {
    Engine::new(settings_watching(config, keys, watch_list))
}

/// What such an engine is made of.
#[must_use]
pub fn settings_watching(config: &Config, keys: &Keys, watch_list: WatchList) -> Settings {
    let detect = &config.detect;
    let routes = config.attribute.routes.iter().enumerate();
    let routes = routes
        .map(|(at, spec)| rules(config, RouteId(u16::try_from(at).unwrap_or(u16::MAX)), spec))
        .collect();
    let per_shard = |total: u64| (total / SHARDS as u64).max(1);
    let bound = |total: u64| usize::try_from(per_shard(total)).unwrap_or(usize::MAX);
    Settings {
        routes,
        levels: Levels {
            page: nats(detect.h),
            ticket: nats(detect.h - ln(TICKET_FACTOR)),
            records_page: config.alert.records_out_page,
        },
        resolve_after_ms: config.alert.resolve_after_ms,
        update_factor: config.alert.update_factor,
        watch_list: Arc::new(watch_list),
        slice_ms: detect.slice_ms,
        novelty: novelty::Options {
            pairs_max: per_shard(config.state.novelty_pairs_max),
            records_max: per_shard(config.state.novelty_records_max),
            pair_horizon_ms: detect.novelty_horizon_ms,
            record_horizon_ms: detect.cold_horizon_ms,
        },
        limits: Limits {
            profiles_max: bound(config.state.profiles_max),
            suspects_max: bound(config.state.suspects_max),
        },
        alert_key: keys.alert,
    }
}

/// What the numbers in a state of this configuration mean. Levels, budgets and lists are not part of
/// it: they may change between two runs.
#[must_use]
pub fn layout(config: &Config) -> state::Layout {
    let keys = config.attribute.keys.iter();
    let keys: Vec<_> = keys.map(|it| (it.kind, &it.field, &it.pattern, it.class.0)).collect();
    let classes: Vec<&str> = config.classes.iter().map(|it| it.name.as_str()).collect();
    let route = |it: &RouteSpec| {
        let look_ups = (&it.methods, &it.path, &it.subject, it.codec, it.class, it.households);
        let region = it.region.as_ref().map_or_else(String::new, |it| format!(" {it:?}"));
        (it.name.clone(), fingerprint(&format!("{look_ups:?}{region}")))
    };
    state::Layout {
        common: fingerprint(&format!("{keys:?} {classes:?} {}", config.detect.slice_ms)),
        routes: config.attribute.routes.iter().map(route).collect(),
    }
}

fn fingerprint(words: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(words.as_bytes());
    hasher.finish()
}

fn rules(config: &Config, id: RouteId, spec: &RouteSpec) -> RouteRules {
    let ordered = is_ordered(spec);
    let by_cursor = spec.class == RouteClass::List && spec.codec == Codec::Cursor;
    let observed = |class: usize| {
        let class = ClassId(u8::try_from(class).unwrap_or(u8::MAX));
        config.alert.mode_of(id, class) == Mode::Observe
    };
    let has = |class: RouteClass| config.attribute.routes.iter().any(|it| it.class == class);
    let acts = Acts { follow: has(RouteClass::Write), passes: has(RouteClass::PassCheck) };
    RouteRules {
        name: Arc::from(spec.name.as_str()),
        class: spec.class,
        ordered,
        by_cursor,
        national: spec.codec == Codec::DateLed,
        names_regions: spec.region.is_some(),
        households: spec.households,
        acts,
        weights: weights_of(spec.class, ordered || by_cursor),
        observe: false,
        classes: config.classes.iter().map(|it| class(it, spec.class)).collect(),
        class_observe: (0..config.classes.len()).map(observed).collect(),
    }
}

/// Whether the ids of a route have an order: by its codec, and not where a whole tail is the id.
fn is_ordered(spec: &RouteSpec) -> bool {
    match spec.codec {
        Codec::None | Codec::Cursor => false,
        Codec::Auto => !spec.path.contains("{*subject}"),
        _ => true,
    }
}

fn class(spec: &ClassSpec, route: RouteClass) -> profile::ClassSpec {
    let level = spec.level_on(route);
    profile::ClassSpec {
        name: spec.name.clone(),
        subjects: level.subjects,
        per_session: spec.per_session,
        k: level.k,
        minute: level.f_minute,
        longer: level.f_hour,
        k_new: level.k_new,
        misses: level.misses,
        observe_days: i64::from(spec.observe_days),
    }
}
