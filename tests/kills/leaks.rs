//! Ids that must not be in any file: as text, in hexadecimal, and as eight bytes in either order.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Where in the files below a folder one of the ids stands; how many files there were.
pub(super) fn search(folder: &Path, ids: &HashSet<u64>) -> (Vec<String>, usize) {
    let (mut found, mut files) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (more, count) = search(&path, ids);
            found.extend(more);
            files += count;
            continue;
        }
        files += 1;
        let bytes = fs::read(&path).unwrap();
        found.extend(id_in(&bytes, ids).map(|it| format!("{it} in {}", path.display())));
    }
    (found, files)
}

fn id_in(bytes: &[u8], ids: &HashSet<u64>) -> Option<u64> {
    let known = |it: u64| ids.contains(&it).then_some(it);
    let raw = bytes.windows(8).filter_map(|it| it.first_chunk::<8>());
    let mut raw = raw.flat_map(|it| [u64::from_le_bytes(*it), u64::from_be_bytes(*it)]);
    let words = bytes.split(|it| !it.is_ascii_hexdigit()).filter(|it| (6..=16).contains(&it.len()));
    let mut words = words.filter_map(|it| std::str::from_utf8(it).ok()).flat_map(|it| {
        [it.parse::<u64>().ok(), u64::from_str_radix(it, 16).ok()].into_iter().flatten()
    });
    raw.find_map(known).or_else(|| words.find_map(known))
}

#[test]
fn an_id_is_found_however_it_is_written() {
    let ids = HashSet::from([4_012_345_678_u64]);
    let written: [&[u8]; 5] = [
        b"{\"person\":\"4012345678\"}",
        b"key ef27894e.",
        b"00000000ef27894e",
        &4_012_345_678_u64.to_le_bytes(),
        &[b"x".as_slice(), &4_012_345_678_u64.to_be_bytes()].concat(),
    ];
    for bytes in written {
        assert_eq!(id_in(bytes, &ids), Some(4_012_345_678), "{bytes:?}");
    }
    assert_eq!(id_in(b"40******78 40123456789", &ids), None);
}
