//! Which client keys asked which route about which subject and record, with which outcome.
//!
//! The raw subject id ends here: out of this module come a keyed hash, a [`Position`] in the id
//! space and an eight-byte mask for examples, and nothing else.

mod lookup;
#[expect(dead_code, reason = "the writer comes with attribution")]
pub mod names;
mod options;

pub use lookup::{
    Attributed, ClassId, KEY_KINDS, KeyKind, Lookup, Mask, NameRef, Outcome, Position, RouteId,
    Skip,
};
pub use options::{Codec, Field, KeySpec, Options, RouteClass, RouteSpec, SubjectFrom};
