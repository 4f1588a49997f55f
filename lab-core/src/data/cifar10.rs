//! CIFAR-10: 60,000 photographs of 32 x 32 pixels in ten classes (Krizhevsky, *Learning Multiple Layers of Features
//! from Tiny Images*, 2009).

use std::error::Error;
use std::io::Cursor;
use std::path::Path;

use ndarray::Array4;

use super::binary::{self, MOST_RECORDS, PIXELS, REMEDY};
use super::dataset::Dataset;
use crate::error::{LabError, Result};

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
    /// What it is evaluated on, at the end.
    pub test: Dataset,
}

impl Cifar10 {
    /// All 60,000 images from the six official files in `dir`, or in its folder `cifar-10-batches-bin`.
    ///
    /// The images take 184 MB of memory, about as much as the files.
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
        let holds_any = |dir: &&Path| {
            let mut names = TRAIN_FILES.iter().chain([&TEST_FILE]);
            names.any(|name| dir.join(name).exists())
        };
        let inner = dir.join(FOLDER);
        let Some(dir) = [dir, &inner].into_iter().find(holds_any) else {
            let found = format!("none of the data set's files, neither here nor in {FOLDER}");
            let expected = format!("{} to {TEST_FILE}", TRAIN_FILES[0]);
            let remedy = format!("{REMEDY}; a notebook finds them in \"../data\"");
            return Err(LabError::format(dir, found, expected, remedy));
        };
        Ok(Self {
            train: read(dir, &TRAIN_FILES)?,
            test: read(dir, &[TEST_FILE])?,
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

/// The images of whole files, one after the other.
fn read(dir: &Path, names: &[&str]) -> Result<Dataset> {
    let count = names.len() * MOST_RECORDS;
    let mut pixels = Vec::with_capacity(count * PIXELS);
    let mut labels = Vec::with_capacity(count);
    let expected = "30,730,000 bytes (10,000 records of 3,073 bytes)";
    for name in names {
        let path = dir.join(name);
        binary::read_records(&path, MOST_RECORDS, expected, &mut pixels, &mut labels)?;
    }
    Ok(cifar(pixels, labels))
}

/// The images of a sheet with 25 of them a row, and the labels of a text with one digit for each.
fn sheet(png: &[u8], labels: &str) -> Result<Dataset, Box<dyn Error>> {
    let digits = labels.bytes().filter(u8::is_ascii_digit);
    let labels: Vec<u8> = digits.map(|digit| digit - b'0').collect();
    let mut sheet = vec![0; labels.len() * PIXELS];
    png::Decoder::new(Cursor::new(png))
        .read_info()?
        .next_frame(&mut sheet)?;
    // Axes: row of images, line in an image, image in a row, bytes of a line.
    let sheet = Array4::from_shape_vec((labels.len() / 25, 32, 25, 32 * 3), sheet)?;
    let pixels = sheet.permuted_axes([0, 2, 1, 3]).iter().copied().collect();
    Ok(cifar(pixels, labels))
}

fn cifar(pixels: Vec<u8>, labels: Vec<u8>) -> Dataset {
    let class_names = CLASS_NAMES.map(str::to_owned).into();
    Dataset::from_parts(pixels, labels, class_names, [32, 32, 3])
}
