//! A corpus of addresses that lead into our own network, each in front of a listener that counts:
//! whatever is written in the configuration or answered by a name server, nothing connects.

use super::sample::page;
use super::scratch::Scratch;
use super::wait::wait_until;
use axum::Router;
use axum::http::StatusCode;
use darban::deliver::{
    Delivery, Endpoint, Internal, Names, Options, Outbox, Reach, ReachError, ReceiverKind,
    ReceiverSpec, Secret, Trust,
};
use darban::time::{Clock, wall};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A name server of one's own: every name leads to the same addresses.
#[derive(Debug)]
struct Leads(Vec<IpAddr>);

impl Names for Leads {
    fn look_up(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// A service of this machine that nobody outside should reach.
struct Inside {
    port: u16,
    heard: Arc<AtomicUsize>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Inside {
    /// One that answers everything with `status` and the address of another place.
    fn start(status: StatusCode, location: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(AtomicUsize::new(0));
        let (count, location) = (Arc::clone(&heard), location.to_owned());
        let app = Router::new().fallback(async move || {
            count.fetch_add(1, Ordering::SeqCst);
            (status, [("location", location)])
        });
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, heard, runtime: Some(runtime) }
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sends one page to `url`; whether it arrived, before it was refused or failed three times.
fn arrives(url: &str, options: Options) -> bool {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kind = ReceiverKind::Pagerduty {
        url: Endpoint::pagerduty(url).unwrap(),
        routing_key: Secret::new("0123456789abcdefSECRET9876543210"),
    };
    let receivers = vec![ReceiverSpec { name: "pager".to_owned(), severity: Vec::new(), kind }];
    let options = Options { receivers, timeout: Duration::from_secs(30), ..options };
    let outbox = Outbox::open(scratch.path()).unwrap();
    let clock = Clock::scaled(wall(), 100);
    let delivery = Delivery::start(options, outbox, clock, runtime.handle()).unwrap();
    delivery.offer(vec![page("a")]).unwrap();
    let counts = || delivery.stats().receivers[0].clone();
    wait_until("an attempt's end", || counts().sent == 1 || counts().retried >= 3);
    let sent = counts().sent == 1;
    runtime.shutdown_background();
    sent
}

fn leading_to(addresses: &[IpAddr]) -> Options {
    Options { names: Arc::new(Leads(addresses.to_vec())), ..Options::default() }
}

#[test]
fn no_notation_of_an_inner_address_is_taken_for_a_receiver() {
    let reach = Reach::default();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.0x0.0x0.0x1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "%31%32%37.0.0.1",
        "127。0。0。1",
        "①②⑦.⓪.⓪.①",
        "localhost",
        "LOCALHOST.",
        "db.localhost",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "10.0.0.1",
        "10.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "0xc0a80001",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        for text in [
            format!("https://{host}/"),
            format!("https://{host}:8443/hook"),
            format!("https://hooks.example.com@{host}/"),
            format!("http://{host}/"),
        ] {
            let url = reqwest::Url::parse(&text).unwrap();
            assert!(reach.check(&url, Trust::Public).is_err(), "{text} as {url}");
        }
    }
}

#[test]
fn the_edges_of_inner_networks_are_where_the_registries_have_them() {
    let reach = Reach::default();
    for address in [
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "2a00:1450::1",
        "64:ff9b::808:808",
        "::ffff:8.8.8.8",
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(reach.admit("a.example", address, Trust::Public), Ok(()), "{address}");
    }
}

#[test]
fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let inside = Inside::start(StatusCode::ACCEPTED, "/");
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    for address in [Ipv4Addr::LOCALHOST.into(), mapped.into(), IpAddr::from([127, 1, 1, 1])] {
        let url = format!("https://events.pagerduty.com:{}/", inside.port);
        assert!(!arrives(&url, leading_to(&[address])), "{address}");
    }
    assert_eq!(inside.heard(), 0);
}

#[test]
fn of_several_addresses_only_the_public_ones_are_connected_to() {
    let inside = Inside::start(StatusCode::ACCEPTED, "/");
    let url = format!("http://relay.example:{}/", inside.port);
    let here = IpAddr::from([127, 0, 0, 1]);
    let internal = vec![Internal::parse("127.0.0.1").unwrap()];
    let plain = Reach { internal: internal.clone(), ..Reach::default() };
    // Plain http needs the name in the list, the address alone does not open it.
    assert!(!arrives(&url, Options { reach: plain, ..leading_to(&[here]) }));
    let internal = vec![Internal::parse("relay.example").unwrap()];
    let named = Reach { internal, ..Reach::default() };
    // The metadata service comes first and is left out; this machine is what is left.
    let addresses = [IpAddr::from([169, 254, 169, 254]), here];
    assert!(arrives(&url, Options { reach: named, ..leading_to(&addresses) }));
    assert_eq!(inside.heard(), 1);
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let inside = Inside::start(StatusCode::ACCEPTED, "/");
        let elsewhere = format!("http://127.0.0.1:{}/latest/meta-data", inside.port);
        let status = StatusCode::from_u16(status).unwrap();
        let front = Inside::start(status, &elsewhere);
        let url = format!("http://127.0.0.1:{}/", front.port);
        assert!(!arrives(&url, Options::default()), "{status}");
        assert!(front.heard() >= 3, "{status}");
        assert_eq!(inside.heard(), 0, "{status}");
    }
}

#[test]
fn an_address_that_the_reach_refuses_is_not_connected_to_either() {
    let inside = Inside::start(StatusCode::ACCEPTED, "/");
    let url = format!("http://127.0.0.1:{}/", inside.port);
    let allowed = vec!["events.pagerduty.com".to_owned()];
    let reach = Reach { allowed, ..Reach::default() };
    let parsed = reqwest::Url::parse(&url).unwrap();
    assert_eq!(reach.check(&parsed, Trust::ThisMachine), Err(ReachError::NotAllowed));
    assert!(!arrives(&url, Options { reach, ..Options::default() }));
    assert_eq!(inside.heard(), 0);
}

/// A name server that changes its mind: this machine's relay first, then the metadata service.
#[derive(Debug, Default)]
struct Rebinds(AtomicUsize);

impl Names for Rebinds {
    fn look_up(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![IpAddr::from(if first { [127, 0, 0, 1] } else { [169, 254, 169, 254] })])
    }
}

#[test]
fn what_was_judged_is_what_is_connected_to_and_nobody_is_asked_twice() {
    let inside = Inside::start(StatusCode::ACCEPTED, "/");
    let internal = vec![Internal::parse("relay.example").unwrap()];
    let reach = Reach { internal, ..Reach::default() };
    let names = Arc::new(Rebinds::default());
    let url = format!("http://relay.example:{}/", inside.port);
    let asked = Arc::clone(&names);
    assert!(arrives(&url, Options { reach, names, ..Options::default() }));
    assert_eq!((inside.heard(), asked.0.load(Ordering::SeqCst)), (1, 1));
}
