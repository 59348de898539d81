//! What is shipped beside the binary: systemd's unit, the image, the things around it.

use crate::deliver::alertmanager::free_port;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::wait_until;
use crate::kills::lives::Life;
use crate::serve::Served;
use crate::skip::skip;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const DARBAN: &str = env!("CARGO_BIN_EXE_darban");

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a tool, where it is there.
fn tool(test: &str, name: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(name).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            skip(test, &format!("{name}: {error}"));
            None
        }
    }
}

fn is_fine(output: &Output) -> bool {
    output.status.success() && output.stderr.is_empty()
}

#[test]
fn systemds_unit_is_one_and_its_sandbox_leaves_little() {
    let unit = fs::read_to_string(tree("deploy/systemd/darban.service")).unwrap();
    let scratch = Scratch::new();
    let path = scratch.path().join("darban.service");
    fs::write(&path, unit.replace("/usr/bin/darban", DARBAN)).unwrap();
    let path = path.to_str().unwrap();
    let Some(verified) = tool("systemd", "systemd-analyze", &["verify", path]) else { return };
    assert!(is_fine(&verified), "{}", String::from_utf8_lossy(&verified.stderr));
    // In tenths.
    let arguments = ["security", "--offline=yes", "--threshold=15", path];
    let scored = tool("systemd", "systemd-analyze", &arguments).unwrap();
    let said = String::from_utf8_lossy(&scored.stdout);
    assert!(scored.status.success(), "{}", said.lines().last().unwrap_or_default());
}

#[test]
fn the_image_is_made_as_its_linter_wants_it() {
    let path = tree("deploy/container/Dockerfile");
    let arguments = ["--failure-threshold", "info", path.to_str().unwrap()];
    // It is in no distribution, so that even a new machine may lack it.
    let Ok(linted) = Command::new("hadolint").args(arguments).output() else { return };
    assert!(linted.status.success(), "{}", String::from_utf8_lossy(&linted.stdout));
}

#[test]
fn what_compose_mounts_is_there_and_whom_it_waits_for_is_a_service() {
    let folder = tree("deploy/container");
    let text = fs::read_to_string(folder.join("compose.yaml")).unwrap();
    let compose: Value = serde_saphyr::from_str(&text).unwrap();
    let services = compose["services"].as_object().unwrap();
    let volumes = compose["volumes"].as_object().unwrap();
    let mut mounted = 0;
    for (name, service) in services {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there = volumes.contains_key(from) || folder.join(from).exists();
            assert!(is_there, "{name} mounts {from}");
            mounted += 1;
        }
        for other in service["depends_on"].as_object().into_iter().flatten() {
            assert!(services.contains_key(other.0), "{name} waits for {}", other.0);
        }
        if let Some(file) = service["build"]["dockerfile"].as_str() {
            assert!(tree(file).exists(), "{file}");
        }
    }
    assert!(mounted > 8, "{mounted}");
}

#[test]
fn the_configurations_around_it_are_accepted_by_their_own_programs() {
    let path = |name: &str| tree("deploy/container").join(name).display().to_string();
    let checked = Command::new(DARBAN).args(["check", "--config", &path("darban.toml")]).output();
    assert!(checked.unwrap().status.success());
    let Some(amtool) = tool("compose", "amtool", &["check-config", &path("alertmanager.yml")])
    else {
        return;
    };
    assert!(amtool.status.success(), "{}", String::from_utf8_lossy(&amtool.stderr));
    // The rules lie elsewhere in the container.
    let arguments = ["check", "config", "--syntax-only", &path("prometheus.yml")];
    let Some(promtool) = tool("compose", "promtool", &arguments) else { return };
    assert!(promtool.status.success(), "{}", String::from_utf8_lossy(&promtool.stderr));
}

#[test]
fn the_manual_has_a_page_of_every_command() {
    let scratch = Scratch::new();
    let folder = scratch.path().to_str().unwrap();
    let made = Command::new(DARBAN).args(["man", "--output", folder]).status().unwrap();
    assert!(made.success());
    for page in ["darban.1", "darban-run.1", "darban-state-verify.1"] {
        let text = fs::read_to_string(scratch.path().join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
}

#[test]
fn the_debian_package_holds_all_that_it_names_and_its_configuration_is_in_order() {
    let scratch = Scratch::new();
    let folder = scratch.path().to_str().unwrap();
    let build = tree("deploy/debian/build");
    // Compressed as little as it can be: what matters is what is in it.
    let arguments = [DARBAN, folder, "-Zgzip", "-z1"];
    let Some(_) = tool("package", "dpkg-deb", &["--version"]) else { return };
    let built = Command::new(build).args(arguments).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut entries = fs::read_dir(scratch.path()).unwrap().map(|it| it.unwrap().path());
    let package = entries.find(|it| it.extension().is_some_and(|it| it == "deb")).unwrap();
    let package = package.to_str().unwrap();
    let version = tool("package", "dpkg-deb", &["--field", package, "Version"]).unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
    let root = scratch.path().join("root");
    assert!(is_fine(
        &tool("package", "dpkg-deb", &["-x", package, root.to_str().unwrap()]).unwrap()
    ));
    for file in [
        "usr/lib/systemd/system/darban.service",
        "usr/lib/sysusers.d/darban.conf",
        "usr/lib/tmpfiles.d/darban.conf",
        "usr/share/man/man1/darban-run.1.gz",
        "usr/share/bash-completion/completions/darban",
        "usr/share/zsh/vendor-completions/_darban",
        "usr/share/fish/vendor_completions.d/darban.fish",
        "usr/share/darban/darban.schema.json",
        "usr/share/doc/darban/README.md",
        "usr/share/doc/darban/docs/quick-start.md",
        "usr/share/doc/darban/deploy/runbooks/walk.md",
        "usr/share/doc/darban/changelog.gz",
        "usr/share/doc/darban/copyright",
    ] {
        assert!(root.join(file).exists(), "{file}");
    }
    let config = root.join("etc/darban/darban.toml");
    let check = ["check", "--config", config.to_str().unwrap()];
    let checked = Command::new(root.join("usr/bin/darban")).args(check).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let control = scratch.path().join("control");
    let control = control.to_str().unwrap();
    assert!(is_fine(&tool("package", "dpkg-deb", &["-e", package, control]).unwrap()));
    for script in ["postinst", "prerm", "postrm"] {
        let read = tool("package", "sh", &["-n", &format!("{control}/{script}")]).unwrap();
        assert!(is_fine(&read), "{script}: {}", String::from_utf8_lossy(&read.stderr));
    }
    let unit = fs::read_to_string(root.join("usr/lib/systemd/system/darban.service")).unwrap();
    for path in unit.split_whitespace().filter_map(|it| it.split_once("=/usr/")) {
        let is_there = root.join("usr").join(path.1).exists();
        assert!(is_there, "the unit names /usr/{}", path.1);
    }
}

#[test]
fn health_tells_alive_from_ready() {
    let (served, scratch) = (Served::new(&[], &[]), Scratch::new());
    let config = scratch.path().join("darban.toml");
    fs::write(&config, format!("[http]\nlisten = \"{}\"\n{ROUTE}", served.addr)).unwrap();
    let ask = |more: &[&str]| {
        let mut command = Command::new(DARBAN);
        command.arg("health").arg("--config").arg(&config).args(more).output().unwrap()
    };
    let alive = ask(&[]);
    assert!(alive.status.success(), "{}", String::from_utf8_lossy(&alive.stderr));
    let ready = ask(&["--ready"]);
    assert_eq!(ready.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ready.stderr).contains("[-]partitions"), "{ready:?}");
}

const ROUTE: &str = r#"
[source]
brokers = ["127.0.0.1:9"]
topics = ["access"]
security = { protocol = "plaintext" }
[[routes]]
name = "person"
path = "/people/{subject}"
class = "personal"
[state]
directory = "state"
[privacy]
key_file = "state/key"
"#;

#[test]
fn a_supervisor_hears_that_a_standby_is_ready_and_lives() {
    let scratch = Scratch::new();
    let (config, socket) = (scratch.path().join("darban.toml"), scratch.path().join("notify"));
    fs::write(&config, format!("[http]\nlisten = \"127.0.0.1:0\"\n{ROUTE}")).unwrap();
    let state = scratch.path().join("state");
    fs::create_dir(&state).unwrap();
    let key = darban::state::Key::new([1; 32]);
    let directory = darban::state::Directory::open(&state, key, false).unwrap();
    let _owner = directory.lock().unwrap();
    let supervisor = UnixDatagram::bind(&socket).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut command = Command::new(DARBAN);
    command.args(["run", "--standby", "--config"]).arg(&config).env("NOTIFY_SOCKET", &socket);
    let mut standby = command.spawn().unwrap();
    let mut heard = [0; 512];
    let length = supervisor.recv(&mut heard).unwrap();
    let said = String::from_utf8_lossy(&heard[..length]).into_owned();
    standby.kill().unwrap();
    standby.wait().unwrap();
    for word in ["READY=1", "WATCHDOG=1", "STATUS=standby"] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn a_standby_leaves_the_address_of_the_pages_to_an_owner_who_has_none_yet() {
    let scratch = Scratch::new();
    let port = free_port();
    let config = |name: &str| {
        let folder = scratch.path().join(name);
        fs::create_dir_all(folder.join("state")).unwrap();
        let path = folder.join("darban.toml");
        fs::write(&path, format!("[http]\nlisten = \"127.0.0.1:{port}\"\n{ROUTE}")).unwrap();
        (folder.join("state"), path)
    };
    let begin = |path: &Path, more: &[&str]| {
        let mut command = Command::new(DARBAN);
        command.arg("run").args(more).arg("--config").arg(path).stderr(Stdio::piped());
        Life(command.spawn().unwrap())
    };
    let (state, path) = config("waits");
    let key = darban::state::Key::new([1; 32]);
    let directory = darban::state::Directory::open(&state, key, false).unwrap();
    let owner = directory.lock().unwrap();
    let _standby = begin(&path, &["--standby"]);
    owner.serves().unwrap();
    let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until("the standby answers", listens);
    let (state, path) = config("owns");
    let mut other = begin(&path, &[]);
    wait_until("the other is about to serve", || state.join("outbox.ndjson").exists());
    // As the next owner of the directory does first.
    fs::write(scratch.path().join("waits/state/lock"), "").unwrap();
    let said = BufReader::new(other.0.stderr.take().unwrap()).lines();
    let served = said.map(Result::unwrap).find(|it| it.contains("pages and metrics on"));
    assert!(served.is_some());
}
