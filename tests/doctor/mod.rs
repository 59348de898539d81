//! `darban doctor` and `darban init`: what a sample tells.

mod commands;
mod openapi;
pub(crate) mod stock;

use darban::attribute::{KeyKind, RouteClass};
use darban::config::Config;
use darban::decode;
use darban::pipeline::{Keys, build};
use darban::survey::{Given, Origin, Report, Sampler, draft};
use darban::time::Moment;
use serde_json::{Value, json};
use std::path::Path;
use stock::{LINES, STOCK, address, id};

/// What lines tell without a configuration.
pub(crate) fn report(lines: &[String]) -> Report {
    let mut sampler = Sampler::new(decode::Options::default(), None);
    lines.iter().for_each(|it| sampler.take(it.as_bytes(), None));
    Report::of(&sampler.done(false), None)
}

/// What is blind, by name.
fn blind(report: &Report) -> Vec<&'static str> {
    report.blind.iter().map(|it| it.kind.name()).collect()
}

/// The draft of what lines tell, which has to be a configuration.
fn drafted(report: &Report) -> (String, Config) {
    let text = draft(report, &Origin::Files(vec!["access.log".to_owned()]));
    let config = Config::parse_without_files(&text, Path::new("")).unwrap_or_else(|problems| {
        panic!("{problems}\n{text}");
    });
    (text, config)
}

/// A line of nginx with who, whom and from where; `more` are further fields.
fn line(at: usize, target: &str, more: Value) -> String {
    let mut line = json!({ "msec": format!("{}.042", 1_795_289_410 + at), "remote_addr": address(at % 200),
        "remote_user": format!("clerk-{}", at % 12), "request_method": "GET", "request_uri": target,
        "status": "200", "body_bytes_sent": "700", "http_user_agent": "curl" });
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more);
    }
    line.to_string()
}

/// Lines of which each is about somebody else.
fn lines(more: impl Fn(usize) -> Value) -> Vec<String> {
    (0..120).map(|at| line(at, &format!("/v2/people/{}", id(at)), more(at))).collect()
}

#[test]
fn each_stock_format_is_told_what_it_hides() {
    for stock in STOCK {
        let report = report(&stock.lines());
        let formats: Vec<_> = report.formats.iter().map(|it| it.0).collect();
        assert_eq!(formats, [stock.format], "{}", stock.name);
        assert_eq!(blind(&report), stock.blind, "{}: {:?}", stock.name, report.blind);
    }
}

#[test]
fn each_stock_format_gets_words_of_its_own_gateway() {
    for stock in STOCK {
        for blind in report(&stock.lines()).blind {
            let mended = !blind.snippet.is_empty() && blind.place != "the gateway";
            assert!(mended, "{}: {blind:?}", stock.name);
        }
    }
}

#[test]
fn the_draft_of_each_stock_format_has_its_route_and_its_format() {
    for stock in STOCK {
        let (text, config) = drafted(&report(&stock.lines()));
        let paths: Vec<&str> = config.attribute.routes.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["/v2/people/{subject}"], "{}: {text}", stock.name);
        assert_eq!(config.decode.format, Some(stock.format), "{}", stock.name);
        assert_eq!(config.alert.mode, darban::alert::Mode::Observe, "{}", stock.name);
    }
}

#[test]
fn neither_draft_nor_report_has_an_id_or_a_client() {
    for stock in STOCK {
        let report = report(&stock.lines());
        let shown = format!("{}{report:?}", drafted(&report).0);
        for at in 0..LINES {
            assert!(!shown.contains(&id(at)), "{}: an id in {shown}", stock.name);
            assert!(!shown.contains(&address(at)), "{}: a client in {shown}", stock.name);
        }
    }
}

#[test]
fn a_log_with_everything_is_not_blind() {
    assert_eq!(blind(&report(&lines(|_| json!({})))), [""; 0]);
}

#[test]
fn a_query_that_is_cut_off_leaves_no_subject() {
    let all: Vec<String> = (0..40).map(|at| line(at, "/v2/search", json!({}))).collect();
    let report = report(&all);
    assert_eq!(blind(&report), ["no_subject"]);
    assert!(report.blind[0].detail.contains("no line has a query"), "{:?}", report.blind);
}

#[test]
fn requests_that_two_gateways_log_are_seen_by_their_ids() {
    let all = lines(|at| json!({ "request_id": format!("r{}", at / 2) }));
    assert_eq!(blind(&report(&all)), ["logged_twice"]);
}

#[test]
fn requests_that_two_gateways_log_are_seen_without_ids_too() {
    let all: Vec<String> =
        lines(|_| json!({})).into_iter().flat_map(|it| [it.clone(), it]).collect();
    assert_eq!(blind(&report(&all)), ["logged_twice"]);
}

#[test]
fn one_address_for_all_is_a_proxy_in_front() {
    let all = lines(|_| json!({ "remote_addr": "198.51.100.7" }));
    assert_eq!(blind(&report(&all)), ["one_address"]);
}

#[test]
fn a_login_that_everybody_shares_is_one_client() {
    let all = lines(
        |at| json!({ "remote_user": if at % 3 == 0 { "portal".to_owned() } else { format!("c{at}") } }),
    );
    let report = report(&all);
    assert_eq!(blind(&report), ["shared_key"]);
    assert!(!format!("{:?}", report.blind).contains("portal\""), "{:?}", report.blind);
}

#[test]
fn answers_without_a_status_hide_misses() {
    assert_eq!(blind(&report(&lines(|_| json!({ "status": "-" })))), ["no_status"]);
}

#[test]
fn proxies_are_found_by_what_they_forward_and_are_trusted_in_the_draft() {
    let through = |at: usize| {
        json!({ "remote_addr": format!("10.7.0.{}", at % 3),
            "http_x_forwarded_for": format!("{}, 10.8.1.{}", address(at), at % 2) })
    };
    let all = lines(through);
    let report = report(&all);
    assert_eq!(blind(&report), ["untrusted_proxy"]);
    assert!(report.blind[0].snippet.contains("10.7.0.0/24"), "{:?}", report.blind);
    let (_, config) = drafted(&report);
    let nets: Vec<String> =
        config.attribute.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["10.7.0.0/24", "10.8.1.0/24"]);
    assert_eq!(blind(&with_config(&all, &config)), [""; 0]);
}

/// What lines tell with a configuration.
fn with_config(lines: &[String], config: &Config) -> Report {
    let attributor = build::attributor(config, &Keys::derived(&[7; 32])).unwrap();
    let mut sampler = Sampler::new(build::decode_options(config), Some(attributor));
    lines.iter().for_each(|it| sampler.take(it.as_bytes(), None));
    let given = Given { options: &config.attribute, skip_suffixes: &config.decode.skip_suffixes };
    Report::of(&sampler.done(false), Some(given))
}

#[test]
fn a_route_that_no_line_is_on_is_told_with_a_configuration() {
    let toml = "[[clients.keys]]\nkind = \"staff\"\nfield = \"user\"\n[[routes]]\nname = \"p\"\npath = \"/v3/people/{subject}\"\nclass = \"personal\"\n";
    let config = Config::parse_without_files(toml, Path::new("")).unwrap();
    assert_eq!(blind(&with_config(&lines(|_| json!({})), &config)), ["no_route"]);
}

#[test]
fn a_configured_route_without_its_subject_is_told() {
    let toml = "[[clients.keys]]\nkind = \"staff\"\nfield = \"user\"\n[[routes]]\nname = \"p\"\npath = \"/v2/people/{*}\"\nsubject = \"query:id\"\nclass = \"personal\"\n";
    let config = Config::parse_without_files(toml, Path::new("")).unwrap();
    let report = with_config(&lines(|_| json!({})), &config);
    assert_eq!(blind(&report), ["no_subject"]);
    assert_eq!((report.configured[0].matched, report.configured[0].with_subject), (120, 0));
}

#[test]
fn records_without_a_time_in_kafka_are_told() {
    let told = |stamped: Option<Moment>| {
        let mut sampler = Sampler::new(decode::Options::default(), None);
        lines(|_| json!({})).iter().for_each(|it| sampler.take(it.as_bytes(), stamped));
        blind(&Report::of(&sampler.done(true), None))
    };
    assert_eq!(told(None), ["no_record_time"]);
    assert_eq!(told(Some(Moment(1_795_289_410_042))), [""; 0]);
}

#[test]
fn what_is_refused_is_told_with_its_reasons() {
    let mut all = lines(|_| json!({}));
    all.extend((0..20).map(|_| "no access record".to_owned()));
    let report = report(&all);
    assert_eq!(blind(&report), ["refused"]);
    assert!(report.blind[0].detail.contains("20 unknown_format"), "{:?}", report.blind);
}

#[test]
fn a_register_is_told_from_what_each_client_reads_for_itself() {
    let class = |who: fn(usize) -> usize| {
        let all: Vec<String> = (0..200)
            .map(|at| {
                let more = json!({ "remote_user": format!("u{}", who(at)) });
                line(at, &format!("/v2/people/{}", id(at % 50)), more)
            })
            .collect();
        report(&all).routes[0].class
    };
    assert_eq!(class(|at| at), RouteClass::Register);
    assert_eq!(class(|at| at % 50), RouteClass::Personal);
}

#[test]
fn writing_and_one_time_passes_are_routes_of_their_own() {
    let posted = |at: usize, target: &str| line(at, target, json!({ "request_method": "POST" }));
    let all: Vec<String> = (0..30)
        .flat_map(|at| {
            let id = id(at);
            [
                line(at, &format!("/people/{id}"), json!({})),
                posted(at, &format!("/people/{id}")),
                posted(at, &format!("/people/{id}/otp/verify")),
                posted(at, &format!("/people/{id}/otp/send")),
            ]
        })
        .collect();
    let mut found: Vec<_> = report(&all)
        .routes
        .into_iter()
        .map(|it| (it.path, it.methods.join(","), it.class))
        .collect();
    found.sort();
    let row = |path: &str, method: &str, class| (path.to_owned(), method.to_owned(), class);
    assert_eq!(
        found,
        [
            row("/people/{subject}", "GET", RouteClass::Personal),
            row("/people/{subject}", "POST", RouteClass::Write),
            row("/people/{subject}/otp/send", "POST", RouteClass::PassRequest),
            row("/people/{subject}/otp/verify", "POST", RouteClass::PassCheck),
        ]
    );
}

#[test]
fn a_subject_in_the_query_becomes_a_route_by_it() {
    let all: Vec<String> = (0..60)
        .map(|at| line(at, &format!("/v2/search?mobile=98912{:07}&page=1", at * 37), json!({})))
        .collect();
    let (_, config) = drafted(&report(&all));
    let route = &config.attribute.routes[0];
    assert_eq!(route.path, "/v2/search");
    let by_mobile = darban::attribute::Field::Query("mobile".to_owned());
    assert_eq!(route.subject, darban::attribute::SubjectFrom::Field(by_mobile));
}

#[test]
fn sessions_and_keys_of_a_line_become_client_keys() {
    let all = lines(|at| {
        json!({ "remote_user": "", "cookie_sessionid": format!("s{at}"),
            "http_x_api_key": format!("k{}", at % 12) })
    });
    let (text, config) = drafted(&report(&all));
    let kinds: Vec<KeyKind> = config.attribute.keys.iter().map(|it| it.kind).collect();
    let expected = [KeyKind::Credential, KeyKind::Session, KeyKind::Address, KeyKind::Network];
    assert_eq!(kinds, expected, "{text}");
}

#[test]
fn a_path_that_would_move_a_cursor_gets_into_no_draft() {
    let all: Vec<String> =
        (0..40).map(|at| line(at, &format!("/a\u{9b}2J\u{202e}/{}", id(at)), json!({}))).collect();
    let report = report(&all);
    assert_eq!((report.routes.len(), drafted(&report).1.attribute.routes.len()), (0, 1));
}

#[test]
fn at_most_fifty_routes_are_drafted_and_those_with_the_most_traffic() {
    let all: Vec<String> = (0..70_usize)
        .flat_map(|route| {
            let name: String = [route / 26, route % 26]
                .map(|it| char::from(b'a' + u8::try_from(it).unwrap()))
                .iter()
                .collect();
            let times = if route == 69 { 30 } else { 4 };
            (0..times).map(move |at| line(at, &format!("/x{name}/{}", id(at)), json!({})))
        })
        .collect();
    let report = report(&all);
    assert_eq!((report.routes.len(), report.routes[0].path.as_str()), (50, "/xcr/{subject}"));
    drafted(&report);
}

#[test]
fn a_log_without_ids_still_drafts_a_configuration() {
    let all: Vec<String> = (0..40).map(|at| line(at, "/v2/search", json!({}))).collect();
    let (text, config) = drafted(&report(&all));
    assert_eq!(config.attribute.routes[0].name, "example", "{text}");
}

#[test]
fn people_on_a_path_that_no_route_watches_are_told_with_the_route_that_would() {
    let watches = "[[clients.keys]]\nkind = \"staff\"\nfield = \"user\"\n[[routes]]\nname = \"citizens-card\"\npath = \"/v2/people/{subject}\"\nclass = \
                   \"personal\"\n";
    let card = |at| line(at, &format!("/v3/citizens/{}/card", id(at)), json!({}));
    let all: Vec<String> = lines(|_| json!({})).into_iter().chain((0..60).map(card)).collect();
    let told = |config: &str| {
        with_config(&all, &Config::parse_without_files(config, Path::new("")).unwrap())
    };
    let report = told(watches);
    assert_eq!(blind(&report), ["unwatched_route"], "{:?}", report.blind);
    let missing = &report.blind[0];
    assert!(
        missing.detail.starts_with("60 requests for 60 subjects at /v3/citizens/{subject}/card")
    );
    assert_eq!(blind(&told(&format!("{watches}{}", missing.snippet))), [""; 0]);
    let public = "[[routes]]\nname = \"cards\"\npath = \"/v3/citizens/{subject}/card\"\nclass = \
                  \"public\"\n";
    assert_eq!(blind(&told(&format!("{watches}{public}"))), [""; 0]);
}
