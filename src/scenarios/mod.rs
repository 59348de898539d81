//! The portals' traffic, honest and not, with labels, from one seed.
//!
//! Access logs of real harvests are not to be had, so they are simulated: every client is an
//! independent generator with random numbers of its own, merged in time order, and each request
//! says whether it is honest (label 0) or which harvest it belongs to. Nothing is stored: a year
//! needs as much memory as an hour. The same engine that runs in production reads the requests as
//! [`AccessRecord`](crate::decode::AccessRecord)s ([`as_record`]) or as lines of any gateway
//! ([`Writer`]).
//!
//! Every rate, layout and shape is a field with a default. A method that only works at the
//! defaults does not work.

mod citizens;
mod crowd;
mod demo;
mod faults;
pub mod gates;
mod harvest;
mod id;
mod lines;
mod merge;
mod mixture;
mod partners;
mod people;
mod portal;
mod random;
mod record;
mod request;
mod season;
mod setup;
mod staff;
mod trial;
mod truth;
mod visitors;

pub use citizens::Citizens;
pub use demo::{DAYS as DEMO_DAYS, Demo, FACTOR as DEMO_FACTOR, LEAD_MS as DEMO_LEAD_MS};
pub use faults::{Outage, Redelivered};
pub use harvest::{Harvest, Order, Pace, Sharing};
pub use id::{Form, Id, Layout, Register};
pub use lines::Writer;
pub use merge::{Merge, Source};
pub use mixture::Mixture;
pub use partners::{BatchOrder, Nightly, Partner};
pub use people::Ids;
pub use portal::{CALL_CENTRE_FIRST, Portal};
pub use random::{Permutation, Random, coin, mix, whole};
pub use record::{SESSION_EXTRA, Scratch, as_record};
pub use request::{Agent, Client, Label, Request, Route, Who};
pub use season::Season;
pub use setup::config_toml;
pub use staff::Staff;
pub use trial::Trial;
pub use truth::{Harvested, Truth, labels};
pub use visitors::Visitors;
