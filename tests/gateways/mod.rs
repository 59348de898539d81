//! The real gateways: what is sent through nginx, HAProxy, Envoy, Traefik and Caddy is seen in their
//! logs, or refused with the right reason, hostile bytes included.
//!
//! Each gateway runs once with the configuration that `darban doctor` recommends and, where it has
//! one, its stock format beside it. Requests are sent one after the other, so that each one's line is
//! known: what is expected is what was sent, never what the gateway wrote.

mod programs;
mod requests;
mod upstream;

use crate::daemon::process::Installed;
use crate::deliver::scratch::Scratch as Folder;
use crate::deliver::wait::wait_until;
use crate::doctor::stock::{STOCK, Stock};
use crate::kafka::broker::Broker;
use crate::kafka::read_all;
use darban::attribute::{Attributed, Attributor, KeyKind, Outcome, Scratch};
use darban::config::Config;
use darban::decode::{AccessRecord, Decoded, Decoder, Format, Refusal, Shapes};
use darban::pipeline::{Keys, build};
use darban::survey::{Origin, Report, Sampler, draft};
use darban::time::Moment;
use programs::{Desk, Door, Sink, ports, program};
use requests::{Fate, KEY, Log, Request};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// How darban is told to read all of these logs.
const CONFIG: &str = r#"
[clients]
trusted_proxies = ["127.0.0.3/32"]
[decode]
captures = ["User-Agent", "X-Forwarded-For", "X-Api-Key"]
[[clients.keys]]
kind = "staff"
field = "header:x-api-key"
[[clients.keys]]
kind = "partner"
field = "user"
[[clients.keys]]
kind = "address"
[[routes]]
name = "person"
path = "/v2/people/{subject}"
class = "personal"
[[routes]]
name = "search"
path = "/v2/search"
subject = "query:id"
class = "personal"
"#;

/// A request that was sent, what the gateway answered, and what it wrote.
#[derive(Debug)]
struct Sent {
    status: u16,
    line: Option<Vec<u8>>,
}

/// What each log of a gateway has, by request.
type Logs = Vec<(Log, Vec<Sent>)>;

/// The stock log of a format.
fn stock(format: Format) -> &'static Stock {
    STOCK.iter().find(|it| it.format == format).unwrap()
}

/// What the doctor says is to be written into the configuration of whoever writes this format.
fn snippet(format: Format) -> String {
    let report = crate::doctor::report(&stock(format).lines());
    report.blind.iter().map(|it| it.snippet.to_string()).next().unwrap()
}

fn nginx() -> Option<&'static Logs> {
    static LOGS: OnceLock<Option<Logs>> = OnceLock::new();
    let run = || {
        let (program, desk, [port, _]) = (program("nginx")?, Desk::new(), ports());
        let (syslog, to) = Sink::syslog();
        let json = desk.path("json.log");
        let snippet = snippet(Format::NginxCombined)
            .replace("/var/log/nginx/darban.json", json.to_str().unwrap())
            .replace(",\"jwt_sub\":\"$jwt_claim_sub\"", "");
        let file = desk.put("nginx.conf", &snippet, &[("PORT", port), ("SYSLOG", to)]);
        let logs = vec![
            (Log::NginxCombined, Sink::file(desk.path("combined.log"))),
            (Log::NginxSyslog, syslog),
            (Log::NginxJson, Sink::file(json)),
        ];
        let mut command = Command::new(program);
        command.arg("-e").arg(desk.path("nginx.err")).arg("-c").arg(file);
        Some(desk.run(&mut command, vec![Door { port, logs }]))
    };
    LOGS.get_or_init(run).as_ref()
}

fn haproxy() -> Option<&'static Logs> {
    static LOGS: OnceLock<Option<Logs>> = OnceLock::new();
    let run = || {
        let (program, desk, [port, port_json]) = (program("haproxy")?, Desk::new(), ports());
        let ((text, to), (json, to_json)) = (Sink::syslog(), Sink::syslog());
        let places =
            [("PORT", port), ("PORT_JSON", port_json), ("SYSLOG", to), ("SYSLOG_JSON", to_json)];
        let snippet = snippet(Format::Haproxy).replace('\n', "\n  ");
        let file = desk.put("haproxy.cfg", &snippet, &places);
        let doors = vec![
            Door { port, logs: vec![(Log::Haproxy, text)] },
            Door { port: port_json, logs: vec![(Log::HaproxyJson, json)] },
        ];
        Some(desk.run(Command::new(program).arg("-f").arg(file), doors))
    };
    LOGS.get_or_init(run).as_ref()
}

fn envoy() -> Option<&'static Logs> {
    static LOGS: OnceLock<Option<Logs>> = OnceLock::new();
    let run = || {
        let (program, desk, [port, _]) = (program("envoy")?, Desk::new(), ports());
        let json = desk.path("json.log");
        let snippet = snippet(Format::EnvoyText).replace("/dev/stdout", json.to_str().unwrap());
        // Beside the log that is there already.
        let entry = snippet.trim_start_matches("access_log:\n").replace('\n', "\n          ");
        let file = desk.put("envoy.yaml", &format!("          {entry}"), &[("PORT", port)]);
        let logs = vec![
            (Log::EnvoyText, Sink::file(desk.path("text.log"))),
            (Log::EnvoyJson, Sink::file(json)),
        ];
        let mut command = Command::new(program);
        command.args(["--concurrency", "1", "--file-flush-interval-msec", "5"]);
        command.args(["--disable-hot-restart", "--log-level", "warning", "-c"]).arg(file);
        Some(desk.run(&mut command, vec![Door { port, logs }]))
    };
    LOGS.get_or_init(run).as_ref()
}

fn traefik() -> Option<&'static Logs> {
    static LOGS: OnceLock<Option<Logs>> = OnceLock::new();
    let run =
        || {
            let (program, desk, [port, _]) = (program("traefik")?, Desk::new(), ports());
            let log = desk.path("traefik.log");
            let to = format!("accessLog:\n  filePath: {}\n", log.display());
            let snippet = snippet(Format::Traefik).replace("accessLog:\n", &to);
            desk.put("routes.yml", "", &[]);
            let file = desk.put("traefik.yml", &snippet, &[("PORT", port)]);
            let mut command = Command::new(program);
            command.arg(format!("--configFile={}", file.display()));
            Some(desk.run(
                &mut command,
                vec![Door { port, logs: vec![(Log::Traefik, Sink::file(log))] }],
            ))
        };
    LOGS.get_or_init(run).as_ref()
}

fn caddy() -> Option<&'static Logs> {
    static LOGS: OnceLock<Option<Logs>> = OnceLock::new();
    let run = || {
        let (program, desk, [port, _]) = (program("caddy")?, Desk::new(), ports());
        let log = desk.path("caddy.log");
        let to = format!("log {{\n  output file {}\n", log.display());
        let snippet = snippet(Format::Caddy).replace("log {\n", &to);
        let file = desk.put("Caddyfile", &snippet, &[("PORT", port)]);
        let mut command = Command::new(program);
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
        Some(desk.run(&mut command, vec![Door { port, logs: vec![(Log::Caddy, Sink::file(log))] }]))
    };
    LOGS.get_or_init(run).as_ref()
}

/// darban's decoder and attribution, as the daemon has them.
struct Reader {
    decoder: Decoder,
    attributor: Attributor,
}

/// What was made of a request.
#[derive(Debug, PartialEq)]
struct Seen {
    status: Option<u16>,
    outcome: Outcome,
    subject: u64,
    keys: Vec<(KeyKind, String)>,
    agent: Option<Vec<u8>>,
}

impl Reader {
    fn new() -> Self {
        let config = Config::parse_without_files(CONFIG, Path::new("")).unwrap();
        let attributor = build::attributor(&config, &Keys::derived(&[7; 32])).unwrap();
        Self { decoder: Decoder::new(build::decode_options(&config)), attributor }
    }

    /// What one line is, by the way that the daemon takes.
    fn read(&self, line: &[u8]) -> Result<Seen, Refusal> {
        let mut found = Vec::new();
        self.decoder.each(line, &mut Shapes::default(), |decoded: &Decoded<'_>| {
            found.push(decoded.as_ref().map(|it| self.seen(&it.1)).map_err(|it| *it));
        });
        assert_eq!(found.len(), 1, "{}", String::from_utf8_lossy(line));
        found.remove(0)
    }

    fn seen(&self, record: &AccessRecord<'_>) -> Seen {
        let mut explained = self.attributor.explain(record);
        explained.keys.retain(|it| it.0 != KeyKind::Network);
        Seen {
            status: record.status,
            outcome: explained.outcome.unwrap_or(Outcome::Failed),
            subject: self.subject(record),
            keys: explained.keys,
            agent: record.user_agent.as_deref().map(<[u8]>::to_vec),
        }
    }

    /// The hash of whom a record is about; 0 where it is no look-up.
    fn subject(&self, record: &AccessRecord<'_>) -> u64 {
        let mut scratch = Scratch::default();
        match self.attributor.attribute(record, Moment(0), &mut scratch, &mut Vec::new()) {
            Attributed::Lookup(lookup) => lookup.subject,
            Attributed::Skipped(_) => 0,
        }
    }

    /// The same of a plain request from nowhere in particular.
    fn subject_of(&self, target: &str) -> u64 {
        let bytes = |it: &'static str| Cow::Borrowed(it.as_bytes());
        self.subject(&AccessRecord {
            method: bytes("GET"),
            target: Cow::Borrowed(target.as_bytes()),
            peer: Some(bytes("192.0.2.1")),
            ..AccessRecord::default()
        })
    }

    /// What was sent, as far as a log can have it.
    fn expected(&self, log: Log, request: &Request, sent: &Sent) -> Result<Seen, Refusal> {
        let about = match request.fate(log) {
            Fate::Refused(why) => return Err(why),
            Fate::As(target) => target,
            _ => &request.about,
        };
        let key = request.header("X-Api-Key").filter(|_| log.has_key()).map(|_| KEY.to_owned());
        let login = request.login.filter(|_| log.has_login()).map(str::to_owned);
        let address = request.address(log).to_owned();
        let keys = [(KeyKind::Staff, key), (KeyKind::Partner, login)];
        let keys = keys.into_iter().filter_map(|(kind, key)| Some((kind, key?)));
        Ok(Seen {
            status: Some(sent.status),
            outcome: Outcome::of(Some(sent.status), || false),
            subject: self.subject_of(about),
            agent: request.agent_in(log),
            keys: keys.chain([(KeyKind::Address, address)]).collect(),
        })
    }
}

/// How many requests have which fate in a log, for whoever runs this with `--nocapture`.
fn tally(log: Log, requests: &[Request]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        let fate = match request.fate(log) {
            Fate::As(_) => Fate::Seen,
            fate => fate,
        };
        *counts.entry(format!("{fate:?}")).or_insert(0) += 1;
    }
    counts
}

fn assert_all_is_seen(logs: &Logs) {
    let (reader, requests) = (Reader::new(), requests::all());
    let mut wrong = Vec::new();
    for (log, sent) in logs {
        assert_eq!(sent.len(), requests.len());
        for (request, sent) in requests.iter().zip(sent) {
            let Some(line) = &sent.line else { continue };
            let (found, mut expected) = (reader.read(line), reader.expected(*log, request, sent));
            if let (Ok(found), Ok(expected), Fate::Failed) =
                (&found, &mut expected, request.fate(*log))
            {
                // Nothing was told of anybody; which headers were read before depends.
                expected.keys.clone_from(&found.keys);
                expected.agent.clone_from(&found.agent);
                expected.subject = found.subject;
            }
            if found != expected {
                let line = String::from_utf8_lossy(&line[..line.len().min(400)]).into_owned();
                wrong.push(format!(
                    "{log:?}: {}\n  {found:?}\n  {expected:?}\n  {line}",
                    request.name
                ));
            }
        }
    }
    for (log, _) in logs {
        println!("{log:?}: {:?}", tally(*log, &requests));
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn all_that_is_sent_through_nginx_is_seen_or_refused_with_the_right_reason() {
    nginx().into_iter().for_each(assert_all_is_seen);
}

#[test]
fn all_that_is_sent_through_haproxy_is_seen_or_refused_with_the_right_reason() {
    haproxy().into_iter().for_each(assert_all_is_seen);
}

#[test]
fn all_that_is_sent_through_envoy_is_seen_or_refused_with_the_right_reason() {
    envoy().into_iter().for_each(assert_all_is_seen);
}

#[test]
fn all_that_is_sent_through_traefik_is_seen_or_refused_with_the_right_reason() {
    traefik().into_iter().for_each(assert_all_is_seen);
}

#[test]
fn all_that_is_sent_through_caddy_is_seen_or_refused_with_the_right_reason() {
    caddy().into_iter().for_each(assert_all_is_seen);
}

/// Every log of every gateway that is here.
fn all_logs() -> impl Iterator<Item = &'static (Log, Vec<Sent>)> {
    [nginx(), haproxy(), envoy(), traefik(), caddy()].into_iter().flatten().flatten()
}

#[test]
fn what_real_gateways_wrote_goes_through_kafka_and_the_daemon_counts_it_as_it_was_sent() {
    let Some(broker) = Broker::start("gateways") else { return };
    let (requests, mut lines, mut counts) = (requests::all(), Vec::new(), BTreeMap::new());
    for (log, sent) in all_logs() {
        for (request, sent) in requests.iter().zip(sent) {
            let Some(line) = &sent.line else { continue };
            lines.push(line.as_slice());
            let (metric, label) = match request.fate(*log) {
                Fate::Refused(why) => ("darban_refused_records_total", why.name()),
                _ => ("darban_records_total", "decoded"),
            };
            *counts.entry((metric, label)).or_insert(0) += 1;
        }
    }
    broker.create_topic("gateway", 1, &[]);
    let at = darban::time::wall().0;
    broker.write("gateway", lines.iter().map(|it| (0, at, *it)));
    assert_eq!(read_all(&broker, "gateway", lines.len()), lines);
    let folder = Folder::new();
    let source = format!("topics = [\"gateway\"]\nbrokers = [\"{}\"]", broker.address());
    let daemon = Installed::of(folder.path(), &source, CONFIG).start();
    let received = || daemon.sum("darban_records_total", "");
    wait_until("every line is read", || received() == lines.len() as u64);
    let found: BTreeMap<_, _> = counts
        .keys()
        .map(|(metric, label)| ((*metric, *label), daemon.sum(metric, &format!("\"{label}\""))))
        .collect();
    assert_eq!(found, counts);
    let said = daemon.stop();
    assert!(!said.contains("1000"), "an id: {said}");
}

#[test]
fn the_doctor_says_of_real_lines_what_they_hide_and_the_draft_has_their_route() {
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (log, sent) in all_logs() {
        let mut sampler = Sampler::new(darban::decode::Options::default(), None);
        for (request, sent) in requests::all().iter().zip(sent) {
            let line = sent.line.as_ref().filter(|_| request.fate(*log) == Fate::Seen);
            line.into_iter().for_each(|it| sampler.take(it, None));
        }
        let report = Report::of(&sampler.done(false), None);
        let formats: Vec<_> = report.formats.iter().map(|it| it.0).collect();
        let blind: Vec<_> = report.blind.iter().map(|it| it.kind.name()).collect();
        let text = draft(&report, &Origin::Files(vec!["access.log".to_owned()]));
        assert!(!text.contains("10000"), "an id: {text}");
        let has_route = text.contains("path = \"/v2/people/{subject}\"");
        found.push((*log, formats, blind, has_route));
        expected.push((*log, vec![log.format()], log.blind().to_vec(), true));
    }
    assert_eq!(found, expected);
}
