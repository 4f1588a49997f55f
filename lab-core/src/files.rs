//! Files that are written whole or not at all, and files of which no more is read than they may hold.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{LabError, Result};
use crate::text::thousands;

/// Writes a file beside `path`, puts it on the disk, and renames it into place; on an error what was at `path` stays,
/// and nothing else is left.
pub fn write_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
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

/// The bytes of a file whose length `may_be` allows; `expected` says what such a file holds.
pub(crate) fn read_whole(
    path: &Path,
    may_be: impl Fn(usize) -> bool,
    expected: &str,
    remedy: &str,
) -> Result<Vec<u8>> {
    let failed = |error| LabError::io("read", path, error, remedy);
    let wrong = |found: &str| Err(LabError::format(path, found, expected, remedy));
    let metadata = fs::metadata(path).map_err(failed)?;
    // Devices and pipes have no length and could be read for ever.
    if !metadata.is_file() {
        return wrong("something that is not a file");
    }
    let mut length = metadata.len() as usize;
    if may_be(length) {
        let bytes = fs::read(path).map_err(failed)?;
        length = bytes.len();
        // Another process may have changed the file since.
        if may_be(length) {
            return Ok(bytes);
        }
    }
    wrong(&format!("{} bytes", thousands(length)))
}

/// The text of a small file, such as a run's record: at most a megabyte; `expected` says what it should hold.
///
/// # Errors
/// [`LabError::Io`] where it cannot be read, [`LabError::Format`] where it is larger or no text.
pub fn read_small(path: &Path, expected: &str, remedy: &str) -> Result<String> {
    let bytes = read_whole(path, |length| length <= 1 << 20, expected, remedy)?;
    let text = String::from_utf8(bytes);
    text.map_err(|error| LabError::format(path, error, expected, remedy))
}
