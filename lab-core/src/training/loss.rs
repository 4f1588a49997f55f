//! Losses: how far the network's answers are from the truth, and in which direction to go.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::checks::check_labels;
use crate::compute;
use crate::error::{LabError, Result};
use crate::metrics::argmax;
use crate::names::named;

/// What training makes small: a mean over the examples of a batch.
///
/// With y the target, z the last layer's sums, p = softmax(z) and N examples of K classes, the first three are computed
/// from z, so that nothing overflows and no logarithm of 0 is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// −Σ y ln p, for targets that are distributions (one-hot vectors among them).
    CategoricalCrossentropy,
    /// −ln p of the true class: the same number for targets that are class labels.
    SparseCategoricalCrossentropy,
    /// Σ y ln (y / p) with 0 ln 0 = 0 (Kullback and Leibler, 1951); for one-hot targets the same number again.
    KlDivergence,
    /// Σ (y − a)² / K, of the network's outputs a themselves.
    MeanSquaredError,
}

/// What the network should have answered.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// One class for each example.
    Classes(&'a [u8]),
    /// A distribution over the classes for each example, shape (N, K).
    Distributions(ArrayView2<'a, f32>),
}

/// Sums over the examples of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// Σ wᵢ lᵢ.
    pub(crate) loss: f64,
    /// How many examples were given their true class.
    pub(crate) hits: usize,
}

named!(Loss, "loss", 4, {
    CategoricalCrossentropy => "categorical_crossentropy",
    SparseCategoricalCrossentropy => "sparse_categorical_crossentropy",
    KlDivergence => "kl_divergence",
    MeanSquaredError => "mean_squared_error",
});

impl Loss {
    /// Whether the loss is computed from z, the logits, instead of the outputs.
    pub fn from_logits(self) -> bool {
        self != Self::MeanSquaredError
    }

    pub(crate) fn allows_smoothing(self) -> bool {
        matches!(
            self,
            Self::CategoricalCrossentropy | Self::SparseCategoricalCrossentropy
        )
    }

    /// The loss of a batch, Σ wᵢ lᵢ / N, and its gradient with respect to `given`, shape (N, K): logits for the losses
    /// of which [`Loss::from_logits`] says so, outputs for mean squared error.
    ///
    /// `label_smoothing` s makes targets y (1 − s) + s / K (Szegedy et al., 2016); the weights are 1 where there are none.
    ///
    /// ```
    /// use lab_core::training::{Loss, Targets};
    /// let logits = ndarray::array![[0.0_f32, 0.0], [100.0, 0.0]];
    /// let loss = Loss::SparseCategoricalCrossentropy;
    /// let (value, gradient) = loss.value_and_gradient(logits.view(), Targets::Classes(&[0, 0]), 0.0, None)?;
    /// assert!((value - 0.5 * 2.0_f64.ln()).abs() < 1e-12);
    /// assert_eq!(gradient.row(0), ndarray::array![-0.25, 0.25]);
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] where targets or weights are not as many as examples, [`LabError::Value`] for a label or a
    /// smoothing outside of its range, a target that is negative or not finite, and smoothing with the other losses.
    pub fn value_and_gradient(
        self,
        given: ArrayView2<'_, f32>,
        targets: Targets<'_>,
        label_smoothing: f32,
        weights: Option<&[f32]>,
    ) -> Result<(f64, Array2<f32>)> {
        let (rows, classes) = given.dim();
        check_smoothing(self, label_smoothing)?;
        targets.check(self, rows, classes)?;
        check_weights("sample weights", "example", weights, rows)?;
        let given = given.as_standard_layout();
        let given = given.as_slice().unwrap_or_default();
        let mut outputs = given.to_vec();
        if self.from_logits() && classes > 0 {
            compute::softmax_rows(&mut outputs, classes);
        }
        let mut gradient = vec![0.0; given.len()];
        let sums = self.batch(
            label_smoothing,
            &outputs,
            given,
            targets,
            weights,
            classes,
            Some(&mut gradient),
        );
        let gradient = Array2::from_shape_vec((rows, classes), gradient).unwrap_or_default();
        Ok((sums.loss / rows.max(1) as f64, gradient))
    }

    /// The sums over a batch, and the gradient of Σ wᵢ lᵢ / N with respect to the logits or the outputs.
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the parts of one formula"
    )]
    pub(crate) fn batch(
        self,
        smoothing: f32,
        outputs: &[f32],
        logits: &[f32],
        targets: Targets<'_>,
        weights: Option<&[f32]>,
        classes: usize,
        mut gradient: Option<&mut [f32]>,
    ) -> Sums {
        let mut sums = Sums::default();
        let rows = outputs.len().checked_div(classes).unwrap_or(0);
        let mut y = vec![0.0; classes];
        for i in 0..rows {
            let row = i * classes..(i + 1) * classes;
            targets.write(i, smoothing, &mut y);
            let a = &outputs[row.clone()];
            let weight = weights.map_or(1.0, |weights| weights[i]);
            sums.hits += usize::from(argmax(a.iter().copied()) == argmax(y.iter().copied()));
            let loss = match self {
                Self::MeanSquaredError => mean_squared_error(&y, a),
                Self::KlDivergence => crossentropy(&y, &logits[row.clone()]) - entropy(&y),
                _ => crossentropy(&y, &logits[row.clone()]),
            };
            sums.loss += f64::from(weight) * loss;
            if let Some(gradient) = gradient.as_deref_mut() {
                let share = weight / rows as f32;
                let total: f32 = y.iter().sum();
                for ((g, a), y) in gradient[row].iter_mut().zip(a).zip(&y) {
                    *g = share
                        * if self.from_logits() {
                            a * total - y
                        } else {
                            2.0 * (a - y) / classes as f32
                        };
                }
            }
        }
        sums
    }
}

/// −Σ y ln p = Σ y (ln Σ eᶻ − z).
fn crossentropy(y: &[f32], z: &[f32]) -> f64 {
    let highest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = z.iter().map(|z| libm::exp(f64::from(z - highest))).sum();
    let log_sum = f64::from(highest) + libm::log(sum);
    // A class that is not asked for does not count, however unlikely it is.
    let asked = y.iter().zip(z).filter(|(y, _)| **y != 0.0);
    asked
        .map(|(y, z)| f64::from(*y) * (log_sum - f64::from(*z)))
        .sum()
}

/// −Σ y ln y.
fn entropy(y: &[f32]) -> f64 {
    let positive = y.iter().filter(|&&y| y > 0.0).map(|&y| f64::from(y));
    -positive.map(|y| y * libm::log(y)).sum::<f64>()
}

fn mean_squared_error(y: &[f32], a: &[f32]) -> f64 {
    y.iter()
        .zip(a)
        .map(|(y, a)| f64::from(y - a) * f64::from(y - a))
        .sum::<f64>()
        / y.len() as f64
}

impl Targets<'_> {
    /// The same targets, borrowed for a shorter time.
    pub(crate) fn reborrow(&self) -> Targets<'_> {
        match self {
            Self::Classes(labels) => Targets::Classes(labels),
            Self::Distributions(rows) => Targets::Distributions(rows.view()),
        }
    }

    /// Writes the target of example `i`, smoothed.
    fn write(&self, i: usize, smoothing: f32, y: &mut [f32]) {
        match self {
            Self::Classes(classes) => {
                y.fill(0.0);
                y[usize::from(classes[i])] = 1.0;
            }
            Self::Distributions(rows) => y
                .iter_mut()
                .zip(rows.row(i))
                .for_each(|(y, given)| *y = *given),
        }
        if smoothing > 0.0 {
            let share = smoothing / y.len() as f32;
            y.iter_mut()
                .for_each(|y| *y = *y * (1.0 - smoothing) + share);
        }
    }

    /// Checks that there is a target for each of `rows` examples, over `classes` classes.
    pub(crate) fn check(&self, loss: Loss, rows: usize, classes: usize) -> Result<()> {
        let remedy = "give one target for each example";
        match self {
            Self::Classes(labels) if labels.len() != rows => Err(LabError::shape(
                "targets",
                format!("({})", labels.len()),
                format!("({rows})"),
                remedy,
            )),
            Self::Classes(labels) => check_labels("targets", labels, classes),
            Self::Distributions(given) if given.dim() != (rows, classes) => {
                let remedy = "one_hot(&labels, classes) makes such rows; Targets::Classes takes the labels themselves";
                Err(LabError::shape(
                    "targets",
                    format!("{:?}", given.dim()),
                    format!("{:?}", (rows, classes)),
                    remedy,
                ))
            }
            Self::Distributions(given) => {
                match given
                    .iter()
                    .find(|y| !y.is_finite() || (loss.from_logits() && **y < 0.0))
                {
                    None => Ok(()),
                    Some(y) => {
                        let expected = "finite numbers, none of them negative";
                        Err(LabError::value(
                            "targets",
                            y.to_string(),
                            expected,
                            "one_hot makes targets from labels",
                        ))
                    }
                }
            }
        }
    }
}

pub(crate) fn check_smoothing(loss: Loss, smoothing: f32) -> Result<()> {
    if !(0.0..1.0).contains(&smoothing) {
        return Err(LabError::value(
            "label smoothing",
            smoothing.to_string(),
            "0 to below 1",
            "0.1 is a usual value",
        ));
    }
    if smoothing > 0.0 && !loss.allows_smoothing() {
        let remedy = "leave it out, or use categorical_crossentropy";
        return Err(LabError::value(
            "label smoothing",
            format!("{smoothing} with {loss}"),
            "a cross-entropy",
            remedy,
        ));
    }
    Ok(())
}

/// Checks that there is a weight for each of `count` things; `place` names the weights.
pub(crate) fn check_weights(
    place: &str,
    thing: &str,
    weights: Option<&[f32]>,
    count: usize,
) -> Result<()> {
    let Some(weights) = weights else {
        return Ok(());
    };
    if weights.len() != count {
        let (found, expected) = (format!("({})", weights.len()), format!("({count})"));
        return Err(LabError::shape(
            place,
            found,
            expected,
            format!("give one weight for each {thing}"),
        ));
    }
    match weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
        None => Ok(()),
        Some(w) => Err(LabError::value(
            place,
            w.to_string(),
            "finite numbers, 0 or more",
            "1 is the usual weight",
        )),
    }
}
