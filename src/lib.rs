//! darban reads an API gateway's access logs and pages when a client reads too many people.
//!
//! A record flows one way through the modules below, in this order; each may use only itself
//! and those before it (`tests/tidy.rs` holds that). ARCHITECTURE.md has the map.

pub mod alert;
pub mod attribute;
pub mod config;
pub mod decode;
pub mod source;
pub mod time;
