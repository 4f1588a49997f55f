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

mod calibration;
mod confusion;
mod report;

pub use calibration::{Bin, Calibration};
pub use confusion::{Confusion, ConfusionMatrix};
pub use report::{ClassificationReport, Scores, classification_report};

// What the files of this module use.
use crate::error::{LabError, Result, check_labels, check_length, check_range, check_shape};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The fraction of samples, in [0, 1], whose predicted class is the true one.
///
/// # Errors
/// No labels at all, or slices of different lengths.
///
/// ```
/// use lab_core::metrics::accuracy;
/// assert_eq!(accuracy(&[3, 8, 8, 0], &[3, 8, 1, 0])?, 0.75);
/// # Ok::<(), lab_core::LabError>(())
/// ```
pub fn accuracy(truth: &[u8], predicted: &[u8]) -> Result<f64> {
    check_pair(truth, "predicted", predicted.len())?;
    let correct = truth.iter().zip(predicted).filter(|(t, p)| t == p).count();
    Ok(correct as f64 / truth.len() as f64)
}

/// The fraction of samples, in [0, 1], whose true class is among the `k` most probable ones.
///
/// `probabilities` is `(samples, classes)`; logits do as well. Of equal values the lower class counts as the more
/// probable, so that `k = 1` is the accuracy of [`predicted_classes`].
///
/// # Errors
/// No labels, another number of rows than of labels, a label without a column, NaN, or `k` outside of
/// 1 to the number of classes.
///
/// ```
/// use lab_core::metrics::top_k_accuracy;
/// use ndarray::array;
/// let probabilities = array![[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]];
/// assert_eq!(top_k_accuracy(&[1, 1], probabilities.view(), 1)?, 0.5);
/// assert_eq!(top_k_accuracy(&[1, 1], probabilities.view(), 2)?, 1.0);
/// # Ok::<(), lab_core::LabError>(())
/// ```
pub fn top_k_accuracy(truth: &[u8], probabilities: ArrayView2<f32>, k: usize) -> Result<f64> {
    check_labelled(truth, probabilities)?;
    check_range("k", k, 1..=probabilities.ncols(), "ask for 1 class or more")?;
    let mut correct = 0;
    for (&label, row) in truth.iter().zip(probabilities.outer_iter()) {
        let label = usize::from(label);
        let greater = row.iter().filter(|&&p| p > row[label]).count();
        let equal_before = row.iter().take(label).filter(|&&p| p == row[label]);
        let rank = greater + equal_before.count();
        correct += usize::from(rank < k);
    }
    Ok(correct as f64 / truth.len() as f64)
}

/// The most probable class of each row of `probabilities` `(samples, classes)`; of equal ones the lowest.
///
/// # Errors
/// NaN (the error names the row), or a number of classes outside of 1 to 256.
///
/// ```
/// use lab_core::metrics::predicted_classes;
/// use ndarray::array;
/// assert_eq!(predicted_classes(array![[0.2, 0.8], [0.5, 0.5]].view())?, [1, 0]);
/// # Ok::<(), lab_core::LabError>(())
/// ```
pub fn predicted_classes(probabilities: ArrayView2<f32>) -> Result<Vec<u8>> {
    check_probabilities(probabilities)?;
    let class = |row: ArrayView1<f32>| argmax(row.iter().copied()) as u8;
    Ok(probabilities.outer_iter().map(class).collect())
}

/// The position of the largest value, of equal ones the first; 0 for an empty row.
pub(crate) fn argmax(row: impl Iterator<Item = f32>) -> usize {
    let larger = |a: (usize, f32), b: (usize, f32)| if b.1 > a.1 { b } else { a };
    row.enumerate().fold((0, f32::NEG_INFINITY), larger).0
}

/// Checks that there are true labels, and as many values of `place`.
fn check_pair(truth: &[u8], place: &str, length: usize) -> Result<()> {
    let samples = truth.len();
    check_range("true labels", samples, 1.., "give at least one sample")?;
    check_length(place, length, samples, "prediction for each label")
}

/// Checks that there is a column for each class, and no NaN.
fn check_probabilities(probabilities: ArrayView2<f32>) -> Result<()> {
    let (columns, each) = (probabilities.ncols(), "give one entry for each class");
    check_range("columns of probabilities", columns, 1..=256, each)?;
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
