//! The configuration as operators meet it: the reference file, and the words of every mistake.

use darban::alert::{Mode, Severity};
use darban::attribute::{ClassId, Field, KeyKind, RouteClass, RouteId, SubjectFrom};
use darban::config::{Accepted, Config, Problems, Protocol, ReceiverKind, Start};
use darban::decode::{Extra, Format};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the files lie that the fixtures and the reference name.
pub(crate) fn files() -> PathBuf {
    root().join("tests/cases/config/files")
}

fn reference() -> String {
    fs::read_to_string(root().join("deploy/darban.toml")).unwrap()
}

/// Keys that decide what others are allowed: by default, and with what allows most.
const MOST: &[(&str, &str)] = &[
    ("format = \"auto\"", "format = \"custom\""),
    ("protocol = \"plaintext\"", "protocol = \"sasl_tls\""),
    ("mechanism = \"SCRAM-SHA-512\"", "mechanism = \"OAUTHBEARER\""),
];

/// The reference with every optional line made real, and the keys that decide what others are
/// allowed set to what allows most.
pub(crate) fn whole_reference() -> String {
    let uncommented = reference().lines().map(uncommented).collect::<Vec<_>>().join("\n");
    MOST.iter().fold(uncommented, |text, (default, most)| replaced(&text, default, most))
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(&format!("\n{from}\n")).count(), 1, "{from}");
    text.replacen(from, to, 1)
}

/// `key = value` for `# key = value`, and `[table]` for `# [table]`; other lines as they are.
fn uncommented(line: &str) -> String {
    let rest = line.strip_prefix("# ").unwrap_or_default();
    let (key, _) = rest.split_once(" = ").unwrap_or_default();
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    let is_key = !key.is_empty() && key.bytes().all(plain);
    if is_key || rest.starts_with('[') { rest.to_owned() } else { line.to_owned() }
}

/// A path with the places in lists and the names of classes left out.
pub(crate) fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    for (place, part) in path.split('.').enumerate() {
        let (name, _) = part.split_once('[').unwrap_or((part, ""));
        let is_class = place == 1 && pattern == "classes";
        let dot = if place == 0 { "" } else { "." };
        pattern.extend([dot, if is_class { "*" } else { name }]);
    }
    pattern
}

fn value_at<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    let mut parts = path.split('.');
    let first = parts.next()?;
    let mut value = step(|name| table.get(name), first)?;
    for part in parts {
        value = step(|name| value.get(name), part)?;
    }
    Some(value)
}

fn step<'t>(get: impl FnOnce(&str) -> Option<&'t Value>, part: &str) -> Option<&'t Value> {
    match part.split_once('[') {
        Some((name, index)) => get(name)?.get(index.trim_end_matches(']').parse::<usize>().ok()?),
        None => get(part),
    }
}

fn accepted(text: &str) -> Vec<Accepted> {
    Config::accepted(text, &files()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_reference_is_accepted_as_it_stands_without_any_file() {
    Config::parse(&reference(), Path::new("/nonexistent")).unwrap_or_else(|it| panic!("{it}"));
}

#[test]
fn every_key_of_the_reference_is_accepted() {
    accepted(&whole_reference());
}

#[test]
fn every_key_that_is_accepted_stands_in_the_reference() {
    let (mut all, mut given) = (BTreeSet::new(), BTreeSet::new());
    for key in accepted(&whole_reference()) {
        all.insert(pattern(&key.path));
        if key.given {
            given.insert(pattern(&key.path));
        }
    }
    let missing: Vec<_> = all.difference(&given).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(given.len() > 80, "{}", given.len());
}

#[test]
fn every_default_in_the_reference_is_the_default_of_the_code() {
    let whole = whole_reference();
    let defaults = MOST.iter().fold(whole.clone(), |text, (it, most)| replaced(&text, most, it));
    let table: Table = defaults.parse().unwrap();
    // Of these the reference shows an example, and says so.
    let examples = ["routes.methods", "classes.*.mode"];
    let mut defaults = 0;
    for key in accepted(&whole) {
        let Some(default) = key.default.filter(|_| key.given) else { continue };
        if examples.contains(&pattern(&key.path).as_str()) {
            continue;
        }
        let default: Table = format!("it = {default}").parse().unwrap();
        assert_eq!(value_at(&table, &key.path), default.get("it"), "{}", key.path);
        defaults += 1;
    }
    assert!(defaults > 70, "{defaults}");
}

#[test]
fn the_reference_with_its_options_taken_is_the_configuration_without_them() {
    let minimal = "[[clients.keys]]\nkind = \"staff\"\nfield = \"user\"\n\n[[routes]]\nname = \
        \"beneficiary\"\nmethods = [\"GET\"]\npath = \"/api/v2/beneficiaries/{subject}\"\nclass = \
        \"personal\"\n";
    let parse = |text: &str| Config::parse(text, &files()).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(parse(&reference()), parse(minimal));
}

#[test]
fn each_kind_of_mistake_is_named_in_these_words() {
    let mut seen = 0;
    for (path, text) in fixtures() {
        let expected: Vec<&str> = text.lines().filter_map(|it| it.strip_prefix("#! ")).collect();
        let found = match Config::parse(&text, &files()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.list.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found.join("\n"), expected.join("\n"), "{}", path.display());
        assert!(!expected.is_empty(), "{}: no words expected", path.display());
        seen += expected.len();
    }
    assert!(seen > 80, "{seen}");
}

#[test]
fn a_literal_secret_is_never_repeated() {
    let text = fs::read_to_string(root().join("tests/cases/config/secrets.toml")).unwrap();
    let words = Config::parse(&text, &files()).unwrap_err().to_string();
    for secret in ["hunter2", "0123456789abcdef"] {
        assert!(text.contains(secret) && !words.contains(secret), "{words}");
    }
}

/// The fixtures: each says in its first lines, behind `#! `, what is wrong with it.
pub(crate) fn fixtures() -> BTreeMap<PathBuf, String> {
    let entries = fs::read_dir(root().join("tests/cases/config")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|it| it == "toml"));
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

const ROUTE: &str = "[[routes]]\nname = \"r\"\npath = \"/p/{subject}\"\nclass = \"personal\"\n";

fn parse(text: &str) -> Config {
    Config::parse(text, &files()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the contract shows, all at once.
pub(crate) const CONTRACT: &str = r#"
[source]
brokers = ["127.0.0.1:9092"]
topics = ["gateway-access"]
group = "darban"
instance_id = "darban-1"
start = "-7d"
security = { protocol = "sasl_tls", ca_file = "ca.pem", mechanism = "PLAIN", username = "u", password_file = "kafka.password" }
[decode]
format = "custom"
zone = "Asia/Almaty"
[decode.custom]
time = "/ts"
path = "/req/path"
[clients]
trusted_proxies = ["10.0.0.0/8", "::1"]
crawlers = "none"
[[clients.keys]]
kind = "credential"
field = "header:X-Api-Key"
[[clients.keys]]
kind = "session"
field = "query:token"
[[clients.keys]]
kind = "staff"
field = "json:/claims/sub"
pattern = "clinic-*"
class = "clinic"
[classes.clinic]
subjects = 40
[[routes]]
name = "beneficiary"
methods = ["get"]
path = "/api/v2/beneficiaries/{subject}"
class = "personal"
[[routes]]
name = "edgar"
path = "/Archives/edgar/data/{subject}/{record}/{*}"
class = "register"
mode = "observe"
[[routes]]
name = "by-key"
path = "/by-key"
class = "personal"
subject = "header:x-api-key"
[alert]
silences = "not-there-yet.toml"
[[receivers]]
name = "pager"
type = "pagerduty"
routing_key_file = "pagerduty.key"
url = "http://127.0.0.1:8080/v2/enqueue"
[[receivers]]
name = "am"
type = "alertmanager"
severity = ["ticket"]
urls = ["http://a:9093/", "http://b:9093"]
[engine]
threads = 2
"#;

#[test]
fn the_contract_reads_as_it_is_meant() {
    let config = parse(CONTRACT);
    assert_eq!(config.source.start, Start::Back(7 * 86_400_000));
    assert_eq!(config.source.instance_id_on(Some("host")), "darban-1");
    assert_eq!(config.source.security.protocol, Protocol::SaslTls);
    assert_eq!(config.source.security.ca_file, Some(files().join("ca.pem")));
    let password = config.source.security.password.as_ref().unwrap();
    assert_eq!(password.reveal(), "a fixture, not a secret");
    assert_eq!(config.decode.format, Some(Format::Custom));
    assert_eq!(config.decode.custom.as_ref().unwrap().path, "/req/path");
    assert_eq!(config.decode.zone.iana_name(), Some("Asia/Almaty"));
    assert_eq!(config.attribute.trusted_proxies.len(), 2);
    assert!(config.attribute.crawlers.is_empty() && !config.attribute.monitors.is_empty());
    assert_eq!(config.attribute.routes[0].methods, ["GET"]);
    assert_eq!(config.alert.silences, Some(files().join("not-there-yet.toml")));
    assert_eq!(config.receivers[0].severity, [Severity::Page]);
    let urls = vec!["http://a:9093".to_owned(), "http://b:9093".to_owned()];
    assert_eq!(config.receivers[1].kind, ReceiverKind::Alertmanager { urls });
    assert_eq!(config.threads, Some(2));
}

#[test]
fn an_empty_answer_is_told_by_a_field_of_the_log() {
    let route = "[[routes]]\nname = \"a\"\npath = \"/{subject}\"\nclass = \"personal\"\n";
    let empty = |text: &str| {
        let config = parse(&format!("{route}{text}"));
        let extras = config.decode.extras.clone();
        config.attribute.routes[0].empty_field.clone().map(|it| (it.field, it.pattern, extras))
    };
    let json = vec![Extra::Json("/found".to_owned())];
    let field = "empty_field = \"json:/found\"\n";
    assert_eq!(empty(field), Some((Field::Extra(0), "0".to_owned(), json.clone())));
    let value = format!("{field}empty_value = \"no*\"\n");
    assert_eq!(empty(&value), Some((Field::Extra(0), "no*".to_owned(), json)));
    assert_eq!(empty(""), None);
}

#[test]
fn the_region_of_whom_was_found_is_a_field_of_the_log() {
    let route = "[[routes]]\nname = \"a\"\npath = \"/{subject}\"\nclass = \"personal\"\n";
    let region = |text: &str| {
        let config = parse(&format!("{route}{text}"));
        (config.attribute.routes[0].region.clone(), config.decode.extras.clone())
    };
    let district = vec![Extra::Json("/district".to_owned())];
    assert_eq!(region("region = \"json:/district\"\n"), (Some(Field::Extra(0)), district));
    assert_eq!(region(""), (None, Vec::new()));
}

#[test]
fn a_header_or_pointer_that_is_asked_for_twice_is_one_extra() {
    let config = parse(CONTRACT);
    let extras = [Extra::Header("x-api-key".into()), Extra::Json("/claims/sub".into())];
    assert_eq!(config.decode.extras, extras);
    let fields: Vec<&Field> = config.attribute.keys.iter().map(|key| &key.field).collect();
    let query = Field::Query("token".into());
    let address = &Field::Address;
    assert_eq!(fields, [&Field::Extra(0), &query, &Field::Extra(1), address, address]);
    assert_eq!(config.attribute.routes[2].subject, SubjectFrom::Field(Field::Extra(0)));
}

#[test]
fn keys_get_the_class_of_their_kind_and_secrets_are_shown_as_hashes() {
    let config = parse(CONTRACT);
    let shown =
        config.attribute.keys.iter().map(|key| {
            (key.kind, config.classes[usize::from(key.class.0)].name.as_str(), key.hashed)
        });
    let expected = [
        (KeyKind::Credential, "staff", true),
        (KeyKind::Session, "citizen", true),
        (KeyKind::Staff, "clinic", false),
        (KeyKind::Address, "address", false),
        (KeyKind::Network, "network", false),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn an_address_and_its_network_are_a_key_each_once_whether_listed_or_not() {
    let listed = format!("[[clients.keys]]\nkind = \"address\"\nhashed = true\n{ROUTE}");
    for (text, hashed) in [(ROUTE, false), (&listed, true)] {
        let keys = parse(text).attribute.keys;
        assert_eq!(keys.len(), 2);
        assert_eq!((keys[1].kind, &keys[1].field), (KeyKind::Network, &Field::Address));
        assert_eq!((keys[0].kind, &keys[0].field), (KeyKind::Address, &Field::Address));
        assert_eq!((keys[0].class, keys[0].hashed), (ClassId(3), hashed));
    }
}

#[test]
fn classes_start_where_the_design_says_and_can_be_changed_one_value_at_a_time() {
    let text = format!("[classes.staff]\nsubjects = 50\n[classes.desk]\nsubjects = 9\n{ROUTE}");
    let classes = parse(&text).classes;
    let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    let built_in = ["citizen", "staff", "partner", "address", "crawler", "monitor", "network"];
    assert_eq!((&names[..7], names[7]), (&built_in[..], "desk"));
    let levels = |route| {
        let start = |it: &darban::config::Level| (it.subjects, it.k, it.f_minute, it.f_hour);
        classes.iter().map(|class| start(class.level_on(route))).collect::<Vec<_>>()
    };
    let personal = [
        (1.5, 1.0, 1.0, 1.0),
        (50.0, 4.0, 1.4, 4.5),
        (20_000.0, 2.0, 20.0, 50.0),
        (3.0, 0.5, 10.0, 10.0),
        (5_000.0, 0.5, 50.0, 50.0),
        (50.0, 4.0, 1.0, 1.0),
        (3.0, 0.5, 10.0, 10.0),
        (9.0, 4.0, 1.4, 4.5),
    ];
    assert_eq!(levels(RouteClass::Personal), personal);
    let register = levels(RouteClass::Register);
    assert_eq!([register[3], register[6]], [(20.0, 0.3, 10.0, 10.0); 2]);
    assert_eq!(register[1], personal[1]);
    let sessions: Vec<bool> = classes.iter().map(|class| class.per_session).collect();
    assert_eq!(sessions, [true, false, false, false, false, false, false, false]);
    let days: Vec<u32> = classes.iter().map(|class| class.observe_days).collect();
    assert_eq!(days, [0, 0, 14, 0, 0, 0, 0, 0]);
}

#[test]
fn a_class_of_session_keys_counts_a_session() {
    let text = "[classes.patient]\nsubjects = 2\n[[clients.keys]]\nkind = \"session\"\nfield = \
        \"query:token\"\nclass = \"patient\"\n";
    let config = parse(&format!("{text}{ROUTE}"));
    assert!(config.classes.last().unwrap().per_session);
}

#[test]
fn the_page_level_is_the_logarithm_of_contacts_a_page() {
    let detect = parse(ROUTE).detect;
    assert!((detect.h - 18.06).abs() < 0.01, "{}", detect.h);
    assert_eq!(detect.slice_ms, 1_000);
}

#[test]
fn route_and_class_decide_before_the_whole_and_the_quieter_wins() {
    let text = "[alert]\nmode = \"observe\"\n[classes.staff]\nmode = \"page\"\n\
        [classes.crawler]\nmode = \"observe\"\n";
    let alert = parse(&format!("{text}{ROUTE}mode = \"page\"\n")).alert;
    let staff = ClassId(1);
    assert_eq!(alert.mode_of(RouteId(0), staff), Mode::Page);
    assert_eq!(alert.mode_of(RouteId(0), ClassId(4)), Mode::Observe);
    let alert = parse(&format!("{text}{ROUTE}")).alert;
    assert_eq!(alert.mode_of(RouteId(0), staff), Mode::Page);
    assert_eq!(alert.mode_of(RouteId(0), ClassId(0)), Mode::Observe);
}

#[test]
fn the_hash_covers_routes_key_order_and_codecs_and_nothing_else() {
    let base = parse(CONTRACT);
    for (from, to) in [
        ("subjects = 40", "subjects = 41"),
        ("threads = 2", "threads = 3"),
        ("mode = \"observe\"", "mode = \"page\""),
        ("zone = \"Asia/Almaty\"", "zone = \"UTC\""),
        ("group = \"darban\"", "group = \"other\""),
        ("class = \"clinic\"", "class = \"staff\""),
    ] {
        let text = CONTRACT.replacen(from, to, 1);
        assert!(text != CONTRACT && parse(&text).hash() == base.hash(), "{from}");
    }
    for (from, to) in [
        ("methods = [\"get\"]", "methods = [\"post\"]"),
        ("{subject}/{record}/{*}", "{record}/{subject}/{*}"),
        ("class = \"register\"", "class = \"register\"\ncodec = \"number\""),
        ("kind = \"credential\"", "kind = \"subtenant\""),
        ("field = \"query:token\"", "field = \"query:session\""),
    ] {
        let text = CONTRACT.replacen(from, to, 1);
        assert!(text != CONTRACT && parse(&text).hash() != base.hash(), "{from}");
    }
}

#[test]
fn a_changed_route_has_another_hash_and_the_others_keep_theirs() {
    let base = parse(CONTRACT);
    let changed = parse(&CONTRACT.replacen("{subject}/{record}/{*}", "{record}/{subject}", 1));
    let same: Vec<bool> = (0..4)
        .map(|route| changed.route_hash(RouteId(route)) == base.route_hash(RouteId(route)))
        .collect();
    assert_eq!(same, [true, false, true, true]);
    assert_eq!(base.route_hash(RouteId(3)), None);
}

#[test]
fn without_files_nothing_is_opened_and_secrets_stay_empty() {
    let config = Config::parse_without_files(CONTRACT, Path::new("/nonexistent")).unwrap();
    assert_eq!(config.source.security.password.unwrap().reveal(), "");
}

#[test]
fn a_printed_configuration_hides_its_secrets() {
    let printed = format!("{:?}", parse(CONTRACT));
    assert!(printed.contains("Secret(***)") && !printed.contains("a fixture"), "{printed}");
}

#[test]
fn an_instance_without_a_name_is_called_by_host_and_group() {
    let source = parse(ROUTE).source;
    assert_eq!(source.instance_id_on(Some("node-7")), "node-7-darban");
    assert_eq!(source.instance_id_on(None), "darban-darban");
}

#[test]
fn a_file_that_is_absent_is_one_problem_that_names_it() {
    let path = Path::new("/nonexistent/darban.toml");
    let problems: Problems = Config::load(path).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "1 problem in /nonexistent/darban.toml\n  the file cannot be read: No such file or \
         directory (os error 2)"
    );
}

#[test]
fn files_are_relative_to_the_configuration_that_names_them() {
    let config = Config::load_without_files(&root().join("deploy/darban.toml")).unwrap();
    assert_eq!(config.state.directory, Path::new("/var/lib/darban"));
    let source = Config::parse(CONTRACT, &files()).unwrap().source;
    assert_eq!(source.security.ca_file, Some(files().join("ca.pem")));
}

#[test]
fn every_key_refuses_what_it_cannot_take_on_its_own_line() {
    let whole = whole_reference();
    let lines: Vec<&str> = whole.lines().collect();
    let mut tried = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        for wrong in ["{ never = 1 }", "\"\""] {
            let mut broken = lines.clone();
            let replaced = format!("{key} = {wrong}");
            broken[index] = &replaced;
            let problems = match Config::parse(&broken.join("\n"), &files()) {
                Ok(_) => panic!("line {}: `{replaced}` was accepted", index + 1),
                Err(problems) => problems.list,
            };
            let is_here = problems.iter().any(|it| it.line == Some(index + 1));
            assert!(is_here, "line {}: `{replaced}`: {problems:?}", index + 1);
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn the_key_lies_beside_the_state_unless_it_is_said_otherwise() {
    let moved = parse(&format!("[state]\ndirectory = \"/srv/d\"\n{ROUTE}")).privacy;
    assert_eq!(moved.key_file, Path::new("/srv/d/key"));
    let said = parse(&format!("[privacy]\nkey_file = \"own\"\n{ROUTE}")).privacy;
    assert_eq!(said.key_file, files().join("own"));
}

#[test]
fn links_to_the_runbook_lead_to_darbans_own_pages_unless_it_is_said_otherwise() {
    let route = "[[routes]]\nname = \"a\"\npath = \"/{subject}\"\nclass = \"personal\"\n";
    let runbooks = |text: &str| parse(&format!("{route}{text}")).alert.runbooks;
    assert_eq!(runbooks(""), "http://127.0.0.1:9464/runbooks");
    let external = "[http]\nexternal_url = \"https://darban.example/\"\n";
    assert_eq!(runbooks(external), "https://darban.example/runbooks");
    let both = format!("{external}[alert]\nrunbooks = \"/srv/runbooks/\"\n");
    assert_eq!(runbooks(&both), "/srv/runbooks");
}
