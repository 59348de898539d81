//! The keys that are looked for, each found once a line instead of once a question.
//!
//! A line has some twenty keys and is asked for twice as many, most of which it does not have: by
//! comparing, that cost more than reading the line. So each key of a line is looked up here as it
//! is read, and a question is an index. What a line means still follows from the line alone; a
//! memory of the order in which keys came last would be as fast, and would be one more state.

/// Slots of the table: with some fifty names few share one.
const SLOTS: usize = 512;

/// A name by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Name(u8);

/// How many names there can be: those of all formats, and those of a configuration's extras.
pub(super) const NAMES_MAX: usize = 128;

impl Name {
    pub(in super::super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The names.
#[derive(Clone, Debug)]
pub(in super::super) struct Names {
    names: Vec<Box<[u8]>>,
    /// One more than the number of the first name of a slot; the next slots have the others.
    slots: Box<[u8]>,
}

impl Names {
    pub(in super::super) fn new() -> Self {
        Self { names: Vec::new(), slots: vec![0; SLOTS].into() }
    }

    /// The name, added where it is new. There is room for every name that can be configured.
    pub(in super::super) fn add(&mut self, name: &[u8]) -> Name {
        if let Some(known) = self.find(name) {
            return known;
        }
        let added = u8::try_from(self.names.len()).unwrap_or(u8::MAX);
        debug_assert!(self.names.len() < NAMES_MAX, "more names than can be configured");
        self.names.push(name.into());
        let mut at = slot(name);
        while let Some(taken) = self.slots.get_mut(at) {
            if *taken == 0 {
                *taken = added + 1;
                break;
            }
            at = (at + 1) % SLOTS;
        }
        Name(added)
    }

    /// The name that a key is.
    pub(in super::super) fn find(&self, key: &[u8]) -> Option<Name> {
        let mut at = slot(key);
        loop {
            let number = self.slots.get(at)?.checked_sub(1)?;
            if self.names.get(usize::from(number)).is_some_and(|it| **it == *key) {
                return Some(Name(number));
            }
            at = (at + 1) % SLOTS;
        }
    }
}

/// By length and three bytes: enough to part names that people have chosen to be told apart.
fn slot(key: &[u8]) -> usize {
    let byte = |at: usize| usize::from(key.get(at).copied().unwrap_or(0));
    let (first, middle, last) = (byte(0), byte(key.len() / 2), byte(key.len().wrapping_sub(1)));
    (key.len() * 67 + first * 5 + middle * 23 + last * 101) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again_and_nothing_else_is() {
        let mut names = Names::new();
        let all: Vec<String> = (0..100).map(|it| format!("name_{it}")).collect();
        let added: Vec<Name> = all.iter().map(|it| names.add(it.as_bytes())).collect();
        for (name, it) in all.iter().zip(&added) {
            assert_eq!(names.find(name.as_bytes()), Some(*it), "{name}");
            assert_eq!(names.add(name.as_bytes()), *it, "{name}");
        }
        for other in ["", "n", "name_100", "Name_1"] {
            assert_eq!(names.find(other.as_bytes()), None, "{other}");
        }
    }
}
