//! librdkafka's callbacks: they forward, and decide nothing.

use super::{Fault, TokenSource};
use crate::time::wall;
use crossbeam_channel::Sender;
use rdkafka::bindings::rd_kafka_resp_err_t as RespErr;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::{Partition as PartitionStatistics, Statistics};
use rdkafka::topic_partition_list::TopicPartitionList;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

pub(super) type Consumer = BaseConsumer<Context>;

/// What the group wants of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rebalanced {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
}

/// Where librdkafka stands in a partition, by its statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) topic: String,
    pub(super) number: i32,
    /// The end of the log that a reader may see.
    pub(super) high: i64,
    /// Where it met the end, if nothing is left to be fetched before that.
    pub(super) ended_at: Option<i64>,
}

pub(super) struct Context {
    faults: Sender<Fault>,
    standing: Mutex<Vec<Standing>>,
    rebalanced: Mutex<Vec<Rebalanced>>,
    /// Nobody asks any more: the group's wishes are granted on the spot, or closing would wait for
    /// an answer for ever.
    closing: AtomicBool,
    /// Callbacks so far.
    served: AtomicU64,
    /// Where tokens come from.
    token: Option<TokenSource>,
}

impl Context {
    pub(super) const fn new(faults: Sender<Fault>, token: Option<TokenSource>) -> Self {
        Self {
            faults,
            standing: Mutex::new(Vec::new()),
            rebalanced: Mutex::new(Vec::new()),
            closing: AtomicBool::new(false),
            served: AtomicU64::new(0),
            token,
        }
    }

    /// From now on nobody will ask what the group wants.
    pub(super) fn close(&self) {
        self.closing.store(true, Relaxed);
    }

    /// What came since it was last asked, in order.
    pub(super) fn take(&self) -> Vec<Rebalanced> {
        std::mem::take(&mut self.rebalanced.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many callbacks there were: a poll that gave nothing but a callback says nothing about
    /// what waits behind it, and statistics overtake records.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Relaxed)
    }

    fn serve(&self) {
        self.served.fetch_add(1, Relaxed);
    }

    /// The last statistics, once.
    pub(super) fn take_standing(&self) -> Vec<Standing> {
        std::mem::take(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells a fault, unless so many wait to be read that one more tells nothing.
    pub(super) fn tell(&self, fault: Fault) {
        let _full_or_gone = self.faults.try_send(fault);
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.serve();
        self.token.as_ref().ok_or("token_url is missing")?.fetch(wall())
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.serve();
        // The end of a partition is told here too, besides as an event, and is no trouble.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            self.tell(Fault::of(&error, reason));
        }
    }

    fn stats(&self, statistics: Statistics) {
        self.serve();
        let topics = statistics.topics.into_values();
        let partitions = topics.flat_map(|it| {
            let name = it.topic;
            it.partitions.into_values().map(move |partition| (name.clone(), partition))
        });
        let standing = |(topic, it): (String, PartitionStatistics)| Standing {
            topic,
            number: it.partition,
            high: it.ls_offset.max(0),
            ended_at: Some(it.eof_offset).filter(|at| *at == it.next_offset),
        };
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) =
            partitions.filter(|it| it.1.partition >= 0).map(standing).collect();
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => tracing::error!(facility, "kafka: {message}"),
            RDKafkaLogLevel::Warning => tracing::warn!(facility, "kafka: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, "kafka: {message}");
            }
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RespErr,
        list: &mut TopicPartitionList,
    ) {
        self.serve();
        let assigned = error == RespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Relaxed) {
            let granted = match assigned {
                true => consumer.incremental_assign(list),
                false => consumer.incremental_unassign(list),
            };
            if let Err(error) = granted {
                tracing::debug!("while closing: {error}");
            }
            return;
        }
        let partitions =
            list.elements().iter().map(|it| (it.topic().to_owned(), it.partition())).collect();
        let told = match assigned {
            true => Rebalanced::Assigned(partitions),
            false => Rebalanced::Revoked(partitions),
        };
        self.rebalanced.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_partition_is_no_trouble() {
        let (told, faults) = crossbeam_channel::bounded(4);
        let context = Context::new(told, None);
        let global = |code| KafkaError::Global(code);
        context.error(global(RDKafkaErrorCode::PartitionEOF), "reached end of partition");
        context.error(global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        let words: Vec<String> = faults.try_iter().map(|it| it.words).collect();
        assert_eq!(words.len(), 1, "{words:?}");
    }
}
