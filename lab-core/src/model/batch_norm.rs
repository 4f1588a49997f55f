//! Batch normalization: each feature gets mean 0 and variance 1 over the batch, then a trained scale and shift.

use super::*;

/// y = γ (x − μ) / √(σ² + ε) + β for each feature, or for each channel of images (Ioffe and Szegedy, 2015).
///
/// While training μ and σ² are those of the batch, over its examples or all their pixels (σ² divided by their number);
/// otherwise they are moving averages of those.
///
/// ```
/// use lab_core::prelude::*;
/// let norm = BatchNorm { momentum: 0.9, scale: false, ..BatchNorm::default() };
/// let model = Sequential::new([32, 32, 3]).layer(norm).build(Seed(0))?;
/// assert_eq!(model.weight("batch_normalization.beta")?.shape(), [3]);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchNorm {
    /// How much of the moving averages is kept from step to step, from 0 to below 1.
    #[serde(skip_serializing_if = "is_usual_momentum")]
    pub momentum: f32,
    /// ε, above 0.
    #[serde(skip_serializing_if = "is_usual_epsilon")]
    pub epsilon: f32,
    /// Whether there is a γ, which the next layer can do without where the activation between them is a ReLU.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub scale: bool,
}

fn is_usual_momentum(momentum: &f32) -> bool {
    *momentum == BatchNorm::default().momentum
}

fn is_usual_epsilon(epsilon: &f32) -> bool {
    *epsilon == BatchNorm::default().epsilon
}

/// Keras's defaults: momentum 0.99, ε 0.001, with γ.
impl Default for BatchNorm {
    fn default() -> Self {
        Self {
            momentum: 0.99,
            epsilon: 1e-3,
            scale: true,
        }
    }
}

impl BatchNorm {
    /// γ, which is 1 where the layer has none, and √(σ² + ε).
    fn factors(&self, first: &[f32], variance: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let gamma = first.iter().map(|&it| if self.scale { it } else { 1.0 });
        let deviation = variance.iter().map(|it| (it + self.epsilon).sqrt());
        (gamma.collect(), deviation.collect())
    }
}

/// Rows that one piece of work normalizes.
pub(super) const PIECE: usize = 256;

/// The rows of a batch, one for each example or for each pixel of the images, and how many of them are added at once.
fn rows(context: &Context<'_>, features: usize) -> (usize, usize) {
    let rows = context.pass.input.len() / features;
    match rows == context.rows() {
        true => (rows, rows.max(1)),
        false => (rows, SHARD),
    }
}

impl Layer for BatchNorm {
    fn kind(&self) -> (&'static str, &'static str) {
        ("BatchNormalization", "batch_normalization")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        let (place, usual) = (format!("{name}: momentum"), "0.99 is Keras's");
        check_range(place, self.momentum, 0.0..1.0, usual)?;
        let (place, usual) = (format!("{name}: epsilon"), "0.001 is Keras's");
        check_range(place, self.epsilon, above_zero(f32::INFINITY), usual)?;
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<Parameter> {
        let array = |name, initial, trainable| Parameter {
            trainable,
            ..Parameter::new(name, &[last_axis(input)], initial)
        };
        let all = [
            array("gamma", 1.0, true),
            array("beta", 0.0, true),
            array("moving_mean", 0.0, false),
            array("moving_variance", 1.0, false),
        ];
        all.into_iter().skip(usize::from(!self.scale)).collect()
    }

    /// x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β.
    fn forward(&self, context: Context<'_>, own: &[Parameter], cache: &mut Cache) {
        let array = |number: usize| &own[number + usize::from(self.scale)].value;
        let (input, threads) = (context.pass.input, context.pass.threads);
        let (features, beta) = (array(0).len(), array(0));
        let (rows, shard) = rows(&context, features);
        let row = |row: usize| &input[row * features..][..features];
        let (mean, variance) = if context.pass.mode == Mode::Inference {
            (array(1).clone(), array(2).clone())
        } else {
            let mut mean = sum_columns(input, shard, features, threads);
            mean.iter_mut().for_each(|sum| *sum /= rows as f32);
            let mut variance = sum_rows(rows, shard, features, threads, |number, sums| {
                for ((sum, x), mean) in sums.iter_mut().zip(row(number)).zip(&mean) {
                    *sum += (x - mean) * (x - mean);
                }
            });
            variance.iter_mut().for_each(|sum| *sum /= rows as f32);
            (mean, variance)
        };
        let (gamma, deviation) = self.factors(&own[0].value, &variance);
        cache.output.resize(input.len(), 0.0);
        threads.chunks(&mut cache.output, PIECE * features, |piece, output| {
            let own = [&mean, &deviation, &gamma, beta];
            let [mean, deviation, gamma, beta] = own.map(|it| &it[..features]);
            for (number, y) in output.chunks_exact_mut(features).enumerate() {
                let x = row(piece * PIECE + number);
                for j in 0..features {
                    y[j] = gamma[j] * ((x[j] - mean[j]) / deviation[j]) + beta[j];
                }
            }
        });
        cache.scratch = [mean, variance].concat();
    }

    /// dγ = Σ dy ⊙ x̂, dβ = Σ dy, and dx = γ / √(σ² + ε) · (dy − mean(dy) − x̂ · mean(dy ⊙ x̂)) in training, where μ and
    /// σ² depend on x; in inference they do not, and dx = γ / √(σ² + ε) · dy.
    fn backward(&self, context: Context, cache: &mut Cache, back: &mut Backward, own: Gradients) {
        let mut own = own;
        let (input, threads) = (context.pass.input, context.pass.threads);
        let features = own.value(0).len();
        let (rows, shard) = rows(&context, features);
        let (mean, variance) = cache.scratch.split_at(features);
        let (gamma, deviation) = self.factors(own.value(0), variance);
        let gradient = &mut back.gradient;
        let sums = sum_rows(rows, shard, 2 * features, threads, |row, sums| {
            let row = row * features..(row + 1) * features;
            let (x, dy) = (&input[row.clone()], &gradient[row]);
            let (mean, deviation) = (&mean[..features], &deviation[..features]);
            let (d_gamma, d_beta) = sums.split_at_mut(features);
            for j in 0..features {
                d_gamma[j] += dy[j] * ((x[j] - mean[j]) / deviation[j]);
                d_beta[j] += dy[j];
            }
        });
        let (d_gamma, d_beta) = sums.split_at(features);
        let factor = f32::from(context.pass.mode != Mode::Inference) / rows as f32;
        threads.chunks(gradient, PIECE * features, |piece, gradient| {
            let own = [mean, &deviation, &gamma, d_gamma, d_beta];
            let [mean, deviation, gamma, d_gamma, d_beta] = own.map(|it| &it[..features]);
            for (number, dy) in gradient.chunks_exact_mut(features).enumerate() {
                let x = &input[(piece * PIECE + number) * features..][..features];
                for j in 0..features {
                    let x_hat = (x[j] - mean[j]) / deviation[j];
                    let through_statistics = factor * (d_beta[j] + x_hat * d_gamma[j]);
                    dy[j] = gamma[j] / deviation[j] * (dy[j] - through_statistics);
                }
            }
        });
        if self.scale {
            own.take(0, d_gamma, threads);
        }
        own.take(usize::from(self.scale), d_beta, threads);
    }

    fn update_running_stats(&self, own: &mut [Parameter], cache: &Cache) {
        let running = own.iter_mut().filter(|it| !it.trainable);
        let running = running.flat_map(|it| &mut it.value);
        for (running, batch) in running.zip(&cache.scratch) {
            *running = self.momentum * *running + (1.0 - self.momentum) * batch;
        }
    }
}
