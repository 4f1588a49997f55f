//! One step of each optimizer on one array of weights: weights, gradient and state are read and written once.
//!
//! The formulas and their constants are Keras's; [`crate::textbook`] has them once more, as one writes them on paper.

use super::instructions::vectorized;
use super::threads::Threads;

/// The numbers of a step of [`sgd`].
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// The learning rate.
    pub rate: f32,
    /// How much of the last step goes into this one (0 without momentum).
    pub momentum: f32,
    /// Whether to look ahead along the momentum (Nesterov, 1983).
    pub nesterov: bool,
    /// What the gradient is multiplied by first (1 without clipping).
    pub scale: f32,
}

/// u ← μ u − lr g and w ← w + u; with Nesterov's momentum w ← w + μ u − lr g. `u` is empty without momentum.
pub fn sgd(step: SgdStep, weights: &mut [f32], gradient: &[f32], u: &mut [f32], threads: &Threads) {
    let (rate, momentum, nesterov) = (step.rate * step.scale, step.momentum, step.nesterov);
    if momentum == 0.0 {
        return threads.pieces(gradient, [weights], |g, [w]| descend(rate, w, g));
    }
    threads.pieces(gradient, [weights, u], |g, [w, u]| descend_with_momentum(rate, momentum, nesterov, w, g, u));
}

vectorized! {
    fn descend(rate: f32, w: &mut [f32], g: &[f32]) {
        w.iter_mut().zip(g).for_each(|(w, g)| *w -= rate * g);
    }
}

vectorized! {
    fn descend_with_momentum(rate: f32, momentum: f32, nesterov: bool, w: &mut [f32], g: &[f32], u: &mut [f32]) {
        for ((w, g), u) in w.iter_mut().zip(g).zip(u) {
            *u = momentum * *u - rate * g;
            *w += if nesterov { momentum * *u - rate * g } else { *u };
        }
    }
}

/// The numbers of a step of [`rmsprop`].
#[derive(Clone, Copy, Debug)]
pub struct RmsPropStep {
    /// The learning rate.
    pub rate: f32,
    /// How much of the mean square is kept (ρ).
    pub rho: f32,
    /// What keeps the root away from 0; stands under the root.
    pub epsilon: f32,
    /// How much of the last step goes into this one (0 without momentum).
    pub momentum: f32,
    /// What the gradient is multiplied by first (1 without clipping).
    pub scale: f32,
}

/// v ← ρ v + (1 − ρ) g² and w ← w − lr g / √(v + ε); with momentum u ← μ u + lr g / √(v + ε) and w ← w − u
/// (Tieleman and Hinton, 2012). `u` is empty without momentum.
pub fn rmsprop(
    step: RmsPropStep,
    weights: &mut [f32],
    gradient: &[f32],
    v: &mut [f32],
    u: &mut [f32],
    threads: &Threads,
) {
    if step.momentum == 0.0 {
        return threads.pieces(gradient, [weights, v], |g, [w, v]| rmsprop_plain(step, w, g, v));
    }
    threads.pieces(gradient, [weights, v, u], |g, [w, v, u]| rmsprop_with_momentum(step, w, g, v, u));
}

vectorized! {
    fn rmsprop_plain(step: RmsPropStep, w: &mut [f32], g: &[f32], v: &mut [f32]) {
        for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
            let g = step.scale * g;
            *v = step.rho * *v + (1.0 - step.rho) * g * g;
            *w -= step.rate * g / (*v + step.epsilon).sqrt();
        }
    }
}

vectorized! {
    fn rmsprop_with_momentum(step: RmsPropStep, w: &mut [f32], g: &[f32], v: &mut [f32], u: &mut [f32]) {
        for (((w, g), v), u) in w.iter_mut().zip(g).zip(v).zip(u) {
            let g = step.scale * g;
            *v = step.rho * *v + (1.0 - step.rho) * g * g;
            *u = step.momentum * *u + step.rate * g / (*v + step.epsilon).sqrt();
            *w -= *u;
        }
    }
}

/// The numbers of a step of [`adam`].
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// The learning rate with the bias correction, α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    pub alpha: f32,
    /// How much of the mean gradient is kept.
    pub beta_1: f32,
    /// How much of the mean square is kept.
    pub beta_2: f32,
    /// What keeps the divisor away from 0; stands outside of the root.
    pub epsilon: f32,
    /// What the weights are multiplied by first: 1, or 1 − lr λ for AdamW.
    pub keep: f32,
    /// What the gradient is multiplied by first (1 without clipping).
    pub scale: f32,
}

/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g² and w ← w − α m / (√v + ε) (Kingma and Ba, 2015); with decay w first
/// shrinks by itself (Loshchilov and Hutter, 2019).
pub fn adam(step: AdamStep, weights: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32], threads: &Threads) {
    threads.pieces(gradient, [weights, m, v], |g, [w, m, v]| adam_piece(step, w, g, m, v));
}

vectorized! {
    fn adam_piece(step: AdamStep, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            let g = step.scale * g;
            *m += (g - *m) * (1.0 - step.beta_1);
            *v += (g * g - *v) * (1.0 - step.beta_2);
            *w = step.keep * *w - step.alpha * *m / (v.sqrt() + step.epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::threads::PIECE;
    use super::*;

    #[test]
    fn long_arrays_are_updated_to_their_last_weight_by_any_number_of_threads() {
        let gradient: Vec<f32> = (0..3 * PIECE + 5).map(|i| (i % 13) as f32 - 6.0).collect();
        let step = AdamStep { alpha: 0.1, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, keep: 1.0, scale: 1.0 };
        let run = |threads: &Threads| {
            let (mut w, mut m, mut v) =
                (vec![1.0; gradient.len()], vec![0.0; gradient.len()], vec![0.0; gradient.len()]);
            adam(step, &mut w, &gradient, &mut m, &mut v, threads);
            w
        };
        let alone = run(&Threads::one());
        assert_eq!(alone, run(&Threads::new(Some(3)).unwrap()));
        for (w, g) in alone.iter().zip(&gradient) {
            let (m, v) = (0.1 * f64::from(*g), 0.001 * f64::from(*g).powi(2));
            let wanted = 1.0 - 0.1 * m / (v.sqrt() + 1e-7);
            assert!((f64::from(*w) - wanted).abs() < 1e-5, "{w} {wanted}");
        }
    }
}
