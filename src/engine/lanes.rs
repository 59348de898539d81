//! How shards are spread over threads.

/// Spreads the shards of a pass.
pub trait Lanes {
    /// Calls `work` once for every part of `shards`, with the index of the part's first shard;
    /// the parts cover all shards, each once. Returns when all are done.
    fn spread<T: Send>(
        &self,
        shards: &mut [T],
        size: usize,
        work: &(dyn Fn(usize, &mut [T]) + Sync),
    );
}

/// Everything on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Lanes for Serial {
    fn spread<T: Send>(
        &self,
        shards: &mut [T],
        _size: usize,
        work: &(dyn Fn(usize, &mut [T]) + Sync),
    ) {
        work(0, shards);
    }
}
