//! Reading a `.tar.gz` that nobody vouches for, and taking the files of the data set out of it.
//!
//! Nothing is ever unpacked by the names that stand in the archive: what is wanted is recognized, the rest is passed over,
//! and an archive with links or with paths that leave their folder is refused as a whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::FOLDER;
use super::error::FetchError;
use super::progress::Progress;
use super::staging::{Staging, total_bytes, wrong_length};

/// What an archive may hold besides the files of the data set, in bytes.
const SLACK: u64 = 16 << 20;

/// Takes the files of the data set from a folder or from `cifar-10-binary.tar.gz`.
pub fn receive_path(
    path: &Path,
    staging: &mut Staging,
    progress: &Progress,
) -> Result<(), FetchError> {
    let metadata = fs::metadata(path).map_err(|e| FetchError::io("read", path, e))?;
    if metadata.is_dir() {
        return receive_folder(path, staging, progress);
    }
    let file = File::open(path).map_err(|e| FetchError::io("read", path, e))?;
    progress.stage(&format!("reading {}", path.display()), Some(metadata.len()));
    receive_archive(progress.count(file), &path.display().to_string(), staging)
}

fn receive_folder(
    folder: &Path,
    staging: &mut Staging,
    progress: &Progress,
) -> Result<(), FetchError> {
    let inner = folder.join(FOLDER);
    let folder = if inner.is_dir() {
        inner.as_path()
    } else {
        folder
    };
    progress.stage(
        &format!("reading {}", folder.display()),
        Some(total_bytes(staging.table())),
    );
    for expected in staging.table() {
        let path = folder.join(expected.name);
        let file = File::open(&path).map_err(|e| FetchError::io("read", &path, e))?;
        let length = file
            .metadata()
            .map_err(|e| FetchError::io("read", &path, e))?
            .len();
        if length != expected.bytes {
            return Err(wrong_length(&path.display().to_string(), length, expected));
        }
        let mut incoming = staging.receive(expected, &folder.display().to_string())?;
        each_piece(
            &mut progress.count(file),
            |piece| Ok(incoming.write(piece)?),
        )
        .map_err(|stop| match stop {
            Stop::Read(error) => FetchError::io("read", &path, error),
            Stop::Because(error) => error,
        })?;
        incoming.finish()?;
    }
    Ok(())
}

/// Takes the files of the data set out of the official archive, as it comes in from `source`.
pub fn receive_archive(
    source: impl Read,
    place: &str,
    staging: &mut Staging,
) -> Result<(), FetchError> {
    walk(
        source,
        place,
        total_bytes(staging.table()) + SLACK,
        |path, size, content| {
            let Some(name) = path
                .strip_prefix(FOLDER)
                .and_then(|rest| rest.strip_prefix('/'))
            else {
                return Ok(());
            };
            let Some(expected) = staging.table().iter().find(|file| file.name == name) else {
                return Ok(());
            };
            if size != expected.bytes {
                return Err(wrong_length(&format!("{path} in {place}"), size, expected).into());
            }
            let mut incoming = staging.receive(expected, place)?;
            each_piece(content, |piece| Ok(incoming.write(piece)?))?;
            Ok(incoming.finish()?)
        },
    )
}

/// Why a walk through an archive ends early.
pub enum Stop {
    /// The archive cannot be read on.
    Read(io::Error),
    /// What is in it is wrong.
    Because(FetchError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Because(error)
    }
}

/// Calls `visit` with the path, the length and the content of every plain file of a `.tar.gz`.
///
/// # Errors
/// What is not gzip or not tar, breaks off, decompresses to more than `limit` bytes, or has links or paths that leave
/// their folder.
pub fn walk<R: Read>(
    mut source: R,
    place: &str,
    limit: u64,
    mut visit: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), Stop>,
) -> Result<(), FetchError> {
    let mut start = Vec::new();
    let begun = (&mut source).take(24).read_to_end(&mut start);
    begun.map_err(|error| explain(error, place, 0))?;
    if !start.starts_with(&[0x1f, 0x8b]) {
        let found = match start.len() {
            0 => "nothing".to_owned(),
            _ => format!("what begins with `{}`", start.escape_ascii()),
        };
        return Err(FetchError::content(
            place,
            found,
            "an archive compressed with gzip",
        ));
    }
    let mut limited = MultiGzDecoder::new(start.as_slice().chain(source)).take(limit);
    let walked = walk_entries(&mut limited, place, &mut visit);
    if limited.limit() == 0 {
        let found = format!("more than {} MB when decompressed", limit / 1_000_000);
        return Err(FetchError::content(
            place,
            found,
            format!("at most {} MB", limit / 1_000_000),
        ));
    }
    walked.map_err(|stop| match stop {
        Stop::Read(error) => explain(error, place, limit - limited.limit()),
        Stop::Because(error) => error,
    })
}

fn walk_entries(
    source: &mut impl Read,
    place: &str,
    visit: &mut impl FnMut(&str, u64, &mut dyn Read) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for entry in Archive::new(source).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = match entry.header().entry_type() {
            EntryType::XGlobalHeader => continue,
            _ if leaves_its_folder(&path) => "a path that leaves its folder",
            EntryType::Directory => continue,
            EntryType::Regular => {
                let size = entry.size();
                visit(path.strip_prefix("./").unwrap_or(&path), size, &mut entry)?;
                continue;
            }
            EntryType::Link | EntryType::Symlink => "a link",
            _ => "neither a file nor a folder",
        };
        return Err(FetchError::content(
            format!("`{path}` in {place}"),
            kind,
            "plain files in a folder",
        )
        .into());
    }
    Ok(())
}

fn leaves_its_folder(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    drive || path.starts_with(['/', '\\']) || path.split(['/', '\\']).any(|part| part == "..")
}

/// Says what a failed read means, after `bytes` decompressed bytes of an archive.
///
/// A network that fails is known by `ConnectionAborted`: texts do not come through the readers in between, kinds do.
fn explain(error: io::Error, place: &str, bytes: u64) -> FetchError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => FetchError::content(
            place,
            format!("an archive that breaks off after {bytes} bytes"),
            "a whole one",
        ),
        io::ErrorKind::ConnectionAborted => FetchError::source(
            place,
            format!("the connection failed after {bytes} bytes ({error})"),
            "check the network and try again, or use another source",
        ),
        _ => FetchError::content(
            place,
            format!("an archive that cannot be read after {bytes} bytes ({error})"),
            "a .tar.gz archive",
        ),
    }
}

/// Hands on what `source` has, a piece at a time.
fn each_piece<R: Read + ?Sized>(
    source: &mut R,
    mut take: impl FnMut(&[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(()),
            n => take(&buffer[..n])?,
        }
    }
}
