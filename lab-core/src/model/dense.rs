//! The fully connected layer: a = f(x W + b).

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::initializer::Initializer;
use super::layer::{Cache, Flow, Here, Mathematics, Parameter, ParameterPlan, Start};
use super::learn::Learning;
use crate::compute::{self, MatRef};
use crate::error::{LabError, Result};

/// A fully connected layer of `units` outputs: a = f(x W + b), with x of shape (batch, inputs), W of (inputs, units).
///
/// ```
/// use lab_core::prelude::*;
/// let model = Sequential::new([32, 32, 3])
///     .flatten()
///     .layer(Dense::new(64, Activation::Relu).initializer(Initializer::HeNormal).l2(0.001))
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// assert_eq!(model.parameter_count(), 3072 * 64 + 64 + 64 * 10 + 10);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    units: usize,
    activation: Activation,
    initializer: Initializer,
    l2: f32,
}

impl Dense {
    /// A layer with Keras's defaults: kernel Glorot uniform, bias 0, no penalty.
    pub fn new(units: usize, activation: Activation) -> Self {
        Self {
            units,
            activation,
            initializer: Initializer::default(),
            l2: 0.0,
        }
    }

    /// How the kernel is drawn.
    pub fn initializer(self, initializer: Initializer) -> Self {
        Self {
            initializer,
            ..self
        }
    }

    /// Adds λ Σ w² over the kernel to the loss, and so 2 λ w to its gradient (weight decay, Krogh and Hertz, 1992).
    pub fn l2(self, lambda: f32) -> Self {
        Self { l2: lambda, ..self }
    }

    pub(crate) fn activation(&self) -> Activation {
        self.activation
    }
}

impl Mathematics for Dense {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Dense", "dense")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() != 1 {
            let remedy = "put .flatten() before the first dense layer";
            return Err(LabError::shape(
                name,
                format!("{input:?}"),
                "one row of numbers, like [3072]",
                remedy,
            ));
        }
        if self.units == 0 {
            return Err(LabError::value(
                format!("{name}: units"),
                "0",
                "at least 1",
                "say how wide the layer is",
            ));
        }
        if !(self.l2 >= 0.0 && self.l2.is_finite()) {
            let found = self.l2.to_string();
            return Err(LabError::value(
                format!("{name}: l2"),
                found,
                "0 or more",
                "0.001 is a usual penalty",
            ));
        }
        Ok(vec![self.units])
    }

    fn parameters(&self, input: &[usize]) -> Vec<ParameterPlan> {
        let array = |name, shape, start, l2| ParameterPlan {
            name,
            shape,
            start,
            trainable: true,
            l2,
        };
        vec![
            array(
                "kernel",
                vec![input[0], self.units],
                Start::Drawn(self.initializer),
                self.l2,
            ),
            array("bias", vec![self.units], Start::Constant(0.0), 0.0),
        ]
    }

    /// z = x W + b, a = f(z).
    fn forward(&self, here: Here<'_>, own: &[Parameter], cache: &mut Cache) {
        let (rows, threads) = (here.rows(), here.pass.threads);
        let (kernel, bias) = (&own[0].value, &own[1].value);
        let Cache { output, kept, .. } = cache;
        let sums = if self.activation.keeps_z() {
            &mut *kept
        } else {
            &mut *output
        };
        sums.resize(rows * self.units, 0.0);
        let x = MatRef::new(here.input, rows, here.place.inputs);
        let kernel = MatRef::new(kernel, here.place.inputs, self.units);
        compute::product(x, kernel, sums, threads, |_, column, z| {
            z.iter_mut().zip(&bias[column..]).for_each(|(z, b)| *z += b);
            self.activation.forward_in_place(z);
        });
        if self.activation.keeps_z() {
            output.resize(rows * self.units, 0.0);
            self.activation.forward(kept, output, self.units);
        }
    }

    /// dz = da ⊙ f′(z), then dx = dz Wᵀ, dW = xᵀ dz + 2 λ W, db = Σ dz over the batch.
    fn backward(&self, here: Here<'_>, cache: &mut Cache, flow: &mut Flow, mut own: Learning<'_>) {
        let (rows, inputs, threads) = (here.rows(), here.place.inputs, here.pass.threads);
        if !flow.at_logits {
            self.activation.backward(
                &cache.kept,
                &cache.output,
                &mut flow.gradient,
                self.units,
                threads,
            );
        }
        if flow.to_input {
            let kernel = MatRef::new(own.value(0), inputs, self.units);
            flow.spare.resize(rows * inputs, 0.0);
            let gradient = MatRef::new(&flow.gradient, rows, self.units);
            compute::product(
                gradient,
                kernel.transposed(),
                &mut flow.spare,
                threads,
                |_, _, _| (),
            );
        }
        let (x, dz) = (
            MatRef::new(here.input, rows, inputs),
            MatRef::new(&flow.gradient, rows, self.units),
        );
        own.take_product(0, x.transposed(), dz, threads);
        cache.scratch.clear();
        cache.scratch.resize(self.units, 0.0);
        for row in flow.gradient.chunks_exact(self.units) {
            cache
                .scratch
                .iter_mut()
                .zip(row)
                .for_each(|(sum, g)| *sum += g);
        }
        own.take(1, &cache.scratch, threads);
        std::mem::swap(&mut flow.gradient, &mut flow.spare);
    }
}
