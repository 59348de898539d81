//! Evidence to findings: the merge of the streams, and the smallest set of keys that explains it.
//!
//! [`Clients`] is one logical shard of client keys. The engine shows it every contact of its keys
//! up to three times: as the finest key of the request, then as its address and as its network where
//! these are different ones. Between the passes stands a [`Relay`]: what the finest key was expected
//! to do and what it has shown, so that a roll-up is measured against the sum of its children and
//! alerts only on what they do not explain.

mod acts;
mod campaign;
mod clients;
mod conclude;
mod context;
mod explain;
mod finding;
mod flow;
mod kept;
mod manner;
mod picture;
mod rules;
mod site;
mod space;
mod speaker;
mod strangers;
mod streams;
mod suspect;
mod trail;
mod traps;
mod watch_list;

pub use campaign::{Scene, Working, takes_part};
pub use clients::{Clients, Limits, Stats, profile_id};
pub use context::{Relay, Seen};
pub use explain::{Explained, explain};
pub use finding::{Cause, Finding, FindingKind, Member, Picture};
pub use rules::{Acts, Levels, RouteRules, Rules, has_grown, weights_of};
pub use site::{SITE_KEY, Site, SiteContact, begin_sites};
pub use space::Space;
pub use speaker::Speaker;
pub use trail::{SHAPE_STEPS, Shape, Trail};
pub use watch_list::{Listed, WatchList};
