//! Labels as rows of zeros with a single one, and back.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::checks::check_labels;
use crate::error::{LabError, Result};

/// Labels as rows of zeros with a single one, `(labels, classes)`.
///
/// ```
/// use lab_core::data::{from_one_hot, one_hot};
/// let rows = one_hot(&[2, 0], 3)?;
/// assert_eq!(rows, ndarray::array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
/// assert_eq!(from_one_hot(rows.view())?, [2, 0]);
/// # Ok::<(), lab_core::LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a label that is not below `classes`.
pub fn one_hot(labels: &[u8], classes: usize) -> Result<Array2<f32>> {
    check_labels("labels", labels, classes)?;
    Ok(spread(labels, classes))
}

/// The labels of one-hot rows: the inverse of [`one_hot`].
///
/// # Errors
/// [`LabError::Value`] for more than 256 classes, or a row that is not zeros with a single one.
pub fn from_one_hot(rows: ArrayView2<'_, f32>) -> Result<Vec<u8>> {
    let label = |(number, row): (usize, ArrayView1<'_, f32>)| {
        let ones = row.iter().filter(|&&value| value == 1.0).count();
        let zeros = row.iter().filter(|&&value| value == 0.0).count();
        let position = row
            .iter()
            .position(|&value| value == 1.0)
            .and_then(|label| u8::try_from(label).ok());
        position
            .filter(|_| ones == 1 && ones + zeros == row.len())
            .ok_or_else(|| {
                let found = format!("{ones} ones and {zeros} zeros among {} values", row.len());
                let remedy =
                    "for rows of probabilities take the position of the largest value instead";
                let expected = "zeros and a single one, at most 256 classes";
                LabError::value(format!("one-hot row {number}"), found, expected, remedy)
            })
    };
    rows.rows().into_iter().enumerate().map(label).collect()
}

pub(super) fn spread(labels: &[u8], classes: usize) -> Array2<f32> {
    let mut rows = Array2::zeros((labels.len(), classes));
    rows.rows_mut()
        .into_iter()
        .zip(labels)
        .for_each(|(mut row, &label)| row[usize::from(label)] = 1.0);
    rows
}
