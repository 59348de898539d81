//! The documentation: its commands run, its links lead somewhere, and it names all that there is.

use crate::deliver::scratch::Scratch;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use darban::alert::Kind;
use darban::cli::Arguments;
use darban::evidence::Stream;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small portal's fortnight with two stolen logins in it, on which commands are tried.
const FORTNIGHT: &str = "simulate S3b --days 15 --portal-option citizens=60 \
    --portal-option partners=1 --portal-option partner_per_second=0.001 \
    --portal-option visitors=50 --portal-option agents=5 --portal-option anxious=0 \
    --portal-option staff=40 --harvest-option attempts=300 --output access.log \
    --labels labels.csv --config darban.toml";
/// What commands need of a configuration besides.
const MORE: &str = "[alert]\nsilences = \"silences.toml\"\n[state]\ndirectory = \"state\"\n";
/// Placeholders of the runbook, and what stands for each.
const STAND_INS: [(&str, &str); 2] = [("'NAME'", "clinic-7"), ("PATH...", "access.log")];
/// What is not run but only read by the real parser: how a command begins, and why.
const ONLY_READ: [(&str, &str); 7] = [
    ("darban run", "it reads Kafka until it is stopped"),
    ("darban demo", "it lasts minutes; tests/demo runs it"),
    ("darban evaluate", "it lasts minutes; tests/evaluate.rs runs it"),
    ("darban health", "it asks a daemon; tests/deploy.rs does"),
    ("darban alert test", "it sends to a receiver; tests/cli.rs does"),
    ("darban silence expire", "the id is another each time; tests/cli.rs does"),
    ("darban state", "it needs what a daemon has kept; tests/kills does"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages, by their path in the tree.
fn pages() -> Vec<(String, String)> {
    let mut paths = vec![PathBuf::from("README.md")];
    for folder in ["docs", "deploy/runbooks"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let names = entries.map(|it| it.unwrap().file_name());
        paths.extend(names.map(|name| Path::new(folder).join(name)));
    }
    paths.retain(|path| path.extension().is_some_and(|it| it == "md"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        (path.display().to_string(), text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines of a page's blocks of commands; what ends with a backslash goes on in the next.
fn lines(page: &str) -> Vec<String> {
    let (mut inside, mut found, mut open) = (false, Vec::new(), String::new());
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = !inside && ["", "sh"].contains(&language);
        } else if inside {
            open.push_str(line.trim_start());
            match open.strip_suffix('\\').map(str::to_owned) {
                Some(more) => open = more,
                None => found.push(std::mem::take(&mut open)),
            }
        }
    }
    found
}

/// What stands between backticks in the text of a page.
fn inline(page: &str) -> Vec<String> {
    let (mut inside, mut text) = (false, String::new());
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            text.extend([line, "\n"]);
        }
    }
    let odd = text.split('`').skip(1).step_by(2);
    odd.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The words of a command as a shell has them, up to a comment or to where output goes.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in command.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, ' ') if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (None, ' ') => {}
            (None, '#' | '>' | '|') if word.is_empty() => return words,
            _ => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn with_stand_ins(command: &str) -> String {
    let replaced = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    STAND_INS.iter().fold(command.to_owned(), replaced)
}

fn is_only_read(command: &str) -> bool {
    command.contains("kafka://") || ONLY_READ.iter().any(|(begin, _)| command.starts_with(begin))
}

/// A folder with what commands name, and with `darban` in its path.
struct Desk(Scratch);

impl Desk {
    fn new() -> Self {
        let desk = Self(Scratch::new());
        desk.run(&format!("darban {FORTNIGHT}"));
        let path = |name: &str| desk.0.path().join(name);
        let config = fs::read_to_string(path("darban.toml")).unwrap();
        fs::write(path("darban.toml"), format!("{config}\n{MORE}")).unwrap();
        fs::write(path("decoys-ids.txt"), "4000000003\n").unwrap();
        for name in ["part.log", "fortnight.log"] {
            fs::hard_link(path("access.log"), path(name)).unwrap();
        }
        desk
    }

    /// Runs a command in a shell and says how it ended.
    fn run(&self, command: &str) -> (Option<i32>, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_darban"));
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", program.parent().unwrap().display());
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", command]).current_dir(self.0.path()).env("PATH", path);
        let output = shell.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Runs all commands of the pages that begin so, each page's in a folder of their own.
fn runs_all(folder: &str) {
    let mut count = 0;
    for (path, page) in pages().into_iter().filter(|(path, _)| path.starts_with(folder)) {
        let commands = lines(&page).into_iter().filter(|it| it.starts_with("darban "));
        let commands = commands.map(|it| with_stand_ins(&it)).filter(|it| !is_only_read(it));
        let commands: Vec<String> = commands.collect();
        if commands.is_empty() {
            continue;
        }
        let desk = Desk::new();
        for command in commands {
            let (code, said) = desk.run(&command);
            // Of a simulated log something is blind, and the doctor says so.
            let fine: &[i32] = if command.starts_with("darban doctor") { &[0, 1] } else { &[0] };
            assert!(
                code.is_some_and(|it| fine.contains(&it)),
                "{path}: {command}: {code:?} {said}"
            );
            count += 1;
        }
    }
    assert!(count > 3, "{folder}: {count}");
}

#[test]
fn the_commands_of_the_readme_run() {
    runs_all("README.md");
}

#[test]
fn the_commands_of_the_documentation_run() {
    runs_all("docs/");
}

#[test]
fn the_commands_of_the_runbook_run() {
    // Pages with the same commands have been run once they have been run on one.
    let pages = pages().into_iter().filter(|(path, _)| path.starts_with("deploy/"));
    let commands = pages.flat_map(|(_, page)| lines(&page));
    let commands = commands.filter(|it| it.starts_with("darban ")).map(|it| with_stand_ins(&it));
    let bare = |it: String| it.split('#').next().unwrap_or_default().trim_end().to_owned();
    let commands: BTreeSet<String> = commands.map(bare).filter(|it| !is_only_read(it)).collect();
    let desk = Desk::new();
    for command in &commands {
        let (code, said) = desk.run(command);
        assert_eq!(code, Some(0), "{command}: {said}");
    }
    assert!(commands.len() >= 3, "{commands:?}");
}

#[test]
fn every_command_in_a_block_is_one_that_the_program_takes() {
    let mut count = 0;
    for (path, page) in pages() {
        for line in lines(&page).iter().filter(|it| it.starts_with("darban ")) {
            let parsed = Arguments::try_parse_from(words(&with_stand_ins(line)));
            assert!(parsed.is_ok(), "{path}: {line}: {}", parsed.unwrap_err());
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn every_command_in_a_sentence_has_only_what_the_program_knows() {
    let mut count = 0;
    for (path, page) in pages() {
        for command in inline(&page).iter().filter(|it| it.starts_with("darban ")) {
            // A sentence may leave out what a command needs, and give it no value.
            let left_out = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::InvalidValue,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ];
            let error = Arguments::try_parse_from(words(command)).err();
            let is_known = error.as_ref().is_none_or(|it| left_out.contains(&it.kind()));
            assert!(is_known, "{path}: `{command}`: {}", error.unwrap());
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn every_command_of_the_program_is_named() {
    let all: String = pages().into_iter().map(|(_, page)| page).collect();
    for command in Arguments::command().get_subcommands() {
        let name = command.get_name();
        assert!(all.contains(&format!("darban {name}")), "{name} stands on no page");
    }
}

#[test]
fn every_stream_and_every_kind_of_alert_is_explained() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (streams, concepts) = (read("docs/streams.md"), read("docs/concepts.md"));
    for stream in Stream::ALL {
        let section = format!("\n## {}\n\n*{}*", stream.name(), stream.pager_line());
        assert!(streams.contains(&section), "{section}");
    }
    let readme = read("README.md");
    for kind in Kind::ALL {
        assert!(concepts.contains(&format!("`{}`", kind.name())), "{}", kind.name());
    }
    for stream in Stream::ALL {
        assert!(readme.contains(&format!("| `{}` |", stream.name())), "{}", stream.name());
    }
}

#[test]
fn every_make_target_that_is_named_is_one() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let mut count = 0;
    for (path, page) in pages() {
        for command in lines(&page).into_iter().chain(inline(&page)) {
            let Some(target) = command.strip_prefix("make ").and_then(|it| it.split(' ').next())
            else {
                continue;
            };
            let is_there = makefile.contains(&format!("\n{target}:"));
            assert!(is_there, "{path}: make {target}");
            count += 1;
        }
    }
    assert!(count > 8, "{count}");
}

#[test]
fn every_link_leads_to_a_file() {
    let more = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let read = |path: &&str| ((*path).to_owned(), fs::read_to_string(root().join(path)).unwrap());
    let mut count = 0;
    for (path, page) in pages().into_iter().chain(more.iter().map(read)) {
        let folder = root().join(&path);
        for link in page.split("](").skip(1).filter_map(|it| it.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let file = folder.with_file_name(link.split('#').next().unwrap_or_default());
            assert!(file.exists(), "{path} links to {link}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn every_page_is_linked() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (readme, runbooks) = (read("README.md"), read("docs/runbooks.md"));
    for (path, _) in pages() {
        if path.starts_with("docs/") {
            assert!(readme.contains(&format!("({path})")), "README.md does not link {path}");
        } else if path.starts_with("deploy/") {
            assert!(runbooks.contains(&format!("(../{path})")), "runbooks.md does not link {path}");
        }
    }
}

#[test]
fn the_picture_says_itself_in_words_and_is_fit_for_dark_and_light() {
    let picture = fs::read_to_string(root().join("docs/concepts.svg")).unwrap();
    for part in ["<title id=", "<desc id=", "role=\"img\"", "prefers-color-scheme: dark"] {
        assert!(picture.contains(part), "{part}");
    }
}
