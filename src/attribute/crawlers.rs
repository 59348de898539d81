//! Clients that say in their user agent what they are: crawlers and monitors.
//!
//! A declaration is not believed, it only chooses what to expect: a declared crawler's address
//! starts from the level of crawlers instead of the level of people. Some eighty names are looked
//! for in every user agent, so they are looked for at once (Wu and Manber, 1994): from the last
//! three bytes of a window as long as the shortest name a table tells how far the window can move
//! without passing the start of any name, which on usual user agents is nearly its whole length.

use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};

/// The crawlers that ship with darban: lower-case parts of user agents.
pub fn shipped_crawlers() -> impl Iterator<Item = &'static str> {
    lines(include_str!("crawlers.txt"))
}

/// The monitors that ship with darban: lower-case parts of user agents.
pub fn shipped_monitors() -> impl Iterator<Item = &'static str> {
    lines(include_str!("monitors.txt"))
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The shortest name: one of two bytes stands in nearly every user agent.
pub(super) const NAME_BYTES_MIN: usize = BLOCK;
/// Bytes that are looked at together: of two many pairs are in some name.
const BLOCK: usize = 3;
/// Entries of the shift table: small enough for the first-level cache.
const SLOTS: usize = 4_096;

/// Several names, each with a value, to be found in a text in any case of its letters.
#[derive(Clone, Debug)]
pub(super) struct Finder<T> {
    /// Slot of the last block of the window, name, value; by slot, else as given.
    names: Vec<(usize, Box<[u8]>, T)>,
    /// How far the window may move by the slot of its last block; 0 where a name may begin.
    shifts: Box<[u8; SLOTS]>,
    /// The length of the shortest name, and of the window.
    window: usize,
    /// Tells finders with other names or values apart; never 0.
    tag: u64,
}

impl<T: Copy + Hash> Finder<T> {
    /// Of names of at least [`NAME_BYTES_MIN`] bytes; shorter ones are left out.
    pub(super) fn new<'n>(names: impl IntoIterator<Item = (&'n str, T)>) -> Self {
        let names = names.into_iter().filter(|(name, _)| name.len() >= NAME_BYTES_MIN);
        let names: Vec<(&[u8], T)> = names.map(|(name, value)| (name.as_bytes(), value)).collect();
        let shortest = names.iter().map(|(name, _)| name.len()).min().unwrap_or(BLOCK);
        let window = shortest.min(usize::from(u8::MAX));
        let last_block = window - BLOCK;
        let mut shifts = Box::new([u8::try_from(last_block + 1).unwrap_or(u8::MAX); SLOTS]);
        let blocks = names.iter().flat_map(|(name, _)| name.windows(BLOCK).enumerate());
        for (at, block) in blocks.filter(|(at, _)| *at <= last_block) {
            let shift = u8::try_from(last_block - at).unwrap_or(u8::MAX);
            shifts.get_mut(slot(block)).into_iter().for_each(|it| *it = (*it).min(shift));
        }
        let placed = names.into_iter().map(|(name, value)| {
            let block = name.get(last_block..window).unwrap_or_default();
            (slot(block), name.into(), value)
        });
        let mut names: Vec<(usize, Box<[u8]>, T)> = placed.collect();
        names.sort_by_key(|(slot, ..)| *slot);
        let mut hasher = SipHasher13::new();
        names.hash(&mut hasher);
        Self { names, shifts, window, tag: hasher.finish() | 1 }
    }

    /// The value of a name that stands in `text`: of the one that begins first, and of several
    /// there the one given first.
    pub(super) fn find(&self, text: &[u8]) -> Option<T> {
        if self.names.is_empty() {
            return None;
        }
        let mut start = 0;
        while let Some(window) = text.get(start..start + self.window) {
            let slot = window.last_chunk::<BLOCK>().map_or(0, |block| slot(block));
            let shift = self.shifts.get(slot).copied().unwrap_or(1);
            if shift > 0 {
                start += usize::from(shift);
                continue;
            }
            let found = text.get(start..).and_then(|rest| self.at_start(slot, rest));
            if found.is_some() {
                return found;
            }
            start += 1;
        }
        None
    }

    fn at_start(&self, slot: usize, text: &[u8]) -> Option<T> {
        let first = self.names.partition_point(|(it, ..)| *it < slot);
        let of_slot = self.names.iter().skip(first).take_while(|(it, ..)| *it == slot);
        let begins = |name: &[u8]| {
            text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        of_slot.filter(|(_, name, _)| begins(name)).map(|(.., value)| *value).next()
    }
}

/// The place of a block in the table, the same for either case of letters.
fn slot(block: &[u8]) -> usize {
    block.iter().fold(0, |slot, byte| slot << 4 ^ usize::from(byte | 0x20)) % SLOTS
}

/// Texts in a [`Memo`] at most: a busy portal sees some hundred user agents a minute.
const MEMO_TEXTS: usize = 256;
/// Longer texts are searched each time: no client shall fill memory with one of its headers.
const MEMO_TEXT_BYTES_MAX: usize = 512;

/// What was found in the texts of late. User agents repeat, and comparing one with its like costs
/// an eighth of searching it. Whoever sends a new one with every request only pays the search.
#[derive(Debug)]
pub(super) struct Memo<T> {
    /// The finder whose answers these are: a new configuration starts afresh.
    finder: u64,
    texts: Vec<(Vec<u8>, Option<T>)>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { finder: 0, texts: Vec::new() }
    }
}

impl<T: Copy + Hash> Finder<T> {
    /// [`Finder::find`], remembered.
    pub(super) fn recall(&self, text: &[u8], memo: &mut Memo<T>) -> Option<T> {
        if memo.finder != self.tag {
            memo.finder = self.tag;
            memo.texts = vec![(Vec::new(), None); MEMO_TEXTS];
        }
        let slot = if text.len() > MEMO_TEXT_BYTES_MAX {
            None
        } else {
            memo.texts.get_mut(memo_slot(text))
        };
        let Some((known, value)) = slot else {
            return self.find(text);
        };
        if known != text {
            known.clear();
            known.extend_from_slice(text);
            *value = self.find(text);
        }
        *value
    }
}

/// A place for a text by its end, its middle and its length, which tell user agents apart.
fn memo_slot(text: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |it| u64::from_le_bytes(*it));
    let middle = word(text.get(text.len() / 2..).and_then(|it| it.first_chunk()));
    let mixed = word(text.last_chunk()) ^ middle.rotate_left(23) ^ text.len() as u64;
    let [.., top] = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    usize::from(top) % MEMO_TEXTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::seeded;
    use proptest::prelude::*;

    fn shipped() -> Finder<u8> {
        Finder::new(
            shipped_crawlers().map(|it| (it, 1)).chain(shipped_monitors().map(|it| (it, 2))),
        )
    }

    #[test]
    fn declared_bots_are_known_and_browsers_are_not() {
        let finder = shipped();
        for (agent, found) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Some(1)),
            (
                "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch)",
                Some(1),
            ),
            ("CCBot/2.0 (https://commoncrawl.org/faq/)", Some(1)),
            ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", Some(2)),
            ("check_http/v2.3.3 (monitoring-plugins 2.3.3)", Some(2)),
            ("kube-probe/1.31", Some(2)),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", None),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                None,
            ),
            ("python-requests/2.31", None),
            ("", None),
        ] {
            assert_eq!(finder.find(agent.as_bytes()), found, "{agent}");
        }
    }

    #[test]
    fn shipped_names_are_lower_case_distinct_and_long_enough() {
        let mut names: Vec<&str> = shipped_crawlers().chain(shipped_monitors()).collect();
        assert!(names.iter().all(|it| it.len() > NAME_BYTES_MIN && *it == it.to_lowercase()));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_finder_without_names_finds_nothing() {
        assert_eq!(Finder::<u8>::new([]).find(b"Googlebot"), None);
        assert_eq!(Finder::new([("ab", 1)]).find(b"ab"), None);
    }

    #[test]
    fn a_memo_is_of_one_finder() {
        let (one, two) = (Finder::new([("googlebot", 1)]), Finder::new([("googlebot", 2)]));
        let mut memo = Memo::default();
        assert_eq!(one.recall(b"Googlebot/2.1", &mut memo), Some(1));
        assert_eq!(two.recall(b"Googlebot/2.1", &mut memo), Some(2));
    }

    proptest! {
        #![proptest_config(seeded())]

        #[test]
        fn a_remembered_answer_is_the_answer(
            texts in prop::collection::vec("[a-cA-C/]{0,9}", 0..60), long in 0..1000_usize,
        ) {
            let finder = Finder::new([("abc", 1), ("ca/b", 2)]);
            let mut memo = Memo::default();
            let long = format!("{}abc", "x".repeat(long));
            for text in texts.iter().chain(&texts).chain([&long, &long]) {
                let text = text.as_bytes();
                prop_assert_eq!(finder.recall(text, &mut memo), finder.find(text));
            }
        }

        #[test]
        fn the_finder_agrees_with_a_plain_search(
            names in prop::collection::vec("[a-c/]{3,6}", 0..5),
            text in "[a-cA-C/@]{0,40}",
        ) {
            let finder = Finder::new(names.iter().map(|it| (it.as_str(), ())));
            let lower = text.to_lowercase();
            let expected = names.iter().any(|it| lower.contains(it.as_str()));
            prop_assert_eq!(finder.find(text.as_bytes()).is_some(), expected);
        }
    }
}
