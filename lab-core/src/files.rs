//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{LabError, Result};

/// Writes a file beside `path`, puts it on the disk, and renames it into place; on an error what was at `path` stays,
/// and nothing else is left.
pub(crate) fn write_whole(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(LabError::value("path", path.display().to_string(), "the path of a file", "add a file name"));
    };
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}-{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
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
    LabError::io("write", path, error, "check that the folder exists, may be written to, and has room")
}
