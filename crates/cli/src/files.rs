//! Files that are whole or not there, and locks: one process at a time, and the others are told for whom they wait.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use lab_core::LabError;
use lab_notebook::lab::Lab;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::Outcome;

/// `below` in the nearest folder upwards that holds the laboratory, or in the current one.
pub fn in_laboratory(below: &str) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match Lab::root_above(&here) {
        Some(root) if root != here => root.join(below),
        _ => PathBuf::from(below),
    }
}

/// The folder that a path is in.
pub fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|path| !path.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write_whole(path: &Path, text: &str) -> Outcome {
    let write = lab_core::files::write_whole(path, |file| file.write_all(text.as_bytes()));
    Ok(write?)
}

/// A temporary folder in `folder`, where those that a killed process has left are removed first.
///
/// # Errors
/// Where it cannot be made.
pub fn begin_folder(folder: &Path, prefix: &str) -> io::Result<TempDir> {
    sweep(folder, prefix);
    tempfile::Builder::new().prefix(prefix).tempdir_in(folder)
}

/// Removes the folders that a killed process has left in `folder`: their names begin with `prefix`.
pub fn sweep(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            // What cannot be removed is in nobody's way.
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The length of all files of a folder; links are not followed.
pub fn size(path: &Path) -> u64 {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| size(&entry.path())).sum()
        }
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}

/// A SHA-256 in lower-case hexadecimal.
pub fn hexadecimal(sum: Sha256) -> String {
    let bytes = sum.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The right to do something, which one process at a time has; it ends with the process, however that ends.
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock file. While another process has it, `busy` is told which, and this waits unless `busy` refuses.
    ///
    /// # Errors
    /// Where the file cannot be made, its file system has no locks, or `busy` refuses.
    pub fn take(path: &Path, busy: impl Fn(&str) -> Outcome) -> Outcome<Self> {
        let remedy = "check its permissions, and that this file system has locks";
        let failed = |error| LabError::io("lock", path, error, remedy);
        fs::create_dir_all(parent(path)).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error).into()),
            Err(TryLockError::WouldBlock) => {
                busy(&holder(&mut file))?;
                file.lock().map_err(failed)?;
            }
        }
        _ = file.set_len(0);
        _ = file.rewind();
        _ = writeln!(file, "{}", std::process::id());
        Ok(Self { file })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_has_is_refused_or_waited_for_and_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = Lock::take(&path, |_| Ok(())).unwrap();
        let me = format!("process {}", std::process::id());
        assert_eq!(Lock::held_by(&path), Some(me.clone()));
        let refused = Lock::take(&path, |holder| Err(holder.to_owned().into()));
        assert_eq!(refused.err().unwrap().to_string(), me);
        drop(first);
        assert_eq!(Lock::held_by(&path), None);
        Lock::take(&path, |_| panic!("nobody has it")).unwrap();
    }
}
