//! Batch normalization: each feature gets mean 0 and variance 1 over the batch, then a trained scale and shift.

use super::*;

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

impl Layer for BatchNorm {
    fn kind(&self) -> (&'static str, &'static str) {
        ("BatchNormalization", "batch_normalization")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        check_flat(name, input, "put .flatten() before it")?;
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<ParameterSpec> {
        let array = |name, initial, trainable| ParameterSpec {
            name,
            shape: input.to_vec(),
            initial: Initial::Constant(initial),
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
    fn forward(&self, context: Context<'_>, own: &[Parameter], cache: &mut Cache) {
        let (input, features) = (context.pass.input, context.spec.inputs);
        let [gamma, beta, moving_mean, moving_variance] = own else {
            return;
        };
        // μ and σ², and space for dγ and dβ of the backward pass.
        cache.scratch.resize(4 * features, 0.0);
        let (mean, variance) = cache.scratch[..2 * features].split_at_mut(features);
        if context.pass.mode == Mode::Inference {
            mean.copy_from_slice(&moving_mean.value);
            variance.copy_from_slice(&moving_variance.value);
        } else {
            statistics(input, mean, variance);
        }
        cache.kept.resize(input.len(), 0.0);
        cache.output.resize(input.len(), 0.0);
        let outputs = cache.output.chunks_exact_mut(features);
        let standardized = cache.kept.chunks_exact_mut(features);
        for ((x, x_hat), y) in input.chunks_exact(features).zip(standardized).zip(outputs) {
            for j in 0..features {
                x_hat[j] = (x[j] - mean[j]) / (variance[j] + EPSILON).sqrt();
                y[j] = gamma.value[j] * x_hat[j] + beta.value[j];
            }
        }
    }

    /// dγ = Σ dy ⊙ x̂, dβ = Σ dy, and dx = γ / √(σ² + ε) · (dy − mean(dy) − x̂ · mean(dy ⊙ x̂)) in training, where μ and
    /// σ² depend on x; in inference they do not, and dx = γ / √(σ² + ε) · dy.
    fn backward(
        &self,
        context: Context<'_>,
        cache: &mut Cache,
        back: &mut Backward,
        mut own: Gradients<'_>,
    ) {
        let (features, gamma) = (context.spec.inputs, own.value(0));
        let (statistics, sums) = cache.scratch.split_at_mut(2 * features);
        sums.fill(0.0);
        let (d_gamma, d_beta) = sums.split_at_mut(features);
        let rows = back.gradient.chunks_exact(features);
        for (dy, x_hat) in rows.zip(cache.kept.chunks_exact(features)) {
            for j in 0..features {
                d_gamma[j] += dy[j] * x_hat[j];
                d_beta[j] += dy[j];
            }
        }
        let variance = &statistics[features..];
        let factor = match context.pass.mode {
            Mode::Inference => 0.0,
            Mode::Training { .. } => 1.0 / context.rows() as f32,
        };
        let rows = back.gradient.chunks_exact_mut(features);
        for (dy, x_hat) in rows.zip(cache.kept.chunks_exact(features)) {
            for j in 0..features {
                let through_statistics = factor * (d_beta[j] + x_hat[j] * d_gamma[j]);
                let scale = gamma[j] / (variance[j] + EPSILON).sqrt();
                dy[j] = scale * (dy[j] - through_statistics);
            }
        }
        own.take(0, d_gamma, context.pass.threads);
        own.take(1, d_beta, context.pass.threads);
    }

    fn update_running_stats(&self, own: &mut [Parameter], cache: &Cache) {
        let [_, _, mean, variance] = own else {
            return;
        };
        let running = mean.value.iter_mut().chain(&mut variance.value);
        for (running, batch) in running.zip(&cache.scratch) {
            *running = MOMENTUM * *running + (1.0 - MOMENTUM) * batch;
        }
    }
}
