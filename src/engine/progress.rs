//! Where open alerts stand, once a minute: what has left by now, and what can be drawn of it.
//!
//! None of this changes an alert, so none of it is told to anybody or kept: the pages show it.

use super::Engine;
use crate::alert::{Client, RecordsOut};
use crate::judge::{Clients, SITE_KEY, Shape};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far an open alert has come without a change of its picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Which alert.
    pub id: String,
    /// Distinct records out, by all of its keys.
    pub records: u64,
    /// Half a 95 % interval of that.
    pub error: u64,
    /// Where the ids of its busiest client lie, if they have an order.
    pub drawn: Option<Drawn>,
}

/// The ids that a client of an alert asked for, as they may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Whose they are.
    pub client: Client,
    /// On which route.
    pub route: Arc<str>,
    /// Where they lie.
    pub shape: Shape,
}

impl Engine {
    /// Brings the book up to date; where its alerts stand.
    pub(super) fn progress(&mut self) -> Vec<Progress> {
        for (key, route, records) in self.clients.iter().flat_map(Clients::open_records) {
            self.book.count(route, key, records);
        }
        for (route, site) in (0..).zip(&self.sites) {
            site.records().into_iter().for_each(|it| self.book.count(route, SITE_KEY, it));
        }
        let mut drawn = self.drawn();
        let of = |(id, out): (&str, RecordsOut)| Progress {
            id: id.to_owned(),
            records: out.estimate,
            error: out.error,
            drawn: drawn.remove(id),
        };
        self.book.progress().map(of).collect()
    }

    /// By open alert, where the ids of its busiest client lie.
    #[must_use]
    pub fn drawn(&self) -> BTreeMap<&str, Drawn> {
        let mut busiest: BTreeMap<&str, Drawn> = BTreeMap::new();
        for (own, route, shape) in self.clients.iter().flat_map(Clients::open_shapes) {
            let Some(id) = self.book.id_of(route, own.key) else { continue };
            let Some(rules) = self.rules.routes.get(usize::from(route)) else { continue };
            if busiest.get(id).is_none_or(|it| it.shape.look_ups < shape.look_ups) {
                let name = String::from_utf8_lossy(&own.name).into_owned();
                let client = Client { key: own.kind, id: name };
                busiest.insert(id, Drawn { client, route: rules.name.clone(), shape });
            }
        }
        busiest
    }
}
