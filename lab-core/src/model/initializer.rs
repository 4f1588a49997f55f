//! Initial weights.

use rand::Rng;

use super::*;

/// How the kernel of a dense layer or a convolution is drawn; biases start at 0.
///
/// With *fan in* the number of inputs that an output sees and *fan out* the number of outputs that an input reaches, the
/// variance is 2 / (fan in + fan out) for Glorot (Glorot and Bengio, 2010) and 2 / fan in for He (He et al., 2015), as in
/// Keras.
///
/// ```
/// use lab_core::prelude::*;
/// let layer = Dense::new(64, Activation::Relu).initializer(Initializer::HeNormal);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// Uniform in ± √(6 / (fan in + fan out)): Keras's default.
    #[default]
    GlorotUniform,
    /// Normal, truncated at two standard deviations.
    GlorotNormal,
    /// Uniform in ± √(6 / fan in).
    HeUniform,
    /// Normal, truncated at two standard deviations.
    HeNormal,
    /// The first filters pass on the middle pixel, each its own channel; the others are Glorot uniform (Zagoruyko and
    /// Komodakis, 2017).
    Dirac,
}

/// The standard deviation of a standard normal variable truncated at ± 2.
const TRUNCATED_STD: f64 = 0.879_625_66;

impl Initializer {
    /// Fills a kernel of shape (…, inputs, outputs), with the axes of a window first; `number` tells the arrays of one
    /// model apart.
    pub(super) fn fill(self, kernel: &mut [f32], shape: &[usize], seed: Seed, number: u64) {
        let mut generator = seed.generator(Purpose::Initialize, number);
        let (window, ends) = shape.split_at(shape.len() - 2);
        let pixels: usize = window.iter().product();
        let [fan_in, fan_out] = [ends[0], ends[1]].map(|fan| (pixels * fan) as f64);
        let variance = match self {
            Self::GlorotUniform | Self::GlorotNormal | Self::Dirac => 2.0 / (fan_in + fan_out),
            Self::HeUniform | Self::HeNormal => 2.0 / fan_in,
        };
        if let Self::GlorotUniform | Self::HeUniform | Self::Dirac = self {
            let limit = (3.0 * variance).sqrt();
            kernel.fill_with(|| (limit * (2.0 * unit(&mut generator) - 1.0)) as f32);
        } else {
            let std = variance.sqrt() / TRUNCATED_STD;
            kernel.fill_with(|| (std * truncated_normal(&mut generator)) as f32);
        }
        if self == Self::Dirac {
            let middle = window.iter().fold(0, |at, size| at * size + size / 2);
            for (row, filters) in kernel.chunks_exact_mut(ends[1]).enumerate() {
                for (filter, weight) in filters.iter_mut().enumerate().take(ends[0]) {
                    *weight = f32::from(row == middle * ends[0] + filter);
                }
            }
        }
    }
}

/// Standard normal, drawn again until it lies within ± 2 (Box and Muller, 1958).
fn truncated_normal(generator: &mut impl Rng) -> f64 {
    loop {
        let radius = (-2.0 * libm::log(1.0 - unit(generator))).sqrt();
        let draw = radius * libm::cos(2.0 * std::f64::consts::PI * unit(generator));
        if draw.abs() <= 2.0 {
            return draw;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_have_the_variance_and_the_bounds_of_their_formula() {
        let (fan_in, fan_out) = (700, 300);
        for (initializer, variance, bound) in [
            (
                Initializer::GlorotUniform,
                2.0 / 1000.0,
                (6.0_f64 / 1000.0).sqrt(),
            ),
            (
                Initializer::GlorotNormal,
                2.0 / 1000.0,
                2.0 * (2.0_f64 / 1000.0).sqrt() / TRUNCATED_STD,
            ),
            (
                Initializer::HeUniform,
                2.0 / 700.0,
                (6.0_f64 / 700.0).sqrt(),
            ),
            (
                Initializer::HeNormal,
                2.0 / 700.0,
                2.0 * (2.0_f64 / 700.0).sqrt() / TRUNCATED_STD,
            ),
        ] {
            let mut kernel = vec![0.0; fan_in * fan_out];
            initializer.fill(&mut kernel, &[fan_in, fan_out], Seed(7), 3);
            let count = kernel.len() as f64;
            let mean = kernel.iter().map(|&w| f64::from(w)).sum::<f64>() / count;
            let found = kernel
                .iter()
                .map(|&w| (f64::from(w) - mean).powi(2))
                .sum::<f64>()
                / count;
            let widest = kernel
                .iter()
                .map(|&w| f64::from(w).abs())
                .fold(0.0, f64::max);
            assert!(
                mean.abs() < 4.0 * (variance / count).sqrt(),
                "{initializer:?}: mean {mean}"
            );
            assert!(
                (found / variance - 1.0).abs() < 0.02,
                "{initializer:?}: variance {found}, not {variance}"
            );
            assert!(
                widest <= bound * 1.000_001 && widest > 0.99 * bound,
                "{initializer:?}: {widest}, bound {bound}"
            );
        }
    }
}
