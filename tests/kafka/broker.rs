//! A real Apache Kafka broker for tests, in KRaft mode, out of Maven Central.
//!
//! The jars are fetched once into `target/kafka`; a broker's log lives in a folder of its own
//! there. Java runs under a shell that ends it when our end of its input closes, so that a test
//! that dies leaves nothing behind.

use super::super::deliver::wait::wait_until;
use super::secure::Secure;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Ends java when the test's end of the pipe closes.
const UNDER_WATCH: &str = r#"java "$@" & child=$!; cat >/dev/null; kill -9 $child; wait $child"#;
/// Quick to start on two cores: serial collector, first tier of the compiler only.
const JVM: &[&str] = &["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

pub(crate) struct Broker {
    folder: PathBuf,
    port: u16,
    secure: Option<Secure>,
    child: Option<Child>,
}

impl Broker {
    /// A broker with an empty log; `None` (and one line that says why) where it cannot be had.
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::start_with(test, false)
    }

    /// The same with locked doors beside the open one.
    pub(crate) fn start_secure(test: &str) -> Option<Self> {
        Self::start_with(test, true)
    }

    fn start_with(test: &str, locked: bool) -> Option<Self> {
        let libs = match libs() {
            Ok(libs) => libs,
            Err(why) => {
                crate::skip::skip(test, why);
                return None;
            }
        };
        let folder = target().join(format!("kafka/run-{}-{test}", std::process::id()));
        let _left_over = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let (port, controller) = (free_port(), free_port());
        let template = fs::read_to_string(here().join("server.properties")).unwrap();
        let secure = locked.then(|| Secure::new(&folder, [free_listener(), free_listener()]));
        let (listeners, more) =
            secure.as_ref().map_or_else(Default::default, |it| (it.listeners(), it.properties()));
        let properties = template
            .replace("@DIR@", folder.to_str().unwrap())
            .replace("@PORT@", &port.to_string())
            .replace("@CONTROLLER_PORT@", &controller.to_string())
            .replace("@MORE_LISTENERS@", &listeners);
        fs::write(folder.join("server.properties"), properties + &more).unwrap();
        let format = java(libs, &["kafka.tools.StorageTool", "format", "--standalone", "-t"])
            .args(["MkU3OEVBNTcwNTJENDM2Qg", "-c"])
            .arg(folder.join("server.properties"))
            .args(locked.then(Secure::format_arguments).into_iter().flatten())
            .output()
            .unwrap();
        assert!(format.status.success(), "{}", String::from_utf8_lossy(&format.stderr));
        let mut broker = Self { folder, port, secure, child: None };
        broker.restart();
        Some(broker)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The locked doors of a broker that was started with them.
    pub(crate) fn secure(&self) -> &Secure {
        self.secure.as_ref().expect("started with locked doors")
    }

    /// `kill -9`; the log stays.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }

    /// Starts it on the log that it has, and waits until it answers.
    pub(crate) fn restart(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("broker.log"))
            .unwrap();
        let arguments = java_arguments(libs().unwrap(), &["kafka.Kafka"]);
        let child = Command::new("sh")
            .args(["-c", UNDER_WATCH, "sh"])
            .args(JVM)
            .args(arguments)
            .arg(self.folder.join("server.properties"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let port = self.port;
        wait_until("the broker answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    pub(crate) fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<_> = self.client().create().unwrap();
        let topic = settings.iter().fold(
            NewTopic::new(name, partitions, TopicReplication::Fixed(1)),
            |topic, (key, value)| topic.set(key, value),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let made = runtime.block_on(admin.create_topics(&[topic], &AdminOptions::new())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    /// Writes records (partition, timestamp in milliseconds, bytes) and waits until they stand.
    pub(crate) fn write<'a>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = (i32, i64, &'a [u8])>,
    ) {
        let producer: BaseProducer = self
            .client()
            .set("compression.type", "lz4")
            .set("enable.idempotence", "true")
            .create()
            .unwrap();
        send_all(&producer, topic, records);
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    /// The same as one committed transaction, whose end stands at an offset of its own in every
    /// partition.
    pub(crate) fn write_in_transaction<'a>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = (i32, i64, &'a [u8])>,
    ) {
        let producer: BaseProducer = self
            .client()
            .set("compression.type", "zstd")
            .set("transactional.id", "writer")
            .create()
            .unwrap();
        let limit = Duration::from_secs(30);
        producer.init_transactions(limit).unwrap();
        producer.begin_transaction().unwrap();
        send_all(&producer, topic, records);
        producer.commit_transaction(limit).unwrap();
    }

    /// The offset behind the last record of every partition.
    pub(crate) fn ends(&self, topic: &str, partitions: i32) -> Vec<i64> {
        let producer: BaseProducer = self.client().create().unwrap();
        let limit = Duration::from_secs(20);
        let end = |it| producer.client().fetch_watermarks(topic, it, limit).unwrap().1;
        (0..partitions).map(end).collect()
    }

    /// Deletes a topic with all that it has.
    pub(crate) fn delete_topic(&self, name: &str) {
        let admin: AdminClient<_> = self.client().create().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let gone = runtime.block_on(admin.delete_topics(&[name], &AdminOptions::new())).unwrap();
        assert!(gone.iter().all(Result::is_ok), "{gone:?}");
        let limit = Duration::from_secs(5);
        let is_gone = || {
            let metadata = admin.inner().fetch_metadata(None, limit);
            metadata.is_ok_and(|it| !it.topics().iter().any(|it| it.name() == name))
        };
        wait_until("the topic is gone", is_gone);
    }

    /// Deletes the records of a partition before an offset, as retention does.
    pub(crate) fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        let admin: AdminClient<_> = self.client().create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deleted = runtime.block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
        assert!(deleted.elements().iter().all(|it| it.error().is_ok()), "{deleted:?}");
    }

    /// Lets every consumer have so many bytes a second, or as many as there are.
    pub(crate) fn throttle(&self, bytes_per_second: Option<u64>) {
        let change = match bytes_per_second {
            Some(rate) => ["--add-config".to_owned(), format!("consumer_byte_rate={rate}")],
            None => ["--delete-config".to_owned(), "consumer_byte_rate".to_owned()],
        };
        let changed = java(libs().unwrap(), &["kafka.admin.ConfigCommand"])
            .args(["--bootstrap-server", &self.address(), "--alter"])
            .args(["--entity-type", "clients", "--entity-default"])
            .args(change)
            .output()
            .unwrap();
        assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stdout));
    }

    /// What a group has committed, by partition.
    pub(crate) fn committed(&self, group: &str, topic: &str, partitions: i32) -> Vec<i64> {
        let consumer: BaseConsumer = self.client().set("group.id", group).create().unwrap();
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, partitions - 1);
        let told = consumer.committed_offsets(asked, Duration::from_secs(20)).unwrap();
        told.elements().iter().map(|it| it.offset().to_raw().unwrap()).collect()
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address()).set("message.timeout.ms", "30000");
        config
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        let _kept = fs::remove_dir_all(&self.folder);
    }
}

fn send_all<'a>(
    producer: &BaseProducer,
    topic: &str,
    records: impl IntoIterator<Item = (i32, i64, &'a [u8])>,
) {
    for (partition, at, bytes) in records {
        let mut record: BaseRecord<'_, (), [u8]> =
            BaseRecord::to(topic).partition(partition).timestamp(at).payload(bytes);
        while let Err((_, back)) = producer.send(record) {
            producer.poll(Duration::from_millis(50));
            record = back;
        }
    }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

fn free_listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn free_port() -> u16 {
    free_listener().local_addr().unwrap().port()
}

/// The folder of the jars, fetched on first use.
fn libs() -> Result<&'static Path, &'static str> {
    static LIBS: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let fetched = LIBS.get_or_init(|| {
        let libs = target().join("kafka/libs");
        let complete = libs.join(".complete");
        if !complete.exists() {
            let fetched = Command::new("mvn")
                .args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-f"])
                .arg(here().join("pom.xml"))
                .arg(format!("-DoutputDirectory={}", libs.display()))
                .output()
                .map_err(|error| format!("no Maven: {error}"))?;
            if !fetched.status.success() {
                return Err("Kafka's jars cannot be had from Maven Central".to_owned());
            }
            fs::write(complete, "").map_err(|error| error.to_string())?;
        }
        Command::new("java")
            .arg("-version")
            .output()
            .map_err(|error| format!("no Java: {error}"))?;
        Ok(libs)
    });
    fetched.as_deref().map_err(String::as_str)
}

fn java_arguments(libs: &Path, main: &[&str]) -> Vec<String> {
    let logging = format!("-Dlog4j2.configurationFile={}", here().join("log4j2.xml").display());
    let mut arguments = vec![logging, "-cp".to_owned(), format!("{}/*", libs.display())];
    arguments.extend(main.iter().map(|it| (*it).to_owned()));
    arguments
}

fn java(libs: &Path, main: &[&str]) -> Command {
    let mut command = Command::new("java");
    command.args(java_arguments(libs, main));
    command
}
