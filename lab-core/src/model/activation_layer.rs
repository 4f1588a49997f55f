//! An activation as a layer of its own, as after a batch normalization.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::gradients::Gradients;
use super::layer::{Backward, Cache, Context, Layer, Parameter, last_axis};
use crate::error::Result;

/// Applies f to each number, a = f(x); softmax to the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationLayer {
    /// f.
    pub activation: Activation,
}

impl Layer for ActivationLayer {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Activation", "activation")
    }

    fn output_shape(&self, _: &str, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// a = f(x).
    fn forward(&self, context: Context<'_>, _: &[Parameter], cache: &mut Cache) {
        let pass = context.pass;
        if self.activation == Activation::Softmax {
            // The logits, from which a loss may start.
            pass.input.clone_into(&mut cache.kept);
        }
        cache.output.resize(pass.input.len(), 0.0);
        let output = &mut cache.output;
        self.activation.forward(
            pass.input,
            output,
            last_axis(&context.spec.input_shape),
            pass.threads,
        );
    }

    /// dx = da ⊙ f′(x).
    fn backward(
        &self,
        context: Context<'_>,
        cache: &mut Cache,
        back: &mut Backward,
        _: Gradients<'_>,
    ) {
        let (x, threads) = (context.pass.input, context.pass.threads);
        if !back.at_logits {
            let (units, dx) = (last_axis(&context.spec.input_shape), &mut back.gradient);
            self.activation
                .backward(x, &cache.output, dx, units, threads);
        }
    }
}
