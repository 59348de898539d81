//! The engine as bytes, and back.
//!
//! Each stage writes its own part; what stands here is their order. A snapshot is the engine at one
//! cut: everything small is encoded at once, filters are copied, and profiles come a few at a time
//! while judging goes on ([`Engine::take_frozen`]). Reading back derives nothing that is written:
//! settings, weights and levels are the configuration's, so that these may change between two runs.
//! What a route has learned is dropped where the route itself has changed, and only that.

use super::{Engine, SHARDS, Settings};
use crate::novelty::Novelty;
use crate::profile::Pages;
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize, io};

/// A part of a snapshot.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub enum Section {
    /// What there is once.
    Engine(Vec<u8>),
    /// A shard of clients, less its profiles.
    Clients(u8, Vec<u8>),
    /// A shard's memory of who has seen whom.
    Novelty(u8, Box<Novelty>),
    /// Some profiles of a shard.
    Profiles(u8, Pages),
}

/// What there is once and is small.
#[derive(BorshSerialize, BorshDeserialize)]
struct Head {
    hour: i64,
    minute: i64,
    lookups: u64,
    begins: Option<Moment>,
    spaces_next: u64,
}

/// Why bytes are no snapshot of this engine.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// They cannot be read.
    #[error("the snapshot cannot be read: {0}")]
    Bytes(#[from] io::Error),
    /// A part is missing.
    #[error("a part of the snapshot is missing: {0}")]
    Missing(&'static str),
}

impl Engine {
    /// Begins a snapshot of this moment: all but the profiles, which are kept as they are now until
    /// they are [taken](Self::take_frozen).
    ///
    /// # Errors
    /// None are expected: it writes to memory.
    pub fn freeze(&mut self) -> io::Result<Vec<Section>> {
        let mut bytes = Vec::new();
        let head = Head {
            hour: self.hour,
            minute: self.minute,
            lookups: self.lookups,
            begins: self.begins,
            spaces_next: self.spaces_next,
        };
        (head, &self.baselines).serialize(&mut bytes)?;
        self.book.write(&mut bytes)?;
        (&self.spaces, &self.sites, &self.index, &self.shares).serialize(&mut bytes)?;
        let mut sections = vec![Section::Engine(bytes)];
        for (shard, clients) in (0..).zip(&mut self.clients) {
            let mut bytes = Vec::new();
            clients.freeze(&mut bytes)?;
            sections.push(Section::Clients(shard, bytes));
        }
        let memory = (0..).zip(&self.novelty);
        sections.extend(memory.map(|(shard, it)| Section::Novelty(shard, Box::new(it.clone()))));
        Ok(sections)
    }

    /// About so many bytes of profiles as they were when the snapshot was begun; nothing when all
    /// were taken.
    pub fn take_frozen(&mut self, bytes: usize) -> Vec<Section> {
        let each = bytes / SHARDS;
        let shards = (0..).zip(&mut self.clients);
        let taken = shards.filter_map(|(shard, it)| Some((shard, it.take_frozen(each)?)));
        taken.map(|(shard, pages)| Section::Profiles(shard, pages)).collect()
    }

    /// Forgets that a snapshot was begun.
    pub fn give_up_frozen(&mut self) {
        self.clients.iter_mut().for_each(crate::judge::Clients::give_up_frozen);
    }

    /// The engine of a snapshot, under these settings. `keeps` says for each route, in the order of
    /// the settings, whether it is the one that it was.
    ///
    /// # Errors
    /// Where a part cannot be read or is missing.
    pub fn restore(
        settings: Settings,
        sections: impl IntoIterator<Item = io::Result<Section>>,
        keeps: &[bool],
    ) -> Result<Self, Unfit> {
        let keeps = |route: u16| keeps.get(usize::from(route)).copied().unwrap_or(false);
        let mut parts = Parts { head: None, shards: Vec::new() };
        parts.shards.resize_with(SHARDS, Shard::default);
        for section in sections {
            // A shard that there is not is no part of this engine.
            let _known = parts.take(section?);
        }
        let mut engine = Self::new(settings);
        let head = parts.head.ok_or(Unfit::Missing("what there is once"))?;
        engine.read(&mut head.as_slice(), keeps)?;
        let own = engine.clients.iter_mut().zip(&mut engine.novelty);
        for ((clients, novelty), shard) in own.zip(parts.shards) {
            let Shard { own, memory, pages } = shard;
            clients.restore(
                &mut own.ok_or(Unfit::Missing("a shard"))?.as_slice(),
                &pages,
                keeps,
            )?;
            novelty.go_on(*memory.ok_or(Unfit::Missing("a memory"))?);
        }
        Ok(engine)
    }

    fn read(&mut self, bytes: &mut &[u8], keeps: impl Fn(u16) -> bool) -> io::Result<()> {
        let head = Head::deserialize(bytes)?;
        (self.hour, self.minute, self.begins) = (head.hour, head.minute, head.begins);
        (self.lookups, self.spaces_next) = (head.lookups, head.spaces_next);
        self.baselines.restore(bytes, |it| u16::try_from(it).is_ok_and(&keeps))?;
        self.book.read(bytes, &keeps)?;
        let (spaces, sites, index, shares) = <(Vec<_>, Vec<_>, _, _)>::deserialize(bytes)?;
        self.shares.go_on(shares, &keeps);
        for (route, ((space, site), own)) in (0..)
            .zip(spaces.into_iter().zip(sites).zip(self.spaces.iter_mut().zip(&mut self.sites)))
        {
            if keeps(route) {
                (*own.0, *own.1) = (space, site);
            }
        }
        self.index = index;
        Ok(())
    }
}

/// What was read, before it is put together.
struct Parts {
    head: Option<Vec<u8>>,
    shards: Vec<Shard>,
}

#[derive(Default)]
struct Shard {
    own: Option<Vec<u8>>,
    memory: Option<Box<Novelty>>,
    pages: Vec<Pages>,
}

impl Parts {
    fn take(&mut self, section: Section) -> Option<()> {
        let Self { head, shards } = self;
        match section {
            Section::Engine(bytes) => *head = Some(bytes),
            Section::Clients(at, bytes) => shards.get_mut(usize::from(at))?.own = Some(bytes),
            Section::Novelty(at, memory) => shards.get_mut(usize::from(at))?.memory = Some(memory),
            Section::Profiles(at, pages) => shards.get_mut(usize::from(at))?.pages.push(pages),
        }
        Some(())
    }
}
