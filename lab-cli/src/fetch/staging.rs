//! The one door through which the data set comes in: written beside its place, hashed on the way, renamed when right.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::error::FetchError;
use super::progress::Progress;

/// The beginning of the names of all our temporary folders.
const TEMPORARY: &str = ".cifar-10-fetch.";

/// The name of the lock file in a data folder.
pub const LOCK: &str = ".cifar-10-lock";

/// A file of the data set and what it must be.
pub struct Expected {
    /// The file's name.
    pub name: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// The length of all files together, in bytes.
pub fn total_bytes(table: &[Expected]) -> u64 {
    table.iter().map(|file| file.bytes).sum()
}

/// The right to fetch into a folder, which one process at a time has.
///
/// The operating system takes it back when the process ends, however it ends.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the right to fetch into `folder`, and removes what a killed process has left there.
    pub fn take(folder: &Path, progress: &Progress) -> Result<Self, FetchError> {
        fs::create_dir_all(folder).map_err(|e| FetchError::io("create the folder", folder, e))?;
        let path = folder.join(LOCK);
        let file =
            File::create(&path).map_err(|e| FetchError::io("create the lock file", &path, e))?;
        let locked = match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                progress.stage(
                    &format!(
                        "waiting for another process that fetches into {}",
                        folder.display()
                    ),
                    None,
                );
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        // Some network file systems have no locks. There nothing is cleaned up, since it may be somebody's work.
        if locked.is_ok() {
            remove_leftovers(folder);
        }
        Ok(Self { _file: file })
    }
}

/// Removes what a killed process has left in `folder`, if nobody is at work there.
pub fn sweep(folder: &Path) {
    if File::open(folder.join(LOCK)).is_ok_and(|file| file.try_lock().is_ok()) {
        remove_leftovers(folder);
    }
}

fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The files of the data set on their way in; gone again when dropped before `commit`.
pub struct Staging<'t> {
    work: TempDir,
    target: PathBuf,
    table: &'t [Expected],
    wanted: Vec<&'static str>,
    arrived: Vec<&'static str>,
}

impl<'t> Staging<'t> {
    /// Starts a temporary folder beside `target`, on the same disk; of the table, `wanted` are to be put into `target`.
    pub fn begin(
        target: &Path,
        table: &'t [Expected],
        wanted: Vec<&'static str>,
    ) -> Result<Self, FetchError> {
        let parent = target
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let create =
            |path: &Path, error| FetchError::io("create a temporary folder in it", path, error);
        let work = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempdir_in(parent)
            .map_err(|e| create(parent, e))?;
        // The temporary folder is closed to other users; the one that will stay must not be.
        fs::create_dir(work.path().join("files")).map_err(|e| create(work.path(), e))?;
        Ok(Self {
            work,
            target: target.to_owned(),
            table,
            wanted,
            arrived: Vec::new(),
        })
    }

    /// The files that are to come.
    pub fn table(&self) -> &'t [Expected] {
        self.table
    }

    /// A folder for what is only needed until the files are there.
    pub fn scratch(&self) -> &Path {
        self.work.path()
    }

    fn files(&self) -> PathBuf {
        self.work.path().join("files")
    }

    /// Takes one file, a piece at a time, from `origin`.
    pub fn receive(
        &mut self,
        expected: &'t Expected,
        origin: &str,
    ) -> Result<Incoming<'_, 't>, FetchError> {
        let place = format!("{} in {origin}", expected.name);
        if self.arrived.contains(&expected.name) {
            return Err(FetchError::content(
                place,
                "a second file of this name",
                "one",
            ));
        }
        let path = self.files().join(expected.name);
        let file =
            File::create_new(&path).map_err(|e| FetchError::io("create the file", &path, e))?;
        Ok(Incoming {
            file,
            path,
            place,
            expected,
            hash: Sha256::new(),
            bytes: 0,
            arrived: &mut self.arrived,
        })
    }

    /// Puts the files in their place, when all of them have come.
    pub fn commit(self, origin: &str) -> Result<(), FetchError> {
        let missing: Vec<_> = self
            .table
            .iter()
            .map(|e| e.name)
            .filter(|name| !self.arrived.contains(name))
            .collect();
        if !missing.is_empty() {
            return Err(FetchError::content(
                origin,
                format!("no {}", missing.join(", no ")),
                "all files of the set",
            ));
        }
        sync_folder(&self.files());
        if self.target.is_dir() {
            for name in &self.wanted {
                let (from, to) = (self.files().join(name), self.target.join(name));
                fs::rename(&from, &to).map_err(|e| FetchError::io("replace the file", &to, e))?;
            }
            sync_folder(&self.target);
        } else {
            fs::rename(self.files(), &self.target)
                .map_err(|e| FetchError::io("create the folder", &self.target, e))?;
        }
        self.target.parent().map(sync_folder);
        Ok(())
    }
}

/// Asks the file system to remember the names in a folder; those that cannot be asked do so unasked.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// A file that is being written and hashed.
pub struct Incoming<'s, 't> {
    file: File,
    path: PathBuf,
    place: String,
    expected: &'t Expected,
    hash: Sha256,
    bytes: u64,
    arrived: &'s mut Vec<&'static str>,
}

impl Incoming<'_, '_> {
    /// The next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.expected.bytes {
            return Err(wrong_length(&self.place, self.bytes, self.expected));
        }
        self.hash.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|e| FetchError::io("write", &self.path, e))
    }

    /// The end of the file: it is accepted when its length and its hash are right.
    pub fn finish(self) -> Result<(), FetchError> {
        if self.bytes != self.expected.bytes {
            return Err(wrong_length(&self.place, self.bytes, self.expected));
        }
        check_hash(&self.place, self.hash, self.expected)?;
        self.file
            .sync_all()
            .map_err(|e| FetchError::io("write", &self.path, e))?;
        self.arrived.push(self.expected.name);
        Ok(())
    }
}

/// The error for a file of `bytes` bytes in place of the expected number.
pub fn wrong_length(place: &str, bytes: u64, expected: &Expected) -> FetchError {
    let found = match bytes {
        0 => "an empty file".to_owned(),
        _ if bytes < expected.bytes => format!("{bytes} bytes, it is cut off"),
        _ => format!("{bytes} bytes or more, it is too long"),
    };
    FetchError::content(place, found, format!("{} bytes", expected.bytes))
}

fn check_hash(place: &str, hash: Sha256, expected: &Expected) -> Result<(), FetchError> {
    let found: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found == expected.sha256 {
        return Ok(());
    }
    Err(FetchError::content(
        place,
        format!("SHA-256 {found}"),
        expected.sha256,
    ))
}

/// A file of the data set that is not there, or is not what it must be.
pub struct Fault {
    /// Its name in the table.
    pub name: &'static str,
    /// Whether a file of that name is there.
    pub is_there: bool,
    pub error: FetchError,
}

/// Compares all files of `table` in `folder` with their lengths and SHA-256: what is wrong, in the table's order.
pub fn faults(folder: &Path, table: &[Expected], progress: &Progress) -> Vec<Fault> {
    progress.quick_stage(
        &format!("checking {}", folder.display()),
        Some(total_bytes(table)),
    );
    let (first, second) = table.split_at(table.len() / 2);
    let check_all = |files: &[Expected]| -> Vec<Fault> {
        files
            .iter()
            .filter_map(|file| check_file(folder, file, progress).err())
            .collect()
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| check_all(first));
        let second = check_all(second);
        let first = first
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        first.into_iter().chain(second).collect()
    })
}

fn check_file(folder: &Path, expected: &Expected, progress: &Progress) -> Result<(), Fault> {
    let path = folder.join(expected.name);
    let place = path.display().to_string();
    let fault = |error| Fault {
        name: expected.name,
        is_there: true,
        error,
    };
    let read = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            let error =
                FetchError::content(&place, "no such file", format!("{} bytes", expected.bytes));
            Fault {
                name: expected.name,
                is_there: false,
                error,
            }
        }
        _ => fault(FetchError::io("read", &path, error)),
    };
    let mut file = File::open(&path).map_err(read)?;
    let length = file.metadata().map_err(read)?.len();
    if length != expected.bytes {
        let mut start = Vec::new();
        (&mut file)
            .take(256)
            .read_to_end(&mut start)
            .map_err(read)?;
        let wrong = wrong_length(&place, length, expected);
        return Err(fault(if is_web_page(&start) {
            web_page(&place, length, expected)
        } else {
            wrong
        }));
    }
    let mut file = progress.count(file);
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer).map_err(read)? {
            0 => return check_hash(&place, hash, expected).map_err(fault),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// What a download leaves behind where a site asks to log in, or says that there is no such page.
fn is_web_page(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    ["<!doctype html", "<html"]
        .iter()
        .any(|tag| text.starts_with(tag))
}

fn web_page(place: &str, length: u64, expected: &Expected) -> FetchError {
    FetchError::content(
        place,
        format!("a web page of {length} bytes"),
        format!("{} bytes of images", expected.bytes),
    )
}
