//! The runbook, served from the binary itself.
//!
//! Whoever is woken follows the link of the alert, and it must lead somewhere on the first day,
//! before anybody has published the pages anywhere. They are the files of `deploy/runbooks` as
//! they were at the build, so they speak of this version. `alert.runbooks` points links elsewhere.
//!
//! They are our own text and no client's, yet markup in them stays text.

use crate::alert::html_of;
use pulldown_cmark::{Event, Parser, Tag, html};
use std::fmt::Write;

/// The pages by name.
const PAGES: &[(&str, &str)] = &[
    ("behind", include_str!("../../deploy/runbooks/behind.md")),
    ("blind_spot", include_str!("../../deploy/runbooks/blind_spot.md")),
    ("coverage_gap", include_str!("../../deploy/runbooks/coverage_gap.md")),
    ("decoy", include_str!("../../deploy/runbooks/decoy.md")),
    ("down", include_str!("../../deploy/runbooks/down.md")),
    ("forgets", include_str!("../../deploy/runbooks/forgets.md")),
    ("guessing", include_str!("../../deploy/runbooks/guessing.md")),
    ("harvest", include_str!("../../deploy/runbooks/harvest.md")),
    ("lag-grows", include_str!("../../deploy/runbooks/lag-grows.md")),
    ("not-told", include_str!("../../deploy/runbooks/not-told.md")),
    ("notifications-wait", include_str!("../../deploy/runbooks/notifications-wait.md")),
    ("outbox-fails", include_str!("../../deploy/runbooks/outbox-fails.md")),
    ("pass_guessing", include_str!("../../deploy/runbooks/pass_guessing.md")),
    ("receiver_failing", include_str!("../../deploy/runbooks/receiver_failing.md")),
    ("records-lost", include_str!("../../deploy/runbooks/records-lost.md")),
    ("refusing", include_str!("../../deploy/runbooks/refusing.md")),
    ("remembers-less", include_str!("../../deploy/runbooks/remembers-less.md")),
    ("sees-no-lookups", include_str!("../../deploy/runbooks/sees-no-lookups.md")),
    ("stalled", include_str!("../../deploy/runbooks/stalled.md")),
    ("state-not-kept", include_str!("../../deploy/runbooks/state-not-kept.md")),
    ("state_lost", include_str!("../../deploy/runbooks/state_lost.md")),
    ("sweep", include_str!("../../deploy/runbooks/sweep.md")),
    ("tampering", include_str!("../../deploy/runbooks/tampering.md")),
    ("unwatched", include_str!("../../deploy/runbooks/unwatched.md")),
    ("volume", include_str!("../../deploy/runbooks/volume.md")),
    ("walk", include_str!("../../deploy/runbooks/walk.md")),
    ("watched", include_str!("../../deploy/runbooks/watched.md")),
];

/// A page's title and body; by its name, or by that of its file.
pub(super) fn page(name: &str) -> Option<(String, String)> {
    let name = name.strip_suffix(".md").unwrap_or(name);
    let (_, text) = PAGES.iter().find(|it| it.0 == name)?;
    let body = format!(
        "<nav aria-label=\"Pages\"><a href=\"/alerts\">All alerts</a>\
         <a href=\"/runbooks\">All pages of the runbook</a></nav><main>{}</main>",
        render(text)
    );
    Some((title(text).to_owned(), body))
}

/// The list of all pages.
pub(super) fn index() -> String {
    let mut body = String::from(
        "<nav aria-label=\"Pages\"><a href=\"/alerts\">All alerts</a></nav>\
         <main><h1>Runbook</h1><ul>",
    );
    for (name, text) in PAGES {
        // Writing to a string cannot fail.
        write!(body, "<li><a href=\"/runbooks/{name}\">{}</a></li>", html_of(title(text)))
            .unwrap_or_default();
    }
    body.push_str("</ul></main>");
    body
}

fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}

/// Markdown as HTML; a file beside it is a page, and markup is text.
fn render(text: &str) -> String {
    let events = Parser::new(text).map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = served(&dest_url).map_or(dest_url, Into::into);
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::Html(markup) | Event::InlineHtml(markup) => Event::Text(markup),
        other => other,
    });
    let mut out = String::with_capacity(text.len() * 2);
    html::push_html(&mut out, events);
    out
}

/// Where a link to a file of the runbook leads here.
fn served(target: &str) -> Option<String> {
    let name = target.strip_suffix(".md").filter(|it| !it.contains('/'))?;
    Some(format!("/runbooks/{name}"))
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
        let html = render(text).replace('\n', " ");
        for part in [
            "<h1>A &lt;b&gt;</h1>",
            "one <code>x &lt; y</code> two <a href=\"/runbooks/down\">down</a>",
            "<a href=\"https://k.example/a.md\">k</a>",
            "<li>a</li> <li>b</li>",
            "<ol> <li>c</li> <li>d</li>",
            "f &gt; g # `h`  - i </code></pre>",
            "<p>end</p>",
            "<h2>B</h2>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }
}
