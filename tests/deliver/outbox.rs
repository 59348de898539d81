//! The outbox over crashes.

use super::sample::page;
use super::scratch::Scratch;
use darban::alert::{Alert, KeyRecords, Standing, Status};
use darban::deliver::outbox::{Anew, FILE_NAME, Recalled};
use darban::deliver::{Action, Notification, Outbox};
use serde_json::json;

fn notification(seq: u64) -> Notification {
    Notification {
        seq,
        target: "pager".to_owned(),
        id: format!("alert-{seq}"),
        action: Action::Trigger,
        page: true,
        records: 17,
        changed_ms: 1,
        queued_ms: 2,
        due_ms: 0,
        body: json!({ "summary": "é \"quoted\"\n", "n": [1, 2.5, null] }),
    }
}

fn recalled(scratch: &Scratch) -> Vec<Recalled> {
    Outbox::open(scratch.path()).unwrap().take_recalled()
}

#[test]
fn cut_at_any_byte_it_recalls_what_was_whole_and_goes_on() {
    let scratch = Scratch::new();
    let path = scratch.path().join(FILE_NAME);
    let mut outbox = Outbox::open(scratch.path()).unwrap();
    let mut ends = vec![0];
    let mut note = |outbox: &Outbox| ends.push(usize::try_from(outbox.length()).unwrap());
    for seq in 1..=3 {
        outbox.append(&[notification(seq)]).unwrap();
        note(&outbox);
    }
    outbox.done(&[2], false).unwrap();
    note(&outbox);
    outbox.append(&[notification(4)]).unwrap();
    note(&outbox);
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let rows = ends.iter().filter(|it| **it <= length).count() - 1;
        let waiting: &[u64] = [&[][..], &[1], &[1, 2], &[1, 2, 3], &[1, 3], &[1, 3, 4]][rows];
        let mut outbox = Outbox::open(scratch.path()).unwrap();
        let list = outbox.take_recalled();
        let waits: Vec<u64> =
            list.iter().filter(|it| it.waits).map(|it| it.notification.seq).collect();
        assert_eq!((waits.as_slice(), outbox.damaged()), (waiting, 0), "cut at {length}");
        for it in list {
            assert_eq!(it.notification, notification(it.notification.seq));
        }
        outbox.append(&[notification(9)]).unwrap();
        assert_eq!(recalled(&scratch).last().unwrap().notification, notification(9));
    }
}

#[test]
fn a_row_that_cannot_be_read_costs_itself_only_and_is_counted() {
    let scratch = Scratch::new();
    let path = scratch.path().join(FILE_NAME);
    Outbox::open(scratch.path()).unwrap().append(&[1, 2, 3].map(notification)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("alert-2\"", "alert-2", 1)).unwrap();
    let mut outbox = Outbox::open(scratch.path()).unwrap();
    let seqs: Vec<u64> = outbox.take_recalled().iter().map(|it| it.notification.seq).collect();
    assert_eq!((seqs.as_slice(), outbox.damaged()), ([1, 3].as_slice(), 1));
}

#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    Outbox::open(scratch.path()).unwrap().append(&[notification(1)]).unwrap();
    let mode = std::fs::metadata(scratch.path().join(FILE_NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn open_alerts_stand_in_it_until_they_are_resolved_also_when_it_is_written_anew() {
    let alert = page("any");
    let standing = |id: &str| Standing {
        alert: Alert { id: id.to_owned(), ..alert.clone() },
        records: vec![KeyRecords { key: u64::MAX, estimate: 17, error: 2 }],
        members: vec![5],
    };
    let scratch = Scratch::new();
    let mut outbox = Outbox::open(scratch.path()).unwrap();
    let mut over = standing("b");
    over.alert.status = Status::Resolved;
    outbox.stand(&[standing("a"), standing("b"), standing("c"), over]);
    outbox.append(&[]).unwrap();
    let expected = [standing("a"), standing("c")];
    assert_eq!(Outbox::open(scratch.path()).unwrap().standing(), expected);
    outbox.compact(&Anew::default()).unwrap();
    let mut again = Outbox::open(scratch.path()).unwrap();
    assert_eq!((again.standing(), again.damaged()), (expected.to_vec(), 0));
    assert_eq!(again.length(), outbox.length());
    assert_eq!(again.take_recalled(), []);
}
