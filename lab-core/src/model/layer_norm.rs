//! Layer normalization: each example's features get mean 0 and variance 1, then a trained scale and shift.

use super::*;

/// y = γ (x − μ) / √(σ² + ε) + β over the features of each example (Ba, Kiros and Hinton, 2016); of images, over the channels
/// of each pixel. ε is 0.001. All as in Keras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerNorm {}

const EPSILON: f64 = 1e-3;

/// The mean and √(σ² + ε) of a row, computed in double precision.
fn statistics(x: &[f32]) -> [f32; 2] {
    let (n, x) = (x.len() as f64, x.iter().map(|&x| f64::from(x)));
    let mean = x.clone().sum::<f64>() / n;
    let variance = x.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    [mean as f32, (variance + EPSILON).sqrt() as f32]
}

impl Layer for LayerNorm {
    fn kind(&self) -> (&'static str, &'static str) {
        ("LayerNormalization", "layer_normalization")
    }

    fn parameters(&self, input: &[usize]) -> Vec<Parameter> {
        let array = |name, it| Parameter::new(name, &[last_axis(input)], it);
        vec![array("gamma", 1.0), array("beta", 0.0)]
    }

    /// x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β.
    fn forward(&self, context: Context<'_>, own: &[Parameter], cache: &mut Cache) {
        let (gamma, beta) = (&own[0].value, &own[1].value);
        let (input, features, threads) = (context.pass.input, gamma.len(), context.pass.threads);
        let x_hat = &mut cache.kept;
        x_hat.resize(input.len(), 0.0);
        threads.chunks(x_hat, PIECE * features, |piece, x_hat| {
            let rows = input[piece * PIECE * features..].chunks_exact(features);
            for (x_hat, x) in x_hat.chunks_exact_mut(features).zip(rows) {
                let [mean, deviation] = statistics(x);
                let pairs = x_hat.iter_mut().zip(x);
                pairs.for_each(|(x_hat, x)| *x_hat = (x - mean) / deviation);
            }
        });
        cache.output.resize(input.len(), 0.0);
        threads.chunks(&mut cache.output, PIECE * features, |piece, output| {
            let rows = cache.kept[piece * PIECE * features..].chunks_exact(features);
            for (y, x_hat) in output.chunks_exact_mut(features).zip(rows) {
                for j in 0..features {
                    y[j] = gamma[j] * x_hat[j] + beta[j];
                }
            }
        });
    }

    /// dγ = Σ dy ⊙ x̂, dβ = Σ dy, and with h = γ ⊙ dy: dx = (h − mean(h) − x̂ · mean(h ⊙ x̂)) / √(σ² + ε).
    fn backward(&self, context: Context, cache: &mut Cache, back: &mut Backward, own: Gradients) {
        let mut own = own;
        let (input, x_hat, threads) = (context.pass.input, &cache.kept, context.pass.threads);
        let (gamma, gradient) = (own.value(0).to_vec(), &mut back.gradient);
        let (features, rows) = (gamma.len(), x_hat.len() / gamma.len());
        let sums = sum_rows(rows, SHARD, 2 * features, threads, |row, sums| {
            for j in 0..features {
                let dy = gradient[row * features + j];
                sums[j] += dy * x_hat[row * features + j];
                sums[features + j] += dy;
            }
        });
        threads.chunks(gradient, PIECE * features, |piece, gradient| {
            for (row, dy) in gradient.chunks_exact_mut(features).enumerate() {
                let row = (piece * PIECE + row) * features..(piece * PIECE + row + 1) * features;
                let (x_hat, [_, deviation]) = (&x_hat[row.clone()], statistics(&input[row]));
                let (mut sum, mut product) = (0.0, 0.0);
                for j in 0..features {
                    dy[j] *= gamma[j];
                    sum += f64::from(dy[j]);
                    product += f64::from(dy[j] * x_hat[j]);
                }
                let [sum, product] = [sum, product].map(|it| (it / features as f64) as f32);
                for j in 0..features {
                    dy[j] = (dy[j] - sum - x_hat[j] * product) / deviation;
                }
            }
        });
        own.take(0, &sums[..features], threads);
        own.take(1, &sums[features..], threads);
    }
}
