//! One step of each optimizer on one array of weights, in one pass over weights, gradient and state.
//!
//! The formulas and their constants are those of Keras.

use std::ops::Range;

use crate::instructions::{Instructions, Kernel};
use crate::product::{MatRef, blocks};
use crate::shared::Shared;
use crate::threads::{PIECE, Threads};
use crate::tile::{BlockProduct, Buffer};
use crate::vector::{Plain, Vector};

/// An optimizer's step with its coefficients. Each first multiplies the gradient g by `scale` (1 without clipping).
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// w ← w − lr g; with momentum u ← μ u − lr g and w ← w + u, or with Nesterov's w ← w + μ u − lr g.
    Sgd(SgdStep),
    /// v ← ρ v + (1 − ρ) g² and w ← w − lr g / √(v + ε); with momentum u ← μ u + lr g / √(v + ε) and w ← w − u
    /// (Tieleman and Hinton, 2012).
    RmsProp(RmsPropStep),
    /// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g² and w ← w − α m / (√v + ε) (Kingma and Ba, 2015); with weight
    /// decay, w is multiplied by `keep` first (Loshchilov and Hutter, 2019).
    Adam(AdamStep),
}

/// Keras's ε, which RMSprop adds under the root and Adam to it.
const EPSILON: f32 = 1e-7;

/// The coefficients of [`Step::Sgd`].
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// The learning rate.
    pub rate: f32,
    /// The momentum μ (0 for none).
    pub momentum: f32,
    /// Whether to use Nesterov's momentum (Nesterov, 1983).
    pub nesterov: bool,
    /// The factor of the gradient.
    pub scale: f32,
}

/// The coefficients of [`Step::RmsProp`].
#[derive(Clone, Copy, Debug)]
pub struct RmsPropStep {
    /// The learning rate.
    pub rate: f32,
    /// The decay rate ρ of the mean square.
    pub rho: f32,
    /// The momentum μ (0 for none).
    pub momentum: f32,
    /// The factor of the gradient.
    pub scale: f32,
}

/// The coefficients of [`Step::Adam`].
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// The learning rate with the bias correction, α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    pub alpha: f32,
    /// The decay rate β₁ of the mean gradient.
    pub beta_1: f32,
    /// The decay rate β₂ of the mean square.
    pub beta_2: f32,
    /// The factor of the weights: 1, or 1 − lr λ for AdamW.
    pub keep: f32,
    /// The factor of the gradient.
    pub scale: f32,
}

impl Step {
    /// The number of state arrays, each as long as the weights: u; v and u; m and v.
    pub fn slots(&self) -> usize {
        match self {
            Self::Sgd(step) => usize::from(step.momentum != 0.0),
            Self::RmsProp(step) => 1 + usize::from(step.momentum != 0.0),
            Self::Adam(_) => 2,
        }
    }
}

/// A step on one register of weights and of each slot, given their gradients; slots that it does not need stay the same.
trait Rule {
    fn apply<V: Vector>(&self, g: V, weights: [V; 3]) -> [V; 3];
}

/// Each number in all lanes of a register, of the same type as an existing one.
#[inline(always)]
fn splats<V: Vector, const N: usize>(_: V, numbers: [f32; N]) -> [V; N] {
    // SAFETY: a register of this type exists, so the processor has its instructions.
    numbers.map(|number| unsafe { V::splat(number) })
}

impl Rule for SgdStep {
    #[inline(always)]
    fn apply<V: Vector>(&self, g: V, [w, u, none]: [V; 3]) -> [V; 3] {
        let [rate, mu] = splats(g, [self.rate * self.scale, self.momentum]);
        let step = rate * g;
        if self.momentum == 0.0 {
            return [w - step, u, none];
        }
        let u = mu * u - step;
        let change = if self.nesterov { mu * u - step } else { u };
        [w + change, u, none]
    }
}

impl Rule for RmsPropStep {
    #[inline(always)]
    fn apply<V: Vector>(&self, g: V, [w, v, u]: [V; 3]) -> [V; 3] {
        let [scale, rho, one_less_rho] = splats(g, [self.scale, self.rho, 1.0 - self.rho]);
        let [rate, epsilon, momentum] = splats(g, [self.rate, EPSILON, self.momentum]);
        let g = scale * g;
        let v = rho * v + one_less_rho * g * g;
        if self.momentum == 0.0 {
            return [w - rate * g / (v + epsilon).sqrt(), v, u];
        }
        let u = momentum * u + rate * g / (v + epsilon).sqrt();
        [w - u, v, u]
    }
}

impl Rule for AdamStep {
    #[inline(always)]
    fn apply<V: Vector>(&self, g: V, [w, m, v]: [V; 3]) -> [V; 3] {
        let [scale, one_less_beta_1, one_less_beta_2] =
            splats(g, [self.scale, 1.0 - self.beta_1, 1.0 - self.beta_2]);
        let [keep, alpha, epsilon] = splats(g, [self.keep, self.alpha, EPSILON]);
        let g = scale * g;
        let m = m + (g - m) * one_less_beta_1;
        let v = v + (g * g - v) * one_less_beta_2;
        [keep * w - alpha * m / (v.sqrt() + epsilon), m, v]
    }
}

/// g ← g + 2 λ w, the gradient of the penalty λ Σ w².
pub fn add_penalty(l2: f32, weights: &[f32], gradient: &mut [f32]) {
    for (g, w) in gradient.iter_mut().zip(weights) {
        *g += 2.0 * l2 * w;
    }
}

/// Updates `weights` by their `gradient`.
///
/// Panics when the lengths of gradient, weights and the slots that the step needs differ.
pub fn update(
    step: &Step,
    gradient: &[f32],
    weights: &mut [f32],
    slots: [&mut [f32]; 2],
    threads: &Threads,
) {
    assert_eq!(gradient.len(), weights.len(), "a gradient for each weight");
    let parameters = &Parameters::new(step, 0.0, weights, slots);
    let instructions = Instructions::detect();
    threads.run(gradient.len().div_ceil(PIECE), |piece| {
        let start = piece * PIECE;
        let columns = PIECE.min(gradient.len() - start);
        let g = (gradient[start..].as_ptr(), columns);
        let update = BlockUpdate {
            parameters,
            start,
            rows: 1,
            columns,
            stride: columns,
            g,
        };
        // SAFETY: pieces do not overlap.
        unsafe { instructions.run(update) };
    });
}

/// Updates `weights`, of the shape of A·B, by the gradient A·B + 2 λ W without storing it: each block of the gradient
/// updates its weights while it is in the L2 cache. The bits are those of [`update`] after [`crate::product()`].
///
/// Panics when the shapes do not fit.
pub fn update_by_product(
    step: &Step,
    a: MatRef<'_>,
    b: MatRef<'_>,
    l2: f32,
    weights: &mut [f32],
    slots: [&mut [f32]; 2],
    threads: &Threads,
) {
    let (n, instructions) = (b.columns, Instructions::detect());
    assert_eq!(weights.len(), a.rows * n, "W has the shape of A·B");
    let parameters = &Parameters::new(step, l2, weights, slots);
    let task = |rows: Range<usize>, columns: Range<usize>| {
        let mut gradient = Buffer::<{ ROWS * STRIDE }>::new();
        let c = gradient.0.as_mut_ptr().cast::<f32>();
        let update = BlockUpdate {
            parameters,
            start: rows.start * n + columns.start,
            rows: rows.len(),
            columns: columns.len(),
            stride: n,
            g: (c, STRIDE),
        };
        let product = BlockProduct {
            a: &a,
            b,
            depth: 0..b.rows,
            rows,
            columns,
            c,
            stride: STRIDE,
        };
        // SAFETY: there is room for ROWS rows of COLUMNS floats, and a block is no larger.
        unsafe { instructions.run(product) };
        // SAFETY: the block of the gradient has been written; blocks do not overlap.
        unsafe { instructions.run(update) };
    };
    blocks(instructions, &a, b, [ROWS, COLUMNS], threads, task);
}

/// The largest block of the gradient, in rows and columns, which fits into the L2 cache.
const ROWS: usize = 66;
const COLUMNS: usize = 512;
/// Distance between rows of a block. With COLUMNS itself, rows would compete for the same sets of the L1 cache.
const STRIDE: usize = COLUMNS + 16;

/// Weights and slots, which several threads update at once, each its own part.
struct Parameters<'a> {
    step: &'a Step,
    l2: f32,
    /// The weights, then the slots.
    arrays: [Shared<'a, f32>; 3],
}

impl<'a> Parameters<'a> {
    fn new(step: &'a Step, l2: f32, weights: &'a mut [f32], [a, b]: [&'a mut [f32]; 2]) -> Self {
        let lengths = [weights.len(), a.len(), b.len()];
        let needed = &lengths[..=step.slots()];
        let fit = needed.iter().all(|length| *length == lengths[0]);
        assert!(fit, "weights and slots of {lengths:?}");
        Self {
            step,
            l2,
            arrays: [weights, a, b].map(Shared::new),
        }
    }
}

/// Updates a rectangle of the weights, `rows` times `columns` of them from `start` on, by the gradients at `g`.
///
/// Running it is sound only if there are as many gradients, and no other thread uses these weights meanwhile.
struct BlockUpdate<'a> {
    parameters: &'a Parameters<'a>,
    start: usize,
    rows: usize,
    columns: usize,
    /// Distance between rows of weights.
    stride: usize,
    /// The first gradient, and the distance between rows of gradients.
    g: (*const f32, usize),
}

impl Kernel for BlockUpdate<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector, const R: usize, const C: usize>(self) {
        // SAFETY: as the caller promises.
        unsafe {
            match self.parameters.step {
                Step::Sgd(step) if step.momentum == 0.0 => self.by::<V, 1>(step),
                Step::Sgd(step) => self.by::<V, 2>(step),
                Step::RmsProp(step) if step.momentum == 0.0 => self.by::<V, 2>(step),
                Step::RmsProp(step) => self.by::<V, 3>(step),
                Step::Adam(step) => self.by::<V, 3>(step),
            }
        }
    }
}

impl BlockUpdate<'_> {
    /// Updates by a rule that needs the first `N` of weights and slots.
    ///
    /// # Safety
    /// As for [`BlockUpdate`].
    #[inline(always)]
    unsafe fn by<V: Vector, const N: usize>(&self, rule: &impl Rule) {
        let (columns, stride, l2) = (self.columns, self.stride, self.parameters.l2);
        let all = self.start..self.start + (self.rows - 1) * stride + columns;
        let arrays = &self.parameters.arrays;
        let arrays: [*mut f32; N] = std::array::from_fn(|i| arrays[i].start_of(all.clone()));
        let whole = columns / V::LANES * V::LANES;
        for row in 0..self.rows {
            let arrays = arrays.map(|array| array.wrapping_add(row * stride));
            let g = self.g.0.wrapping_add(row * self.g.1);
            // SAFETY: inside of the arrays, as `start_of` has checked, and of the gradients, as the caller promises.
            unsafe {
                for column in (0..whole).step_by(V::LANES) {
                    update_register::<V, N>(rule, l2, arrays, g, column);
                }
                for column in whole..columns {
                    update_register::<Plain<1>, N>(rule, l2, arrays, g, column);
                }
            }
        }
    }
}

/// Updates the register of weights and slots that begins `at` in the arrays.
///
/// # Safety
/// The processor has the instructions of `V`; the pointers are valid for its lanes.
#[inline(always)]
unsafe fn update_register<V: Vector, const N: usize>(
    rule: &impl Rule,
    l2: f32,
    arrays: [*mut f32; N],
    g: *const f32,
    at: usize,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut weights = [V::splat(0.0); 3];
        let loaded = weights.iter_mut().zip(arrays);
        loaded.for_each(|(w, array)| *w = V::load(array.add(at)));
        let mut g = V::load(g.add(at));
        if l2 > 0.0 {
            g = g + V::splat(2.0 * l2) * weights[0];
        }
        let updated = rule.apply(g, weights).into_iter().zip(arrays);
        updated.for_each(|(w, array)| w.store(array.add(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::product;

    const ADAM: AdamStep = AdamStep {
        alpha: 0.1,
        beta_1: 0.9,
        beta_2: 0.999,
        keep: 0.99,
        scale: 0.5,
    };

    fn steps() -> Vec<Step> {
        let sgd = |momentum, nesterov| {
            Step::Sgd(SgdStep {
                rate: 0.1,
                momentum,
                nesterov,
                scale: 0.5,
            })
        };
        let rmsprop = |momentum| {
            Step::RmsProp(RmsPropStep {
                rate: 0.1,
                rho: 0.9,
                momentum,
                scale: 0.5,
            })
        };
        vec![
            sgd(0.0, false),
            sgd(0.9, false),
            sgd(0.9, true),
            rmsprop(0.0),
            rmsprop(0.9),
            Step::Adam(ADAM),
        ]
    }

    #[test]
    fn long_arrays_are_updated_to_their_last_weight_by_any_number_of_threads() {
        let gradient: Vec<f32> = (0..3 * PIECE + 5).map(|i| (i % 13) as f32 - 6.0).collect();
        let run = |threads: &Threads| {
            let [mut w, mut m, mut v] = [1.0, 0.0, 0.0].map(|start| vec![start; gradient.len()]);
            update(
                &Step::Adam(ADAM),
                &gradient,
                &mut w,
                [&mut m, &mut v],
                threads,
            );
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
                    path.on(|| {
                        update(
                            &step,
                            &g[..length],
                            &mut w[..length],
                            slots,
                            &Threads::one(),
                        )
                    });
                    assert!(
                        [&w, &a, &b]
                            .iter()
                            .all(|array| array[length..].iter().all(|&guard| guard == f32::MAX))
                    );
                    [w, a, b].map(|array| array.into_iter().map(f32::to_bits).collect::<Vec<_>>())
                };
                for path in Instructions::available() {
                    assert_eq!(
                        run(path),
                        run(Instructions::Plain),
                        "{step:?}, {length} weights, {path:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn blocks_of_the_gradient_change_the_weights_to_the_same_bits_as_the_whole_gradient() {
        // Inputs, batch and units: one block and many, whole rows and columns of blocks, and a batch beyond a tile's.
        for (m, k, n) in [
            (1, 1, 1),
            (70, 64, 48),
            (130, 33, 10),
            (65, 300, 600),
            (200, 7, 513),
        ] {
            let numbers = |length: usize| {
                (0..length)
                    .map(|i| (i * 7919 % 31) as f32 / 7.0 - 2.0)
                    .collect::<Vec<_>>()
            };
            let (x, dz, start) = (numbers(k * m), numbers(k * n), numbers(m * n));
            let x = MatRef::new(&x, k, m).transposed();
            let dz = MatRef::new(&dz, k, n);
            for step in steps() {
                for (l2, threads) in [
                    (0.0, Threads::one()),
                    (0.01, Threads::new(Some(2)).unwrap()),
                ] {
                    let slot = |number| vec![0.25; if number < step.slots() { m * n } else { 0 }];
                    let (mut whole, mut a, mut b) = (start.clone(), slot(0), slot(1));
                    let mut gradient = vec![0.0; m * n];
                    product(x, dz, &mut gradient, &threads, |row, column, part| {
                        if l2 > 0.0 {
                            add_penalty(l2, &start[row * n + column..], part);
                        }
                    });
                    update(&step, &gradient, &mut whole, [&mut a, &mut b], &threads);
                    let (mut fused, mut c, mut d) = (start.clone(), slot(0), slot(1));
                    update_by_product(&step, x, dz, l2, &mut fused, [&mut c, &mut d], &threads);
                    assert!(
                        whole == fused && a == c && b == d,
                        "{step:?} {m} x {k} x {n}"
                    );
                    assert!(whole != start);
                }
            }
        }
    }
}
