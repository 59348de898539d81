//! Shards on threads: the engine's passes on a pool.

use crate::engine::{Lanes, Serial};
use rayon::prelude::*;

/// Lookups in a cut below which threads cost more than they bring.
const PARALLEL_FROM: usize = 2_048;

/// A pool of threads for the shards of large cuts; small ones stay on the calling thread. Which
/// thread judges a shard changes nothing, so this is a matter of speed alone.
#[derive(Debug)]
pub struct Pool {
    pool: Option<rayon::ThreadPool>,
    threads: usize,
    parallel_from: usize,
}

impl Pool {
    /// A pool of this many threads; one thread (or a pool that cannot be made) is none.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self::with_threshold(threads, PARALLEL_FROM)
    }

    /// The same with another size of cut from which it is used, for tests.
    #[must_use]
    pub fn with_threshold(threads: usize, parallel_from: usize) -> Self {
        let pool = (threads > 1)
            .then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok())
            .flatten();
        Self { pool, threads, parallel_from }
    }
}

impl Lanes for Pool {
    fn spread<T: Send>(
        &self,
        shards: &mut [T],
        size: usize,
        work: &(dyn Fn(usize, &mut [T]) + Sync),
    ) {
        let Some(pool) = self.pool.as_ref().filter(|_| size >= self.parallel_from) else {
            return Serial.spread(shards, size, work);
        };
        let part = shards.len().div_ceil(self.threads);
        pool.install(|| {
            shards
                .par_chunks_mut(part)
                .enumerate()
                .for_each(|(index, shards)| work(index * part, shards));
        });
    }
}
