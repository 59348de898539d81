//! The open alerts as whoever is outside needs them: to go on with them in the next process, to show
//! them, and to add what darban has to say of itself.

use super::Engine;
use crate::alert::{Alert, Standing};
use crate::evidence::ebb::Ebb;
use crate::judge::{RouteRules, Site};
use crate::time::Moment;
use crate::timeline::Note;

impl Engine {
    /// Every open alert as it stands now, for the next process.
    pub fn standing_all(&mut self) -> Vec<Standing> {
        self.progress();
        self.book.open().map(|it| self.book.standing(it)).collect()
    }

    /// Takes what darban has to say of itself.
    pub fn note(&mut self, note: &Note) -> Option<Alert> {
        self.book.note(note)
    }

    /// Routes that hold far fewer look-ups than they used to in the quarter of an hour before `at`, each
    /// with what it holds. `is_told` says of which this is known.
    pub fn dry(&self, at: Moment, is_told: impl Fn(&str) -> bool) -> Vec<(&str, Ebb)> {
        let routes = self.rules.routes.iter().zip(&self.sites);
        let dry = |(route, site): (&'_ RouteRules, &Site)| site.ebb(at, is_told(&route.name));
        routes.filter_map(|it| Some((&*it.0.name, dry(it)?))).collect()
    }

    /// Goes on with an alert that an earlier process left open; whether its route is still
    /// configured.
    pub fn adopt(&mut self, standing: Standing) -> bool {
        // One about darban itself is on no route.
        let is_its =
            |it: &RouteRules| standing.alert.kind.is_own() || it.name == standing.alert.route;
        let route = self.rules.routes.iter().position(is_its);
        let Some(route) = route.and_then(|it| u16::try_from(it).ok()) else { return false };
        self.book.adopt(standing, route);
        true
    }

    /// What has to be kept of an alert that has just changed.
    #[must_use]
    pub fn standing(&self, change: &Alert) -> Standing {
        self.book.standing(change)
    }

    /// Whether an alert is open.
    #[must_use]
    pub fn is_open(&self, id: &str) -> bool {
        self.book.is_open(id)
    }

    /// The open alerts.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.book.open()
    }
}
