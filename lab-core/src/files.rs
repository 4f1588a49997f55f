//! Files that are written whole or not at all, and files of which no more is read than they may hold.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{LabError, Result};

/// Writes a file beside `path`, puts it on the disk, and renames it into place; on an error what was at `path` stays,
/// and nothing else is left.
pub fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().display();
    let (process, number) = (std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let part = path.with_file_name(format!(".{name}.{process}-{number}.part"));
    let write = || {
        let mut file = BufWriter::new(File::create_new(&part)?);
        fill(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|error| {
        // The first error is the one worth reporting.
        _ = fs::remove_file(&part);
        write_failed(path, error)
    })
}

/// The error of a file that cannot be written.
pub fn write_failed(path: &Path, error: io::Error) -> LabError {
    let remedy = "check that the folder exists, may be written to, and has room";
    LabError::io("write", path, error, remedy)
}

/// The text of a small file, such as a run's record: at most a megabyte; `expected` says what it should hold.
///
/// # Errors
/// [`LabError::Io`] where it cannot be read, [`LabError::Format`] where it is larger.
pub fn read_small(path: &Path, expected: &str, remedy: &str) -> Result<String> {
    const MOST_BYTES: u64 = 1 << 20;
    let mut text = String::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    let length = read.map_err(|error| LabError::io("read", path, error, remedy))?;
    if length as u64 > MOST_BYTES {
        let found = "more than a megabyte";
        return Err(LabError::format(path, found, expected, remedy));
    }
    Ok(text)
}
