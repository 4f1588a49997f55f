//! Files that are written whole or not at all, and files of which no more is read than they may hold.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{LabError, Result};

/// Writes a file beside `path`, puts it on the disk, and renames it into place; on an error what was at `path` stays,
/// and nothing else is left.
pub(crate) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(LabError::value(
            "path",
            path.display().to_string(),
            "the path of a file",
            "add a file name",
        ));
    };
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(
        ".{}-{}.part",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    ));
    let part = path.with_file_name(part);
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
pub(crate) fn write_failed(path: &Path, error: io::Error) -> LabError {
    LabError::io(
        "write",
        path,
        error,
        "check that the folder exists, may be written to, and has room",
    )
}

/// The text of a small file, such as a run's record: at most a megabyte; `expected` says what it should hold.
///
/// # Errors
/// [`LabError::Io`] where it cannot be read, [`LabError::Format`] where it is larger.
pub fn read_small(path: &Path, expected: &str, remedy: &str) -> Result<String> {
    const MOST_BYTES: u64 = 1 << 20;
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    match read.map_err(|error| LabError::io("read", path, error, remedy))? as u64 {
        0..=MOST_BYTES => Ok(text),
        _ => Err(LabError::format(
            path,
            "more than a megabyte",
            expected,
            remedy,
        )),
    }
}
