//! Reading a `.tar.gz` that nobody vouches for.
//!
//! Nothing is ever unpacked by the names that stand in the archive: what is wanted is recognized, the rest is passed over,
//! and an archive with links or with paths that leave their folder is refused as a whole.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::staging::{Expected, total_bytes};
use super::wrong;
use crate::{Outcome, error};

/// What an archive may hold besides the files of the data set, in bytes.
const SLACK: u64 = 16 << 20;

/// Calls `visit` with the path, the length and the content of every plain file of a `.tar.gz` that brings the files of
/// `table`.
///
/// # Errors
/// What is not gzip or not tar, breaks off, decompresses to much more than these files, or has links or paths that leave
/// their folder; and what `visit` gives.
pub fn walk(
    mut source: impl Read,
    place: &str,
    table: &[Expected],
    mut visit: impl FnMut(&str, u64, &mut dyn Read) -> Outcome,
) -> Outcome {
    let mut start = Vec::new();
    let begun = (&mut source).take(24).read_to_end(&mut start);
    begun.map_err(|error| explain(error, place, 0))?;
    if !start.starts_with(&[0x1f, 0x8b]) {
        let found = match start.len() {
            0 => "nothing".to_owned(),
            _ => format!("what begins with `{}`", start.escape_ascii()),
        };
        return Err(wrong(place, found, "an archive compressed with gzip").into());
    }
    let limit = total_bytes(table) + SLACK;
    let mut limited = MultiGzDecoder::new(start.as_slice().chain(source)).take(limit);
    let walked = walk_entries(&mut limited, place, &mut visit);
    if limited.limit() == 0 {
        let most = format!("{} MB", limit / 1_000_000);
        let found = format!("more than {most} when decompressed");
        return Err(wrong(place, found, format!("at most {most}")).into());
    }
    walked.map_err(|error| match error.downcast::<io::Error>() {
        Ok(error) => explain(*error, place, limit - limited.limit()),
        Err(error) => error,
    })
}

fn walk_entries(
    source: &mut impl Read,
    place: &str,
    visit: &mut impl FnMut(&str, u64, &mut dyn Read) -> Outcome,
) -> Outcome {
    for entry in Archive::new(source).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let found = match entry.header().entry_type() {
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
        let place = format!("`{path}` in {place}");
        return Err(wrong(&place, found, "plain files in a folder").into());
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
fn explain(cause: io::Error, place: &str, bytes: u64) -> Box<dyn std::error::Error + Send + Sync> {
    match cause.kind() {
        io::ErrorKind::ConnectionAborted => error(
            format!("{place}: the connection failed after {bytes} bytes ({cause})"),
            "check the network and try again, or use another source",
        ),
        io::ErrorKind::UnexpectedEof => {
            let found = format!("an archive that breaks off after {bytes} bytes");
            wrong(place, found, "a whole one").into()
        }
        _ => {
            let found = format!("an archive that cannot be read after {bytes} bytes ({cause})");
            wrong(place, found, "a .tar.gz archive").into()
        }
    }
}
