//! Whether kept state still means what it meant.
//!
//! State is about routes, subjects read by codecs, and the finest of the client keys in their
//! order; so the hash covers these and nothing else. Thresholds, receivers, classes and limits may
//! change without losing a baseline. A route has a hash of its own, so that changing one loses
//! only that one.

use super::field::name_of;
use crate::attribute::{Codec, KeySpec, RouteClass, RouteSpec, SubjectFrom};
use crate::decode::Extra;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The hash of everything that state depends on.
pub(super) fn of_all(routes: &[RouteSpec], keys: &[KeySpec], extras: &[Extra]) -> u64 {
    let mut parts = Parts::new("routes");
    for route in routes {
        parts.number(of_route(route, extras));
    }
    parts.text("keys");
    for key in keys {
        parts.text(key.kind.name());
        parts.text(&name_of(&key.field, extras));
        parts.text(key.pattern.as_deref().unwrap_or_default());
    }
    parts.0.finish()
}

/// The hash of one route.
pub(super) fn of_route(route: &RouteSpec, extras: &[Extra]) -> u64 {
    let mut parts = Parts::new("route");
    parts.text(&route.name);
    parts.number(u64::try_from(route.methods.len()).unwrap_or(u64::MAX));
    route.methods.iter().for_each(|method| parts.text(method));
    parts.text(&route.path);
    parts.text(name_in(RouteClass::ALL, route.class));
    parts.text(name_in(Codec::ALL, route.codec));
    parts.number(u64::from(route.households));
    if let SubjectFrom::Field(field) = &route.subject {
        parts.text(&name_of(field, extras));
    }
    // A route without one keeps the hash that it had before there were any.
    if let Some(field) = &route.region {
        parts.text("region");
        parts.text(&name_of(field, extras));
    }
    parts.0.finish()
}

fn name_in<T: PartialEq + Copy>(names: &'static [(T, &'static str)], value: T) -> &'static str {
    names.iter().find(|(it, _)| *it == value).map_or("", |(_, name)| name)
}

/// Texts and numbers, each with its length, so that no two lists of them look the same.
struct Parts(SipHasher13);

impl Parts {
    fn new(what: &str) -> Self {
        let mut parts = Self(SipHasher13::new());
        parts.text(what);
        parts
    }

    fn text(&mut self, text: &str) {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.0.write(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }
}
