//! The pages in a real Chromium: no complaint, no script needed, readable by everybody, narrow
//! enough for a phone, and inert whatever a client is called.
//!
//! A script for Node drives Debian's Chromium, because that is what axe-core needs anyway. What it
//! needs from npm is installed under `target/` on first use, as the lock file has it.

use crate::deliver::sample;
use crate::serve::Served;
use crate::skip::skip;
use darban::alert::{Alert, Client, Kind, Mode, OffsetSpan, RecordsOut, Status};
use darban::attribute::KeyKind;
use darban::engine::Drawn;
use darban::judge::Shape;
use darban::serve::UnwatchedPath;
use darban::time::Moment;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const CHROMIUM: &str = "/usr/bin/chromium";

pub(crate) fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

fn target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path)
}

/// The folder of what is needed from npm, installed on first use.
pub(crate) fn modules() -> Result<&'static Path, &'static str> {
    static MODULES: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MODULES.get_or_init(install).as_deref().map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let (folder, lock) = (target("npm"), here().join("package-lock.json"));
    let modules = folder.join("node_modules");
    let wanted = fs::read_to_string(lock).map_err(|error| error.to_string())?;
    let installed = modules.join(".complete");
    if fs::read_to_string(&installed).is_ok_and(|it| it == wanted) {
        return Ok(modules);
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(here().join(name), folder.join(name)).map_err(|error| error.to_string())?;
    }
    let ran = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("no npm: {error}"))?;
    if !ran.status.success() {
        return Err("what is needed from npm cannot be had".to_owned());
    }
    fs::write(installed, wanted).map_err(|error| error.to_string())?;
    Ok(modules)
}

/// Looks at pages in Chromium; what is wrong with them, or `None` where there is no Chromium.
fn look(check: &str, addr: SocketAddr, paths: &[String]) -> Option<Vec<String>> {
    let modules = match modules() {
        Ok(modules) if Path::new(CHROMIUM).exists() => modules,
        Ok(_) => return no_browser(check, &format!("no {CHROMIUM} (Debian: chromium)")),
        Err(why) => return no_browser(check, why),
    };
    let wanted = json!({
        "check": check,
        "url": format!("http://{addr}"),
        "paths": paths,
        "modules": modules,
        "chromium": CHROMIUM,
        "folder": target("tmp/pages"),
    });
    let mut node = Command::new("node")
        .arg(here().join("pages.cjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(wanted.to_string().as_bytes()).unwrap();
    let ran = node.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{check}: {said}");
    Some(serde_json::from_slice(&ran.stdout).unwrap())
}

fn no_browser(check: &str, why: &str) -> Option<Vec<String>> {
    skip(&format!("pages in Chromium, {check}"), why);
    None
}

fn assert_well(check: &str, served: &Served, paths: &[String]) {
    let problems = look(check, served.addr, paths).unwrap_or_default();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn client(key: KeyKind, id: &str) -> Client {
    Client { key, id: id.to_owned() }
}

/// A walk through a third of an honest client's look-ups.
fn walk() -> Drawn {
    let scattered = |at: u16| at.wrapping_mul(7_919) % 1_000;
    let places = (0..96).map(|at| if at % 3 == 0 { scattered(at) } else { 180 + at * 4 });
    Drawn {
        client: client(KeyKind::Staff, "clinic-17"),
        route: "beneficiary".into(),
        shape: Shape { places: places.collect(), look_ups: 1_536 },
    }
}

/// A crowd of addresses on another route, which is long over.
fn crowd() -> Alert {
    let first = sample::page("crowd");
    let span = |partition| OffsetSpan { partition, ..first.offsets[0].clone() };
    Alert {
        kind: Kind::Guessing,
        also_kinds: vec![Kind::Walk],
        also_on: vec!["protocol".into()],
        late: true,
        status: Status::Resolved,
        clients: (0..300)
            .map(|at| client(KeyKind::Address, &format!("2001:db8:85a3::8a2e:{at:x}")))
            .collect(),
        members_total: 1_204,
        records_out: RecordsOut { estimate: 1_240_000, error: 1_056 },
        offsets: (0..40).map(span).collect(),
        ..first
    }
}

/// A server with an alert of every sort; the paths of all of its pages.
fn all_sorts() -> (Served, Vec<String>) {
    let served = Served::new(&["beneficiary"], &["pager"]);
    let persian = client(KeyKind::Partner, "مرکز بهداشت ۱۷ (شمال)");
    let all = [
        Alert { examples: vec!["12******90".to_owned(); 3], ..sample::page("walk") },
        Alert { kind: Kind::Harvest, mode: Mode::Observe, ..sample::ticket("ticket") },
        Alert { kind: Kind::Volume, clients: vec![persian], ..sample::ticket("persian") },
        Alert { kind: Kind::BlindSpot, clients: Vec::new(), ..sample::page("blind") },
        crowd(),
    ];
    let mut paths: Vec<String> = all.iter().map(|it| format!("/alerts/{}", it.id)).collect();
    let mut board = served.shared.board.lock().unwrap();
    all.into_iter().for_each(|it| board.apply(it));
    board.draw("walk", walk());
    drop(board);
    let at = Moment(1_795_289_416_042);
    let missing = UnwatchedPath {
        path: "/api/v3/citizens/{subject}/vaccinations-and-everything-else".to_owned(),
        methods: "GET, HEAD".to_owned(),
        requests: 17_000,
        subjects: 900,
        route: "[[routes]]\nname = \"vaccinations\"\npath = \"/api/v3/citizens/{subject}\""
            .to_owned(),
    };
    served.shared.unwatched.lock().unwrap().put(vec![missing], at, at);
    let others = ["/alerts", "/alerts/nobody", "/unwatched", "/runbooks", "/runbooks/walk"];
    paths.extend(others.map(str::to_owned));
    (served, paths)
}

#[test]
fn chromium_has_nothing_to_complain_of_and_the_pages_need_no_script() {
    let (served, mut paths) = all_sorts();
    // What is not there is told in the console, as it should be.
    paths.retain(|it| it != "/alerts/nobody");
    assert_well("script", &served, &paths);
}

#[test]
fn what_is_folded_unfolds_without_script() {
    let (served, _) = all_sorts();
    assert_well("unfold", &served, &["/alerts/crowd".to_owned()]);
}

#[test]
fn the_pages_keep_to_wcag_in_light_and_dark() {
    let (served, mut paths) = all_sorts();
    paths.retain(|it| it != "/alerts/nobody");
    assert_well("axe", &served, &paths);
}

#[test]
fn the_pages_fit_a_phone_in_either_direction_of_writing() {
    let (served, mut paths) = all_sorts();
    let long = client(KeyKind::Credential, &"0123456789abcdef".repeat(40));
    let mut wide = Alert { clients: vec![long], ..sample::page("wide") };
    wide.route = "a-route-with-a-name-that-nobody-thought-would-ever-be-shown".into();
    wide.offsets[0].first = i64::MAX - 1;
    wide.offsets[0].last = i64::MAX;
    served.shared.board.lock().unwrap().apply(wide);
    paths.retain(|it| it != "/alerts/nobody");
    paths.push("/alerts/wide".to_owned());
    assert_well("fit", &served, &paths);
}

/// Answers every request with what `page` makes of its path, until the tests end.
fn serve_forever(page: fn(&str) -> String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let answer = move |mut stream: TcpStream| -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().unwrap_or(Ok(String::new()))?;
        while lines.next().is_some_and(|it| it.is_ok_and(|it| !it.is_empty())) {}
        let body = page(first.split(' ').nth(1).unwrap_or_default());
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that the browser opened and does not use.
            answer(stream).unwrap_or_default();
        }
    });
    addr
}

/// A page with a fault that each check has to see; that of an honest client is without.
fn faulty(path: &str) -> String {
    let fault = match path {
        "/honest" => "",
        "/injected" => "<img src='/x'>",
        "/ran" => "<script>globalThis.ran=1</script>",
        _ => {
            "<p style='color:#ccc;background:#fff;inline-size:3000px'>pale and wide</p>\
             <script>console.error('boom');document.write('of a script')</script>"
        }
    };
    let words = "A page with words enough to be read by somebody.";
    let head = "<!doctype html><html lang=en><title>t</title><link rel=icon href='data:,'>";
    format!("{head}<body><main><h1>{words}</h1>{fault}</main></body></html>")
}

#[test]
fn every_check_sees_its_fault() {
    let addr = serve_forever(faulty);
    let paths = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    for (check, all, said) in [
        (
            "script",
            ["/fault"].as_slice(),
            ["/fault: error: boom", "reads otherwise without script"],
        ),
        ("axe", &["/fault"], ["light: color-contrast", "dark: color-contrast"]),
        ("fit", &["/fault"], ["ltr at 360: ", "rtl at 1280: "]),
        (
            "inert",
            &["/honest", "/injected", "/ran"],
            ["/injected: is made of other", "a script ran"],
        ),
    ] {
        let Some(problems) = look(check, addr, &paths(all)) else { return };
        for part in said {
            assert!(problems.iter().any(|it| it.contains(part)), "{part}: {problems:#?}");
        }
    }
}

/// An alert in which everything that a client can choose is this.
fn called(id: &str, name: &str) -> (Alert, Drawn) {
    let mut alert = sample::page(id);
    alert.clients = vec![client(KeyKind::Partner, name), client(KeyKind::Partner, name)];
    alert.members_total = 2;
    alert.route = name.into();
    alert.also_on = vec![name.into()];
    alert.examples = vec![name.to_owned()];
    alert.seen.quantity = name.to_owned();
    alert.expected.quantity = name.to_owned();
    alert.offsets[0].topic = name.into();
    let drawn = Drawn { client: client(KeyKind::Partner, name), route: name.into(), ..walk() };
    (alert, drawn)
}

#[test]
fn whatever_a_client_is_called_the_page_is_made_of_the_same_elements_and_runs_nothing() {
    let corpus = fs::read_to_string(here().join("corpus.txt")).unwrap();
    assert!(corpus.lines().count() > 50);
    let served = Served::new(&["beneficiary"], &["pager"]);
    let mut board = served.shared.board.lock().unwrap();
    let mut paths = Vec::new();
    for (at, name) in std::iter::once("clinic-17").chain(corpus.lines()).enumerate() {
        let id = format!("called-{at:03}");
        let (mut alert, drawn) = called(&id, name);
        // Alone of its client: other alerts of it are links of their own.
        alert.clients.swap_remove(0);
        alert.clients.insert(0, client(KeyKind::Staff, &format!("{name}{at}")));
        board.apply(alert);
        board.draw(&id, drawn);
        paths.push(format!("/alerts/{id}"));
    }
    drop(board);
    assert_well("inert", &served, &paths);
}

#[test]
fn a_list_of_hostile_names_is_as_inert_as_their_pages() {
    let corpus = fs::read_to_string(here().join("corpus.txt")).unwrap();
    let lists = |names: &mut dyn Iterator<Item = &str>| {
        let served = Served::new(&["beneficiary"], &["pager"]);
        let mut board = served.shared.board.lock().unwrap();
        for (at, name) in names.enumerate() {
            let (mut alert, _) = called(&format!("called-{at:03}"), name);
            // All at once, so that they stand in one order.
            alert.fired_at = Moment(1_795_289_416_042);
            board.apply(alert);
        }
        drop(board);
        served
    };
    let hostile = lists(&mut corpus.lines());
    assert_well("script", &hostile, &["/alerts".to_owned()]);
    let plain = lists(&mut corpus.lines().map(|_| "clinic-17"));
    let [hostile, plain] = [hostile, plain].map(|it| tags(&it.get("/alerts").body));
    let differs = hostile.iter().zip(&plain).find(|it| it.0 != it.1);
    assert!(differs.is_none() && hostile.len() == plain.len(), "{differs:?}");
}

/// The tags of a page, one after the other.
fn tags(page: &str) -> Vec<String> {
    let tags = page.split('<').skip(1).filter_map(|it| it.split('>').next());
    tags.filter(|it| !it.starts_with("time")).map(str::to_owned).collect()
}

#[test]
fn pictures_of_the_pages_are_taken_for_whoever_changes_them() {
    let (served, paths) = all_sorts();
    let shown = paths.into_iter().filter(|it| !it.starts_with("/runbooks") || it.contains("walk"));
    assert_well(
        "pictures",
        &served,
        &shown.filter(|it| it != "/alerts/nobody").collect::<Vec<_>>(),
    );
}
