//! Files, directories and standard input, plain, gzip or zstd, a partition each.
//!
//! Whoever reads asks for the next batch of one partition, so that files of one day are read side
//! by side in the order of their times, and memory stays at a batch a file. A line longer than
//! decode takes is cut one byte behind that limit: it stays a line, and is refused as too long.

use super::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Batch, Partition, Place};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a line that are kept: one more than decode takes of a record, a mebibyte, whatever is
/// handed over at once.
const LINE_BYTES_KEPT: usize = (1 << 20) + 1;
/// Files read side by side. Each holds a descriptor and a decompressor.
const FILES_MAX: usize = 512;

/// Why input cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some of the paths cannot be opened.
    #[error("{}", .0.join("\n"))]
    Open(Vec<String>),
    /// Reading stopped in the middle.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
}

struct Lane {
    place: Place,
    reader: Box<dyn BufRead + Send>,
    line: i64,
}

/// The files of a run.
pub struct Files {
    lanes: Vec<Lane>,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("files", &self.lanes.len()).finish_non_exhaustive()
    }
}

impl Files {
    /// Opens files, the files of directories in the order of their names, and `-` for standard
    /// input.
    ///
    /// # Errors
    /// Every path that cannot be opened, at once.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            match expand(path) {
                Ok(more) => files.extend(more),
                Err(error) => problems.push(format!("cannot open {}: {error}", path.display())),
            }
        }
        if files.len() > FILES_MAX {
            problems.push(format!("{} files, more than {FILES_MAX} at a time", files.len()));
        }
        if files.is_empty() && problems.is_empty() {
            problems.push("no files in what was given".to_owned());
        }
        let mut lanes = Vec::new();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut bytes_total = Some(0);
        for path in files.iter().take(if problems.is_empty() { FILES_MAX } else { 0 }) {
            match lane(path, &bytes_read) {
                Ok((lane, bytes)) => {
                    lanes.push(lane);
                    bytes_total = bytes_total.zip(bytes).map(|(sum, it)| sum + it);
                }
                Err(error) => problems.push(format!("cannot open {}: {error}", path.display())),
            }
        }
        if problems.is_empty() {
            Ok(Self { lanes, bytes_read, bytes_total })
        } else {
            Err(Error::Open(problems))
        }
    }

    /// The partitions and what they are called.
    pub fn places(&self) -> impl Iterator<Item = (Partition, &Place)> {
        self.lanes.iter().enumerate().map(|(at, it)| (partition(at), &it.place))
    }

    /// The next lines of a partition; `None` at its end.
    ///
    /// # Errors
    /// When the file cannot be read on (a broken archive, say).
    pub fn next_batch(&mut self, of: Partition) -> Result<Option<Batch>, Error> {
        let Some(lane) = self.lanes.get_mut(usize::from(of.0)) else { return Ok(None) };
        let mut batch = Batch::new(of);
        let mut line = Vec::new();
        while batch.rows.len() < BATCH_RECORDS_MAX && batch.arena.len() < BATCH_BYTES_MAX {
            line.clear();
            let read = read_line(&mut lane.reader, &mut line);
            let more =
                read.map_err(|error| Error::Read { path: lane.place.topic.to_string(), error })?;
            if !more {
                break;
            }
            lane.line += 1;
            batch.push(lane.line, None, line.strip_suffix(b"\r").unwrap_or(&line));
        }
        Ok((!batch.rows.is_empty()).then_some(batch))
    }

    /// Bytes read so far (compressed ones where compressed) and in all, where that is known.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.bytes_read.load(Relaxed), self.bytes_total)
    }
}

fn partition(at: usize) -> Partition {
    Partition(u16::try_from(at).unwrap_or(u16::MAX))
}

fn expand(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.as_os_str() == "-" || !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}

fn lane(path: &Path, counter: &Arc<AtomicU64>) -> io::Result<(Lane, Option<u64>)> {
    let place = Place { topic: path.to_string_lossy().into(), number: 0 };
    let (raw, bytes): (Box<dyn Read + Send>, Option<u64>) = if path.as_os_str() == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        (Box::new(file), Some(bytes))
    };
    let counted =
        BufReader::with_capacity(1 << 16, Counted { inner: raw, counter: counter.clone() });
    let reader: Box<dyn BufRead + Send> = match path.extension().and_then(|it| it.to_str()) {
        Some("gz") => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(counted))),
        Some("zst") => Box::new(BufReader::new(zstd::Decoder::with_buffer(counted)?)),
        _ => Box::new(counted),
    };
    Ok((Lane { place, reader, line: 0 }, bytes))
}

/// Reads up to the next newline, which is not kept; of a longer line than is kept, the beginning.
/// Whether there was one.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let mut any = false;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', available);
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let room = LINE_BYTES_KEPT.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(part.get(..room).unwrap_or_default());
        let used = end.map_or(available.len(), |it| it + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

struct Counted {
    inner: Box<dyn Read + Send>,
    counter: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.counter.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(name: &str, content: &[u8]) -> Vec<Vec<u8>> {
        let folder = std::env::temp_dir().join(format!("darban-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        let mut files = Files::open(std::slice::from_ref(&path)).unwrap();
        let mut found = Vec::new();
        while let Some(batch) = files.next_batch(Partition(0)).unwrap() {
            found.extend(batch.rows.iter().map(|it| batch.bytes(it).to_vec()));
        }
        fs::remove_file(&path).unwrap();
        found
    }

    #[test]
    fn lines_come_without_their_ends_whatever_the_file_is_packed_in() {
        let text = b"one\r\ntwo\n\nlast";
        let expected: Vec<Vec<u8>> = ["one", "two", "", "last"].map(|it| it.into()).to_vec();
        assert_eq!(lines("plain.log", text), expected);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        assert_eq!(lines("packed.gz", &packed.finish().unwrap()), expected);
        assert_eq!(lines("packed.zst", &zstd::encode_all(&text[..], 1).unwrap()), expected);
    }

    #[test]
    fn a_line_without_an_end_in_sight_is_cut_and_stays_one_line() {
        let mut text = vec![b'x'; 2 << 20];
        text.extend(b"\nnext\n");
        let found = lines("long.log", &text);
        assert_eq!((found.len(), found[0].len()), (2, LINE_BYTES_KEPT));
    }

    #[test]
    fn every_path_that_cannot_be_opened_is_named() {
        let error =
            Files::open(&["/no/such/a".into(), "/no/such/b".into()]).unwrap_err().to_string();
        assert!(error.contains("/no/such/a") && error.contains("/no/such/b"), "{error}");
    }
}
