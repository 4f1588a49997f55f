//! The history of a training: loss and accuracy of each epoch.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{LabError, Result};
use crate::files::write_whole;

/// One epoch of a training. Losses are means over the examples, penalties included; accuracies are fractions between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the training examples as they were seen: weights still changing, dropout on.
    pub loss: f64,
    /// The fraction of the training examples that were classified correctly as they were seen.
    pub accuracy: f64,
    /// The loss on the validation data after the epoch.
    pub val_loss: Option<f64>,
    /// The accuracy on the validation data after the epoch.
    pub val_accuracy: Option<f64>,
    /// The learning rate at the beginning of the epoch.
    pub learning_rate: f32,
    /// How long it took, validation included.
    pub seconds: f64,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs were done.
    #[default]
    Finished,
    /// A callback ended it after this epoch (from 1).
    Early {
        /// The last epoch.
        epoch: usize,
    },
    /// A callback interrupted it; with checkpoints it can be resumed.
    Interrupted {
        /// The epoch (from 1) that was not finished.
        epoch: usize,
    },
    /// The loss became NaN or infinite.
    Diverged {
        /// The epoch (from 1) in which it happened; it is not in the history.
        epoch: usize,
        /// The step (from 1) within that epoch.
        step: usize,
    },
}

/// The epochs of a training, and why it ended.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(2)
///     .progress(Silent)
///     .fit(&mut model, &cifar.train, &cifar.test)?;
/// assert_eq!(history.epochs.len(), 2);
/// assert_eq!(history.stopped, Stopped::Finished);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One record for each epoch.
    pub epochs: Vec<EpochRecord>,
    /// Why the training ended.
    pub stopped: Stopped,
    /// What looks like success and may be a mistake, such as a learning rate that is far off, with the remedy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl History {
    /// The epoch with the lowest validation loss, or the lowest loss where there was no validation data.
    pub fn best(&self) -> Option<&EpochRecord> {
        let loss = |record: &EpochRecord| record.val_loss.unwrap_or(record.loss);
        let numbers = self.epochs.iter().filter(|it| !loss(it).is_nan());
        let best = numbers.min_by(|a, b| loss(a).total_cmp(&loss(b)));
        best.or(self.epochs.first())
    }

    /// The seconds of all epochs.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|record| record.seconds).sum()
    }

    /// Writes the epochs as CSV, one row each, whole or not at all.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be written.
    pub fn to_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        write_whole(path, |file| {
            let mut writer = csv::WriterBuilder::new();
            let mut writer = writer.has_headers(false).from_writer(file);
            writer.write_record(HEADER.split(','))?;
            let mut records = self.epochs.iter();
            records.try_for_each(|record| writer.serialize(record))?;
            writer.flush()
        })
    }

    /// Reads epochs that [`History::to_csv`] or the `CsvLogger` wrote; a file does not say why the training ended.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where a row is no record of an epoch.
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let remedy = "check the path; a training writes history.csv";
        let file = std::fs::File::open(path);
        let file = file.map_err(|error| LabError::io("read", path, error, remedy))?;
        let wrong = |found: String| {
            let expected = format!("a row for each epoch under the header {HEADER}");
            let remedy = "take a history.csv that a training wrote";
            LabError::format(path, found, expected, remedy)
        };
        let mut reader = csv::Reader::from_reader(file);
        if reader.headers().is_ok_and(csv::StringRecord::is_empty) {
            return Err(wrong("an empty file".to_owned()));
        }
        let epochs: Result<_, csv::Error> = reader.into_deserialize().collect();
        let epochs = epochs.map_err(|error| wrong(error.to_string()))?;
        let read = Self::default();
        Ok(Self { epochs, ..read })
    }
}

const HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";
