//! What `doctor` and `init` read: the newest records of a topic, or the first ones of files.

use super::{Failure, exit};
use crate::config::Config;
use crate::pipeline::{build, receivers};
use crate::source::files::{Error, Files};
use crate::source::kafka;
use crate::survey::{Origin, Sample, Sampler};
use std::path::PathBuf;

/// What a topic's name stands behind.
const SCHEME: &str = "kafka://";
/// Records of the log that are read at most, of each topic.
pub(super) const RECORDS_MAX: u64 = 500_000;

/// Where a sample is taken.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// A topic or a file
    #[arg(long, value_name = "kafka://BROKER[,BROKER]/TOPIC | FILE")]
    from: Vec<String>,
    /// Log files (plain, .gz, .zst), directories of them, or - for standard input
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
}

impl Place {
    /// The place that is named; `None` where none is.
    pub(super) fn origin(&self) -> Result<Option<Origin>, Failure> {
        let topics: Vec<&str> = self.from.iter().filter_map(|it| it.strip_prefix(SCHEME)).collect();
        let files = self.from.iter().filter(|it| !it.starts_with(SCHEME)).cloned();
        let paths: Vec<String> =
            files.chain(self.paths.iter().map(|it| it.display().to_string())).collect();
        match (topics.as_slice(), paths.is_empty()) {
            ([], true) => Ok(None),
            ([], false) => Ok(Some(Origin::Files(paths))),
            ([one], true) => topic(one).map(Some),
            _ => Err(Failure::new(exit::USAGE, &"either one topic or files")),
        }
    }
}

fn topic(place: &str) -> Result<Origin, Failure> {
    let words = "a topic is kafka://BROKER[,BROKER]/TOPIC, such as kafka://kafka-1.example:9092/gateway-access";
    let wrong = || Failure::new(exit::USAGE, &words);
    let (brokers, topic) = place.split_once('/').ok_or_else(wrong)?;
    let with_port = |it: &str| if it.contains(':') { it.to_owned() } else { format!("{it}:9092") };
    let brokers: Vec<String> = brokers.split(',').map(with_port).collect();
    if topic.is_empty() || topic.contains('/') || brokers.iter().any(|it| it.starts_with(':')) {
        return Err(wrong());
    }
    Ok(Origin::Kafka { brokers, topics: vec![topic.to_owned()] })
}

/// Reads a sample; with a configuration as it decodes and attributes.
pub(super) fn read(
    origin: &Origin,
    config: Option<&Config>,
    records_max: u64,
) -> Result<Sample, Failure> {
    let attributor = match config {
        None => None,
        Some(config) => {
            let built = build::attributor(config, &super::keys(config)?);
            Some(built.map_err(|words| Failure::new(exit::CONFIG, &words))?)
        }
    };
    let options = config.map(build::decode_options).unwrap_or_default();
    let mut sampler = Sampler::new(options, attributor);
    let records_max = usize::try_from(records_max).unwrap_or(usize::MAX);
    let is_kafka = match origin {
        Origin::Files(paths) => {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            files(&paths, records_max, &mut sampler)
                .map_err(|it| Failure::new(exit::INPUT, &it))?;
            false
        }
        Origin::Kafka { brokers, topics } => {
            let mut source = config.map(|it| receivers::source(it, None)).unwrap_or_default();
            (source.brokers, source.topics) = (brokers.clone(), topics.clone());
            // Nothing is committed; a name of its own, so that nobody's rights are borrowed.
            source.group = format!("darban-sample-{}", std::process::id());
            let read = kafka::sample(&source, records_max, |bytes, time| sampler.take(bytes, time));
            read.map_err(|it| Failure::new(exit::INPUT, &it))?;
            true
        }
    };
    let sample = sampler.done(is_kafka);
    if sample.decoded() == 0 {
        return Err(Failure::new(exit::INPUT, &unreadable(&sample)));
    }
    Ok(sample)
}

/// Why nothing can be said.
fn unreadable(sample: &Sample) -> String {
    let reasons: Vec<String> =
        sample.refused.iter().map(|(why, count)| format!("{count} {}", why.name())).collect();
    match sample.records {
        0 => "there are no records".to_owned(),
        records => format!(
            "none of {records} records is an access record: {}; see format = \"custom\" in \
             deploy/darban.toml",
            reasons.join(", ")
        ),
    }
}

/// The first lines of files, a batch of each in turn.
fn files(paths: &[PathBuf], records_max: usize, sampler: &mut Sampler) -> Result<(), Error> {
    let mut files = Files::open(paths)?;
    let mut open: Vec<_> = files.places().map(|it| it.0).collect();
    let mut left = records_max;
    while left > 0 && !open.is_empty() {
        let mut more = Vec::new();
        for partition in open {
            let Some(batch) = files.next_batch(partition)? else { continue };
            for row in batch.rows.iter().take(left) {
                sampler.take(batch.bytes(row), None);
            }
            left -= batch.rows.len().min(left);
            more.push(partition);
        }
        open = more;
    }
    Ok(())
}
