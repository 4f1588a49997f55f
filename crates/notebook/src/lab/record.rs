//! What a run says of itself in `metrics.json`: how it was made, and what came of it.

use std::path::Path;
use std::time::SystemTime;

use lab_core::compute::{Instructions, Threads};
use lab_core::files::{read_small, write_whole};
use lab_core::metrics::Scores;
use lab_core::ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::run_folder::METRICS;
use crate::prelude::*;

/// Everything that a run was made of, and how good it became.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this crate.
    pub lab: String,
    /// The images.
    pub data: DataRecord,
    /// The plan of the network.
    pub network: Architecture,
    /// The seed that the weights were drawn with; none where they came from a file.
    pub weights_seed: Option<u64>,
    /// How many numbers the network holds.
    pub parameters: usize,
    /// The loss, the optimizer and every option of the training.
    pub training: TrainingConfig,
    /// What the bits and the time depend on besides.
    pub machine: Machine,
    /// Epochs done.
    pub epochs: usize,
    /// The epoch whose weights the network has at the end.
    pub weights_of_epoch: usize,
    /// How the training ended.
    pub stopped: Stopped,
    /// When it ended, in seconds since the beginning of 1970 (UTC).
    pub finished: u64,
    /// What looks like success and may be a mistake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Seconds of all epochs, validation included.
    pub seconds: f64,
    /// The mean of an epoch.
    pub seconds_per_epoch: f64,
    /// How good it is on the test set, once that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestRecord>,
}

/// The images of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// `cifar-10` or `sample`.
    pub set: String,
    /// Images trained on.
    pub train: usize,
    /// Images validated on.
    pub validation: usize,
}

/// What the bits of a run depend on besides, and what its time depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The vector instructions and the kind of processor.
    pub instructions: String,
    /// Threads at work.
    pub threads: usize,
}

impl Machine {
    /// This one, with as many threads as cores unless told otherwise.
    pub fn this(threads: Option<usize>) -> Self {
        let instructions = format!("{:?} on {}", Instructions::detect(), std::env::consts::ARCH);
        Self {
            instructions,
            threads: threads.unwrap_or_else(Threads::default_count),
        }
    }
}

/// How good a network is on the test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// The mean loss.
    pub loss: f64,
    /// The share of right predictions.
    pub accuracy: f64,
    /// The same by the mean of the probabilities for an image and its mirror image, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_with_flips: Option<f64>,
    /// Precision, the mean over classes weighted by their size.
    pub precision_weighted: f64,
    /// Recall, weighted.
    pub recall_weighted: f64,
    /// F1, weighted.
    pub f1_weighted: f64,
    /// Rows are true classes, columns predicted ones.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// The scores of each class.
    pub per_class: Vec<Scores>,
    /// What is to be known about the scores.
    pub warnings: Vec<String>,
}

impl TestRecord {
    /// The record of an evaluation.
    pub fn new(evaluation: &Evaluation) -> Self {
        let report = evaluation.report();
        let counts = evaluation.confusion_matrix().counts();
        Self {
            loss: evaluation.loss,
            accuracy: evaluation.accuracy,
            accuracy_with_flips: None,
            precision_weighted: report.weighted_average.precision,
            recall_weighted: report.weighted_average.recall,
            f1_weighted: report.weighted_average.f1,
            confusion_matrix: counts.outer_iter().map(|row| row.to_vec()).collect(),
            per_class: report.per_class.to_vec(),
            warnings: report.warnings.to_vec(),
        }
    }

    /// The confusion matrix with the names of the classes.
    ///
    /// # Errors
    /// Where the record's matrix is not square, or has not a row for each class.
    pub fn confusion_matrix(&self) -> Result<ConfusionMatrix> {
        let names: Vec<_> = self.per_class.iter().map(|it| &it.name[..]).collect();
        let (rows, cells) = (self.confusion_matrix.len(), self.confusion_matrix.concat());
        let counts = Array2::from_shape_vec((rows, cells.len() / rows.max(1)), cells);
        let remedy = "make the run again";
        let wrong = |error| LabError::shape("confusion matrix", error, "equal rows", remedy);
        ConfusionMatrix::from_counts(counts.map_err(wrong)?, &names)
    }
}

impl Record {
    /// The record of a finished training that was not tested yet.
    pub fn new(
        data: DataRecord,
        model: &Sequential,
        training: TrainingConfig,
        history: &History,
        machine: Machine,
    ) -> Self {
        let (epochs, seconds) = (history.epochs.len(), history.seconds());
        let stopping = training.early_stopping;
        let kept = |_: &&EpochRecord| stopping.is_some_and(|it| it.restore_best_weights);
        let best = history.best().filter(kept).map_or(epochs, |it| it.epoch);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            lab: env!("CARGO_PKG_VERSION").to_owned(),
            data,
            network: model.architecture().clone(),
            weights_seed: model.seed().map(|seed| seed.0),
            parameters: model.parameter_count(),
            machine,
            weights_of_epoch: best,
            training,
            epochs,
            stopped: history.stopped,
            finished: now.map_or(0, |since| since.as_secs()),
            warnings: history.warnings.clone(),
            seconds,
            seconds_per_epoch: seconds / epochs.max(1) as f64,
            test: None,
        }
    }

    /// Reads `metrics.json` of a run's folder.
    ///
    /// # Errors
    /// Where it is missing, too large, or not the record of a run.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(METRICS);
        let expected = "the record of a run";
        let text = read_small(&path, expected, "give the folder of a finished run")?;
        let remedy = "make the run again";
        let wrong = |error: serde_json::Error| LabError::format(&path, error, expected, remedy);
        serde_json::from_str(&text).map_err(wrong)
    }

    /// Writes `metrics.json` into a run's folder, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_whole(&folder.join(METRICS), |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            writeln!(file)
        })
    }
}
