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

pub mod board;
mod catalogue;
mod citizens;
mod crowd;
mod demo;
mod evasions;
mod faults;
mod followed;
pub mod gates;
mod guests;
mod harvest;
mod hostile;
mod id;
mod lines;
mod merge;
mod mixture;
mod mortal;
mod occasions;
mod pace;
pub mod pairs;
mod partners;
mod people;
mod poller;
mod portal;
mod random;
mod record;
mod request;
mod route;
pub mod rules;
mod running;
mod season;
mod setup;
mod shapes;
mod staff;
mod tally;
mod templates;
mod trial;
mod truth;
mod visitors;

pub use catalogue::{
    Choice, Deliveries, Faults, HARVEST_OPTIONS, PORTAL_OPTIONS, Scenario, Setting, Simulation,
    named, scenarios,
};
pub use citizens::Citizens;
pub use demo::{DAYS as DEMO_DAYS, Demo, FACTOR as DEMO_FACTOR, LEAD_MS as DEMO_LEAD_MS};
pub use faults::{Outage, Redelivered, Skew};
pub use followed::Storm;
pub use guests::Guests;
pub use harvest::{Decoys, Filler, Harvest, Order, Padding, Sharing, Tampering};
pub use hostile::Hostile;
pub use id::{Form, Id, Layout, Register};
pub use lines::Writer;
pub use merge::{Merge, Source};
pub use mixture::Mixture;
pub use occasions::{Campaign, Group, Joining};
pub use pace::Pace;
pub use partners::{BatchOrder, Nightly, Partner};
pub use people::Ids;
pub use poller::Poller;
pub use portal::{CALL_CENTRE_FIRST, Portal};
pub use random::{Permutation, Random, coin, mix, whole};
pub use record::{DISTRICT_EXTRA, IDENTITY_EXTRA, SESSION_EXTRA, Scratch, as_record};
pub use request::{Agent, Client, Label, Request, Who};
pub use route::Route;
pub use season::Season;
pub use setup::{config_toml, custom_toml, undeclared_toml};
pub use staff::{BusyDay, Staff};
pub use tally::{LABELS_HEADER, Taken, Tally};
pub use trial::Trial;
pub use truth::{Harvested, Truth, labels};
pub use visitors::Visitors;
