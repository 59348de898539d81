//! The file in which notifications wait: one JSON row a line, appended and synced.
//!
//! Offsets may be committed once [`Outbox::append`] has returned, because from then on a page
//! survives whatever happens to the process or the machine. A file of rows and not a database:
//! there are few of them, they are read once, at start, and at three in the morning a person can
//! read them with `cat`.
//!
//! That a notification arrived is a row too, and until it is written the number stands in a file beside
//! it (`arrivals`), which waits for nobody.
//!
//! Beside them it keeps every open alert as it stands, so that the next process goes on with it
//! instead of raising it again.
//!
//! A crash may tear the last row. It is dropped at the next start: it was never acknowledged, so
//! the records behind it are read again. A write that failed half-way (a full disk) is cut off
//! before the next one, and its rows are kept in memory and written with it. When few of the rows
//! still say anything the file is written anew beside itself and renamed over.

use super::arrivals::Arrivals;
use super::notification::Notification;
use crate::alert::Standing;
use crate::killpoint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file's name in the state directory.
pub const FILE_NAME: &str = "outbox.ndjson";
/// Rows below which a compaction is not worth its sync.
const COMPACT_ROWS_MIN: usize = 1_024;
/// Rows for each one that still says something, at which the file is written anew.
const COMPACT_FACTOR: usize = 4;
/// Bytes kept in memory while the disk refuses them. What comes beyond is turned away: it stays
/// in the queues, but until the file is written anew from those no call returns without an error.
const UNWRITTEN_BYTES_MAX: usize = 64 << 20;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Row {
    /// It waits.
    Notify(Notification),
    /// The one with this number arrived, or never will.
    Done(u64),
    /// It arrived, and its target believes the alert to be open.
    Open(Notification),
    /// It arrived, and the alert is over.
    Over(Notification),
    /// An alert as it stands, for the next process; resolved: no longer.
    Standing(Box<Standing>),
}

/// What the file said at start, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    /// The notification.
    pub notification: Notification,
    /// Its target believes the alert to be open.
    pub open: bool,
    /// It still waits.
    pub waits: bool,
}

/// What a file written anew holds.
#[derive(Debug, Default)]
pub struct Anew {
    bytes: Vec<u8>,
    rows: usize,
}

impl Anew {
    /// What was told and is remembered, with whether it is open, then what waits.
    #[must_use]
    pub fn prepare<'a>(
        told: impl Iterator<Item = (&'a Notification, bool)>,
        waiting: impl Iterator<Item = &'a Notification>,
    ) -> Self {
        let mut anew = Self::default();
        let told = told.map(|(it, open)| match open {
            true => Row::Open(it.clone()),
            false => Row::Over(it.clone()),
        });
        for row in told.chain(waiting.map(|it| Row::Notify(it.clone()))) {
            encode(&mut anew.bytes, &row);
            anew.rows += 1;
        }
        anew
    }
}

/// The open file.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    file: File,
    /// Where the next row belongs: everything before it is whole.
    length: u64,
    rows: usize,
    /// Rows that are not in the file yet.
    unwritten: Vec<u8>,
    /// A write failed: the file may be longer than `length`.
    torn: bool,
    /// Rows were turned away: the file will not say all that it should.
    lacks: bool,
    recalled: Vec<Recalled>,
    /// The open alerts by id, each as its row.
    standing: BTreeMap<String, Vec<u8>>,
    damaged: u64,
    /// Until somebody sends.
    arrivals: Option<Arrivals>,
}

impl Outbox {
    /// Opens the outbox of a state directory, makes it where there is none, and reads it back.
    ///
    /// # Errors
    /// Where the directory cannot be made or the file not be read or written.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|it| *it == b'\n').map_or(0, |at| at + 1);
        let Memory { list: recalled, standing, rows, damaged } =
            recall(bytes.get(..whole).unwrap_or_default());
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(length)?;
        file.sync_all()?;
        let (arrivals, arrived) = Arrivals::open(directory)?;
        sync_directory(&path)?;
        let mut outbox = Self {
            path,
            file,
            length,
            rows,
            unwritten: Vec::new(),
            torn: false,
            lacks: false,
            recalled,
            standing,
            damaged,
            arrivals: None,
        };
        outbox.take_in(arrivals, &arrived)?;
        Ok(outbox)
    }

    /// Takes over what arrived and was not noted here before the last process ended.
    fn take_in(&mut self, mut arrivals: Arrivals, arrived: &BTreeSet<u64>) -> io::Result<()> {
        let mut seqs = Vec::new();
        for row in self.recalled.iter_mut().filter(|it| it.waits) {
            if arrived.contains(&row.notification.seq) {
                row.waits = false;
                seqs.push(row.notification.seq);
            }
        }
        self.done(&seqs, true)?;
        arrivals.forget()?;
        self.arrivals = Some(arrivals);
        Ok(())
    }

    /// Where whoever sends notes what arrived; `None` the second time.
    pub(super) const fn take_arrivals(&mut self) -> Option<Arrivals> {
        self.arrivals.take()
    }

    /// What the file said when it was opened; empty the second time.
    pub fn take_recalled(&mut self) -> Vec<Recalled> {
        std::mem::take(&mut self.recalled)
    }

    /// The alerts that the last process left open, by id.
    #[must_use]
    pub fn standing(&self) -> Vec<Standing> {
        let rows = self.standing.values().filter_map(|it| serde_json::from_slice(it).ok());
        rows.filter_map(|it| if let Row::Standing(it) = it { Some(*it) } else { None }).collect()
    }

    /// Keeps alerts as they stand, for the next process; on the disk after the next synced call.
    pub fn stand(&mut self, alerts: &[Standing]) {
        for standing in alerts {
            let row = Row::Standing(Box::new(standing.clone()));
            self.put(&row);
            if standing.is_open() {
                let mut bytes = Vec::new();
                encode(&mut bytes, &row);
                self.standing.insert(standing.alert.id.clone(), bytes);
            } else {
                self.standing.remove(&standing.alert.id);
            }
        }
    }

    /// Whole rows that could not be read at start. None are expected.
    #[must_use]
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Bytes in the file.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Adds notifications, and everything that an earlier call could not write. When it returns
    /// without an error they are on the disk.
    ///
    /// # Errors
    /// Where the disk refuses; the rows are kept and written by the next call. Also where rows
    /// had to be turned away before, until the file is written anew.
    pub fn append(&mut self, notifications: &[Notification]) -> io::Result<()> {
        for notification in notifications {
            self.put(&Row::Notify(notification.clone()));
        }
        self.write(true)
    }

    /// Notes that notifications arrived or never will; on the disk when it returns where
    /// `durable`, else with the next synced row.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn done(&mut self, seqs: &[u64], durable: bool) -> io::Result<()> {
        for seq in seqs {
            self.put(&Row::Done(*seq));
        }
        self.write(durable)
    }

    /// Whether [`compact`](Self::compact) should be called: so little of the file is left in force
    /// (`live` rows would remain), or it lacks rows.
    #[must_use]
    pub fn is_to_be_compacted(&self, live: usize) -> bool {
        let live = live + self.standing.len();
        self.lacks || (self.rows >= COMPACT_ROWS_MIN && self.rows / COMPACT_FACTOR >= live)
    }

    /// Puts a file written anew in the place of the old one. Nothing may have been added since it
    /// was prepared but what is in it.
    ///
    /// # Errors
    /// Where the disk refuses; the old file stays in force.
    pub fn compact(&mut self, anew: &Anew) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        let standing: Vec<u8> = self.standing.values().flatten().copied().collect();
        file.write_all(&anew.bytes)?;
        file.write_all(&standing)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        self.file = file;
        self.length = u64::try_from(anew.bytes.len() + standing.len()).unwrap_or(u64::MAX);
        self.rows = anew.rows + self.standing.len();
        self.unwritten.clear();
        (self.torn, self.lacks) = (false, false);
        sync_directory(&self.path)
    }

    fn put(&mut self, row: &Row) {
        if self.unwritten.len() > UNWRITTEN_BYTES_MAX {
            self.lacks = true;
            return;
        }
        encode(&mut self.unwritten, row);
        self.rows += 1;
    }

    fn write(&mut self, durable: bool) -> io::Result<()> {
        if self.unwritten.is_empty() {
            return self.is_whole();
        }
        if self.torn {
            self.file.set_len(self.length)?;
        }
        self.torn = true;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&self.unwritten)?;
        if durable {
            killpoint::pass("outbox");
            self.file.sync_data()?;
            killpoint::pass("outbox-synced");
        }
        self.length += u64::try_from(self.unwritten.len()).unwrap_or(u64::MAX);
        self.unwritten.clear();
        self.torn = false;
        self.is_whole()
    }

    fn is_whole(&self) -> io::Result<()> {
        let lacking = "rows were turned away while the disk refused the outbox";
        if self.lacks { Err(io::Error::other(lacking)) } else { Ok(()) }
    }
}

fn encode(bytes: &mut Vec<u8>, row: &Row) {
    // Rows are numbers, text and JSON values: nothing in them can fail to be encoded.
    if serde_json::to_writer(&mut *bytes, row).is_ok() {
        bytes.push(b'\n');
    }
}

/// What whole rows say.
#[derive(Default)]
struct Memory {
    list: Vec<Recalled>,
    standing: BTreeMap<String, Vec<u8>>,
    rows: usize,
    /// Rows that could not be read.
    damaged: u64,
}

fn recall(bytes: &[u8]) -> Memory {
    let mut memory = Memory::default();
    let mut at = BTreeMap::new();
    for line in bytes.split_inclusive(|it| *it == b'\n') {
        memory.rows += 1;
        let (notification, open, waits) = match serde_json::from_slice(line) {
            Ok(Row::Notify(it)) => {
                let open = it.action != super::notification::Action::Resolve;
                (it, open, true)
            }
            Ok(Row::Open(it)) => (it, true, false),
            Ok(Row::Over(it)) => (it, false, false),
            Ok(Row::Done(seq)) => {
                let row = at.get(&seq).and_then(|at: &usize| memory.list.get_mut(*at));
                row.into_iter().for_each(|it| it.waits = false);
                continue;
            }
            Ok(Row::Standing(it)) if it.is_open() => {
                memory.standing.insert(it.alert.id.clone(), line.to_vec());
                continue;
            }
            Ok(Row::Standing(it)) => {
                memory.standing.remove(&it.alert.id);
                continue;
            }
            Err(_unreadable) => {
                memory.damaged += 1;
                continue;
            }
        };
        let place = *at.entry(notification.seq).or_insert(memory.list.len());
        let row = Recalled { notification, open, waits };
        match memory.list.get_mut(place) {
            Some(earlier) => *earlier = row,
            None => memory.list.push(row),
        }
    }
    memory.list.sort_by_key(|it| it.notification.seq);
    memory
}

/// Makes the file's name durable, not only its bytes.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::notification::Action;
    use super::*;
    use serde_json::json;

    fn notification(seq: u64, id: &str, action: Action) -> Notification {
        Notification {
            seq,
            target: "pager".to_owned(),
            id: id.to_owned(),
            action,
            page: true,
            records: 1,
            changed_ms: 2,
            queued_ms: 3,
            due_ms: 0,
            body: json!({ "summary": "two\nlines" }),
        }
    }

    fn directory(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("darban-outbox-{}-{name}", std::process::id()));
        let _none = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_write_that_the_disk_refused_is_cut_off_and_made_good_by_the_next() {
        let directory = directory("refused");
        let mut outbox = Outbox::open(&directory).unwrap();
        outbox.append(&[notification(1, "a", Action::Trigger)]).unwrap();
        let path = directory.join(FILE_NAME);
        let writable = std::mem::replace(&mut outbox.file, File::open(&path).unwrap());
        assert!(outbox.append(&[notification(2, "b", Action::Trigger)]).is_err());
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"noti").unwrap();
        outbox.file = writable;
        outbox.append(&[]).unwrap();
        let ids: Vec<String> = Outbox::open(&directory)
            .unwrap()
            .take_recalled()
            .into_iter()
            .map(|it| it.notification.id)
            .collect();
        assert_eq!(ids, ["a", "b"]);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn an_outbox_that_had_to_turn_rows_away_fails_until_it_is_written_anew() {
        let directory = directory("lacks");
        let mut outbox = Outbox::open(&directory).unwrap();
        let writable =
            std::mem::replace(&mut outbox.file, File::open(directory.join(FILE_NAME)).unwrap());
        outbox.unwritten = vec![b'\n'; UNWRITTEN_BYTES_MAX + 1];
        let late = notification(7, "late", Action::Trigger);
        assert!(outbox.append(std::slice::from_ref(&late)).is_err());
        outbox.file = writable;
        assert!(outbox.append(&[]).is_err() && outbox.append(&[]).is_err());
        assert!(outbox.is_to_be_compacted(0));
        outbox.compact(&Anew::prepare([].into_iter(), [&late].into_iter())).unwrap();
        outbox.append(&[]).unwrap();
        assert!(!outbox.is_to_be_compacted(0));
        let recalled = Outbox::open(&directory).unwrap().take_recalled();
        assert_eq!(recalled.iter().map(|it| it.notification.seq).collect::<Vec<_>>(), [7]);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_written_anew_recalls_the_same_and_the_order_of_what_happened() {
        let directory = directory("anew");
        let mut outbox = Outbox::open(&directory).unwrap();
        let (begin, end) =
            (notification(8, "a", Action::Trigger), notification(9, "a", Action::Resolve));
        let old = notification(3, "b", Action::Trigger);
        outbox.append(&[old.clone(), begin.clone(), end.clone()]).unwrap();
        outbox.done(&[3], true).unwrap();
        let before = Outbox::open(&directory).unwrap().take_recalled();
        let anew =
            Anew::prepare([(&end, false), (&old, true)].into_iter(), [&begin, &end].into_iter());
        outbox.compact(&anew).unwrap();
        assert_eq!(Outbox::open(&directory).unwrap().take_recalled(), before);
        let seqs: Vec<_> =
            before.iter().map(|it| (it.notification.seq, it.waits, it.open)).collect();
        assert_eq!(seqs, [(3, false, true), (8, true, true), (9, true, false)]);
        outbox.done(&[8, 9], false).unwrap();
        let after = Outbox::open(&directory).unwrap().take_recalled();
        assert!(after.iter().all(|it| !it.waits));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_arrived_before_the_outbox_said_so_is_not_sent_again_and_its_number_is_given_anew() {
        let directory = directory("arrived");
        let mut outbox = Outbox::open(&directory).unwrap();
        let of = |seq| notification(seq, &seq.to_string(), Action::Trigger);
        outbox.append(&[of(1), of(12), of(123)]).unwrap();
        let mut arrivals = outbox.take_arrivals().unwrap();
        arrivals.note(1).unwrap();
        let path = directory.join(super::super::arrivals::FILE_NAME);
        // Cut in the middle of 123.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"12").unwrap();
        let waits = |outbox: &mut Outbox| -> Vec<u64> {
            let waiting = outbox.take_recalled().into_iter().filter(|it| it.waits);
            waiting.map(|it| it.notification.seq).collect()
        };
        let mut outbox = Outbox::open(&directory).unwrap();
        assert_eq!(waits(&mut outbox), [12, 123]);
        assert_eq!(fs::read(&path).unwrap(), b"");
        outbox.append(&[of(1)]).unwrap();
        assert_eq!(waits(&mut Outbox::open(&directory).unwrap()), [1, 12, 123]);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn the_file_is_worth_writing_anew_when_few_rows_are_in_force() {
        let directory = directory("mostly");
        let mut outbox = Outbox::open(&directory).unwrap();
        outbox.rows = COMPACT_ROWS_MIN - 1;
        assert!(!outbox.is_to_be_compacted(0));
        outbox.rows = COMPACT_ROWS_MIN;
        assert!(outbox.is_to_be_compacted(COMPACT_ROWS_MIN / COMPACT_FACTOR));
        assert!(!outbox.is_to_be_compacted(COMPACT_ROWS_MIN / COMPACT_FACTOR + 1));
        fs::remove_dir_all(directory).unwrap();
    }
}
