//! The one escaper: whatever a client wrote passes here before a person, a page or a pager sees it.

use std::borrow::Cow;
use std::fmt::Write;

/// Longest text taken from a log that is shown anywhere, in characters.
const SHOWN_CHARACTERS_MAX: usize = 256;

/// Text from a log made fit for a terminal, a log file or a pager: control characters (C0, C1),
/// line and paragraph separators and the bidirectional controls become `\u{..}`, and what is
/// longer than 256 characters ends in `…`.
#[must_use]
pub fn escape_text(text: &str) -> Cow<'_, str> {
    let hostile = |it: char| it.is_control() || is_invisible(it);
    if !text.chars().any(hostile) && text.len() <= SHOWN_CHARACTERS_MAX {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, it) in text.chars().enumerate() {
        if at == SHOWN_CHARACTERS_MAX {
            out.push('…');
            break;
        }
        if hostile(it) {
            let _infallible = write!(out, "\\u{{{:x}}}", u32::from(it));
        } else {
            out.push(it);
        }
    }
    Cow::Owned(out)
}

/// The same, and safe inside HTML text and quoted attributes.
#[must_use]
pub fn escape_html(text: &str) -> String {
    html_of(&escape_text(text))
}

/// Text of our own, of any length, safe inside HTML text and quoted attributes. What is from a log
/// goes through [`escape_html`].
#[must_use]
pub fn html_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// JSON text with every character that could move a cursor or turn a line written as `\\u....`:
/// the value stays exactly what it was, and a terminal may show it. Such characters can only stand
/// inside JSON strings, so the text need not be parsed.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let hostile = |it: char| it.is_control() || is_invisible(it);
    if !json.chars().any(hostile) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for it in json.chars() {
        if hostile(it) {
            for unit in it.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(it);
        }
    }
    Cow::Owned(out)
}

/// Bidirectional controls, separators, zero-width and tag characters: what changes how the rest
/// of a line reads without being seen.
const fn is_invisible(it: char) -> bool {
    matches!(
        it,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_the_line_is_shown_as_its_code() {
        assert_eq!(escape_text("clinic-17"), "clinic-17");
        assert_eq!(escape_text("a\u{1b}[2Jb\u{202e}c\u{9b}"), "a\\u{1b}[2Jb\\u{202e}c\\u{9b}");
        assert_eq!(
            escape_html("<b onclick='x'>&\u{7}"),
            "&lt;b onclick=&#39;x&#39;&gt;&amp;\\u{7}"
        );
        let hostile = "a\u{9b}\u{202e}\u{e0041}\"\n";
        let json = serde_json::to_string(hostile).unwrap();
        assert_eq!(escape_json(&json), r#""a\u009b\u202e\udb40\udc41\"\n""#);
        assert_eq!(serde_json::from_str::<String>(&escape_json(&json)).unwrap(), hostile);
        assert_eq!(escape_text(&"x".repeat(300)).chars().count(), SHOWN_CHARACTERS_MAX + 1);
    }
}
