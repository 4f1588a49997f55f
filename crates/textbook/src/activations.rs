//! Activations a = σ(z), each with its derivative beside it.

use std::f64::consts::{PI, SQRT_2};

use crate::Matrix;
use ndarray::Axis;

/// An activation of the pre-activations z (N, n); all but softmax act on each element alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// z
    Linear,
    /// max(z, 0)
    Relu,
    /// z where z > 0, else 0.2 z (Maas, Hannun, Ng 2013)
    LeakyRelu,
    /// z where z > 0, else eᶻ − 1 (Clevert, Unterthiner, Hochreiter 2016)
    Elu,
    /// z Φ(z) with the exact normal distribution function Φ (Hendrycks, Gimpel 2016)
    Gelu,
    /// 1 / (1 + e⁻ᶻ)
    Sigmoid,
    /// tanh z
    Tanh,
    /// eᶻᵏ / Σⱼ eᶻʲ over each row
    Softmax,
}

impl Activation {
    /// z ↦ (σ(z), σ′(z)); none for softmax, where each output depends on the whole row.
    fn value_and_slope(self) -> Option<fn(f64) -> (f64, f64)> {
        Some(match self {
            Self::Linear => |z| (z, 1.0),
            Self::Relu => |z| if z > 0.0 { (z, 1.0) } else { (0.0, 0.0) },
            Self::LeakyRelu => |z| if z > 0.0 { (z, 1.0) } else { (0.2 * z, 0.2) },
            Self::Elu => |z| {
                if z > 0.0 {
                    (z, 1.0)
                } else {
                    (z.exp_m1(), z.exp())
                }
            },
            Self::Gelu => |z| {
                let distribution = 0.5 * libm::erfc(-z / SQRT_2); // Φ(z) = (1 + erf(z/√2)) / 2
                let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt(); // Φ′(z)
                (z * distribution, distribution + z * density)
            },
            Self::Sigmoid => |z| (1.0 / (1.0 + (-z).exp()), 1.0 / (2.0 + z.exp() + (-z).exp())),
            Self::Tanh => |z| (z.tanh(), 1.0 - z.tanh().powi(2)),
            Self::Softmax => return None,
        })
    }

    /// a = σ(z), shape (N, n) like z.
    pub fn forward(self, z: &Matrix) -> Matrix {
        self.value_and_slope()
            .map_or_else(|| softmax(z), |f| z.mapv(|z| f(z).0))
    }

    /// ∂L/∂z = g ∘ σ′(z); for softmax J g in each row, with the Jacobian J = diag(a) − a aᵀ: a ∘ (g − aᵀg).
    pub fn backward(self, z: &Matrix, g: &Matrix) -> Matrix {
        assert_eq!(
            z.dim(),
            g.dim(),
            "the gradient has the shape of the activation"
        );
        if let Some(f) = self.value_and_slope() {
            return g * z.mapv(|z| f(z).1);
        }
        let a = softmax(z);
        let product = (&a * g).sum_axis(Axis(1)).insert_axis(Axis(1));
        a * (g - product)
    }
}

/// pₖ = eᶻᵏ / Σⱼ eᶻʲ in each row of z (N, K).
pub fn softmax(z: &Matrix) -> Matrix {
    log_softmax(z).exp()
}

/// ln pₖ = zₖ − ln Σⱼ eᶻʲ in each row; the row's maximum is subtracted first, so that nothing overflows.
pub(crate) fn log_softmax(z: &Matrix) -> Matrix {
    let mut log_p = z.clone();
    for mut row in log_p.outer_iter_mut() {
        row -= row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        row -= row.exp().sum().ln();
    }
    log_p
}
