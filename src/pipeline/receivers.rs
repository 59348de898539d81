//! From the receivers of a configuration to those of delivery.

use crate::alert::text::Wording;
use crate::alert::{Origin, Silences};
use crate::config::{
    Config, EmailConfig, Protocol, ReceiverConfig, ReceiverKind, Start, StdoutFormat,
};
use crate::deliver::{
    self, Address, Endpoint, HeartbeatSpec, LATE_AFTER_MS, MailRoute, Policy, ReceiverSpec, Secret,
    SigningKeys, SilenceFile,
};
use crate::serve::SilenceDesk;
use crate::source::kafka;
use std::time::Duration;

/// The receivers of a configuration.
///
/// # Errors
/// Every receiver whose address cannot be used.
pub fn receivers(config: &Config) -> Result<Vec<ReceiverSpec>, String> {
    let built: Vec<Result<ReceiverSpec, String>> = config.receivers.iter().map(receiver).collect();
    let problems: Vec<&str> =
        built.iter().filter_map(|it| it.as_ref().err().map(String::as_str)).collect();
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    Ok(built.into_iter().flatten().collect())
}

/// Where signs of life go.
///
/// # Errors
/// Where the address cannot be used.
pub fn heartbeat(config: &Config) -> Result<Option<HeartbeatSpec>, String> {
    let Some(config) = &config.heartbeat else { return Ok(None) };
    let url = Endpoint::webhook(config.url.reveal()).map_err(|it| format!("heartbeat: {it}"))?;
    Ok(Some(HeartbeatSpec { url, every: Duration::from_millis(config.every_ms.unsigned_abs()) }))
}

fn receiver(config: &ReceiverConfig) -> Result<ReceiverSpec, String> {
    let in_words = |words: &dyn std::fmt::Display| format!("receiver {}: {words}", config.name);
    let bad = |error: deliver::EndpointError| in_words(&error);
    let kind = match &config.kind {
        ReceiverKind::Pagerduty { url, routing_key } => deliver::ReceiverKind::Pagerduty {
            url: Endpoint::pagerduty(url).map_err(bad)?,
            routing_key: Secret::new(routing_key.reveal()),
        },
        ReceiverKind::Alertmanager { urls } => deliver::ReceiverKind::Alertmanager {
            urls: urls
                .iter()
                .map(|it| Endpoint::alertmanager(it))
                .collect::<Result<_, _>>()
                .map_err(bad)?,
        },
        ReceiverKind::Webhook { url, secret } => deliver::ReceiverKind::Webhook {
            url: Endpoint::webhook(url).map_err(bad)?,
            keys: SigningKeys::parse(secret.reveal()).map_err(|it| in_words(&it))?,
        },
        ReceiverKind::Slack { url } => {
            deliver::ReceiverKind::Slack { url: Endpoint::webhook(url.reveal()).map_err(bad)? }
        }
        ReceiverKind::Jsm { url, api_key } => deliver::ReceiverKind::Jsm {
            url: Endpoint::jsm(url).map_err(bad)?,
            key: Secret::new(api_key.reveal()),
        },
        ReceiverKind::Email(config) => deliver::ReceiverKind::Mail(Box::new(
            mail_route(config).map_err(|words| in_words(&words))?,
        )),
        ReceiverKind::Stdout { format } => deliver::ReceiverKind::Stdout {
            format: match format {
                StdoutFormat::Human => deliver::Format::Human,
                StdoutFormat::Ndjson => deliver::Format::Ndjson,
            },
        },
    };
    Ok(ReceiverSpec { name: config.name.clone(), severity: config.severity.clone(), kind })
}

fn mail_route(config: &EmailConfig) -> Result<MailRoute, String> {
    let address = |text: &str| Address::parse(text).ok_or_else(|| format!("no address: {text}"));
    let ca = config.ca_file.as_ref().map(|path| {
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    });
    let login = config.login.as_ref();
    Ok(MailRoute {
        host: config.host.clone(),
        port: config.port,
        encryption: config.encryption,
        ca: ca.transpose()?,
        login: login.map(|(user, password)| (user.clone(), Secret::new(password.reveal()))),
        from: address(&config.from)?,
        to: config.to.iter().map(|it| address(it)).collect::<Result<_, _>>()?,
    })
}

/// How alerts are told.
///
/// # Errors
/// What is wrong with the silences file.
pub fn policy(config: &Config, config_path: &str) -> Result<Policy, String> {
    let (silence_file, silences) = match &config.alert.silences {
        None => (None, Silences::default()),
        Some(path) => SilenceFile::open(path).map(|(file, it)| (Some(file), it))?,
    };
    Ok(Policy {
        wording: Wording {
            runbooks: config.alert.runbooks.clone(),
            config: config_path.to_owned(),
            origin: config.source.brokers.first().cloned().map_or(Origin::Unknown, Origin::Kafka),
            pages: Some(config.http.external_url.clone()),
        },
        silences,
        silence_file,
        late_after_ms: Some(LATE_AFTER_MS),
        per_hour: config.alert.notifications_per_hour,
        resolve_after_ms: config.alert.resolve_after_ms,
        ..Policy::default()
    })
}

/// What programs change silences with, where there is a token for them and a file to change.
pub fn silence_desk(
    config: &Config,
    hurry: impl Fn() + Send + Sync + 'static,
) -> Option<SilenceDesk> {
    let (token, path) = (config.http.token.as_ref()?, config.alert.silences.clone()?);
    Some(SilenceDesk {
        path,
        token: Secret::new(token.reveal()),
        origin: config.http.origin(),
        routes: config.attribute.routes.iter().map(|it| it.name.clone()).collect(),
        hurry: Box::new(hurry),
    })
}

/// Where records come from.
#[must_use]
pub fn source(config: &Config, host: Option<&str>) -> kafka::Options {
    let source = &config.source;
    let security = &source.security;
    let secret = security.password.as_ref().map(|it| it.reveal().to_owned());
    let protocol = match security.protocol {
        Protocol::Plaintext => "plaintext",
        Protocol::Tls => "ssl",
        Protocol::SaslTls => "sasl_ssl",
        Protocol::SaslPlaintext => "sasl_plaintext",
    };
    kafka::Options {
        brokers: source.brokers.clone(),
        topics: source.topics.clone(),
        group: source.group.clone(),
        instance_id: Some(source.instance_id_on(host)),
        start: match source.start {
            Start::Latest => kafka::Start::Latest,
            Start::Earliest => kafka::Start::Earliest,
            Start::Back(ms) => kafka::Start::Back(ms),
        },
        security: kafka::Security {
            protocol: protocol.to_owned(),
            ca_file: security.ca_file.clone(),
            cert_file: security.cert_file.clone(),
            key_file: security.key_file.clone(),
            mechanism: security.mechanism.map(|it| it.name().to_owned()),
            username: security.username.clone(),
            password: secret.clone(),
            token: security.token_url.clone().map(|url| kafka::TokenSource {
                url,
                client_id: security.username.clone().unwrap_or_default(),
                client_secret: secret.unwrap_or_default(),
                scope: security.scope.clone(),
                ca_file: security.ca_file.clone(),
            }),
        },
        session_timeout_ms: SESSION_TIMEOUT_MS,
        resume: kafka::Resume::default(),
    }
}

/// How long the group keeps our partitions for us. With an instance id a restart takes them over
/// at once, so a long session costs nothing.
const SESSION_TIMEOUT_MS: u32 = 45_000;
