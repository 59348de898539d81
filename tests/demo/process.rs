//! `darban demo` as a process: what it prints, line by line, and its end.

use crate::deliver::alertmanager::free_port;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::wait_longer;
use darban::time::Clock;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A line of the demo, and how many milliseconds after the process's start it came.
pub(crate) struct Said {
    pub(crate) after_ms: u128,
    pub(crate) line: String,
}

impl Said {
    pub(crate) fn row(&self) -> Value {
        serde_json::from_str(&self.line).unwrap_or_default()
    }
}

/// A running demo; it ends when it is dropped.
pub(crate) struct Demo {
    child: Child,
    pub(crate) address: String,
    lines: Receiver<Said>,
    pub(crate) said: Vec<Said>,
    scratch: Scratch,
}

impl Demo {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let scratch = Scratch::new();
        let clock = Clock::system();
        let mut child = Command::new(env!("CARGO_BIN_EXE_darban"))
            .args(["demo", "--listen", &address])
            .args(arguments)
            .env("TMPDIR", scratch.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines(child.stdout.take().unwrap(), clock);
        Self { child, address, lines, said: Vec::new(), scratch }
    }

    /// The first line, from the first one on, of which this holds.
    pub(crate) fn wait(&mut self, what: &str, is_it: impl Fn(&Said) -> bool) -> &Said {
        let at = wait_longer(what, 0, || {
            self.said.extend(self.lines.try_iter());
            self.said.iter().position(&is_it)
        });
        &self.said[at]
    }

    /// The pages so far: identities of alerts, in order.
    pub(crate) fn pages(&mut self) -> BTreeSet<String> {
        self.said.extend(self.lines.try_iter());
        let rows = self.said.iter().map(Said::row).filter(is_page);
        rows.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends it as Ctrl-C does; what it said in all, and on standard error.
    pub(crate) fn interrupt(mut self) -> (Vec<Said>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let mut complaints = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{complaints}");
        self.said.extend(self.lines.iter());
        let left: Vec<_> = self.scratch.path().read_dir().unwrap().collect();
        assert!(left.is_empty(), "it leaves {left:?}");
        (std::mem::take(&mut self.said), complaints)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A change of an alert that makes it a page.
pub(crate) fn is_page(row: &Value) -> bool {
    row["type"] == "alert"
        && row["severity"] == "page"
        && row["mode"] == "page"
        && row["status"] == "firing"
}

fn lines(output: ChildStdout, clock: Clock) -> Receiver<Said> {
    let (told, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if told.send(Said { after_ms: clock.elapsed_ms(), line }).is_err() {
                break;
            }
        }
    });
    lines
}
