//! CIFAR-10: 60,000 photographs of 32 x 32 pixels in ten classes (Krizhevsky, *Learning Multiple Layers of Features
//! from Tiny Images*, 2009).

use std::io::Cursor;
use std::path::Path;

use super::binary::{self, MOST_RECORDS, PIXELS, RECORD, REMEDY};
use super::dataset::Dataset;
use crate::compute::Threads;
use crate::error::{LabError, Result};
use crate::text::thousands;

/// The names of the classes, in the order of the labels.
pub const CLASS_NAMES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// The files of the 50,000 training images, 10,000 in each.
pub const TRAIN_FILES: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];

/// The file of the 10,000 test images.
pub const TEST_FILE: &str = "test_batch.bin";

/// The folder that the official archive unpacks to.
pub const FOLDER: &str = "cifar-10-batches-bin";

/// The training and the test images, in the order of the official files.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// assert_eq!(cifar.train.class_counts(), [100; 10]);
/// assert_eq!(cifar.test.class_counts(), [50; 10]);
/// ```
#[derive(Clone, Debug)]
pub struct Cifar10 {
    /// What a network learns from.
    pub train: Dataset,
    /// What it is judged by, at the end.
    pub test: Dataset,
}

impl Cifar10 {
    /// All 60,000 images from the six official files in `dir`, or in its folder `cifar-10-batches-bin`.
    ///
    /// Takes 184 MB of memory, about as much as the files, and a fraction of a second.
    ///
    /// ```no_run
    /// use lab_core::prelude::*;
    /// let cifar = Cifar10::open("data")?;
    /// assert_eq!((cifar.train.len(), cifar.test.len()), (50_000, 10_000));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Io`] for a missing or unreadable file; [`LabError::Format`] for a folder without the files, a file
    /// that is not exactly 10,000 records of 3,073 bytes, or a label above 9.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let holds_any = |dir: &Path| {
            TRAIN_FILES
                .iter()
                .chain([&TEST_FILE])
                .any(|name| dir.join(name).exists())
        };
        let inner = dir.join(FOLDER);
        let dir = if holds_any(dir) {
            dir
        } else if holds_any(&inner) {
            &inner
        } else {
            let found = format!("none of the data set's files, neither here nor in {FOLDER}");
            let remedy = format!("{REMEDY}; a notebook finds them in \"../data\"");
            return Err(LabError::format(
                dir,
                found,
                format!("{} to {TEST_FILE}", TRAIN_FILES[0]),
                remedy,
            ));
        };
        let threads = Threads::new(None)?;
        Ok(Self {
            train: read(dir, &TRAIN_FILES, &threads)?,
            test: read(dir, &[TEST_FILE], &threads)?,
        })
    }

    /// 1,000 training and 500 test images, 100 and 50 of each class: real ones, built into the crate.
    pub fn sample() -> Self {
        let train = include_bytes!("../../assets/sample_train.png");
        let test = include_bytes!("../../assets/sample_test.png");
        let sheet =
            |png, labels| sheet(png, labels).expect("a test shows that the built-in sheets decode");
        Self {
            train: sheet(train, include_str!("../../assets/sample_train_labels.txt")),
            test: sheet(test, include_str!("../../assets/sample_test_labels.txt")),
        }
    }
}

/// The images of whole files, one after the other, each read straight into its place.
fn read(dir: &Path, names: &[&str], threads: &Threads) -> Result<Dataset> {
    for name in names {
        let (path, whole) = (dir.join(name), MOST_RECORDS * RECORD);
        let length = binary::file_length(&path)?;
        if length != whole as u64 {
            let records = format!(
                "{} records of {} bytes",
                thousands(MOST_RECORDS),
                thousands(RECORD)
            );
            let expected = format!("{} bytes ({records})", thousands(whole));
            return Err(LabError::format(
                path,
                binary::length_text(length),
                expected,
                REMEDY,
            ));
        }
    }

    struct Piece<'a> {
        pixels: &'a mut [u8],
        labels: &'a mut [u8],
        outcome: Result<()>,
    }
    const LENGTH: usize = 1_000;
    let count = names.len() * MOST_RECORDS;
    let (mut pixels, mut labels) = (vec![0; count * PIXELS], vec![0; count]);
    let places = pixels
        .chunks_mut(LENGTH * PIXELS)
        .zip(labels.chunks_mut(LENGTH));
    let mut pieces: Vec<Piece> = places
        .map(|(pixels, labels)| Piece {
            pixels,
            labels,
            outcome: Ok(()),
        })
        .collect();
    threads.chunks(&mut pieces, 1, |number, piece| {
        let (file, first) = (
            number * LENGTH / MOST_RECORDS,
            number * LENGTH % MOST_RECORDS,
        );
        for piece in piece {
            piece.outcome =
                binary::read_records(&dir.join(names[file]), first, piece.pixels, piece.labels);
        }
    });
    pieces.into_iter().try_for_each(|piece| piece.outcome)?;
    Ok(cifar(pixels, labels))
}

/// The images of a sheet with 25 of them a row, and the labels of a text with one digit for each.
fn sheet(png: &[u8], labels: &str) -> Result<Dataset, png::DecodingError> {
    const COLUMNS: usize = 25;
    const SIDE: usize = 32 * 3;
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info()?;
    let labels: Vec<u8> = labels
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|digit| digit - b'0')
        .collect();
    let mut sheet = vec![0; labels.len() * PIXELS];
    reader.next_frame(&mut sheet)?;
    let mut pixels = Vec::with_capacity(sheet.len());
    for image in 0..labels.len() {
        let corner = image / COLUMNS * 32 * COLUMNS * SIDE + image % COLUMNS * SIDE;
        (0..32)
            .for_each(|y| pixels.extend_from_slice(&sheet[corner + y * COLUMNS * SIDE..][..SIDE]));
    }
    Ok(cifar(pixels, labels))
}

fn cifar(pixels: Vec<u8>, labels: Vec<u8>) -> Dataset {
    Dataset::from_parts(
        pixels,
        labels,
        CLASS_NAMES.map(str::to_owned).into(),
        [32, 32, 3],
    )
}
