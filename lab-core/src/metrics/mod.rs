//! How good a classifier is: accuracy, confusion matrix, precision, recall and F1, calibration.
//!
//! Everything here takes plain labels (`u8`, counted from 0) and arrays of probabilities `(samples, classes)`,
//! and knows nothing of models. The definitions are scikit-learn's.
//!
//! ```
//! use lab_core::metrics::{ClassificationReport, ConfusionMatrix, accuracy};
//! let (truth, predicted) = ([0, 0, 1, 1], [0, 1, 1, 1]);
//! assert_eq!(accuracy(&truth, &predicted)?, 0.75);
//!
//! let confusion = ConfusionMatrix::new(&truth, &predicted, &["cat", "dog"])?;
//! println!("{confusion}\n{}", ClassificationReport::new(&confusion));
//! # Ok::<(), lab_core::LabError>(())
//! ```

mod accuracy;
mod calibration;
mod confusion;
mod report;

pub(crate) use accuracy::argmax;
pub use accuracy::{accuracy, predicted_classes, top_k_accuracy};
pub use calibration::{Bin, Calibration};
pub use confusion::{Confusion, ConfusionMatrix};
pub use report::{ClassificationReport, Scores, classification_report};

use crate::checks::{check_labels, check_length, check_range};
use crate::error::{LabError, Result};
use ndarray::ArrayView2;

/// Checks that there are true labels, and as many values of `place`.
fn check_pair(truth: &[u8], place: &str, length: usize) -> Result<()> {
    let samples = truth.len();
    check_range("true labels", samples, 1.., "give at least one sample")?;
    check_length(place, length, samples, "prediction for each label")
}

/// Checks that labels of one byte can name every class.
fn check_classes(place: &str, classes: usize) -> Result<()> {
    check_range(place, classes, 1..=256, "give one entry for each class")
}

/// Checks that there is a column for each class, and no NaN.
fn check_probabilities(probabilities: ArrayView2<f32>) -> Result<()> {
    check_classes("columns of probabilities", probabilities.ncols())?;
    let mut rows = probabilities.outer_iter();
    let Some(row) = rows.position(|row| row.iter().any(|p| p.is_nan())) else {
        return Ok(());
    };
    let (found, expected) = (format!("NaN in row {row}"), "a number for every class");
    let remedy = "look for NaN in the input and the weights: a training that diverged leaves them";
    Err(LabError::value("probabilities", found, expected, remedy))
}

/// [`check_probabilities`], with a true label for each row.
fn check_labelled(truth: &[u8], probabilities: ArrayView2<f32>) -> Result<()> {
    check_pair(truth, "probabilities", probabilities.nrows())?;
    check_probabilities(probabilities)?;
    check_labels("truth", truth, probabilities.ncols())
}
