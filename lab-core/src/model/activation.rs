//! The activation functions of a layer, by name.

use super::*;

/// The function f of a layer: a = f(z), with the pre-activations z.
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
    /// f(z) of each number, as the layers compute it.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// assert_eq!(Activation::LeakyRelu.values(&[-1.0, 2.0])?, [-0.2, 2.0]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for softmax, which is no function of a single z.
    pub fn values(self, z: &[f32]) -> Result<Vec<f32>> {
        if self == Self::Softmax {
            let (found, expected) = ("softmax", "a function of a single z");
            let remedy = "for two classes softmax is sigmoid: take that";
            return Err(LabError::value("activation", found, expected, remedy));
        }
        let mut a = Vec::new();
        self.forward(z, &mut a, 1, &Threads::one());
        Ok(a)
    }

    /// f′(z) of each number, as the layers compute it; at a kink the one of its left side.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// assert_eq!(Activation::Relu.derivatives(&[-1.0, 2.0])?, [0.0, 1.0]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Activation::values`].
    pub fn derivatives(self, z: &[f32]) -> Result<Vec<f32>> {
        let a = self.values(z)?;
        let mut back = Backward::default();
        back.gradient.resize(z.len(), 1.0);
        self.backward(z, &a, &mut back, 1, &Threads::one());
        Ok(back.gradient)
    }

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

    /// a = f(z); `units` numbers a row.
    pub(super) fn forward(self, z: &[f32], a: &mut Vec<f32>, units: usize, threads: &Threads) {
        a.resize(z.len(), 0.0);
        match self {
            Self::Gelu => threads.pieces(z, a, compute::gelu),
            Self::Softmax => {
                a.copy_from_slice(z);
                compute::softmax_rows(a, units);
            }
            _ => threads.pieces(z, a, |z, a| {
                a.copy_from_slice(z);
                self.forward_in_place(a);
            }),
        }
    }

    /// Turns the gradient with respect to a into the one with respect to z, unless it is that already; `z` is empty
    /// where it was not kept.
    pub(super) fn backward(
        self,
        z: &[f32],
        a: &[f32],
        back: &mut Backward,
        units: usize,
        threads: &Threads,
    ) {
        let dz = &mut back.gradient;
        match self {
            _ if back.at_logits => {}
            Self::Linear => {}
            Self::Relu => threads.pieces(a, dz, |a, g| compute::relu_backward(a, g, 0.0)),
            Self::LeakyRelu => threads.pieces(a, dz, |a, g| compute::relu_backward(a, g, SLOPE)),
            Self::Elu => threads.pieces(a, dz, compute::elu_backward),
            Self::Gelu => threads.pieces(z, dz, compute::gelu_backward),
            Self::Sigmoid => threads.pieces(a, dz, compute::sigmoid_backward),
            Self::Tanh => threads.pieces(a, dz, compute::tanh_backward),
            Self::Softmax => compute::softmax_rows_backward(a, dz, units),
        }
    }
}

/// As a layer of its own: a = f(x), with softmax over the last axis.
impl Layer for Activation {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Activation", "activation")
    }

    fn forward(&self, context: Context<'_>, _: &[Parameter], cache: &mut Cache) {
        let (x, threads) = (context.pass.input, context.pass.threads);
        if *self == Self::Softmax {
            // The logits, from which a loss may start.
            x.clone_into(&mut cache.kept);
        }
        let units = last_axis(&context.spec.input_shape);
        (*self).forward(x, &mut cache.output, units, threads);
    }

    fn backward(&self, context: Context, cache: &mut Cache, back: &mut Backward, _: Gradients) {
        let (x, threads) = (context.pass.input, context.pass.threads);
        let units = last_axis(&context.spec.input_shape);
        (*self).backward(x, &cache.output, back, units, threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_the_slopes_of_the_functions() {
        let z: Vec<f32> = (-40..40).map(|i| (i as f32 + 0.5) / 10.0).collect();
        for kind in Activation::ALL
            .into_iter()
            .filter(|kind| *kind != Activation::Softmax)
        {
            let moved = |by: f32| {
                kind.values(&z.iter().map(|z| z + by).collect::<Vec<_>>())
                    .unwrap()
            };
            let (above, below, slopes) = (moved(1e-2), moved(-1e-2), kind.derivatives(&z).unwrap());
            for ((above, below), slope) in above.iter().zip(&below).zip(&slopes) {
                assert!(
                    ((above - below) / 2e-2 - slope).abs() < 1e-3,
                    "{kind}: {slope}"
                );
            }
        }
        assert!(
            Activation::Softmax
                .values(&z)
                .unwrap_err()
                .to_string()
                .contains("sigmoid")
        );
    }
}
