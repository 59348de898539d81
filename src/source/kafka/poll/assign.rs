//! What the group wants: partitions that come, and partitions that go.
//!
//! The group is answered at once; where a partition begins is asked of the brokers, who may not
//! answer. Until they do it waits in [`Unanswered`] and is asked for again, a second after the last
//! look-up that failed. One look-up fails a turn at most, and the one that failed goes last, so
//! that a partition without a leader neither stops polling nor the others.
//!
//! What was handed over once in this process is in its state and stays judged, durable or not:
//! a partition that is lost and comes back goes on behind it, or where another process has
//! committed further. So losing a partition forgets what librdkafka had fetched and nothing else.
//! A process that was stopped for longer than the group waits gives everything up by itself before
//! it takes another record, and gives the group [`VERDICT_MS`] to say whether it still belongs to
//! it: under an instance id it may get the same partitions back without ever being asked for them.

use super::{AGAIN_MS, LOOK_UP, Poller};
use crate::source::kafka::context::Rebalanced;
use crate::source::kafka::lists::list_of;
use crate::source::kafka::start::{Answers, Decision, Start, decide};
use crate::source::kafka::{Owned, is_pattern};
use crate::source::{Event, Partition, Place};
use crate::time::{Moment, SECOND_MS};
use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How long after a standstill nothing is fetched, unless the group says something before: a few
/// heartbeats (three seconds each), the first of which a former member is refused.
const VERDICT_MS: i64 = 10 * SECOND_MS;

type Name = (Arc<str>, i32);

/// Partitions that are ours and of which it is not known where they begin.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    names: VecDeque<Name>,
    /// Not before.
    pub(super) ask_at: Moment,
    /// The group was not answered yet.
    owes: bool,
}

/// A partition that can begin.
struct Begin {
    name: Name,
    decision: Decision,
    high: i64,
    committed: Option<i64>,
}

impl Poller {
    /// Does what the group asked for since.
    pub(super) fn rebalance(&mut self) {
        for told in self.consumer.context().take() {
            match told {
                Rebalanced::Assigned(partitions) => self.assign(partitions),
                Rebalanced::Revoked(partitions) => self.revoke(&partitions),
            }
        }
    }

    fn assign(&mut self, mut partitions: Vec<(String, i32)>) {
        self.unanswered.owes = true;
        if !self.is_ours_to_read(&partitions) {
            partitions.retain(|it| self.options.topics.contains(&it.0));
            self.join_anew();
        }
        let names = partitions.into_iter().map(|(topic, number)| (topic.into(), number));
        self.unanswered.names.extend(names);
        self.is_assigned |= !self.unanswered.names.is_empty();
        self.ask();
    }

    /// Whether the group gives us what we are configured to read. To a member that comes back under its
    /// instance id it gives what that had, whatever its successor subscribes to. That another member
    /// has a topic of ours is no mistake, so the first assignment alone is asked for every topic.
    fn is_ours_to_read(&self, partitions: &[(String, i32)]) -> bool {
        let topics = &self.options.topics;
        let given = |topic: &String| partitions.iter().any(|it| it.0 == *topic);
        let all_are_ours = partitions.iter().all(|it| topics.contains(&it.0));
        let is_whole = self.is_assigned || partitions.is_empty() || topics.iter().all(given);
        topics.iter().any(|it| is_pattern(it)) || all_are_ours && is_whole
    }

    /// Has the group share out its topics anew: as the only member, or the one that leads, we may ask
    /// for it by leaving our subscription and taking it up again. Asked for once: who does not lead
    /// waits until the group shares out for another reason.
    fn join_anew(&mut self) {
        if std::mem::replace(&mut self.has_joined_anew, true) {
            return;
        }
        tracing::warn!("the group gives us other topics than are configured: joining it anew");
        let topics: Vec<&str> = self.options.topics.iter().map(String::as_str).collect();
        self.consumer.unsubscribe();
        if let Err(error) = self.consumer.subscribe(&topics) {
            self.tell(&error);
        }
    }

    /// Asks again for what was not answered, when it is time.
    pub(super) fn ask_again(&mut self) {
        let Unanswered { names, ask_at, owes } = &self.unanswered;
        if (*owes || !names.is_empty()) && self.clock.now() >= *ask_at {
            self.ask();
        }
    }

    /// So many real milliseconds from now.
    pub(super) fn later(&self, ms: i64) -> Moment {
        self.clock.now().plus(ms.saturating_mul(self.clock.factor()))
    }

    fn ask(&mut self) {
        let mut begin = Vec::new();
        if self.shared.stop.load(Relaxed) {
            // A look-up while the group is left would run into its limit.
            self.unanswered.names.clear();
        }
        if !self.unanswered.names.is_empty() {
            let names = self.unanswered.names.iter();
            let asked = list_of(names.map(|it| (it.0.as_ref(), it.1, None)));
            match self.consumer.committed_offsets(asked, LOOK_UP) {
                Ok(committed) => begin = self.decide_each(&committed),
                Err(error) => self.tell(&error),
            }
        }
        if !begin.is_empty() || self.unanswered.owes {
            self.begin(begin);
        }
        self.unanswered.ask_at = self.later(AGAIN_MS);
    }

    /// Those whose beginning is known now; the others wait on.
    fn decide_each(&mut self, committed: &TopicPartitionList) -> Vec<Begin> {
        let mut names = std::mem::take(&mut self.unanswered.names);
        let (mut begin, mut left) = (Vec::new(), VecDeque::new());
        let mut failed = false;
        while !failed && let Some(name) = names.pop_front() {
            let answers = self.answers(&name, committed);
            let Some(found) = answers.found(self.options.start) else {
                // It was refused at once, or took the time of a look-up.
                failed = answers.committed.is_some();
                left.push_back(name);
                continue;
            };
            let decision = decide(found, self.options.start);
            let committed = answers.committed.flatten();
            begin.push(Begin { name, decision, high: found.high, committed });
        }
        names.extend(left);
        self.unanswered.names = names;
        begin
    }

    fn answers(&self, name: &Name, committed: &TopicPartitionList) -> Answers {
        let (topic, number) = (name.0.as_ref(), name.1);
        let handed = self.owned_named((topic, number)).and_then(|it| self.handed.get(&it.0));
        let stood = self.options.resume.stood((topic, number));
        let time = stood.and_then(|it| it.time);
        let mut answers = Answers {
            committed: committed_of(committed, (topic, number)),
            kept: stood.map(|it| it.next),
            kept_has_time: time.is_some(),
            ours: self.is_ours(committed, (topic, number)),
            handed: handed.copied(),
            ..Answers::default()
        };
        let Some(reached) = answers.reached() else { return answers };
        match self.consumer.fetch_watermarks(topic, number, LOOK_UP) {
            Ok(watermarks) => answers.watermarks = Some(watermarks),
            Err(error) => self.tell(&error),
        }
        if let (None, Some(_), Start::Back(ms)) = (reached, answers.watermarks, self.options.start)
        {
            answers.since = self.since(name, self.clock.now().plus(-ms));
        }
        if answers.may_be_another()
            && let Some(time) = time
        {
            answers.later = self.since(name, time.plus(1));
        }
        answers
    }

    /// Whether the state that we go on with was the last to commit anything for a partition.
    fn is_ours(&self, committed: &TopicPartitionList, (topic, number): (&str, i32)) -> bool {
        let found = committed.find_partition(topic, number);
        found.is_some_and(|it| self.options.resume.made(it.metadata()))
    }

    /// The first offset at or after a time, if there is one; `None` without an answer.
    fn since(&self, (topic, number): &Name, at: Moment) -> Option<Option<i64>> {
        let list = list_of([(topic.as_ref(), *number, Some(at.0))]);
        let found = match self.consumer.offsets_for_times(list, LOOK_UP) {
            Ok(found) => found,
            Err(error) => {
                self.tell(&error);
                return None;
            }
        };
        let found = found.find_partition(topic, *number)?;
        found.error().ok()?;
        match found.offset() {
            Offset::Offset(offset) if offset >= 0 => Some(Some(offset)),
            _ => Some(None),
        }
    }

    fn begin(&mut self, begin: Vec<Begin>) {
        let places = begin.iter().map(|it| (it.name.0.as_ref(), it.name.1, Some(it.decision.next)));
        match self.consumer.incremental_assign(&list_of(places)) {
            Ok(()) => {
                self.unanswered.owes = false;
                begin.into_iter().for_each(|it| self.own(it));
            }
            Err(error) => {
                self.tell(&error);
                self.unanswered.names.extend(begin.into_iter().map(|it| it.name));
            }
        }
    }

    fn own(&mut self, Begin { name, decision, high, committed }: Begin) {
        let Decision { next, gap } = decision;
        let next_index = Partition(u16::try_from(self.known.len()).unwrap_or(u16::MAX));
        let partition = *self.known.entry(name.clone()).or_insert(next_index);
        tracing::info!("reading {} [{}] from offset {next}", name.0, name.1);
        let mut own = Owned::new(name.clone(), next, high);
        // A commit from beyond the end of a log that was made anew binds nobody.
        own.floor = committed.unwrap_or(next).min(next);
        self.shared.owned().insert(partition, own);
        self.followed = None;
        let (topic, number) = name;
        self.send(Event::Assigned { partition, place: Place { topic, number }, next });
        if let Some((first, missing)) = gap {
            let count = missing.map_or_else(|| "some".to_owned(), |it| it.to_string());
            tracing::error!("{count} records from offset {first} on are gone and were never read");
            self.send(Event::Gap { partition, first, missing });
        }
    }

    fn revoke(&mut self, partitions: &[(String, i32)]) {
        let is = |it: &Name| {
            partitions.iter().any(|(topic, number)| *it.0 == **topic && it.1 == *number)
        };
        self.unanswered.names.retain(|it| !is(it));
        let owned = self.shared.owned();
        let named = |it: &(&Partition, &Owned)| is(&(it.1.topic.clone(), it.1.number));
        let ours: Vec<Partition> = owned.iter().filter(named).map(|it| *it.0).collect();
        drop(owned);
        self.give_up(&ours);
    }

    /// Takes no more of these: what librdkafka has fetched of them is thrown away.
    pub(super) fn give_up(&mut self, partitions: &[Partition]) {
        self.flush();
        let (mut list, mut paused) = (TopicPartitionList::new(), TopicPartitionList::new());
        for partition in partitions {
            let Some(own) = self.shared.owned().remove(partition) else { continue };
            list.add_partition(&own.topic, own.number);
            if own.paused {
                paused.add_partition(&own.topic, own.number);
            }
            self.handed.insert(*partition, own.next);
            self.send(Event::Revoked { partition: *partition });
        }
        if !self.shared.committing.settle() {
            tracing::warn!("partitions are given back while offsets are being committed");
        }
        if paused.count() > 0
            && let Err(error) = self.consumer.resume(&paused)
        {
            self.tell(&error);
        }
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::debug!("partitions were not given back: {error}");
        }
    }

    /// We stood still for so long that the group has given our partitions away, as far as we know:
    /// nothing that was fetched before is taken any more. What the group says decides, and if it
    /// says nothing we are still in it and ask where to go on.
    pub(super) fn give_all_up(&mut self) {
        self.shared.standstills.fetch_add(1, Relaxed);
        tracing::warn!("the process stood still for longer than its group waits for it");
        let owned = self.shared.owned();
        let all: Vec<Partition> = owned.keys().copied().collect();
        let names: Vec<Name> = owned.values().map(|it| (it.topic.clone(), it.number)).collect();
        drop(owned);
        if !all.is_empty() {
            self.give_up(&all);
        }
        self.unanswered.names.extend(names);
        self.unanswered.ask_at = self.later(VERDICT_MS);
    }

    /// Gives a partition up and begins it where the brokers say that it can be read.
    pub(super) fn begin_anew(&mut self, partitions: &[Partition]) {
        let owned = self.shared.owned();
        let again = partitions.iter().filter_map(|it| owned.get(it));
        let names: Vec<Name> = again.map(|it| (it.topic.clone(), it.number)).collect();
        drop(owned);
        self.give_up(partitions);
        self.unanswered.names.extend(names);
        self.ask();
    }
}

/// What is committed; `None` where the brokers did not say.
fn committed_of(list: &TopicPartitionList, (topic, number): (&str, i32)) -> Option<Option<i64>> {
    let found = list.find_partition(topic, number)?;
    found.error().ok()?;
    match found.offset() {
        Offset::Offset(offset) => Some(Some(offset)),
        _ => Some(None),
    }
}
