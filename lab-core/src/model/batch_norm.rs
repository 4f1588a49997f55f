//! Batch normalization: each input gets mean 0 and variance 1 over the batch, then a scale and a shift that are learnt.

use serde::{Deserialize, Serialize};

use super::layer::{Cache, Flow, Here, Mathematics, Parameter, ParameterPlan, Start};
use super::learn::Learning;
use crate::error::{LabError, Result};

/// y = γ (x − μ) / √(σ² + ε) + β for each feature (Ioffe and Szegedy, 2015).
///
/// While training μ and σ² are the batch's own (σ² divided by the batch size); otherwise they are moving averages of
/// those, kept with momentum 0.99. ε is 0.001. All as in Keras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {}

const MOMENTUM: f32 = 0.99;
const EPSILON: f32 = 1e-3;

/// The mean and the biased variance of each column of `input`.
fn statistics(input: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let features = mean.len();
    let count = (input.len() / features) as f32;
    mean.fill(0.0);
    variance.fill(0.0);
    for row in input.chunks_exact(features) {
        mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    mean.iter_mut().for_each(|sum| *sum /= count);
    for row in input.chunks_exact(features) {
        for ((sum, x), mean) in variance.iter_mut().zip(row).zip(&*mean) {
            *sum += (x - mean) * (x - mean);
        }
    }
    variance.iter_mut().for_each(|sum| *sum /= count);
}

impl Mathematics for BatchNorm {
    fn kind(&self) -> (&'static str, &'static str) {
        ("BatchNormalization", "batch_normalization")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() != 1 {
            let remedy = "put .flatten() before it";
            return Err(LabError::shape(
                name,
                format!("{input:?}"),
                "one row of numbers, like [3072]",
                remedy,
            ));
        }
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<ParameterPlan> {
        let array = |name, start, trainable| ParameterPlan {
            name,
            shape: input.to_vec(),
            start: Start::Constant(start),
            trainable,
            l2: 0.0,
        };
        vec![
            array("gamma", 1.0, true),
            array("beta", 0.0, true),
            array("moving_mean", 0.0, false),
            array("moving_variance", 1.0, false),
        ]
    }

    /// x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β.
    fn forward(&self, here: Here<'_>, own: &[Parameter], cache: &mut Cache) {
        let (input, features) = (here.input, here.place.inputs);
        let [gamma, beta, moving_mean, moving_variance] = own else {
            return;
        };
        let Cache {
            output,
            kept,
            scratch,
            ..
        } = cache;
        // μ and σ², and room for dγ and dβ on the way back.
        scratch.resize(4 * features, 0.0);
        let (mean, variance) = scratch[..2 * features].split_at_mut(features);
        if here.pass.training.is_some() {
            statistics(input, mean, variance);
        } else {
            mean.copy_from_slice(&moving_mean.value);
            variance.copy_from_slice(&moving_variance.value);
        }
        kept.resize(input.len(), 0.0);
        output.resize(input.len(), 0.0);
        let rows = input
            .chunks_exact(features)
            .zip(kept.chunks_exact_mut(features));
        for ((x, standard), y) in rows.zip(output.chunks_exact_mut(features)) {
            for j in 0..features {
                standard[j] = (x[j] - mean[j]) / (variance[j] + EPSILON).sqrt();
                y[j] = gamma.value[j] * standard[j] + beta.value[j];
            }
        }
    }

    /// dγ = Σ dy ⊙ x̂, dβ = Σ dy, and dx = γ / √(σ² + ε) · (dy − mean(dy) − x̂ · mean(dy ⊙ x̂)), since μ and σ² depend
    /// on x too; they do not when the network is used.
    fn backward(&self, here: Here<'_>, cache: &mut Cache, flow: &mut Flow, mut own: Learning<'_>) {
        let (features, gamma) = (here.place.inputs, own.value(0));
        let (statistics, sums) = cache.scratch.split_at_mut(2 * features);
        sums.fill(0.0);
        let (gamma_gradient, beta_gradient) = sums.split_at_mut(features);
        for (dy, standard) in flow
            .gradient
            .chunks_exact(features)
            .zip(cache.kept.chunks_exact(features))
        {
            for j in 0..features {
                gamma_gradient[j] += dy[j] * standard[j];
                beta_gradient[j] += dy[j];
            }
        }
        let variance = &statistics[features..];
        let count = (flow.gradient.len() / features) as f32;
        let depends = if here.pass.training.is_some() {
            1.0 / count
        } else {
            0.0
        };
        for (dy, standard) in flow
            .gradient
            .chunks_exact_mut(features)
            .zip(cache.kept.chunks_exact(features))
        {
            for j in 0..features {
                let through_statistics =
                    depends * (beta_gradient[j] + standard[j] * gamma_gradient[j]);
                let scale = gamma[j] / (variance[j] + EPSILON).sqrt();
                dy[j] = scale * (dy[j] - through_statistics);
            }
        }
        own.take(0, gamma_gradient, here.pass.threads);
        own.take(1, beta_gradient, here.pass.threads);
    }

    fn learn(&self, parameters: &mut [Parameter], cache: &Cache) {
        let [_, _, moving_mean, moving_variance] = parameters else {
            return;
        };
        let seen = moving_mean
            .value
            .iter_mut()
            .chain(&mut moving_variance.value)
            .zip(&cache.scratch);
        seen.for_each(|(moving, batch)| *moving = MOMENTUM * *moving + (1.0 - MOMENTUM) * batch);
    }
}
