//! One step of each optimizer on one array of weights: weights, gradient and state are read and written once.
//!
//! The formulas and their constants are Keras's; [`crate::textbook`] has them once more, as one writes them on paper.

use super::instructions::vectorized;
use super::product::{Strided, product_by_blocks};
use super::shared::Shared;
use super::threads::{PIECE, Threads};

/// An optimizer's step, with its numbers. In all of them the gradient g is multiplied by `scale` first (1 without
/// clipping).
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// w ← w − lr g; with momentum u ← μ u − lr g and w ← w + u, or with Nesterov's w ← w + μ u − lr g.
    Sgd(SgdStep),
    /// v ← ρ v + (1 − ρ) g² and w ← w − lr g / √(v + ε); with momentum u ← μ u + lr g / √(v + ε) and w ← w − u
    /// (Tieleman and Hinton, 2012).
    RmsProp(RmsPropStep),
    /// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g² and w ← w − α m / (√v + ε) (Kingma and Ba, 2015); with decay w
    /// first shrinks by itself (Loshchilov and Hutter, 2019).
    Adam(AdamStep),
}

/// The numbers of [`Step::Sgd`].
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// The learning rate.
    pub rate: f32,
    /// How much of the last step goes into this one (0 without momentum).
    pub momentum: f32,
    /// Whether to look ahead along the momentum (Nesterov, 1983).
    pub nesterov: bool,
    /// What the gradient is multiplied by first.
    pub scale: f32,
}

/// The numbers of [`Step::RmsProp`].
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
    /// What the gradient is multiplied by first.
    pub scale: f32,
}

/// The numbers of [`Step::Adam`].
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
    /// What the gradient is multiplied by first.
    pub scale: f32,
}

impl Step {
    /// Arrays as long as the weights that the step remembers something in: u; v and u; m and v.
    pub fn slots(&self) -> usize {
        match self {
            Self::Sgd(step) => usize::from(step.momentum != 0.0),
            Self::RmsProp(step) => 1 + usize::from(step.momentum != 0.0),
            Self::Adam(_) => 2,
        }
    }

    /// Changes the weights `w` by the gradient `g`; of the slots as many are used as [`Step::slots`] says.
    fn apply(&self, g: &[f32], w: &mut [f32], [a, b]: [&mut [f32]; 2]) {
        match *self {
            Self::Sgd(step) if step.momentum == 0.0 => descend(step, g, w),
            Self::Sgd(step) => descend_with_momentum(step, g, w, a),
            Self::RmsProp(step) if step.momentum == 0.0 => rmsprop(step, g, w, a),
            Self::RmsProp(step) => rmsprop_with_momentum(step, g, w, a, b),
            Self::Adam(step) => adam(step, g, w, a, b),
        }
    }
}

/// Weights and slots that several threads change at once, each in places of its own.
struct Learner<'a> {
    step: &'a Step,
    weights: Shared<'a, f32>,
    slots: [Shared<'a, f32>; 2],
}

impl<'a> Learner<'a> {
    fn new(step: &'a Step, weights: &'a mut [f32], slots: [&'a mut [f32]; 2]) -> Self {
        let lengths = slots.each_ref().map(|slot| slot.len());
        let fit = lengths.iter().take(step.slots()).all(|&length| length == weights.len());
        assert!(fit, "{} weights and slots of {lengths:?}", weights.len());
        Self { step, weights: Shared::new(weights), slots: slots.map(Shared::new) }
    }

    /// Changes the weights from `start` on by their gradients.
    ///
    /// # Safety
    /// No other thread may have these weights at the time.
    unsafe fn apply(&self, start: usize, gradient: &[f32]) {
        let range = |needed: bool| if needed { start..start + gradient.len() } else { 0..0 };
        // SAFETY: these parts are this thread's own, as the caller promises.
        let (weights, a, b) = unsafe {
            let [a, b] = &self.slots;
            (self.weights.part(range(true)), a.part(range(self.step.slots() > 0)), b.part(range(self.step.slots() > 1)))
        };
        self.step.apply(gradient, weights, [a, b]);
    }
}

/// g ← g + 2 λ w, the gradient of the penalty λ Σ w².
pub fn add_penalty(l2: f32, weights: &[f32], gradient: &mut [f32]) {
    gradient.iter_mut().zip(weights).for_each(|(g, w)| *g += 2.0 * l2 * w);
}

/// Changes `weights` by their `gradient`.
///
/// Panics when the lengths differ, or that of a slot which the step needs.
pub fn update(step: &Step, gradient: &[f32], weights: &mut [f32], slots: [&mut [f32]; 2], threads: &Threads) {
    assert_eq!(gradient.len(), weights.len(), "a gradient for each weight");
    let learner = Learner::new(step, weights, slots);
    threads.run(gradient.len().div_ceil(PIECE), |piece| {
        let range = piece * PIECE..gradient.len().min((piece + 1) * PIECE);
        // SAFETY: pieces do not overlap.
        unsafe { learner.apply(range.start, &gradient[range]) };
    });
}

/// Changes `weights`, of n columns, by the gradient A·B + 2 λ W, which is never written down: each block of the product
/// goes to its weights while it is in the nearest cache, with the same bits as [`update`] after [`super::product`].
///
/// Panics when lengths and shapes do not fit.
pub fn update_by_product(
    step: &Step,
    a: Strided<'_>,
    b: &[f32],
    l2: f32,
    weights: &mut [f32],
    slots: [&mut [f32]; 2],
    threads: &Threads,
) {
    let n = weights.len().checked_div(a.rows).unwrap_or(0);
    assert_eq!(weights.len(), a.rows * n, "the weights have as many rows as A");
    let learner = Learner::new(step, weights, slots);
    let ahead = [&learner.weights, &learner.slots[0], &learner.slots[1]];
    product_by_blocks(a, b, n, ahead, threads, |rows, columns, gradient| {
        // Whole rows lie together: they are one long row.
        let (length, step) = if columns.len() == n { (gradient.len(), 0) } else { (columns.len(), n) };
        for (i, gradient) in gradient.chunks_exact_mut(length).enumerate() {
            let start = rows.start * n + i * step + columns.start;
            // SAFETY: blocks do not overlap.
            unsafe {
                if l2 > 0.0 {
                    add_penalty(l2, learner.weights.part(start..start + length), gradient);
                }
                learner.apply(start, gradient);
            }
        }
    });
}

vectorized! {
    fn descend(step: SgdStep, g: &[f32], w: &mut [f32]) {
        let rate = step.rate * step.scale;
        w.iter_mut().zip(g).for_each(|(w, g)| *w -= rate * g);
    }
}

vectorized! {
    fn descend_with_momentum(step: SgdStep, g: &[f32], w: &mut [f32], u: &mut [f32]) {
        let (rate, momentum) = (step.rate * step.scale, step.momentum);
        for ((w, g), u) in w.iter_mut().zip(g).zip(u) {
            *u = momentum * *u - rate * g;
            *w += if step.nesterov { momentum * *u - rate * g } else { *u };
        }
    }
}

vectorized! {
    fn rmsprop(step: RmsPropStep, g: &[f32], w: &mut [f32], v: &mut [f32]) {
        for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
            let g = step.scale * g;
            *v = step.rho * *v + (1.0 - step.rho) * g * g;
            *w -= step.rate * g / (*v + step.epsilon).sqrt();
        }
    }
}

vectorized! {
    fn rmsprop_with_momentum(step: RmsPropStep, g: &[f32], w: &mut [f32], v: &mut [f32], u: &mut [f32]) {
        for (((w, g), v), u) in w.iter_mut().zip(g).zip(v).zip(u) {
            let g = step.scale * g;
            *v = step.rho * *v + (1.0 - step.rho) * g * g;
            *u = step.momentum * *u + step.rate * g / (*v + step.epsilon).sqrt();
            *w -= *u;
        }
    }
}

vectorized! {
    fn adam(step: AdamStep, g: &[f32], w: &mut [f32], m: &mut [f32], v: &mut [f32]) {
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
    use super::super::instructions::Instructions;
    use super::super::product::product;
    use super::*;

    const ADAM: AdamStep = AdamStep { alpha: 0.1, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, keep: 0.99, scale: 0.5 };

    fn steps() -> Vec<Step> {
        let sgd = |momentum, nesterov| Step::Sgd(SgdStep { rate: 0.1, momentum, nesterov, scale: 0.5 });
        let rmsprop =
            |momentum| Step::RmsProp(RmsPropStep { rate: 0.1, rho: 0.9, epsilon: 1e-7, momentum, scale: 0.5 });
        vec![sgd(0.0, false), sgd(0.9, false), sgd(0.9, true), rmsprop(0.0), rmsprop(0.9), Step::Adam(ADAM)]
    }

    #[test]
    fn long_arrays_are_updated_to_their_last_weight_by_any_number_of_threads() {
        let gradient: Vec<f32> = (0..3 * PIECE + 5).map(|i| (i % 13) as f32 - 6.0).collect();
        let run = |threads: &Threads| {
            let [mut w, mut m, mut v] = [1.0, 0.0, 0.0].map(|start| vec![start; gradient.len()]);
            update(&Step::Adam(ADAM), &gradient, &mut w, [&mut m, &mut v], threads);
            w
        };
        let alone = run(&Threads::one());
        assert_eq!(alone, run(&Threads::new(Some(3)).unwrap()));
        for (w, g) in alone.iter().zip(&gradient) {
            let g = 0.5 * f64::from(*g);
            let wanted = 0.99 - 0.1 * (0.1 * g) / ((0.001 * g * g).sqrt() + 1e-7);
            assert!((f64::from(*w) - wanted).abs() < 1e-5, "{w} {wanted}");
        }
    }

    #[test]
    fn every_path_gives_the_same_bits_at_every_length() {
        for step in steps() {
            for length in 0..=70 {
                // Guard values behind each array show a write beyond it.
                let numbers = |salt: usize| -> Vec<f32> {
                    let inner = (0..length).map(|i| ((i * 37 + salt) % 97) as f32 / 8.0 - 6.0);
                    inner.chain([f32::MAX; 16]).collect()
                };
                let run = |path: Instructions| {
                    let [g, mut w, mut a] = [3, 5, 7].map(numbers);
                    a.iter_mut().for_each(|x| *x = x.abs());
                    let mut b = a.clone();
                    let slots = [&mut a[..length], &mut b[..length]];
                    path.on(|| update(&step, &g[..length], &mut w[..length], slots, &Threads::one()));
                    assert!([&w, &a, &b].iter().all(|array| array[length..].iter().all(|&guard| guard == f32::MAX)));
                    [w, a, b].map(|array| array.into_iter().map(f32::to_bits).collect::<Vec<_>>())
                };
                for path in Instructions::available() {
                    assert_eq!(run(path), run(Instructions::Plain), "{step:?}, {length} weights, {path:?}");
                }
            }
        }
    }

    #[test]
    fn blocks_of_the_gradient_change_the_weights_to_the_same_bits_as_the_whole_gradient() {
        // Inputs, batch and units: one block and many, whole rows and columns of blocks, and a batch beyond a tile's.
        for (m, k, n) in [(1, 1, 1), (70, 64, 48), (130, 33, 10), (65, 300, 600), (200, 7, 513)] {
            let numbers = |length: usize| (0..length).map(|i| (i * 7919 % 31) as f32 / 7.0 - 2.0).collect::<Vec<_>>();
            let (x, dz, start) = (numbers(k * m), numbers(k * n), numbers(m * n));
            let x = Strided::rows(&x, k, m).transposed();
            for step in steps() {
                for (l2, threads) in [(0.0, Threads::one()), (0.01, Threads::new(Some(2)).unwrap())] {
                    let slot = |number| vec![0.25; if number < step.slots() { m * n } else { 0 }];
                    let (mut whole, mut a, mut b) = (start.clone(), slot(0), slot(1));
                    let mut gradient = vec![0.0; m * n];
                    product(x, &dz, &mut gradient, &threads, |row, column, part| {
                        if l2 > 0.0 {
                            add_penalty(l2, &start[row * n + column..], part);
                        }
                    });
                    update(&step, &gradient, &mut whole, [&mut a, &mut b], &threads);
                    let (mut fused, mut c, mut d) = (start.clone(), slot(0), slot(1));
                    update_by_product(&step, x, &dz, l2, &mut fused, [&mut c, &mut d], &threads);
                    assert!(whole == fused && a == c && b == d, "{step:?} {m} x {k} x {n}");
                    assert!(whole != start);
                }
            }
        }
    }
}
