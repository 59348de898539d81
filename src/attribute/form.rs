//! The form of a request: what the requests of one program have in common, whomever they ask for.
//!
//! A program asks for one kind of page, and says who it is in the same words each time. So a form
//! is the last part of the path with every word that holds a digit left out (`7-09-index.htm` and
//! `12-16-index.htm` are one form, `index.json` is another) together with the user agent. It is one
//! byte, told apart among the few clients that are under suspicion and never looked up: that two
//! forms share a byte once in 256 times costs nothing, and one byte gives no id away.

use crate::decode::AccessRecord;
use memchr::{memchr2, memrchr};

/// The form of a record.
pub(super) fn of(record: &AccessRecord<'_>) -> u8 {
    let target: &[u8] = &record.target;
    let path = memchr2(b'?', b'#', target).and_then(|end| target.get(..end)).unwrap_or(target);
    let last = memrchr(b'/', path).and_then(|at| path.get(at + 1..)).unwrap_or(path);
    let mixed = words(last) ^ agent(record.user_agent.as_deref().unwrap_or_default());
    let [.., top] = mixed.wrapping_mul(MIX).to_le_bytes();
    top
}

/// An odd number without a pattern (the golden ratio's, as Knuth's multiplicative hash has it).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The words of a segment, those with a digit as if they were one.
fn words(segment: &[u8]) -> u64 {
    let mut sum = 0_u64;
    let (mut word, mut has_digit) = (0_u64, false);
    for byte in segment {
        if byte.is_ascii_alphanumeric() {
            has_digit |= byte.is_ascii_digit();
            word = (word ^ u64::from(*byte)).wrapping_mul(MIX);
            continue;
        }
        let said = if has_digit { 1 } else { word };
        sum = (sum ^ said ^ u64::from(*byte)).rotate_left(23).wrapping_mul(MIX);
        (word, has_digit) = (0, false);
    }
    (sum ^ if has_digit { 1 } else { word }).wrapping_mul(MIX)
}

/// What tells user agents apart at the cost of two words: their length, end and middle.
fn agent(text: &[u8]) -> u64 {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |it| u64::from_le_bytes(*it));
    let middle = word(text.get(text.len() / 2..).and_then(|it| it.first_chunk()));
    (word(text.last_chunk()) ^ middle.rotate_left(23) ^ text.len() as u64).wrapping_mul(MIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn form(target: &'static str, agent: &'static str) -> u8 {
        of(&AccessRecord {
            target: Cow::Borrowed(target.as_bytes()),
            user_agent: Some(Cow::Borrowed(agent.as_bytes())),
            ..AccessRecord::default()
        })
    }

    #[test]
    fn two_ids_have_one_form_and_another_page_or_another_agent_has_another() {
        let index = form("/data/354950/000095012309/0000950123-09-011236-index.htm", "curl/8.1.2");
        assert_eq!(index, form("/data/7/1/0000000007-16-000001-index.htm?x=1", "curl/8.1.2"));
        assert_ne!(index, form("/data/7/1/0000000007-16-000001.txt", "curl/8.1.2"));
        assert_ne!(index, form("/data/7/1/0000000007-16-000001-index.htm", "python-requests/2.31"));
    }
}
