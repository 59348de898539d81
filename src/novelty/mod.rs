//! Has this key seen this subject; has anyone seen this record.
//!
//! Evidence about breadth is taken only from the first contact of a client with a subject:
//! repeats neither add nor subtract, since a third of padding would otherwise hide a harvest, and
//! evidence is then the same when Kafka delivers a record twice.
//!
//! Both questions are answered by filters of fixed size ([`Filter`]) in two generations. A filter
//! says "seen" falsely about once in a hundred, which only hides novelty. A generation is given
//! up when its time is over, or when it is full; after a forced rotation the memory is shorter
//! than the horizon, an honest client's people would look new again, and so first contacts carry
//! no weight until one horizon has passed: junk look-ups must not be able to wipe honest memory.
//!
//! One [`Novelty`] serves one logical shard of subjects. A record is hashed together with its
//! subject, so both filters of a look-up lie in the same shard.

mod filter;
mod memory;

pub use filter::Filter;
pub use memory::{Contact, Novelty, Options, Stats};
