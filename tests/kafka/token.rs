//! SASL OAUTHBEARER against a real broker, with a stand-in for the token endpoint that has RFC 6749's
//! semantics. Its tokens are unsecured JSON Web Tokens, which Kafka's own validator takes in tests.

use super::broker::Broker;
use super::{consume, end, lines, options, read, spread};
use crate::deliver::stand_in::{Seen, StandIn};
use crate::deliver::wait::wait_until;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use darban::source::kafka::{FaultKind, Options, Security, TokenSource, sample};
use darban::time::{SECOND_MS, wall};
use serde_json::json;
use std::time::Duration;

const ID: &str = "darban reader";
const SECRET: &str = "correct:horse&battery";

/// Seconds that tokens live, and by how many they are old when they are given out.
type Life = (i64, i64);

/// The token endpoint: it asks for the client's id and secret and gives out a token.
fn endpoint(life: Life) -> StandIn<Life> {
    StandIn::start(life, |(life, age), seen| {
        let known = format!("Basic {}", STANDARD.encode("darban+reader:correct%3Ahorse%26battery"));
        if seen.header("authorization") != known {
            return (401, r#"{"error":"invalid_client"}"#.to_owned());
        }
        let now = wall().0 / SECOND_MS - *age;
        let part = |it: serde_json::Value| URL_SAFE_NO_PAD.encode(it.to_string());
        let claims = json!({ "sub": "darban", "iat": now, "exp": now + *life, "scope": "kafka" });
        let token = format!("{}.{}.", part(json!({ "alg": "none" })), part(claims));
        let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": *life });
        (200, answer.to_string())
    })
}

/// A consumer that asks at this endpoint.
fn reader(broker: &Broker, endpoint: &StandIn<Life>, secret: &str) -> Options {
    let doors = broker.secure();
    let token = TokenSource {
        url: format!("{}/token", endpoint.url),
        client_id: ID.to_owned(),
        client_secret: secret.to_owned(),
        scope: Some("kafka".to_owned()),
        ca_file: Some(doors.file("broker.crt")),
    };
    Options {
        brokers: vec![format!("127.0.0.1:{}", doors.sasl_port)],
        security: Security {
            protocol: "sasl_ssl".to_owned(),
            ca_file: Some(doors.file("broker.crt")),
            mechanism: Some("OAUTHBEARER".to_owned()),
            token: Some(token),
            ..Security::default()
        },
        ..options("", "log", &format!("g-{}", secret.len()))
    }
}

#[test]
fn a_token_for_client_credentials_opens_the_door_and_is_renewed_before_it_ends() {
    let Some(broker) = Broker::start_secure("token") else { return };
    broker.create_topic("log", 1, &[]);
    broker.write("log", spread(&lines(10), 1));
    let endpoint = endpoint((6, 0));
    let reader = reader(&broker, &endpoint, SECRET);
    let (handle, events, _) = consume(&reader);
    read(&events, 10);
    wait_until("a second token is asked for", || endpoint.seen().len() > 1);
    broker.write("log", spread(&lines(5), 1));
    read(&events, 5);
    end(handle, &events);
    let said = |it: &Seen| (it.path.clone(), String::from_utf8(it.body.clone()).unwrap());
    let asked = ("/token".to_owned(), "grant_type=client_credentials&scope=kafka".to_owned());
    assert!(endpoint.seen().iter().all(|it| said(it) == asked), "{:?}", endpoint.seen());
    let mut found = 0;
    assert_eq!(sample(&reader, 100, |_, _| found += 1).unwrap(), 15);
    assert_eq!(found, 15, "whoever looks at the newest records brings a token too");
}

#[test]
fn a_refused_secret_and_a_token_that_is_over_are_said_in_words() {
    let Some(broker) = Broker::start_secure("no-token") else { return };
    broker.create_topic("log", 1, &[]);
    let (fresh, stale) = (endpoint((60, 0)), endpoint((60, 600)));
    for (shut, words) in [
        (reader(&broker, &fresh, "wrong"), "token_url, username and password_file"),
        (reader(&broker, &stale, SECRET), "the broker refuses the login"),
    ] {
        let (handle, events, faults) = consume(&shut);
        let fault = faults.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(fault.kind, FaultKind::Authentication, "{}", fault.words);
        assert!(fault.words.contains(words) && !fault.words.contains("horse"), "{}", fault.words);
        end(handle, &events);
    }
    let error = sample(&reader(&broker, &fresh, "wrong"), 1, |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("401"), "{error}");
}
