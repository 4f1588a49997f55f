//! Layers, each with its forward and its backward pass side by side.

use crate::Matrix;
use ndarray::Axis;

/// Σᵢ xᵢ over the samples, as one row.
fn sum(x: &Matrix) -> Matrix {
    x.sum_axis(Axis(0)).insert_axis(Axis(0))
}

/// x (N, m n) as (N m, n): each pixel of an image in a row.
fn rows_of(x: &Matrix, n: usize) -> Matrix {
    let rows = x.as_standard_layout().into_owned();
    let rows = rows.into_shape_with_order((x.len() / n, n));
    rows.expect("whole rows")
}

fn mean_and_variance(x: &Matrix) -> (Matrix, Matrix) {
    let mean = sum(x) / x.nrows() as f64;
    let variance = sum(&(x - &mean).pow2()) / x.nrows() as f64;
    (mean, variance)
}

/// z = x W + b: (N, inputs) to (N, outputs).
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// W (inputs, outputs).
    pub kernel: Matrix,
    /// b (1, outputs).
    pub bias: Matrix,
    /// λ of the penalty λ Σ W² that this layer adds to the loss; 0 for none.
    pub l2: f64,
}

impl Dense {
    /// W uniform in ±√(6/(inputs + outputs)), b zero (Glorot, Bengio 2010); `uniform` draws from [0, 1).
    pub fn glorot_uniform(inputs: usize, outputs: usize, mut uniform: impl FnMut() -> f64) -> Self {
        let limit = (6.0 / (inputs + outputs) as f64).sqrt();
        let kernel =
            Matrix::from_shape_simple_fn((inputs, outputs), || limit * (2.0 * uniform() - 1.0));
        Self {
            kernel,
            bias: Matrix::zeros((1, outputs)),
            l2: 0.0,
        }
    }

    /// z = x W + b
    pub fn forward(&self, x: &Matrix) -> Matrix {
        assert_eq!(
            self.bias.dim(),
            (1, self.kernel.ncols()),
            "a bias for each column of the kernel"
        );
        x.dot(&self.kernel) + &self.bias
    }

    /// ∂L/∂x = g Wᵀ; ∂L/∂W = xᵀ g + 2 λ W, ∂L/∂b = Σᵢ gᵢ
    pub fn backward(&self, x: &Matrix, g: &Matrix) -> (Matrix, Vec<Matrix>) {
        (
            g.dot(&self.kernel.t()),
            vec![x.t().dot(g) + 2.0 * self.l2 * &self.kernel, sum(g)],
        )
    }
}

/// Inverted dropout for training: y = x ∘ mask / (1 − rate). The mask is 0 with probability `rate` and 1 otherwise, so
/// that the expected value of y is x (Srivastava et al. 2014). The backward pass is the same function:
/// ∂L/∂x = g ∘ mask / (1 − rate).
pub fn dropout(x: &Matrix, mask: &Matrix, rate: f64) -> Matrix {
    assert_eq!(x.dim(), mask.dim(), "a mask has the shape of what it masks");
    x * mask / (1.0 - rate)
}

/// Batch normalization of n features: x̂ = (x − μ)/√(σ² + ε), y = γ x̂ + β, ε = 10⁻³ (Ioffe, Szegedy 2015). During
/// training μ and σ² are the batch's mean and (biased) variance, otherwise their moving averages.
///
/// With n the channels of images each pixel counts as a sample: (N, pixels · n) is taken as (N · pixels, n).
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// γ (1, n)
    pub gamma: Matrix,
    /// β (1, n)
    pub beta: Matrix,
    /// The moving average of μ (1, n).
    pub moving_mean: Matrix,
    /// The moving average of σ² (1, n).
    pub moving_variance: Matrix,
}

impl BatchNorm {
    /// γ = 1, β = 0, moving mean 0, moving variance 1.
    pub fn new(n: usize) -> Self {
        let (zeros, ones) = (Matrix::zeros((1, n)), Matrix::ones((1, n)));
        Self {
            gamma: ones.clone(),
            beta: zeros.clone(),
            moving_mean: zeros,
            moving_variance: ones,
        }
    }

    /// x̂ in rows of n, and √(σ² + ε)
    fn normalize(&self, x: &Matrix, training: bool) -> (Matrix, Matrix) {
        let x = rows_of(x, self.gamma.ncols());
        let moving = (self.moving_mean.clone(), self.moving_variance.clone());
        let (mean, variance) = if training {
            mean_and_variance(&x)
        } else {
            moving
        };
        let deviation = (variance + 1e-3).sqrt();
        ((x - mean) / &deviation, deviation)
    }

    /// y = γ x̂ + β, of the shape of x.
    pub fn forward(&self, x: &Matrix, training: bool) -> Matrix {
        let y = self.normalize(x, training).0 * &self.gamma + &self.beta;
        rows_of(&y, x.ncols())
    }

    /// ∂L/∂x = γ/√(σ² + ε) (g − (∂L/∂β + x̂ ∂L/∂γ)/N); ∂L/∂γ = Σᵢ gᵢ x̂ᵢ, ∂L/∂β = Σᵢ gᵢ. The terms that
    /// are subtracted from g are there because μ and σ² depend on x, which they do only during training.
    pub fn backward(&self, x: &Matrix, g: &Matrix, training: bool) -> (Matrix, Vec<Matrix>) {
        let (normalized, deviation) = self.normalize(x, training);
        let g = rows_of(g, self.gamma.ncols());
        let (dgamma, dbeta) = (sum(&(&g * &normalized)), sum(&g));
        let share = if training {
            1.0 / g.nrows() as f64
        } else {
            0.0
        };
        let dx = &self.gamma / deviation * (g - share * (&dbeta + normalized * &dgamma));
        (rows_of(&dx, x.ncols()), vec![dgamma, dbeta])
    }

    /// Updates the moving averages: moving ← 0.99 moving + 0.01 batch, after each training step.
    pub fn update_moving(&mut self, x: &Matrix) {
        let (mean, variance) = mean_and_variance(&rows_of(x, self.gamma.ncols()));
        self.moving_mean = 0.99 * &self.moving_mean + 0.01 * mean;
        self.moving_variance = 0.99 * &self.moving_variance + 0.01 * variance;
    }
}

/// Layer normalization: as [`BatchNorm`], but with each sample's own mean and variance over its n features, in training
/// and afterwards alike (Ba, Kiros, Hinton 2016). With n the channels of images each pixel is normalized for itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// γ (1, n)
    pub gamma: Matrix,
    /// β (1, n)
    pub beta: Matrix,
}

impl LayerNorm {
    /// x̂ is what a [`BatchNorm`] with γ = 1 and β = 0 makes of the transposed matrix, with a sample in each column.
    fn transposed(&self, x: &Matrix) -> (BatchNorm, Matrix) {
        let x = rows_of(x, self.gamma.ncols());
        (BatchNorm::new(x.nrows()), x.t().to_owned())
    }

    /// y = γ x̂ + β, of the shape of x.
    pub fn forward(&self, x: &Matrix) -> Matrix {
        let (norm, columns) = self.transposed(x);
        let y = norm.forward(&columns, true).reversed_axes() * &self.gamma + &self.beta;
        rows_of(&y, x.ncols())
    }

    /// ∂L/∂x̂ = γ g, and from it ∂L/∂x as in batch normalization; ∂L/∂γ = Σᵢ gᵢ x̂ᵢ, ∂L/∂β = Σᵢ gᵢ.
    pub fn backward(&self, x: &Matrix, g: &Matrix) -> (Matrix, Vec<Matrix>) {
        let ((norm, columns), g) = (self.transposed(x), rows_of(g, self.gamma.ncols()));
        let normalized = norm.forward(&columns, true).reversed_axes();
        let scaled = (&g * &self.gamma).reversed_axes();
        let dx = norm.backward(&columns, &scaled, true).0.reversed_axes();
        (
            rows_of(&dx, x.ncols()),
            vec![sum(&(&g * &normalized)), sum(&g)],
        )
    }
}
