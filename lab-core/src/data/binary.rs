//! The official binary format of CIFAR-10: records of 3,073 bytes, one label and then the planes of red, green, blue.
//!
//! ```
//! use lab_core::data::{Cifar10, binary};
//! let path = std::env::temp_dir().join(format!("a-small-batch-{}.bin", std::process::id()));
//! let data = Cifar10::sample().test.take(20);
//! binary::write_batch(&path, &data)?;
//! let again = binary::read_batch(&path)?;
//! assert!(again.images() == data.images() && again.labels() == data.labels());
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), lab_core::LabError>(())
//! ```

use super::*;

/// The bytes of one record.
pub const RECORD: usize = 1 + 3 * PLANE;
/// The most records that a file has.
pub const MOST_RECORDS: usize = 10_000;

/// The bytes of one colour of an image.
const PLANE: usize = 32 * 32;
const CLASSES: usize = 10;
pub(super) const REMEDY: &str = "run `cargo lab data` to get the official files";

/// Reads a file of 1 to 10,000 records.
///
/// # Errors
/// [`LabError::Io`] for a file that cannot be read; [`LabError::Format`] when its length is not that of 1 to 10,000
/// whole records, or for a label above 9.
pub fn read_batch(path: impl AsRef<Path>) -> Result<Dataset> {
    let mut records = Records::default();
    let expected = "1 to 10,000 records of 3,073 bytes each";
    records.read(path.as_ref(), 1, expected)?;
    Ok(records.into())
}

/// Writes 1 to 10,000 images of 32 x 32 x 3 and their labels, in order. The file appears only when it is whole.
///
/// # Errors
/// [`LabError::Shape`] or [`LabError::Value`] for data that the format has no room for; [`LabError::Io`] when writing
/// fails, which leaves a file that was there before as it was.
pub fn write_batch(path: impl AsRef<Path>, data: &Dataset) -> Result<()> {
    let place = "write_batch";
    let remedy = "the format knows only CIFAR-10's images";
    check_shape(place, data.image_shape(), [32, 32, 3], remedy)?;
    let remedy = "write several files, of `subset`s";
    check_range("write_batch: images", data.len(), 1..=MOST_RECORDS, remedy)?;
    check_labels(place, &data.labels(), CLASSES)?;
    let mut bytes = Vec::with_capacity(data.len() * RECORD);
    for &row in data.rows.iter() {
        bytes.push(data.labels[row as usize]);
        let pixels = data.row_pixels(row);
        (0..3).for_each(|plane| bytes.extend(pixels.iter().skip(plane).step_by(3)));
    }
    write_whole(path.as_ref(), |file| file.write_all(&bytes))
}

/// The pixels (interleaved) and the labels of records.
#[derive(Default)]
pub(super) struct Records {
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
}

impl Records {
    /// Appends the records of a file of at least `least` records; `expected` describes such a file.
    pub(super) fn read(&mut self, path: &Path, least: usize, expected: &str) -> Result<()> {
        let whole = |length: usize| {
            let count = length / RECORD;
            length.is_multiple_of(RECORD) && (least..=MOST_RECORDS).contains(&count)
        };
        self.append(path, &read_whole(path, whole, expected, REMEDY)?)
    }

    /// Appends whole records; `path` says in an error where they come from.
    pub(super) fn append(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.pixels.reserve_exact(bytes.len());
        for (number, record) in bytes.chunks_exact(RECORD).enumerate() {
            let label = record[0];
            if usize::from(label) >= CLASSES {
                let number = thousands(number);
                let found = format!("label {label} in record {number} (counted from 0)");
                return Err(LabError::format(path, found, "labels from 0 to 9", REMEDY));
            }
            self.labels.push(label);
            let (red, rest) = record[1..].split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            let planes = red.iter().zip(green).zip(blue);
            let pixels = planes.flat_map(|((&red, &green), &blue)| [red, green, blue]);
            self.pixels.extend(pixels);
        }
        Ok(())
    }
}
