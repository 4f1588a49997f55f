//! Losses: how far predictions are from the targets, and the gradient that training follows.

use super::*;

/// The loss that training minimizes: a mean over the examples of a batch.
///
/// With y the target, z the logits, p = softmax(z) and N examples of K classes, the first three are computed
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

/// Sums over the examples of a batch or an epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) examples: usize,
    /// Σ wᵢ lᵢ.
    pub(super) loss: f64,
    /// How many examples are classified correctly.
    pub(super) correct: usize,
}

impl Sums {
    pub(super) fn add(&mut self, examples: usize, mean_loss: f64, correct: usize) {
        self.examples += examples;
        self.loss += mean_loss * examples as f64;
        self.correct += correct;
    }

    pub(super) fn mean(&self) -> f64 {
        self.loss / self.examples as f64
    }

    pub(super) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples as f64
    }
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

    /// The loss of a batch, Σ wᵢ lᵢ / N, and its gradient with respect to `given`, shape (N, K): logits for the losses
    /// of which [`Loss::from_logits`] says so, outputs for mean squared error.
    ///
    /// ```
    /// use lab_core::training::{Loss, Targets};
    /// let logits = ndarray::array![[0.0_f32, 0.0], [100.0, 0.0]];
    /// let loss = Loss::CategoricalCrossentropy;
    /// let (value, gradient) = loss.value_and_gradient(logits.view(), &[0, 0])?;
    /// assert!((value - 0.5 * 2.0_f64.ln()).abs() < 1e-12);
    /// assert_eq!(gradient.row(0), ndarray::array![-0.25, 0.25]);
    ///
    /// let (smoothed, _) = loss.value_and_gradient(logits.view(), Targets::classes(&[0, 0]).smoothed(0.1))?;
    /// assert!(smoothed > value);
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the targets: their number, a label or the smoothing outside of its range, a value that is
    /// negative or not finite.
    pub fn value_and_gradient<'t>(
        self,
        given: ArrayView2<'_, f32>,
        targets: impl Into<Targets<'t>>,
    ) -> Result<(f64, Array2<f32>)> {
        let (targets, (rows, classes)) = (targets.into(), given.dim());
        targets.check(self, rows, classes)?;
        let given = given.as_standard_layout();
        let given = given.as_slice().unwrap_or_default();
        let mut outputs = given.to_vec();
        if self.from_logits() && classes > 0 {
            compute::softmax_rows(&mut outputs, classes);
        }
        let mut gradient = vec![0.0; given.len()];
        let given = Outputs::new(&outputs, given, classes);
        let sums = self.batch(given, targets, Some(&mut gradient));
        let gradient = Array2::from_shape_vec((rows, classes), gradient).unwrap_or_default();
        Ok((sums.loss / rows.max(1) as f64, gradient))
    }

    /// The sums over a batch, and the gradient of Σ wᵢ lᵢ / N with respect to the logits or the outputs.
    pub(super) fn batch(
        self,
        given: Outputs<'_>,
        targets: Targets<'_>,
        mut gradient: Option<&mut [f32]>,
    ) -> Sums {
        let classes = given.units;
        let rows = given.outputs.len().checked_div(classes).unwrap_or(0);
        let mut sums = Sums::default();
        let mut y = vec![0.0; classes];
        for i in 0..rows {
            let row = i * classes..(i + 1) * classes;
            let weight = targets.write(i, &mut y);
            sums.examples += 1;
            let a = &given.outputs[row.clone()];
            let correct = argmax(a.iter().copied()) == argmax(y.iter().copied());
            sums.correct += usize::from(correct);
            let loss = match self {
                Self::MeanSquaredError => mean_squared_error(&y, a),
                Self::KlDivergence => crossentropy(&y, &given.logits[row.clone()]) - entropy(&y),
                _ => crossentropy(&y, &given.logits[row.clone()]),
            };
            sums.loss += f64::from(weight) * loss;
            let Some(gradient) = gradient.as_deref_mut() else {
                continue;
            };
            let factor = weight / rows as f32;
            let total: f32 = y.iter().sum();
            for ((g, a), y) in gradient[row].iter_mut().zip(a).zip(&y) {
                let slope = match self.from_logits() {
                    true => a * total - y,
                    false => 2.0 * (a - y) / classes as f32,
                };
                *g = factor * slope;
            }
        }
        sums
    }

    /// Checks a label smoothing for this loss.
    pub(super) fn check_smoothing(self, smoothing: f32) -> Result<()> {
        let (place, usual) = ("label smoothing", "0.1 is a usual value");
        check_range(place, smoothing, 0.0..1.0, usual)?;
        if smoothing == 0.0 || !matches!(self, Self::KlDivergence | Self::MeanSquaredError) {
            return Ok(());
        }
        let (found, expected) = (format!("{smoothing} with {self}"), "a cross-entropy");
        let remedy = "leave it out, or use categorical_crossentropy";
        Err(LabError::value(place, found, expected, remedy))
    }
}

/// −Σ y ln p = Σ y (ln Σ eᶻ − z).
fn crossentropy(y: &[f32], z: &[f32]) -> f64 {
    let highest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = z.iter().map(|z| libm::exp(f64::from(z - highest))).sum();
    let log_sum = f64::from(highest) + libm::log(sum);
    // A class of target 0 does not count, however unlikely it is.
    let terms = y.iter().zip(z).filter(|(y, _)| **y != 0.0);
    let terms = terms.map(|(y, z)| f64::from(*y) * (log_sum - f64::from(*z)));
    terms.sum()
}

/// −Σ y ln y.
fn entropy(y: &[f32]) -> f64 {
    let positive = y.iter().filter(|&&y| y > 0.0).map(|&y| f64::from(y));
    -positive.map(|y| y * libm::log(y)).sum::<f64>()
}

fn mean_squared_error(y: &[f32], a: &[f32]) -> f64 {
    let squares = y.iter().zip(a).map(|(y, a)| f64::from(y - a).powi(2));
    squares.sum::<f64>() / y.len() as f64
}

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
        let remedy = "give each example a label, or a row that one_hot(&labels, classes) makes";
        match self.values {
            Values::Classes(labels) => {
                check_shape("targets", [labels.len()], [rows], remedy)?;
                check_labels("targets", labels, classes)
            }
            Values::Distributions(given) => {
                check_shape("targets", given.shape(), &[rows, classes], remedy)?;
                let wrong = |y: &&f32| !y.is_finite() || (loss.from_logits() && **y < 0.0);
                let Some(y) = given.iter().find(wrong) else {
                    return Ok(());
                };
                let expected = "finite floats, none of them negative";
                let remedy = "one_hot makes targets from labels";
                Err(LabError::value("targets", y, expected, remedy))
            }
        }
    }
}

impl<'a, L: AsRef<[u8]> + ?Sized> From<&'a L> for Targets<'a> {
    fn from(labels: &'a L) -> Self {
        Self::classes(labels.as_ref())
    }
}

impl<'a> From<ArrayView2<'a, f32>> for Targets<'a> {
    fn from(rows: ArrayView2<'a, f32>) -> Self {
        Self::new(Values::Distributions(rows))
    }
}
