//! What a broker with locked doors needs: certificates, users, listeners.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user of both SASL mechanisms.
pub(crate) const USER: &str = "darban";
pub(crate) const PASSWORD: &str = "correct-horse";
const LOGIN: &str = "org.apache.kafka.common.security";

/// The locked doors of one broker.
pub(crate) struct Secure {
    folder: PathBuf,
    /// SASL over TLS.
    pub(crate) sasl_port: u16,
    /// TLS, with a certificate of the client's own.
    pub(crate) tls_port: u16,
}

impl Secure {
    /// Makes certificates for the broker, for a client, and `other`, which signed nothing here.
    pub(crate) fn new(folder: &Path, ports: [TcpListener; 2]) -> Self {
        for name in ["broker", "client", "other"] {
            certify(folder, name);
        }
        let [sasl_port, tls_port] = ports.map(|it| it.local_addr().unwrap().port());
        Self { folder: folder.to_owned(), sasl_port, tls_port }
    }

    /// `broker.crt`, `client.crt`, `client.key`, `other.crt`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// To be added to the listeners.
    pub(crate) fn listeners(&self) -> String {
        format!(",SASL_SSL://127.0.0.1:{},SSL://127.0.0.1:{}", self.sasl_port, self.tls_port)
    }

    /// To be added to the properties.
    pub(crate) fn properties(&self) -> String {
        let sasl = "listener.name.sasl_ssl";
        let folder = self.folder.display();
        format!(
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER\n\
             {sasl}.plain.sasl.jaas.config={LOGIN}.plain.PlainLoginModule required \
             user_{USER}=\"{PASSWORD}\";\n\
             {sasl}.scram-sha-512.sasl.jaas.config={LOGIN}.scram.ScramLoginModule required;\n\
             {sasl}.oauthbearer.sasl.jaas.config={LOGIN}.oauthbearer.OAuthBearerLoginModule \
             required unsecuredLoginStringClaim_sub=\"broker\";\n\
             ssl.keystore.type=PEM\nssl.keystore.location={folder}/broker.pem\n\
             ssl.truststore.type=PEM\nssl.truststore.location={folder}/client.crt\n\
             listener.name.ssl.ssl.client.auth=required\n"
        )
    }

    /// To be added when the log is formatted: users of SCRAM live in it.
    pub(crate) fn format_arguments() -> [String; 2] {
        ["--add-scram".to_owned(), format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]")]
    }
}

/// A certificate that signs itself, for 127.0.0.1: `NAME.crt`, `NAME.key`, both in `NAME.pem`.
fn certify(folder: &Path, name: &str) {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"])
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("crt"))
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let both = [file("key"), file("crt")].map(|it| fs::read_to_string(it).unwrap());
    fs::write(file("pem"), both.concat()).unwrap();
}
