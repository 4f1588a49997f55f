//! One step of each optimizer on one array of weights: weights, gradient and state are read and written once.
//!
//! The formulas and their constants are Keras's; the textbook has them once more, as one writes them on paper.

use crate::instructions::{Instructions, Kernel};
use crate::product::{MatRef, blocks};
use crate::shared::Shared;
use crate::threads::{PIECE, Threads};
use crate::tile::{Buffer, Fill};
use crate::vector::{Plain, Vector};

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
}

/// What a step does to a register of weights and of each slot, given their gradients; slots that it does not need stay.
trait Rule {
    fn apply<V: Vector>(&self, g: V, weights: [V; 3]) -> [V; 3];
}

/// The numbers of a rule in registers of the kind of one that exists.
#[inline(always)]
fn splats<V: Vector, const N: usize>(_: V, numbers: [f32; N]) -> [V; N] {
    // SAFETY: where there is a register of this kind there are its instructions.
    numbers.map(|number| unsafe { V::splat(number) })
}

impl Rule for SgdStep {
    #[inline(always)]
    fn apply<V: Vector>(&self, g: V, [w, u, none]: [V; 3]) -> [V; 3] {
        let [rate, momentum] = splats(g, [self.rate * self.scale, self.momentum]);
        if self.momentum == 0.0 {
            return [w - rate * g, u, none];
        }
        let u = momentum * u - rate * g;
        [
            w + if self.nesterov {
                momentum * u - rate * g
            } else {
                u
            },
            u,
            none,
        ]
    }
}

impl Rule for RmsPropStep {
    #[inline(always)]
    fn apply<V: Vector>(&self, g: V, [w, v, u]: [V; 3]) -> [V; 3] {
        let [scale, rho, one_less_rho] = splats(g, [self.scale, self.rho, 1.0 - self.rho]);
        let [rate, epsilon, momentum] = splats(g, [self.rate, self.epsilon, self.momentum]);
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
        let [keep, alpha, epsilon] = splats(g, [self.keep, self.alpha, self.epsilon]);
        let g = scale * g;
        let m = m + (g - m) * one_less_beta_1;
        let v = v + (g * g - v) * one_less_beta_2;
        [keep * w - alpha * m / (v.sqrt() + epsilon), m, v]
    }
}

/// g ← g + 2 λ w, the gradient of the penalty λ Σ w².
pub fn add_penalty(l2: f32, weights: &[f32], gradient: &mut [f32]) {
    gradient
        .iter_mut()
        .zip(weights)
        .for_each(|(g, w)| *g += 2.0 * l2 * w);
}

/// Changes `weights` by their `gradient`.
///
/// Panics when the lengths differ, or that of a slot which the step needs.
pub fn update(
    step: &Step,
    gradient: &[f32],
    weights: &mut [f32],
    slots: [&mut [f32]; 2],
    threads: &Threads,
) {
    assert_eq!(gradient.len(), weights.len(), "a gradient for each weight");
    let (parameters, instructions) = (
        &Parameters::new(step, 0.0, weights, slots),
        Instructions::detect(),
    );
    threads.run(gradient.len().div_ceil(PIECE), |piece| {
        let start = piece * PIECE;
        let columns = PIECE.min(gradient.len() - start);
        let g = gradient[start..].as_ptr();
        // SAFETY: pieces do not overlap.
        unsafe {
            instructions.run(Change {
                parameters,
                start,
                rows: 1,
                columns,
                stride: columns,
                g,
                g_stride: columns,
            })
        };
    });
}

/// Changes `weights`, of as many rows as A and columns as B, by the gradient A·B + 2 λ W, which is never written down: each
/// block of it goes to its weights while it is in the L2 cache, with the same bits as [`update`] after
/// [`crate::product`].
///
/// Panics when lengths and shapes do not fit.
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
    assert_eq!(
        weights.len(),
        a.rows * n,
        "the weights have as many rows as A and as many columns as B"
    );
    let parameters = &Parameters::new(step, l2, weights, slots);
    blocks(
        instructions,
        a,
        b,
        [ROWS, COLUMNS],
        threads,
        |rows, columns| {
            let mut gradient = Buffer::<{ ROWS * STRIDE }>::new();
            let c = gradient.0.as_mut_ptr().cast::<f32>();
            let (start, size) = (rows.start * n + columns.start, (rows.len(), columns.len()));
            // SAFETY: there is room for ROWS rows of COLUMNS floats, and a block is no larger.
            unsafe {
                instructions.run(Fill {
                    a,
                    b,
                    rows,
                    columns,
                    c,
                    stride: STRIDE,
                })
            };
            let change = Change {
                parameters,
                start,
                rows: size.0,
                columns: size.1,
                stride: n,
                g: c,
                g_stride: STRIDE,
            };
            // SAFETY: the block of the gradient has been written; blocks do not overlap.
            unsafe { instructions.run(change) };
        },
    );
}

/// Rows and columns of the gradient that one block has at most, so that it fits into the L2 cache.
const ROWS: usize = 66;
const COLUMNS: usize = 512;
/// From one row of a block to the next. With COLUMNS itself, rows would compete for the same sets of the L1 cache.
const STRIDE: usize = COLUMNS + 16;

/// Weights and slots that several threads change at once, each in places of its own.
struct Parameters<'a> {
    step: &'a Step,
    l2: f32,
    /// The weights, then the slots.
    arrays: [Shared<'a, f32>; 3],
}

impl<'a> Parameters<'a> {
    fn new(step: &'a Step, l2: f32, weights: &'a mut [f32], [a, b]: [&'a mut [f32]; 2]) -> Self {
        let lengths = [a.len(), b.len()];
        let fit = lengths
            .iter()
            .take(step.slots())
            .all(|&length| length == weights.len());
        assert!(fit, "{} weights and slots of {lengths:?}", weights.len());
        Self {
            step,
            l2,
            arrays: [weights, a, b].map(Shared::new),
        }
    }
}

/// Changes a rectangle of the weights, `rows` times `columns` of them that begin at `start`, by the gradients at `g`.
///
/// Running it is sound only if there are as many gradients, and no other thread uses these weights meanwhile.
struct Change<'a> {
    parameters: &'a Parameters<'a>,
    start: usize,
    rows: usize,
    columns: usize,
    /// From one row of weights to the next, and from one row of gradients to the next.
    stride: usize,
    g: *const f32,
    g_stride: usize,
}

impl Kernel for Change<'_> {
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

impl Change<'_> {
    /// By a rule that needs the first `ARRAYS` of weights and slots.
    ///
    /// # Safety
    /// As for the whole.
    #[inline(always)]
    unsafe fn by<V: Vector, const ARRAYS: usize>(&self, rule: &impl Rule) {
        let Self {
            parameters,
            start,
            rows,
            columns,
            stride,
            g,
            g_stride,
        } = *self;
        let end = start + (rows - 1) * stride + columns;
        let arrays: [*mut f32; ARRAYS] =
            std::array::from_fn(|i| parameters.arrays[i].start_of(start..end));
        let whole = columns / V::LANES * V::LANES;
        for row in 0..rows {
            let arrays = arrays.map(|array| array.wrapping_add(row * stride));
            let g = g.wrapping_add(row * g_stride);
            // SAFETY: inside of the arrays, as `start_of` has checked, and of the gradients, as the caller promises.
            unsafe {
                (0..whole)
                    .step_by(V::LANES)
                    .for_each(|at| change::<V, ARRAYS>(rule, parameters.l2, arrays, g, at));
                (whole..columns)
                    .for_each(|at| change::<Plain<1>, ARRAYS>(rule, parameters.l2, arrays, g, at));
            }
        }
    }
}

/// Changes the register of weights that begins `at` in the arrays.
///
/// # Safety
/// The processor has the instructions of `V`; the pointers are valid for its lanes there.
#[inline(always)]
unsafe fn change<V: Vector, const N: usize>(
    rule: &impl Rule,
    l2: f32,
    arrays: [*mut f32; N],
    g: *const f32,
    at: usize,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut weights = [V::splat(0.0); 3];
        weights
            .iter_mut()
            .zip(arrays)
            .for_each(|(weights, array)| *weights = V::load(array.add(at)));
        let mut g = V::load(g.add(at));
        if l2 > 0.0 {
            g = g + V::splat(2.0 * l2) * weights[0];
        }
        let weights = rule.apply(g, weights);
        weights
            .into_iter()
            .zip(arrays)
            .for_each(|(weights, array)| weights.store(array.add(at)));
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
        epsilon: 1e-7,
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
                epsilon: 1e-7,
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
