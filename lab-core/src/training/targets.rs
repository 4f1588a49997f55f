//! The targets of a batch: what the network should predict, and how much each example counts.

use ndarray::ArrayView2;

use super::loss::Loss;
use crate::checks::{check_labels, check_weights};
use crate::error::{LabError, Result};

/// What the network should predict for each example of a batch.
///
/// Labels and one-hot rows convert into targets by themselves; this type adds label smoothing and weights.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    values: Values<'a>,
    smoothing: f32,
    pub(super) weights: Option<&'a [f32]>,
}

#[derive(Clone, Copy, Debug)]
enum Values<'a> {
    Classes(&'a [u8]),
    Distributions(ArrayView2<'a, f32>),
}

impl<'a> Targets<'a> {
    /// One class for each example.
    pub fn classes(labels: &'a [u8]) -> Self {
        Self::new(Values::Classes(labels))
    }

    /// A distribution over the classes for each example, shape (N, K).
    pub fn distributions(rows: ArrayView2<'a, f32>) -> Self {
        Self::new(Values::Distributions(rows))
    }

    fn new(values: Values<'a>) -> Self {
        Self {
            values,
            smoothing: 0.0,
            weights: None,
        }
    }

    /// Makes the targets y (1 − s) + s / K, for s from 0 to below 1 (Szegedy et al., 2016).
    pub fn smoothed(self, smoothing: f32) -> Self {
        Self { smoothing, ..self }
    }

    /// How much each example counts: the loss becomes Σ wᵢ lᵢ / N.
    pub fn weighted(self, weights: &'a [f32]) -> Self {
        let weights = Some(weights);
        Self { weights, ..self }
    }

    /// Writes the smoothed target of example `i` and returns its weight.
    pub(super) fn write(&self, i: usize, y: &mut [f32]) -> f32 {
        match self.values {
            Values::Classes(classes) => {
                y.fill(0.0);
                y[usize::from(classes[i])] = 1.0;
            }
            Values::Distributions(rows) => {
                let row = rows.row(i);
                y.iter_mut().zip(row).for_each(|(y, given)| *y = *given);
            }
        }
        if self.smoothing > 0.0 {
            let share = self.smoothing / y.len() as f32;
            let smooth = |y: &mut f32| *y = *y * (1.0 - self.smoothing) + share;
            y.iter_mut().for_each(smooth);
        }
        self.weights.map_or(1.0, |weights| weights[i])
    }

    /// Checks that there is a target for each of `rows` examples, over `classes` classes.
    pub(super) fn check(&self, loss: Loss, rows: usize, classes: usize) -> Result<()> {
        loss.check_smoothing(self.smoothing)?;
        check_weights("sample", self.weights, rows)?;
        let (found, expected) = match self.values {
            Values::Classes(labels) => (vec![labels.len()], vec![rows]),
            Values::Distributions(given) => (given.shape().to_vec(), vec![rows, classes]),
        };
        if found != expected {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            let remedy = "give each example a label, or a row that one_hot(&labels, classes) makes";
            return Err(LabError::shape("targets", found, expected, remedy));
        }
        let given = match self.values {
            Values::Classes(labels) => return check_labels("targets", labels, classes),
            Values::Distributions(given) => given,
        };
        let wrong = |y: &&f32| !y.is_finite() || (loss.from_logits() && **y < 0.0);
        given.iter().find(wrong).map_or(Ok(()), |y| {
            let expected = "finite floats, none of them negative";
            let remedy = "one_hot makes targets from labels";
            Err(LabError::value("targets", y, expected, remedy))
        })
    }
}

impl<'a, L: AsRef<[u8]> + ?Sized> From<&'a L> for Targets<'a> {
    fn from(labels: &'a L) -> Self {
        Self::classes(labels.as_ref())
    }
}

impl<'a> From<ArrayView2<'a, f32>> for Targets<'a> {
    fn from(rows: ArrayView2<'a, f32>) -> Self {
        Self::distributions(rows)
    }
}
