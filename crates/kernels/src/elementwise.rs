//! Activation functions on whole slices, forward and backward side by side.
//!
//! Forward passes work in place on z and leave a = f(z). Backward passes turn the gradient with respect to a, in place,
//! into the one with respect to z; they use a alone where that is enough, so that z need not be kept.
//! The exponential and the hyperbolic tangent use the polynomials of Cephes (S. Moshier), within 2 units in the last
//! place; they are plain arithmetic without fused multiply-add, so that the compiler can vectorize them and all
//! instructions give the same bits.

use crate::instructions::{Instructions, Kernel};
use crate::vector::Vector;

/// A loop over items, compiled for each set of instructions.
struct Loop<I, F>(I, F);

impl<I: Iterator, F: Fn(I::Item)> Kernel for Loop<I, F> {
    #[inline(always)]
    unsafe fn run<V: Vector, const R: usize, const C: usize>(self) {
        self.0.for_each(self.1);
    }
}

/// Runs `f` on each item with the widest instructions.
fn each<I: IntoIterator>(items: I, f: impl Fn(I::Item)) {
    // SAFETY: the loop is safe code.
    unsafe { Instructions::detect().run(Loop(items.into_iter(), f)) }
}

/// Outside of this range the result would overflow or be subnormal.
const EXP_RANGE: (f32, f32) = (-87.0, 88.0);

/// (2ⁿ, p) with eˣ = 2ⁿ (1 + p), where p = eʳ − 1 for the remainder r = x − n ln 2, |r| ≤ ln 2 / 2.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, f32) {
    // Adding 1.5 · 2²³ leaves the nearest integer in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let x = x.clamp(EXP_RANGE.0, EXP_RANGE.1);
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        5.0e-1,
    ] {
        p = p * r + coefficient;
    }
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (scale, p * r * r + r)
}

#[inline(always)]
fn exp_of(x: f32) -> f32 {
    let (scale, p) = exp_parts(x);
    scale * p + scale
}

/// eˣ − 1 without cancellation near 0.
#[inline(always)]
fn exp_minus_one(x: f32) -> f32 {
    let (scale, p) = exp_parts(x);
    scale * p + (scale - 1.0)
}

#[inline(always)]
fn tanh_of(x: f32) -> f32 {
    let square = x * x;
    let mut p = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1] {
        p = p * square + coefficient;
    }
    let near = p * square * x + x;
    let t = exp_of(-2.0 * x.abs());
    let far = ((1.0 - t) / (1.0 + t)).copysign(x);
    if x.abs() < 0.625 { near } else { far }
}

#[inline(always)]
fn sigmoid_of(x: f32) -> f32 {
    let t = exp_of(-x.abs());
    (if x < 0.0 { t } else { 1.0 }) / (1.0 + t)
}

/// x ← byte / 255, rounded once.
pub fn unit(bytes: &[u8], x: &mut [f32]) {
    each(x.iter_mut().zip(bytes), |(x, &byte)| {
        *x = f32::from(byte) / 255.0
    });
}

/// y ← y + x.
pub fn add(x: &[f32], y: &mut [f32]) {
    each(x.iter().zip(y), |(x, y)| *y += x);
}

/// x ← eˣ, with x clamped to −87 … 88.
pub fn exp(x: &mut [f32]) {
    each(x, |x| *x = exp_of(*x));
}

/// z ← z for z > 0, slope · z otherwise: ReLU with slope 0, leaky ReLU with another.
pub fn relu(z: &mut [f32], slope: f32) {
    each(z, |z| *z = if *z > 0.0 { *z } else { slope * *z });
}

/// The gradient of [`relu`]: times 1 where a > 0, times the slope otherwise.
pub fn relu_backward(a: &[f32], gradient: &mut [f32], slope: f32) {
    each(a.iter().zip(gradient), |(&a, g)| {
        *g *= if a > 0.0 { 1.0 } else { slope }
    });
}

/// z ← z for z > 0, eᶻ − 1 otherwise (Clevert, Unterthiner and Hochreiter, 2016, with α = 1).
pub fn elu(z: &mut [f32]) {
    each(z, |z| *z = if *z > 0.0 { *z } else { exp_minus_one(*z) });
}

/// The gradient of [`elu`]: times 1 where a > 0, times eᶻ = a + 1 otherwise.
pub fn elu_backward(a: &[f32], gradient: &mut [f32]) {
    each(a.iter().zip(gradient), |(&a, g)| {
        *g *= if a > 0.0 { 1.0 } else { a + 1.0 }
    });
}

/// z ← tanh z.
pub fn tanh(z: &mut [f32]) {
    each(z, |z| *z = tanh_of(*z));
}

/// The gradient of [`tanh`]: times 1 − a².
pub fn tanh_backward(a: &[f32], gradient: &mut [f32]) {
    each(a.iter().zip(gradient), |(&a, g)| *g *= 1.0 - a * a);
}

/// z ← 1 / (1 + e⁻ᶻ).
pub fn sigmoid(z: &mut [f32]) {
    each(z, |z| *z = sigmoid_of(*z));
}

/// The gradient of [`sigmoid`]: times a (1 − a).
pub fn sigmoid_backward(a: &[f32], gradient: &mut [f32]) {
    each(a.iter().zip(gradient), |(&a, g)| *g *= a * (1.0 - a));
}

/// Each row z ← eᶻ / Σ eᶻ, with the row's maximum subtracted first so that nothing overflows.
pub fn softmax_rows(z: &mut [f32], columns: usize) {
    for row in z.chunks_exact_mut(columns) {
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|z| *z -= highest);
        exp(row);
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|z| *z /= sum);
    }
}

/// The gradient of [`softmax_rows`]: g ← a ⊙ (g − Σ a g), row by row.
pub fn softmax_rows_backward(a: &[f32], gradient: &mut [f32], columns: usize) {
    let rows = gradient.chunks_exact_mut(columns);
    for (g, a) in rows.zip(a.chunks_exact(columns)) {
        let dot: f32 = a.iter().zip(g.iter()).map(|(a, g)| a * g).sum();
        for (g, a) in g.iter_mut().zip(a) {
            *g = a * (*g - dot);
        }
    }
}

/// Σ x² in double precision, as eight partial sums that the compiler can vectorize.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    let (eights, rest) = x.as_chunks::<8>();
    for eight in eights {
        sums.iter_mut()
            .zip(eight)
            .for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    }
    sums.iter_mut()
        .zip(rest)
        .for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instructions::Instructions;

    /// The largest relative difference from `exact` over a fine grid; below `floor` the difference counts absolutely.
    fn worst(
        range: (f32, f32),
        floor: f64,
        f: impl Fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
    ) -> f64 {
        let points = 400_000;
        let at = |i: usize| range.0 + (range.1 - range.0) * i as f32 / points as f32;
        let difference = |x: f32| {
            let wanted = exact(f64::from(x));
            (f64::from(f(x)) - wanted).abs() / wanted.abs().max(floor)
        };
        (0..=points).map(|i| difference(at(i))).fold(0.0, f64::max)
    }

    #[test]
    fn the_exponential_functions_are_right_to_the_last_places() {
        let tiny = f64::from(f32::MIN_POSITIVE);
        assert!(worst((-87.0, 88.0), tiny, exp_of, f64::exp) < 2.5e-7);
        assert!(worst((-87.0, 0.0), tiny, exp_minus_one, f64::exp_m1) < 2.5e-7);
        assert!(worst((-20.0, 20.0), tiny, tanh_of, f64::tanh) < 2.5e-7);
        assert!(
            worst((-80.0, 80.0), tiny, sigmoid_of, |x| 1.0
                / (1.0 + (-x).exp()))
                < 4e-7
        );
    }

    #[test]
    fn every_path_gives_the_same_bits_at_every_length() {
        type Kernel = fn(&mut [f32], &[f32]);
        let kernels: [Kernel; 9] = [
            |x, _| exp(x),
            |x, _| relu(x, 0.2),
            |x, _| elu(x),
            |x, _| tanh(x),
            |x, _| sigmoid(x),
            |x, a| relu_backward(a, x, 0.2),
            |x, a| elu_backward(a, x),
            |x, a| tanh_backward(a, x),
            |x, a| sigmoid_backward(a, x),
        ];
        for (number, kernel) in kernels.into_iter().enumerate() {
            for length in 0..=70 {
                let numbers = |salt: usize| {
                    (0..length).map(move |i| ((i * 37 + salt) % 97) as f32 / 8.0 - 6.0)
                };
                let run = |path: Instructions| {
                    // Guard values after the slice show a write beyond it.
                    let mut x: Vec<f32> = numbers(5).chain([f32::MAX; 16]).collect();
                    path.on(|| kernel(&mut x[..length], &numbers(11).collect::<Vec<_>>()));
                    assert!(x[length..].iter().all(|&guard| guard == f32::MAX));
                    x.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                };
                for path in Instructions::available() {
                    assert_eq!(
                        run(path),
                        run(Instructions::Plain),
                        "kernel {number}, {length} numbers, {path:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn bytes_become_exact_quotients_on_every_path() {
        let bytes: Vec<u8> = (0..=255).chain(3..200).collect();
        for path in Instructions::available() {
            let mut x = vec![f32::MAX; bytes.len()];
            path.on(|| unit(&bytes, &mut x));
            assert!(
                x.iter()
                    .zip(&bytes)
                    .all(|(x, &byte)| *x == (f64::from(byte) / 255.0) as f32),
                "{path:?}"
            );
        }
    }

    #[test]
    fn far_out_the_functions_keep_their_limits() {
        for x in [1e4, f32::MAX, f32::INFINITY] {
            assert_eq!((tanh_of(x), tanh_of(-x), sigmoid_of(x)), (1.0, -1.0, 1.0));
            assert!(sigmoid_of(-x) < 1e-37 && exp_minus_one(-x) == -1.0 && exp_of(-x) < 1e-37);
        }
    }

    #[test]
    fn not_a_number_stays_not_a_number() {
        let mut x = [f32::NAN; 3];
        elu(&mut x[..1]);
        tanh(&mut x[1..2]);
        sigmoid(&mut x[2..]);
        assert!(x.iter().all(|x| x.is_nan()), "{x:?}");
    }

    #[test]
    fn softmax_of_extreme_rows_is_finite_and_sums_to_one() {
        let mut z = [1e4, -1e4, 0.0, -1e30, -1e30, -1e30];
        softmax_rows(&mut z, 3);
        assert_eq!(
            &z[..3],
            [1.0, 0.0, 0.0].map(|x: f32| if x == 1.0 { 1.0 } else { z[1] })
        );
        assert!(z[1] < 1e-37);
        assert_eq!(&z[3..], [1.0 / 3.0; 3]);
    }
}
