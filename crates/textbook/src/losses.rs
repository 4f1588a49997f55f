//! Losses: each sample's l with ∂l/∂output, and the mean over the batch.
//!
//! The cross-entropies and the divergence take logits z, not probabilities p = softmax(z): ln pₖ = zₖ − ln Σⱼ eᶻʲ never
//! takes the logarithm of zero, and the gradient is simply p − y.

use crate::{Matrix, activations::log_softmax, softmax};
use ndarray::{Array1, Axis};

/// The loss of each sample (N), and its gradient with respect to the outputs in each row (N, K).
pub type PerSample = (Array1<f64>, Matrix);

/// l = −Σₖ yₖ ln pₖ, ∂l/∂z = p Σₖ yₖ − y, which is p − y for targets y (N, K) that sum to 1.
///
/// ```
/// use ndarray::array;
/// let (l, dz) = lab_textbook::categorical_crossentropy(&array![[2.0, 2.0]], &array![[1.0, 0.0]]);
/// assert_eq!((l, dz), (array![2f64.ln()], array![[-0.5, 0.5]]));
/// ```
pub fn categorical_crossentropy(logits: &Matrix, targets: &Matrix) -> PerSample {
    assert_eq!(
        logits.dim(),
        targets.dim(),
        "targets have the shape of the logits"
    );
    let l = -(targets * log_softmax(logits)).sum_axis(Axis(1));
    (
        l,
        softmax(logits) * targets.sum_axis(Axis(1)).insert_axis(Axis(1)) - targets,
    )
}

/// l = −ln p_c, ∂l/∂z = p − e_c for the class c: [`categorical_crossentropy`] with the targets given as labels (N).
pub fn sparse_categorical_crossentropy(logits: &Matrix, labels: &[usize]) -> PerSample {
    categorical_crossentropy(logits, &one_hot(labels, logits.ncols()))
}

/// Kullback-Leibler divergence l = Σₖ yₖ ln yₖ − Σₖ yₖ ln pₖ with 0 ln 0 = 0: the cross-entropy minus the entropy
/// of the targets. No weight changes that entropy, so the gradient is the cross-entropy's.
pub fn kl_divergence(logits: &Matrix, targets: &Matrix) -> PerSample {
    let (l, dz) = categorical_crossentropy(logits, targets);
    (
        l + targets
            .mapv(|y| if y > 0.0 { y * y.ln() } else { 0.0 })
            .sum_axis(Axis(1)),
        dz,
    )
}

/// l = Σₖ (pₖ − yₖ)² / K, ∂l/∂p = 2 (p − y) / K, for outputs p (N, K) of any kind.
pub fn mean_squared_error(outputs: &Matrix, targets: &Matrix) -> PerSample {
    assert_eq!(
        outputs.dim(),
        targets.dim(),
        "targets have the shape of the outputs"
    );
    let (difference, k) = (outputs - targets, outputs.ncols() as f64);
    (
        difference.pow2().sum_axis(Axis(1)) / k,
        2.0 * difference / k,
    )
}

/// L = Σᵢ wᵢ lᵢ / N and ∂L/∂outputᵢ = wᵢ/N ∂lᵢ/∂outputᵢ; without sample weights every wᵢ is 1.
pub fn mean((l, gradient): PerSample, sample_weights: Option<&Array1<f64>>) -> (f64, Matrix) {
    let w = sample_weights
        .cloned()
        .unwrap_or_else(|| Array1::ones(l.len()))
        / l.len() as f64;
    (w.dot(&l), gradient * w.insert_axis(Axis(1)))
}

/// Row i is 1 in column `labels[i]` and 0 elsewhere, shape (N, classes).
pub fn one_hot(labels: &[usize], classes: usize) -> Matrix {
    Matrix::eye(classes).select(Axis(0), labels)
}

/// Label smoothing of targets (N, K): y (1 − s) + s/K (Szegedy et al. 2016).
pub fn smooth_labels(targets: &Matrix, s: f64) -> Matrix {
    targets * (1.0 - s) + s / targets.ncols() as f64
}
