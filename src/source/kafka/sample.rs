//! The newest records of a topic, for whoever wants to look at them.
//!
//! Partitions are assigned, not subscribed to, and nothing is committed: no group notices, and a
//! principal needs no more than to read and describe the topic.

use super::context::{Consumer, Context};
use super::{Error, Options, is_pattern};
use crate::time::{Moment, Stopwatch};
use crossbeam_channel::bounded;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long brokers may take to answer a question.
const ANSWER: Duration = Duration::from_secs(15);
/// How long reading may take in all.
const READING: Duration = Duration::from_secs(60);
/// Faults that are kept to be told.
const FAULTS_MAX: usize = 16;
/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);

/// Reads the newest records of topics, at most so many of each, spread over its partitions: each
/// with its time, where it has one. How many were read.
///
/// # Errors
/// When librdkafka refuses the configuration, a topic is not there, or no broker answers.
pub fn sample(
    options: &Options,
    records_max: usize,
    mut found: impl FnMut(&[u8], Option<Moment>),
) -> Result<usize, Error> {
    let (faults, told) = bounded(FAULTS_MAX);
    let context = Context::new(faults, options.security.token.clone());
    let consumer: Consumer = options.client().create_with_context(context).map_err(refused)?;
    if options.security.token.is_some() {
        await_token(&consumer);
    }
    let mut count = 0;
    for topic in &options.topics {
        if is_pattern(topic) {
            let words = format!("{topic} is a pattern of topics: name one with --from");
            return Err(Error::Configuration(words));
        }
        count += newest(&consumer, topic, records_max, &mut found).map_err(|error| {
            // What the brokers have against us says more than that there was no answer.
            let _none = consumer.poll(Duration::ZERO);
            let words = told.try_iter().last().map(|it| it.words);
            words.map_or(error, Error::Configuration)
        })?;
    }
    Ok(count)
}

/// Waits until a token was asked for, which librdkafka does in a poll: a question that is asked
/// before would wait for it in vain.
fn await_token(consumer: &Consumer) {
    let since = Stopwatch::start();
    while consumer.context().served() == 0 && since.elapsed() < ANSWER {
        let _nothing_assigned = consumer.poll(POLL);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn refused(error: KafkaError) -> Error {
    Error::Configuration(error.to_string())
}

fn newest(
    consumer: &Consumer,
    topic: &str,
    records_max: usize,
    found: &mut impl FnMut(&[u8], Option<Moment>),
) -> Result<usize, Error> {
    let mut ends: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for number in partitions(consumer, topic)? {
        let ends_of = consumer.fetch_watermarks(topic, number, ANSWER).map_err(refused)?;
        ends.insert(number, ends_of);
    }
    ends.retain(|_, (low, high)| high > low);
    let available: Vec<i64> = ends.values().map(|(low, high)| high - low).collect();
    let mut list = TopicPartitionList::new();
    for ((number, (_, high)), take) in ends.iter().zip(shares(&available, records_max)) {
        let offset = Offset::Offset(high - take);
        list.add_partition_offset(topic, *number, offset).map_err(refused)?;
    }
    consumer.assign(&list).map_err(refused)?;
    let (since, mut count) = (Stopwatch::start(), 0);
    while !ends.is_empty() && count < records_max && since.elapsed() < READING {
        match consumer.poll(POLL) {
            // What was written since would take the place of what others have.
            Some(Ok(message)) if ends.contains_key(&message.partition()) => {
                // Without a time the broker says -1.
                let time = message.timestamp().to_millis().filter(|it| *it > 0).map(Moment);
                found(message.payload().unwrap_or_default(), time);
                count += 1;
                let (number, next) = (message.partition(), message.offset() + 1);
                ends.retain(|it, (_, high)| *it != number || next < *high);
            }
            // Behind the last record may be a transaction's end.
            Some(Err(KafkaError::PartitionEOF(number))) => drop(ends.remove(&number)),
            Some(Err(error)) if is_final(&error) => return Err(refused(error)),
            Some(_) | None => {}
        }
    }
    Ok(count)
}

/// What waiting does not mend.
fn is_final(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::Fatal
        )
    )
}

fn partitions(consumer: &Consumer, topic: &str) -> Result<Vec<i32>, Error> {
    let told = consumer.fetch_metadata(Some(topic), ANSWER).map_err(refused)?;
    let found = told.topics().iter().find(|it| it.name() == topic && it.error().is_none());
    let numbers: Vec<i32> =
        found.into_iter().flat_map(|it| it.partitions()).map(|it| it.id()).collect();
    match numbers.is_empty() {
        true => Err(Error::Configuration(format!(
            "no topic {topic} on these brokers, or none that we may read"
        ))),
        false => Ok(numbers),
    }
}

/// How many of each to take so that all together are at most so many, as evenly as they can be.
fn shares(available: &[i64], all: usize) -> Vec<i64> {
    let mut order: Vec<(usize, i64)> = available.iter().copied().enumerate().collect();
    order.sort_by_key(|it| it.1);
    let mut left = i64::try_from(all).unwrap_or(i64::MAX);
    let mut takes = vec![0; available.len()];
    let count = order.len();
    for (done, (at, here)) in order.into_iter().enumerate() {
        let others = i64::try_from(count - done).unwrap_or(1);
        let take = here.min((left + others - 1) / others).min(left);
        left -= take;
        takes.iter_mut().skip(at).take(1).for_each(|it| *it = take);
    }
    takes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_small_partitions_have_not_comes_from_the_others() {
        for (available, all, takes) in [
            (&[100_i64, 100, 100][..], 30, vec![10, 10, 10]),
            (&[5, 100, 100], 30, vec![5, 13, 12]),
            (&[1, 2, 3], 30, vec![1, 2, 3]),
            (&[100, 100], 1, vec![1, 0]),
            (&[], 5, vec![]),
        ] {
            assert_eq!(shares(available, all), takes);
        }
    }
}
