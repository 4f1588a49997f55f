//! The official binary format of CIFAR-10: records of 3,073 bytes, one label and then the planes of red, green, blue.
//!
//! ```
//! use lab_core::data::{Cifar10, binary};
//! let path = std::env::temp_dir().join(format!("a-small-batch-{}.bin", std::process::id()));
//! let data = Cifar10::sample().test.take(20);
//! binary::write_batch(&path, &data)?;
//! let (images, labels) = binary::read_batch(&path)?;
//! assert!(images == data.images() && labels == data.labels());
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), lab_core::LabError>(())
//! ```

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use ndarray::Array4;

use super::dataset::{Dataset, shape_text};
use crate::error::{LabError, Result};
use crate::files::write_whole;
use crate::text::thousands;

/// The bytes of one record.
pub const RECORD: usize = 1 + PIXELS;
/// The most records that a file has.
pub const MOST_RECORDS: usize = 10_000;

/// The bytes of one image, of one of its planes, and the number of classes.
pub(super) const PIXELS: usize = 3 * PLANE;
const PLANE: usize = 32 * 32;
const CLASSES: u8 = 10;
pub(super) const REMEDY: &str = "run `cargo lab data` to get the official files";

/// The images `(count, 32, 32, 3)` and labels of a file of 1 to 10,000 records.
///
/// # Errors
/// [`LabError::Io`] for a file that cannot be read; [`LabError::Format`] when its length is not that of 1 to 10,000
/// whole records, or for a label above 9.
pub fn read_batch(path: impl AsRef<Path>) -> Result<(Array4<u8>, Vec<u8>)> {
    let path = path.as_ref();
    let length = file_length(path)?;
    let count = usize::try_from(length).unwrap_or(usize::MAX) / RECORD;
    if length % RECORD as u64 != 0 || !(1..=MOST_RECORDS).contains(&count) {
        let expected = format!(
            "1 to {} records of {} bytes each",
            thousands(MOST_RECORDS),
            thousands(RECORD)
        );
        return Err(LabError::format(
            path,
            length_text(length),
            expected,
            REMEDY,
        ));
    }
    let (mut pixels, mut labels) = (vec![0; count * PIXELS], vec![0; count]);
    read_records(path, 0, &mut pixels, &mut labels)?;
    Ok((
        Array4::from_shape_vec((count, 32, 32, 3), pixels).unwrap_or_default(),
        labels,
    ))
}

/// Writes 1 to 10,000 images of 32 x 32 x 3 and their labels, in order. The file appears only when it is whole.
///
/// # Errors
/// [`LabError::Shape`] or [`LabError::Value`] for data that the format has no room for; [`LabError::Io`] when writing
/// fails, which leaves a file that was there before as it was.
pub fn write_batch(path: impl AsRef<Path>, data: &Dataset) -> Result<()> {
    if data.image_shape() != [32, 32, 3] {
        let found = shape_text(&data.image_shape());
        return Err(LabError::shape(
            "write_batch",
            found,
            "32 x 32 x 3",
            "the format knows only CIFAR-10's images",
        ));
    }
    if !(1..=MOST_RECORDS).contains(&data.len()) {
        let found = format!("{} images", thousands(data.len()));
        return Err(LabError::value(
            "write_batch",
            found,
            "1 to 10,000",
            "write several files, of `subset`s",
        ));
    }
    if let Some(label) = data.labels().into_iter().find(|&label| label >= CLASSES) {
        return Err(LabError::value(
            "write_batch",
            format!("label {label}"),
            "0 to 9",
            "the format knows ten classes",
        ));
    }
    write_whole(path.as_ref(), |file| {
        data.rows.iter().try_for_each(|&row| {
            let pixels = data.row_pixels(row);
            file.write_all(&[data.labels[row as usize]])?;
            (0..3).try_for_each(|plane| {
                file.write_all(
                    &pixels
                        .iter()
                        .skip(plane)
                        .step_by(3)
                        .copied()
                        .collect::<Vec<u8>>(),
                )
            })
        })
    })
}

/// The length of a regular file: devices and pipes have none, and could be read for ever.
pub(super) fn file_length(path: &Path) -> Result<u64> {
    let metadata = fs::metadata(path).map_err(|error| LabError::io("read", path, error, REMEDY))?;
    if !metadata.is_file() {
        return Err(LabError::format(
            path,
            "something that is not a file",
            "a batch file",
            REMEDY,
        ));
    }
    Ok(metadata.len())
}

/// `empty`, or how many bytes and whole records.
pub(super) fn length_text(length: u64) -> String {
    match length {
        0 => "an empty file".to_owned(),
        _ => {
            let (records, rest) = (length / RECORD as u64, length % RECORD as u64);
            let rest = if rest == 0 {
                String::new()
            } else {
                format!(" and {} bytes", thousands(rest as usize))
            };
            format!(
                "{} bytes ({} records{rest})",
                thousands(length as usize),
                thousands(records as usize)
            )
        }
    }
}

/// Fills `pixels` (interleaved) and `labels` with the records from number `first` on.
///
/// The file goes through a buffer of 64 records, so nothing but the result stays in memory.
pub(super) fn read_records(
    path: &Path,
    first: usize,
    pixels: &mut [u8],
    labels: &mut [u8],
) -> Result<()> {
    const AT_ONCE: usize = 64;
    let failed = |error| LabError::io("read", path, error, REMEDY);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start((first * RECORD) as u64))
        .map_err(failed)?;
    let mut buffer = vec![0; labels.len().min(AT_ONCE) * RECORD];
    let pieces = pixels
        .chunks_mut(AT_ONCE * PIXELS)
        .zip(labels.chunks_mut(AT_ONCE));
    for (piece, (pixels, labels)) in pieces.enumerate() {
        let records = &mut buffer[..labels.len() * RECORD];
        file.read_exact(records).map_err(failed)?;
        let places = pixels.chunks_exact_mut(PIXELS).zip(labels);
        for (i, (record, (image, label))) in records.chunks_exact(RECORD).zip(places).enumerate() {
            *label = record[0];
            if *label >= CLASSES {
                let number = first + piece * AT_ONCE + i;
                let found = format!(
                    "label {label} in record {} (counted from 0)",
                    thousands(number)
                );
                return Err(LabError::format(path, found, "labels from 0 to 9", REMEDY));
            }
            let (red, rest) = record[1..].split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            let colours = red.iter().zip(green).zip(blue);
            for (pixel, ((&red, &green), &blue)) in image.as_chunks_mut().0.iter_mut().zip(colours)
            {
                *pixel = [red, green, blue];
            }
        }
    }
    Ok(())
}
