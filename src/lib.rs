//! darban reads an API gateway's access logs and pages when a client reads too many people.
//!
//! A record flows one way through the modules below, in this order; each may use only itself
//! and those before it (`tests/tidy.rs` holds that). ARCHITECTURE.md has the map.

pub mod alert;
pub mod attribute;
pub mod causes;
pub mod cli;
pub mod config;
pub mod decode;
pub mod deliver;
pub mod engine;
pub mod evidence;
pub mod judge;
pub mod killpoint;
pub mod novelty;
pub mod pipeline;
pub mod profile;
pub mod scenarios;
pub mod serve;
pub mod source;
pub mod state;
pub mod survey;
pub mod telemetry;
pub mod time;
pub mod timeline;
