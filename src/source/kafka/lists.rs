//! librdkafka's lists of partitions.

use super::Owned;
use crate::source::Partition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;

/// A list of partitions, each with the offset to begin at where one is given.
pub(super) fn list_of<'a>(
    places: impl IntoIterator<Item = (&'a str, i32, Option<i64>)>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, number, offset) in places {
        match offset {
            None => drop(list.add_partition(topic, number)),
            // Only an offset that is no offset is refused.
            Some(offset) => {
                let _valid = list.add_partition_offset(topic, number, Offset::Offset(offset));
            }
        }
    }
    list
}

/// The partitions that are ours and of which `is_wanted` holds.
pub(super) fn list_of_owned(
    owned: &BTreeMap<Partition, Owned>,
    is_wanted: impl Fn(&(&Partition, &Owned)) -> bool,
) -> TopicPartitionList {
    let wanted = owned.iter().filter(is_wanted);
    list_of(wanted.map(|it| (it.1.topic.as_ref(), it.1.number, None)))
}
