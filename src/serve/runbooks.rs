//! The runbook, served from the binary itself.
//!
//! Whoever is woken follows the link of the alert, and it must lead somewhere on the first day,
//! before anybody has published the pages anywhere. They are the files of `deploy/runbooks` as
//! they were at the build, so they speak of this version. `alert.runbooks` points links elsewhere.
//!
//! Only so much Markdown is read as the pages use: headings, paragraphs, lists, fenced code, code
//! and links within a line. They are our own text and no client's, yet nothing in them becomes
//! markup by itself.

use crate::alert::html_of;
use std::fmt::Write;

/// The pages by name.
const PAGES: &[(&str, &str)] = &[
    ("behind", include_str!("../../deploy/runbooks/behind.md")),
    ("down", include_str!("../../deploy/runbooks/down.md")),
    ("forgets", include_str!("../../deploy/runbooks/forgets.md")),
    ("guessing", include_str!("../../deploy/runbooks/guessing.md")),
    ("harvest", include_str!("../../deploy/runbooks/harvest.md")),
    ("lag-grows", include_str!("../../deploy/runbooks/lag-grows.md")),
    ("not-told", include_str!("../../deploy/runbooks/not-told.md")),
    ("notifications-wait", include_str!("../../deploy/runbooks/notifications-wait.md")),
    ("outbox-fails", include_str!("../../deploy/runbooks/outbox-fails.md")),
    ("records-lost", include_str!("../../deploy/runbooks/records-lost.md")),
    ("refusing", include_str!("../../deploy/runbooks/refusing.md")),
    ("sees-no-lookups", include_str!("../../deploy/runbooks/sees-no-lookups.md")),
    ("stalled", include_str!("../../deploy/runbooks/stalled.md")),
    ("sweep", include_str!("../../deploy/runbooks/sweep.md")),
    ("volume", include_str!("../../deploy/runbooks/volume.md")),
    ("walk", include_str!("../../deploy/runbooks/walk.md")),
];

/// A page's title and body; by its name, or by that of its file.
pub(super) fn page(name: &str) -> Option<(String, String)> {
    let name = name.strip_suffix(".md").unwrap_or(name);
    let (_, text) = PAGES.iter().find(|it| it.0 == name)?;
    let body = format!("<p><a href=\"/runbooks\">All pages of the runbook</a></p>{}", render(text));
    Some((title(text).to_owned(), body))
}

/// The list of all pages.
pub(super) fn index() -> String {
    let mut body = String::from("<h1>Runbook</h1><ul>");
    for (name, text) in PAGES {
        put(
            &mut body,
            format_args!("<li>{}</li>", link(title(text), &format!("/runbooks/{name}"))),
        );
    }
    body.push_str("</ul><p><a href=\"/alerts\">All alerts</a></p>");
    body
}

fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}

/// What a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    None,
    Paragraph,
    Bullets,
    Numbers,
    Code,
}

impl Block {
    const fn ends(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Paragraph => "</p>",
            Self::Bullets => "</ul>",
            Self::Numbers => "</ol>",
            Self::Code => "</code></pre>",
        }
    }

    const fn begins(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Paragraph => "<p>",
            Self::Bullets => "<ul>",
            Self::Numbers => "<ol>",
            Self::Code => "<pre><code>",
        }
    }
}

/// Markdown as HTML.
fn render(text: &str) -> String {
    let (mut out, mut block) = (String::with_capacity(text.len() * 2), Block::None);
    for line in text.lines() {
        let (next, rest) = match (block, line) {
            (Block::Code, _) if line.starts_with("```") => (Block::None, ""),
            (Block::Code, _) => {
                put(&mut out, format_args!("{}\n", html_of(line)));
                continue;
            }
            _ if line.starts_with("```") => (Block::Code, ""),
            _ => of_line(line),
        };
        if next != block {
            put(&mut out, format_args!("{}{}", block.ends(), next.begins()));
        } else if next == Block::Paragraph {
            out.push(' ');
        }
        block = next;
        match block {
            Block::Code => {}
            Block::Bullets | Block::Numbers => {
                put(&mut out, format_args!("<li>{}</li>", inline(rest)))
            }
            Block::Paragraph => out.push_str(&inline(rest)),
            Block::None => heading(&mut out, rest),
        }
    }
    out.push_str(block.ends());
    out
}

/// What a line outside code is, and what it says.
fn of_line(line: &str) -> (Block, &str) {
    if let Some(rest) = line.strip_prefix("- ") {
        return (Block::Bullets, rest);
    }
    let numbered = line.split_once(". ").filter(|(it, _)| it.parse::<u8>().is_ok());
    match numbered {
        Some((_, rest)) => (Block::Numbers, rest),
        None if line.trim().is_empty() || line.starts_with('#') => (Block::None, line),
        None => (Block::Paragraph, line),
    }
}

fn heading(out: &mut String, line: &str) {
    if let Some(rest) = line.strip_prefix("## ") {
        put(out, format_args!("<h2>{}</h2>", inline(rest)));
    } else if let Some(rest) = line.strip_prefix("# ") {
        put(out, format_args!("<h1>{}</h1>", inline(rest)));
    }
}

/// Code and links within a line.
fn inline(line: &str) -> String {
    let mut out = String::new();
    for (at, part) in line.split('`').enumerate() {
        if at % 2 == 1 {
            put(&mut out, format_args!("<code>{}</code>", html_of(part)));
            continue;
        }
        let mut rest = part;
        while let Some((before, words, target, after)) = next_link(rest) {
            let page = target.strip_suffix(".md").filter(|it| !it.contains('/'));
            let target = page.map_or_else(|| target.to_owned(), |it| format!("/runbooks/{it}"));
            put(&mut out, format_args!("{}{}", html_of(before), link(words, &target)));
            rest = after;
        }
        out.push_str(&html_of(rest));
    }
    out
}

/// What stands before the first `[words](target)`, its two parts, and the rest.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (words, rest) = rest.split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    Some((before, words, target, after))
}

fn link(words: &str, target: &str) -> String {
    format!("<a href=\"{}\">{}</a>", html_of(target), html_of(words))
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    out.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Kind;
    use std::path::Path;

    #[test]
    fn every_file_of_the_runbook_is_served_and_every_kind_has_its_page() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/runbooks");
        let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name());
        let mut files: Vec<String> = files.map(|it| it.into_string().unwrap()).collect();
        files.sort();
        let pages: Vec<String> = PAGES.iter().map(|it| format!("{}.md", it.0)).collect();
        assert_eq!(pages, files);
        for name in files.iter().map(String::as_str).chain(Kind::ALL.iter().map(|it| it.name())) {
            let (title, body) = page(name).unwrap_or_else(|| panic!("{name}"));
            assert!(!title.is_empty() && body.contains("<h2>What it means</h2>"), "{name}");
            let links = body.split("href=\"/runbooks/").skip(1);
            for target in links.filter_map(|it| it.split('"').next()) {
                assert!(page(target).is_some(), "{name} leads to {target}");
            }
        }
        assert!(page("../walk").is_none() && page("").is_none());
    }

    #[test]
    fn what_the_pages_use_becomes_html_and_nothing_else_does() {
        let text = "# A <b>\n\none `x < y`\ntwo [down](down.md), [k](https://k.example/a.md).\n- a\n- b\n\n1. c\n2. d\n```sh\nf > g # `h`\n\n- i\n```\nend\n## B";
        assert_eq!(
            render(text),
            "<h1>A &lt;b&gt;</h1><p>one <code>x &lt; y</code> two <a href=\"/runbooks/down\">down</a>, \
             <a href=\"https://k.example/a.md\">k</a>.</p><ul><li>a</li><li>b</li></ul>\
             <ol><li>c</li><li>d</li></ol><pre><code>f &gt; g # `h`\n\n- i\n</code></pre>\
             <p>end</p><h2>B</h2>"
        );
    }
}
