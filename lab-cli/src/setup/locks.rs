//! One process at a time, and the others are told for whom they wait.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use lab_core::LabError;

use super::steps::Steps;
use crate::Outcome;

/// The right to do something, which one process at a time has; it ends with the process, however that ends.
pub struct Lock {
    file: File,
}

impl Lock {
    /// Waits until nobody else has the lock file; `work` says what its holder does: `sets up this folder`.
    ///
    /// # Errors
    /// Where the file cannot be made, or its file system has no locks.
    pub fn take(path: &Path, work: &str, steps: &Steps) -> Outcome<Self> {
        let remedy = "check its permissions, and that this file system has locks";
        let failed = |error| LabError::io("lock", path, error, remedy);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(failed)?;
        let mut told = false;
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error).into()),
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        let me = std::process::id();
                        steps.note(&format!(
                            "process {me} waits for {}, which {work}",
                            holder(&mut file)
                        ));
                        told = true;
                    }
                    file.lock().map_err(failed)?;
                }
            }
            // Whoever had it may have removed the file: then everybody else means another file by that name.
            if is_still(path, &file) {
                _ = file.set_len(0);
                _ = file.rewind();
                _ = writeln!(file, "{}", std::process::id());
                return Ok(Self { file });
            }
        }
    }

    /// Who has a lock file at this moment, or nobody.
    pub fn held_by(path: &Path) -> Option<String> {
        let mut file = File::open(path).ok()?;
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| holder(&mut file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        _ = self.file.set_len(0);
    }
}

/// The process that has written its number into a lock file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // Where a lock keeps others from reading too, the number stays unknown.
    _ = file.read_to_string(&mut text);
    match text.trim() {
        "" => "another process".to_owned(),
        number => format!("process {number}"),
    }
}

#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((fs::metadata(path), file.metadata()), (Ok(there), Ok(here)) if identity(&there) == identity(&here))
}

#[cfg(not(unix))]
fn is_still(path: &Path, _: &File) -> bool {
    path.exists()
}
