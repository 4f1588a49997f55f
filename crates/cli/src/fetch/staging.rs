//! How files of the data set come in: written beside their place, hashed on the way, renamed when right.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use lab_core::LabError;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{io_error, wrong};
use crate::files::{begin_folder, hexadecimal, parent};
use crate::terminal::Screen;
use crate::{Outcome, reason};

/// The beginning of the names of all our temporary folders.
pub const TEMPORARY: &str = ".cifar-10-fetch.";

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

impl Expected {
    /// Whether a file is what it must be.
    ///
    /// # Errors
    /// Where its length or its hash is another one.
    fn check(&self, place: &str, bytes: u64, sum: Sha256) -> Result<(), LabError> {
        let found = match hexadecimal(sum) {
            hash if bytes == self.bytes && hash == self.sha256 => return Ok(()),
            hash if bytes == self.bytes => {
                return Err(wrong(place, format!("SHA-256 {hash}"), self.sha256));
            }
            _ if bytes == 0 => "an empty file".to_owned(),
            _ if bytes < self.bytes => format!("{bytes} bytes, it is cut off"),
            _ => format!("{bytes} bytes or more, it is too long"),
        };
        Err(wrong(place, found, format!("{} bytes", self.bytes)))
    }
}

/// The length of all files together, in bytes.
pub fn total_bytes(table: &[Expected]) -> u64 {
    table.iter().map(|file| file.bytes).sum()
}

/// The files of the data set on their way in; gone again when dropped before `commit`.
pub struct Staging<'t> {
    work: TempDir,
    files: PathBuf,
    target: PathBuf,
    /// The files that are to come.
    pub table: &'t [Expected],
}

impl<'t> Staging<'t> {
    /// Starts a temporary folder beside `target`, on the same disk.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn begin(target: &Path, table: &'t [Expected]) -> Outcome<Self> {
        let parent = parent(target);
        let failed = |error| io_error("create a temporary folder in it", parent, error);
        let work = begin_folder(parent, TEMPORARY).map_err(failed)?;
        // The temporary folder is closed to other users; the one that will stay must not be.
        let files = work.path().join("files");
        fs::create_dir(&files).map_err(failed)?;
        Ok(Self {
            work,
            files,
            target: target.to_owned(),
            table,
        })
    }

    /// A folder for what is only needed until the files are there.
    pub fn scratch(&self) -> &Path {
        self.work.path()
    }

    /// Takes one file from `source`, which `place` names in errors; a failure of the source itself is an [`io::Error`].
    ///
    /// # Errors
    /// Where the source fails, has other bytes than expected, or there is no room for them.
    pub fn receive(&self, expected: &Expected, place: &str, mut source: impl Read) -> Outcome {
        let path = self.files.join(expected.name);
        if path.exists() {
            return Err(wrong(place, "a second file of this name", "one").into());
        }
        let failed = |error| io_error("write", &path, error);
        let mut file = File::create_new(&path).map_err(failed)?;
        let (bytes, sum) = hash(&mut source, expected.bytes, |piece| {
            Ok(file.write_all(piece).map_err(failed)?)
        })?;
        expected.check(place, bytes, sum)?;
        Ok(file.sync_all().map_err(failed)?)
    }

    /// Puts the files in their place, when all of them have come; of a folder that is there, the `wanted` ones.
    ///
    /// # Errors
    /// Where one has not come, or cannot be put there.
    pub fn commit(self, origin: &str, wanted: &[&str]) -> Outcome {
        let names = self.table.iter().map(|expected| expected.name);
        let is_missing = |name: &&str| !self.files.join(name).exists();
        let missing: Vec<_> = names.filter(is_missing).collect();
        if !missing.is_empty() {
            let found = format!("no {}", missing.join(", no "));
            return Err(wrong(origin, found, "all files of the set").into());
        }
        let replace = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(|error| io_error("replace", to, error))
        };
        sync_folder(&self.files);
        if self.target.is_dir() {
            for name in wanted {
                replace(&self.files.join(name), &self.target.join(name))?;
            }
            sync_folder(&self.target);
        } else {
            replace(&self.files, &self.target)?;
        }
        sync_folder(parent(&self.target));
        Ok(())
    }
}

/// Asks the file system to remember the names in a folder; those that cannot be asked do so unasked.
fn sync_folder(folder: &Path) {
    _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Hands on what a source has, until it has more than `most` bytes: its length and its hash.
fn hash(
    source: &mut impl Read,
    most: u64,
    mut take: impl FnMut(&[u8]) -> Outcome,
) -> Outcome<(u64, Sha256)> {
    let (mut bytes, mut sum, mut buffer) = (0, Sha256::new(), vec![0; 256 * 1024]);
    loop {
        let piece = match source.read(&mut buffer)? {
            0 => return Ok((bytes, sum)),
            length => &buffer[..length],
        };
        bytes += piece.len() as u64;
        if bytes > most {
            return Ok((bytes, sum));
        }
        sum.update(piece);
        take(piece)?;
    }
}

/// A file of the data set that is not there, or is not what it must be.
pub struct Fault {
    /// Its name in the table.
    pub name: &'static str,
    /// Whether a file of that name is there.
    pub is_there: bool,
    /// What is wrong with it, on one line.
    pub reason: String,
}

/// Compares all files of `table` in `folder` with their lengths and SHA-256: what is wrong, in the table's order.
pub fn faults(folder: &Path, table: &[Expected], screen: &Screen) -> Vec<Fault> {
    let checking = format!("checking {}", folder.display());
    let bar = screen.bytes(&checking, Some(total_bytes(table)));
    let fault = |expected: &Expected| {
        let path = folder.join(expected.name);
        let error = check_file(&path, expected, &bar).err()?;
        Some(Fault {
            name: expected.name,
            is_there: path.exists(),
            reason: reason(&error),
        })
    };
    table.iter().filter_map(fault).collect()
}

fn check_file(path: &Path, expected: &Expected, bar: &ProgressBar) -> Outcome {
    let place = path.display().to_string();
    let failed = |error| io_error("read", path, error);
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes = format!("{} bytes", expected.bytes);
            return Err(wrong(&place, "no such file", bytes).into());
        }
        opened => opened.map_err(failed)?,
    };
    let length = file.metadata().map_err(failed)?.len();
    if length == expected.bytes {
        let hashed = hash(&mut bar.wrap_read(file), length, |_| Ok(()));
        let (bytes, sum) = hashed.map_err(|error| format!("{place}: {error}"))?;
        return Ok(expected.check(&place, bytes, sum)?);
    }
    // What a download leaves behind where a site asks to log in, or says that there is no such page.
    let mut start = Vec::new();
    let read = (&mut file).take(256).read_to_end(&mut start);
    read.map_err(failed)?;
    let text = String::from_utf8_lossy(&start).trim_start().to_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        let (found, expected) = (format!("a web page of {length} bytes"), expected.bytes);
        return Err(wrong(&place, found, format!("{expected} bytes of images")).into());
    }
    Ok(expected.check(&place, length, Sha256::new())?)
}
