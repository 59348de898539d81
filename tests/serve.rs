//! The server over a real socket: health, metrics, pages.

use crate::deliver::sample;
use crate::deliver::scratch::Scratch;
use darban::alert::text::Wording;
use darban::alert::{Client, Kind, RecordsOut, Status};
use darban::attribute::KeyKind;
use darban::deliver::Secret;
use darban::serve::{Board, Readiness, Running, Serve, Shared, SilenceDesk, UnwatchedPath};
use darban::telemetry::Telemetry;
use darban::time::Moment;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A server on a free port, and what it shows.
pub(crate) struct Served {
    pub(crate) shared: Shared,
    pub(crate) addr: SocketAddr,
    running: Option<Running>,
    _runtime: Runtime,
}

impl Served {
    pub(crate) fn new(routes: &[&str], receivers: &[&str]) -> Self {
        Self::with(routes, receivers, None)
    }

    fn with(routes: &[&str], receivers: &[&str], silences: Option<Arc<SilenceDesk>>) -> Self {
        let owned = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let shared = Shared {
            telemetry: Arc::new(Telemetry::new(&owned(routes), &owned(receivers))),
            board: Arc::new(Mutex::new(Board::default())),
            unwatched: Arc::default(),
            readiness: Arc::new(Readiness::new(&["partitions", "state"])),
            wording: Arc::new(Wording {
                pages: Some("http://127.0.0.1:9464".to_owned()),
                runbooks: "http://127.0.0.1:9464/runbooks".to_owned(),
                ..Wording::default()
            }),
            silences,
        };
        let runtime = Runtime::new().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let running = Serve::start(any, shared.clone(), runtime.handle()).unwrap();
        Self { shared, addr: running.addr, running: Some(running), _runtime: runtime }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(path, "Accept: */*")
    }

    fn ask(&self, path: &str, header: &str) -> Answer {
        ask(self.addr, "GET", path, header)
    }
}

pub(crate) struct Answer {
    status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert!(self.head.contains("content-type: application/json"), "{}", self.head);
        serde_json::from_str(&self.body).unwrap()
    }
}

fn ask(addr: SocketAddr, method: &str, path: &str, header: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{header}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn with_alert() -> Served {
    let served = Served::new(&["beneficiary"], &["pager"]);
    served.shared.board.lock().unwrap().apply(sample::page("abc123"));
    served
}

#[test]
fn alive_asks_nothing_and_ready_names_what_is_missing() {
    let served = Served::new(&[], &[]);
    for path in ["/livez", "/healthz", "/-/healthy"] {
        let answer = served.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"), "{path}");
    }
    served.shared.readiness.set("state", true, "restored");
    for path in ["/readyz", "/-/ready"] {
        let answer = served.get(path);
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("[-]partitions not yet\n[+]state restored\nnot ready"));
    }
    served.shared.readiness.set("partitions", true, "12 assigned");
    assert_eq!(served.get("/readyz").body, "ok\n");
    let verbose = served.get("/readyz?verbose");
    assert_eq!(verbose.body, "[+]partitions 12 assigned\n[+]state restored\nok\n");
}

#[test]
fn alerts_come_as_html_and_as_json() {
    let served = with_alert();
    let page = served.get("/alerts");
    assert!(page.head.contains("content-type: text/html"), "{}", page.head);
    assert!(page.body.contains("/alerts/abc123") && page.body.contains("clinic-17"));
    let listing = served.ask("/alerts", "Accept: application/json").json();
    assert_eq!(listing["open"][0]["id"], "abc123");
    let one = served.get("/alerts/abc123?format=json").json();
    assert_eq!((&one["kind"], &one["clients"][0]["key"]), (&"walk".into(), &"staff".into()));
    let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    assert!(served.ask("/alerts/abc123", browser).body.starts_with("<!doctype html>"));
}

#[test]
fn progress_and_the_end_of_an_alert_show() {
    let served = with_alert();
    let records = RecordsOut { estimate: 4_321, error: 56 };
    served.shared.board.lock().unwrap().progress("abc123", records);
    assert_eq!(
        served.get("/alerts?format=json").json()["open"][0]["records_out"],
        serde_json::json!({ "estimate": 4_321, "error": 56 })
    );
    assert!(served.get("/alerts").body.contains("about 4,321 (± 56) records out"));
    assert!(served.get("/alerts/abc123").body.contains("4,321<small>± 56 (95 % interval)"));
    let resolved = sample::then(&sample::page("abc123"), Status::Resolved);
    served.shared.board.lock().unwrap().apply(resolved);
    assert!(served.get("/alerts").body.contains("No alert is open"));
    assert_eq!(served.get("/alerts/abc123?format=json").json()["status"], "resolved");
}

#[test]
fn the_runbook_is_served_to_whoever_follows_a_link() {
    let served = with_alert();
    let index = served.get("/runbooks");
    for kind in Kind::ALL {
        let path = format!("/runbooks/{}", kind.name());
        assert!(index.body.contains(&path), "{path}");
        // Links of alerts end in .md, so that they fit a folder of files too.
        for path in [path.clone(), format!("{path}.md")] {
            let answer = served.get(&path);
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.head.contains("style-src 'sha256-"), "{}", answer.head);
            assert!(answer.body.contains("<h2>Silence"), "{path}");
        }
    }
    assert_eq!(served.get("/runbooks/nothing").status, 404);
}

#[test]
fn what_is_not_there_is_404_and_nothing_can_be_posted() {
    let served = with_alert();
    assert_eq!(served.get("/alerts/nobody").status, 404);
    assert_eq!(served.get("/alerts/nobody?format=json").json()["error"], "no such alert");
    assert_eq!(served.get("/alerts/%3Cscript%3E").body.matches("<script").count(), 0);
    assert_eq!(served.get("/alerts/..%2f..%2fetc").status, 404);
    assert_eq!(ask(served.addr, "POST", "/alerts", "Content-Length: 0").status, 405);
}

#[test]
fn pages_run_no_script_and_their_style_is_allowed_by_its_hash() {
    let served = with_alert();
    let mut hostile = sample::page("hostile");
    let id = "<img src=x onerror=alert(1)>".to_owned();
    hostile.clients = vec![Client { key: KeyKind::Partner, id }];
    served.shared.board.lock().unwrap().apply(hostile);
    for path in ["/alerts", "/alerts/hostile", "/alerts/nobody"] {
        let answer = served.get(path);
        assert!(answer.head.contains("default-src 'none'; style-src 'sha256-"), "{}", answer.head);
        assert!(answer.head.contains("x-content-type-options: nosniff"), "{}", answer.head);
        assert!(!answer.body.contains("<img") && !answer.body.contains("<script"), "{path}");
        assert!(!answer.body.contains(" style="), "{path}");
    }
}

#[test]
fn metrics_are_the_text_exposition() {
    let served = with_alert();
    let answer = served.get("/metrics");
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{}", answer.head);
    assert!(answer.body.contains("# HELP darban_cuts_total "), "{}", answer.body);
}

#[test]
fn a_taken_address_is_an_error_and_a_stopped_server_is_gone() {
    let mut served = Served::new(&[], &[]);
    let runtime = Runtime::new().unwrap();
    let error = Serve::start(served.addr, served.shared.clone(), runtime.handle()).unwrap_err();
    assert_eq!(error.to_string(), format!("listening on {}", served.addr));
    served.running.take().unwrap().stop();
    // Not by connecting again: another test may listen on the port by now.
    assert_eq!(Arc::strong_count(&served.shared.board), 1);
}

const TOKEN: &str = "a-token-of-more-than-twenty-four";
const SILENCE: &str = r#"{"client":"clinic-17","route":"beneficiary","until":"2999-01-01T00:00:00Z","reason":"moves house","author":"ops"}"#;

#[test]
fn paths_that_nobody_watches_have_a_page_with_the_route_to_paste() {
    let served = Served::new(&[], &[]);
    assert!(served.get("/unwatched").body.contains("None with people on it was seen"));
    let found = UnwatchedPath {
        path: "/v3/people/{subject}".to_owned(),
        methods: "GET".to_owned(),
        requests: 812,
        subjects: 40,
        route: "[[routes]]\nname = \"people\"".to_owned(),
    };
    let at = Moment(1_795_289_416_042);
    served.shared.unwatched.lock().unwrap().put(vec![found], at, at);
    let page = served.get("/unwatched").body;
    assert!(page.contains("[[routes]]\nname = &quot;people&quot;"), "{page}");
    let row = &served.get("/unwatched?format=json").json()["unwatched"][0];
    assert_eq!((&row["requests"], &row["path"]), (&812.into(), &"/v3/people/{subject}".into()));
}

/// A server with a door to the file of silences in a folder, and how often it was hurried.
fn with_silences(scratch: &Scratch) -> (Served, Arc<AtomicUsize>) {
    let hurried = Arc::new(AtomicUsize::new(0));
    let count = hurried.clone();
    let desk = SilenceDesk {
        path: scratch.path().join("silences.toml"),
        token: Secret::new(TOKEN),
        origin: "http://127.0.0.1:9464".to_owned(),
        routes: vec!["beneficiary".to_owned()],
        hurry: Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }),
    };
    (Served::with(&["beneficiary"], &[], Some(Arc::new(desk))), hurried)
}

/// Headers, and a body behind them.
fn sent(headers: &str, body: &str) -> String {
    format!("{headers}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn trusted(body: &str) -> String {
    sent(&format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/json"), body)
}

#[test]
fn whoever_holds_the_token_adds_lists_and_ends_silences() {
    let scratch = Scratch::new();
    let (served, hurried) = with_silences(&scratch);
    let added = ask(served.addr, "POST", "/api/silences", &trusted(SILENCE));
    assert_eq!(added.status, 201, "{}", added.body);
    let id = added.json()["silences"][0]["id"].as_str().unwrap().to_owned();
    let listed = ask(served.addr, "GET", "/api/silences", &trusted("")).json();
    assert_eq!(listed["silences"][0]["id"], id.as_str());
    assert_eq!(listed["silences"][0]["phase"], "active");
    let path = format!("/api/silences/{id}?reason=it%20was%20a%20thief&author=ops");
    assert_eq!(ask(served.addr, "DELETE", &path, &trusted("")).status, 200);
    assert_eq!(ask(served.addr, "DELETE", &path, &trusted("")).status, 404);
    let listed = ask(served.addr, "GET", "/api/silences", &trusted("")).json();
    assert_eq!(listed["silences"][0]["phase"], "expired");
    let log = std::fs::read_to_string(scratch.path().join("silences.toml.audit.ndjson")).unwrap();
    let rows: Vec<Value> = log.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let said: Vec<_> = rows.iter().map(|it| (&it["what"], &it["why"], &it["via"])).collect();
    let http = Value::from("http");
    assert_eq!(
        said,
        [
            (&"add".into(), &"moves house".into(), &http),
            (&"expire".into(), &"it was a thief".into(), &http)
        ]
    );
    assert_eq!(rows[0]["who"], "ops, by token");
    assert!(hurried.load(Ordering::SeqCst) >= 2);
}

#[test]
fn nobody_else_changes_or_reads_a_silence() {
    let scratch = Scratch::new();
    let (served, _) = with_silences(&scratch);
    let json = "Content-Type: application/json";
    let token = format!("Authorization: Bearer {TOKEN}");
    for (headers, status) in [
        (json.to_owned(), 401),
        (format!("{json}\r\nAuthorization: Bearer wrong"), 401),
        (format!("{json}\r\nAuthorization: Bearer "), 401),
        (format!("{json}\r\nAuthorization: Basic {TOKEN}"), 401),
        (format!("{json}\r\n{token}\r\nOrigin: https://evil.example"), 403),
        (format!("{json}\r\n{token}\r\nOrigin: null"), 403),
        (format!("{json}\r\n{token}\r\nSec-Fetch-Site: cross-site"), 403),
        (format!("{json}\r\n{token}\r\nSec-Fetch-Site: same-site"), 403),
        (token.clone(), 415),
        (format!("{token}\r\nContent-Type: text/plain"), 415),
    ] {
        let answer = ask(served.addr, "POST", "/api/silences", &sent(&headers, SILENCE));
        assert_eq!(answer.status, status, "{headers}");
        assert!(!answer.head.contains("access-control-allow"), "{}", answer.head);
    }
    assert_eq!(served.get("/api/silences").status, 401);
    assert_eq!(served.get("/nothing").status, 404);
    assert_eq!(ask(served.addr, "DELETE", "/api/silences/a?reason=r&author=a", json).status, 401);
    let own = format!("{token}\r\n{json}\r\nOrigin: http://127.0.0.1:9464");
    let own = format!("{own}\r\nSec-Fetch-Site: same-origin");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "something was written");
    assert_eq!(ask(served.addr, "POST", "/api/silences", &sent(&own, SILENCE)).status, 201);
}

#[test]
fn a_silence_that_is_wrong_is_refused_with_all_that_is_wrong_with_it() {
    let scratch = Scratch::new();
    let (served, _) = with_silences(&scratch);
    let of = |body: &str| {
        let answer = ask(served.addr, "POST", "/api/silences", &trusted(body));
        assert_eq!(answer.status, 400, "{body}");
        answer.json()["errors"].as_array().unwrap().len()
    };
    assert_eq!(of(r#"{"cleint":"a","until":"soon"}"#), 4);
    assert_eq!(
        of(r#"{"route":"elsewhere","until":"2020-01-01T00:00:00Z","reason":"r"}"#),
        3,
        "author, until, route"
    );
    assert_eq!(of("nonsense"), 1);
    let matchers = r#""matchers":["client=~(","severity=page"]"#;
    let body = SILENCE.replacen('{', &format!("{{{matchers},"), 1);
    assert_eq!(of(&body), 2);
    let long = SILENCE.replace("moves house", &"x".repeat(20_000));
    assert_eq!(ask(served.addr, "POST", "/api/silences", &trusted(&long)).status, 413);
    assert!(!scratch.path().join("silences.toml").exists());
}

#[test]
fn without_a_token_there_is_no_way_to_the_silences() {
    let served = Served::new(&[], &[]);
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(ask(served.addr, method, "/api/silences", &trusted("")).status, 404);
    }
}
