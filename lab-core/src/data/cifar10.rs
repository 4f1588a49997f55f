//! CIFAR-10: 60,000 photographs of 32 x 32 pixels in ten classes (Krizhevsky, *Learning Multiple Layers of Features
//! from Tiny Images*, 2009).

use super::*;

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
        let read = |bytes: &[u8]| {
            let mut records = Records::default();
            let read = records.append(Path::new("the built-in sample"), bytes);
            read.expect("a test shows that the labels of the built-in sample are below 10");
            records.into()
        };
        Self {
            train: read(include_bytes!("../../assets/sample_train.bin")),
            test: read(include_bytes!("../../assets/sample_test.bin")),
        }
    }
}

/// The images of whole files, one after the other.
fn read(dir: &Path, names: &[&str]) -> Result<Dataset> {
    let mut records = Records::default();
    let expected = "30,730,000 bytes (10,000 records of 3,073 bytes)";
    for name in names {
        records.read(&dir.join(name), MOST_RECORDS, expected)?;
    }
    Ok(records.into())
}

impl From<Records> for Dataset {
    fn from(records: Records) -> Self {
        let names = CLASS_NAMES.map(str::to_owned).into();
        Self::from_records(records, names, [32, 32, 3])
    }
}
