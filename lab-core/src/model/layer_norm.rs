//! Layer normalization: each example's features get mean 0 and variance 1, then a trained scale and shift.

use serde::{Deserialize, Serialize};

use super::batch_norm::PIECE;
use super::gradients::Gradients;
use super::layer::{Backward, Cache, Context, Initial, Layer, Parameter, ParameterSpec, last_axis};
use super::sums::{SHARD, sum_rows};
use crate::error::Result;

/// y = γ (x − μ) / √(σ² + ε) + β over the features of each example (Ba, Kiros and Hinton, 2016); of images, over the channels
/// of each pixel. ε is 0.001. All as in Keras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerNorm {}

const EPSILON: f64 = 1e-3;

/// The mean and √(σ² + ε) of a row, computed in double precision.
fn statistics(x: &[f32]) -> [f32; 2] {
    let mean_of = |f: &dyn Fn(f64) -> f64| {
        let sum: f64 = x.iter().map(|&x| f(x.into())).sum();
        sum / x.len() as f64
    };
    let mean = mean_of(&|x| x);
    let variance = mean_of(&|x| (x - mean) * (x - mean));
    [mean as f32, (variance + EPSILON).sqrt() as f32]
}

impl Layer for LayerNorm {
    fn kind(&self) -> (&'static str, &'static str) {
        ("LayerNormalization", "layer_normalization")
    }

    fn output_shape(&self, _: &str, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<ParameterSpec> {
        let array = |name, initial| ParameterSpec {
            name,
            shape: vec![last_axis(input)],
            initial: Initial::Constant(initial),
            trainable: true,
            l2: 0.0,
        };
        vec![array("gamma", 1.0), array("beta", 0.0)]
    }

    /// x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β.
    fn forward(&self, context: Context<'_>, own: &[Parameter], cache: &mut Cache) {
        let (gamma, beta) = (&own[0].value, &own[1].value);
        let (input, features, threads) = (context.pass.input, gamma.len(), context.pass.threads);
        // The mean and the deviation of each row.
        cache.kept.resize(2 * input.len() / features, 0.0);
        threads.chunks(&mut cache.kept, 2 * PIECE, |number, kept| {
            let rows = input[number * PIECE * features..].chunks_exact(features);
            let kept = kept.as_chunks_mut().0.iter_mut();
            kept.zip(rows).for_each(|(kept, x)| *kept = statistics(x));
        });
        let kept = &cache.kept;
        cache.output.resize(input.len(), 0.0);
        threads.chunks(&mut cache.output, PIECE * features, |number, output| {
            for (row, y) in output.chunks_exact_mut(features).enumerate() {
                let (x, mean, deviation) = row_of(input, kept, number * PIECE + row, features);
                for j in 0..features {
                    y[j] = gamma[j] * ((x[j] - mean) / deviation) + beta[j];
                }
            }
        });
    }

    /// dγ = Σ dy ⊙ x̂, dβ = Σ dy, and with h = γ ⊙ dy: dx = (h − mean(h) − x̂ · mean(h ⊙ x̂)) / √(σ² + ε).
    fn backward(
        &self,
        context: Context<'_>,
        cache: &mut Cache,
        back: &mut Backward,
        mut own: Gradients<'_>,
    ) {
        let (input, kept, threads) = (context.pass.input, &cache.kept, context.pass.threads);
        let (gamma, gradient) = (own.value(0).to_vec(), &mut back.gradient);
        let (features, rows) = (gamma.len(), kept.len() / 2);
        let sums = sum_rows(rows, SHARD, 2 * features, threads, |row, sums| {
            let (x, mean, deviation) = row_of(input, kept, row, features);
            let dy = &gradient[row * features..][..features];
            for j in 0..features {
                sums[j] += dy[j] * ((x[j] - mean) / deviation);
                sums[features + j] += dy[j];
            }
        });
        threads.chunks(gradient, PIECE * features, |number, gradient| {
            for (row, dy) in gradient.chunks_exact_mut(features).enumerate() {
                let (x, mean, deviation) = row_of(input, kept, number * PIECE + row, features);
                let (mut sum, mut product) = (0.0, 0.0);
                for j in 0..features {
                    dy[j] *= gamma[j];
                    sum += f64::from(dy[j]);
                    product += f64::from(dy[j] * ((x[j] - mean) / deviation));
                }
                let [sum, product] = [sum, product].map(|it| (it / features as f64) as f32);
                for j in 0..features {
                    let x_hat = (x[j] - mean) / deviation;
                    dy[j] = (dy[j] - sum - x_hat * product) / deviation;
                }
            }
        });
        own.take(0, &sums[..features], threads);
        own.take(1, &sums[features..], threads);
    }
}

/// Row number `row` of the input, with its mean and deviation.
fn row_of<'a>(
    input: &'a [f32],
    kept: &[f32],
    row: usize,
    features: usize,
) -> (&'a [f32], f32, f32) {
    let x = &input[row * features..][..features];
    (x, kept[2 * row], kept[2 * row + 1])
}
