//! What is skipped is said where everybody sees it.
//!
//! libtest keeps what passing tests print with `println!`, so a line printed that way is never
//! read and half the tests could be skipped unnoticed. What is written to the stream itself it
//! lets through.

use std::io::Write;

/// Says in one line that a test is skipped and why; where `CI=true` the test fails instead, because
/// CI has everything.
pub(crate) fn skip(test: &str, why: &str) {
    say(test, why, std::env::var("CI").as_deref() == Ok("true"), &mut std::io::stderr());
}

fn say(test: &str, why: &str, ci: bool, out: &mut impl Write) {
    assert!(!ci, "{test}: {why}");
    writeln!(out, "skipped: {test}: {why}").unwrap();
}

#[test]
fn what_is_skipped_is_one_line_and_in_ci_a_failure() {
    let mut out = Vec::new();
    say("the test", "no reason", false, &mut out);
    assert_eq!(out, b"skipped: the test: no reason\n");
    assert!(std::panic::catch_unwind(|| say("t", "w", true, &mut Vec::new())).is_err());
}

#[test]
fn a_line_that_is_skipped_is_seen_although_its_test_passes() {
    // This same program runs one of its tests as `cargo test` does, capturing.
    let tests = std::env::current_exe().unwrap();
    let run = std::process::Command::new(tests)
        .args(["--exact", "skip::says_what_is_skipped_when_it_is_asked_to"])
        .env("DARBAN_TEST_SKIPS", "1")
        .env_remove("CI")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("skipped: a test: it was asked to\n"), "{said}");
}

#[test]
fn says_what_is_skipped_when_it_is_asked_to() {
    if std::env::var_os("DARBAN_TEST_SKIPS").is_some() {
        skip("a test", "it was asked to");
    }
}

#[test]
fn no_test_prints_what_it_skips_where_nobody_reads_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let word = ["println!(\"", "skipped"].concat();
    for folder in ["tests", "tests/daemon", "tests/deliver", "tests/gateways", "tests/kafka"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.contains(&word), "{}: use skip::skip", path.display());
        }
    }
}
