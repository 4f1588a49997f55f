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

use crate::error::{LabError, Result};
use ndarray::ArrayView2;

/// Labels are `u8`, so there can be no more classes than this.
const MOST_CLASSES: usize = 256;

/// There are true labels, and as many of them as of `place`.
fn check_length(truth: &[u8], place: &str, length: usize) -> Result<()> {
    if truth.is_empty() {
        return Err(LabError::value(
            "truth",
            "no labels",
            "at least one",
            "evaluate on at least one sample",
        ));
    }
    if truth.len() != length {
        let expected = format!("({}), one for each true label", truth.len());
        let remedy = "give the labels and the predictions of the same samples, in the same order";
        return Err(LabError::shape(
            place,
            format!("({length})"),
            expected,
            remedy,
        ));
    }
    Ok(())
}

/// There are between 1 and 256 classes.
fn check_classes(place: &str, classes: usize) -> Result<()> {
    if (1..=MOST_CLASSES).contains(&classes) {
        return Ok(());
    }
    let (found, expected) = (format!("{classes} classes"), format!("1 to {MOST_CLASSES}"));
    Err(LabError::value(
        place,
        found,
        expected,
        "give one entry for each class",
    ))
}

/// One column for each of 1 to 256 classes, and no NaN.
fn check_probabilities(probabilities: ArrayView2<f32>) -> Result<()> {
    check_classes("probabilities", probabilities.ncols())?;
    match probabilities
        .outer_iter()
        .position(|row| row.iter().any(|p| p.is_nan()))
    {
        None => Ok(()),
        Some(row) => {
            let remedy =
                "look for NaN in the input and the weights: a training that diverged leaves them";
            Err(LabError::value(
                "probabilities",
                format!("NaN in row {row}"),
                "a number for every class",
                remedy,
            ))
        }
    }
}
