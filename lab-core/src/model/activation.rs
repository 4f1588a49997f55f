//! The activation functions of a layer, by name.

use serde::{Deserialize, Serialize};

use crate::compute::{self, Threads};
use crate::names::named;

/// What a layer does to each of its sums z.
///
/// ```
/// use lab_core::prelude::*;
/// assert_eq!("leaky_relu".parse::<Activation>()?, Activation::LeakyRelu);
/// assert!("rleu".parse::<Activation>().unwrap_err().to_string().contains("did you mean `relu`"));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// z itself.
    Linear,
    /// max(z, 0) (Nair and Hinton, 2010).
    Relu,
    /// z for z > 0, 0.2 z otherwise (Maas, Hannun and Ng, 2013; Keras's slope).
    LeakyRelu,
    /// z for z > 0, eᶻ − 1 otherwise (Clevert, Unterthiner and Hochreiter, 2016).
    Elu,
    /// z Φ(z), with the normal distribution function itself, not the approximation by tanh (Hendrycks and Gimpel, 2016).
    Gelu,
    /// 1 / (1 + e⁻ᶻ).
    Sigmoid,
    /// (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ).
    Tanh,
    /// eᶻ / Σ eᶻ over the units of the layer: probabilities.
    Softmax,
}

/// Keras's slope of leaky ReLU.
const SLOPE: f32 = 0.2;

named!(Activation, "activation", 8, {
    Linear => "linear",
    Relu => "relu",
    LeakyRelu => "leaky_relu",
    Elu => "elu",
    Gelu => "gelu",
    Sigmoid => "sigmoid",
    Tanh => "tanh",
    Softmax => "softmax",
});

impl Activation {
    /// Whether the value or the gradient needs z after a = f(z) is known: softmax because a loss may start from z.
    pub(super) fn keeps_z(self) -> bool {
        matches!(self, Self::Gelu | Self::Softmax)
    }

    /// z ← f(z), for the functions that need no z afterwards.
    pub(super) fn forward_in_place(self, z: &mut [f32]) {
        match self {
            Self::Linear | Self::Gelu | Self::Softmax => {}
            Self::Relu => compute::relu(z, 0.0),
            Self::LeakyRelu => compute::relu(z, SLOPE),
            Self::Elu => compute::elu(z),
            Self::Sigmoid => compute::sigmoid(z),
            Self::Tanh => compute::tanh(z),
        }
    }

    /// a = f(z), for the functions that keep z; `units` numbers a row.
    pub(super) fn forward(self, z: &[f32], a: &mut [f32], units: usize) {
        if self == Self::Gelu {
            return compute::gelu(z, a);
        }
        a.copy_from_slice(z);
        if self == Self::Softmax {
            compute::softmax_rows(a, units);
        }
    }

    /// Turns the gradient with respect to a into the one with respect to z; `z` is empty where it was not kept.
    pub(super) fn backward(self, z: &[f32], a: &[f32], gradient: &mut [f32], units: usize, threads: &Threads) {
        match self {
            Self::Linear => {}
            Self::Relu => threads.pieces(a, [gradient], |a, [g]| compute::relu_backward(a, g, 0.0)),
            Self::LeakyRelu => threads.pieces(a, [gradient], |a, [g]| compute::relu_backward(a, g, SLOPE)),
            Self::Elu => threads.pieces(a, [gradient], |a, [g]| compute::elu_backward(a, g)),
            Self::Gelu => threads.pieces(z, [gradient], |z, [g]| compute::gelu_backward(z, g)),
            Self::Sigmoid => threads.pieces(a, [gradient], |a, [g]| compute::sigmoid_backward(a, g)),
            Self::Tanh => threads.pieces(a, [gradient], |a, [g]| compute::tanh_backward(a, g)),
            Self::Softmax => compute::softmax_rows_backward(a, gradient, units),
        }
    }
}
