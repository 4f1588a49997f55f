//! GELU on whole slices, by the error function of FreeBSD's `s_erff.c`, bit for bit as in the crate libm, but without
//! branches, so that the compiler can vectorize it: all ranges' rational functions are evaluated, and one is chosen.

use crate::instructions::{Instructions, Kernel};
use crate::vector::Vector;

/// a = z Φ(z) with Φ the normal distribution function, exactly, by erf (Hendrycks and Gimpel, 2016).
pub fn gelu(z: &[f32], a: &mut [f32]) {
    // SAFETY: the loop is safe code.
    unsafe { Instructions::detect().run(Gelu::<false>(z, a)) }
}

/// The gradient of [`gelu`]: times Φ(z) + z φ(z), with φ the normal density.
pub fn gelu_backward(z: &[f32], gradient: &mut [f32]) {
    // SAFETY: as above.
    unsafe { Instructions::detect().run(Gelu::<true>(z, gradient)) }
}

/// GELU of all z, or its gradient.
struct Gelu<'a, const BACKWARD: bool>(&'a [f32], &'a mut [f32]);

impl<const BACKWARD: bool> Kernel for Gelu<'_, BACKWARD> {
    #[inline(always)]
    unsafe fn run<V: Vector, const R: usize, const C: usize>(self) {
        const DENSITY_AT_0: f32 = 0.398_942_3;
        for (&z, to) in self.0.iter().zip(self.1) {
            let above = 1.0 + erf(z * std::f32::consts::FRAC_1_SQRT_2);
            match BACKWARD {
                true => *to *= 0.5 * above + z * DENSITY_AT_0 * exp(-0.5 * z * z),
                false => *to = z * 0.5 * above,
            }
        }
    }
}

// The bits of the coefficients of numerator and denominator by turns, the highest power first, for |x| below 0.84375, below
// 1.25, below 1 / 0.35, and above.
const NEAR: [u32; 12] = [
    0, 0xb684e21a, 0xb7c756b1, 0x390aee49, 0xbbbd1489, 0x3ba68116, 0xbce9528f, 0x3d852a63,
    0xbea66beb, 0x3ecbbbce, 0x3e0375d4, 0x3f800000,
];
const MIDDLE: [u32; 14] = [
    0xbb0df9c0, 0x3c445aa3, 0x3d1151b3, 0x3c5f6e13, 0xbde31cc2, 0x3e013307, 0x3ea2fe54, 0x3d931ae7,
    0xbebe9208, 0x3f0a5785, 0x3ed46805, 0x3dd9f331, 0xbb1acdc6, 0x3f800000,
];
const FAR: [u32; 18] = [
    0, 0xbd777f97, 0xc11d077e, 0x40d23f7c, 0xc2a2932b, 0x42d9451f, 0xc3389ae7, 0x43d6810b,
    0xc322658c, 0x442158c9, 0xc2798057, 0x43d9486f, 0xc128f022, 0x4309a863, 0xbf31a0b7, 0x419d35ce,
    0xbc21a093, 0x3f800000,
];
const TAIL: [u32; 18] = [
    0, 0, 0, 0xc1b38712, 0xc3f1c275, 0x43ed43a7, 0xc480230b, 0x451f90ce, 0xc41f6441, 0x4547fdbb,
    0xc320a2ea, 0x44c01759, 0xc18e104b, 0x43a2e571, 0xbf4c9dd4, 0x41f2b459, 0xbc21a092, 0x3f800000,
];

/// Numerator and denominator at x.
#[inline(always)]
fn polynomials<const N: usize>(x: f32, coefficients: [u32; N]) -> (f32, f32) {
    let [mut p, mut q] = [0, 1].map(|i| f32::from_bits(coefficients[i]));
    for i in 1..N / 2 {
        p = x * p + f32::from_bits(coefficients[2 * i]);
        q = x * q + f32::from_bits(coefficients[2 * i + 1]);
    }
    (p, q)
}

/// erf x.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let size = x.abs();
    let inverse = 1.0 / (size * size);
    let (far, tail) = (polynomials(inverse, FAR), polynomials(inverse, TAIL));
    let (near, middle) = (polynomials(x * x, NEAR), polynomials(size - 1.0, MIDDLE));
    let below = |limit: f32, (a, b): (f32, f32), (c, d): (f32, f32)| {
        (
            if size < limit { a } else { c },
            if size < limit { b } else { d },
        )
    };
    let (p, q) = below(1.25, middle, below(f32::from_bits(0x4036db6d), far, tail));
    let (p, q) = below(0.84375, near, (p, q));
    let ratio = p / q;
    let cut = f32::from_bits(size.to_bits() & 0xffffe000);
    let tail = exp(-cut * cut - 0.5625) * exp((cut - size) * (cut + size) + ratio) / size;
    let tail = if size < 1.25 {
        1.0 - 0.845_062_9 - ratio
    } else {
        tail
    };
    let far = if size < 6.0 { 1.0 - tail } else { 1.0 };
    let tiny = size < 3.725_290_3e-9;
    let near = if tiny {
        0.125 * (8.0 * x + 1.027_033_3 * x)
    } else {
        x + x * ratio
    };
    if size < 0.84375 || x.is_nan() {
        near
    } else {
        far.copysign(x)
    }
}

/// eˣ for x up to 0.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2²³ leaves the nearest integer in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let t = f32::from_bits(0x3fb8aa3b) * x - 0.5;
    let nearest = (t + MAGIC) - MAGIC;
    let k = if nearest < t { nearest + 1.0 } else { nearest };
    let k = if x < f32::from_bits(0xbf851592) {
        k
    } else {
        -1.0
    };
    let k = if x < f32::from_bits(0xbeb17218) {
        k
    } else {
        0.0
    };
    let (hi, lo) = (
        x - k * f32::from_bits(0x3f317200),
        k * f32::from_bits(0x35bfbe8e),
    );
    let r = hi - lo;
    let square = r * r;
    let c = r - square * (f32::from_bits(0x3e2aaa8f) + square * f32::from_bits(0xbb355215));
    let y = 1.0 + (r * c / (2.0 - c) - lo + hi);
    // 2ᵏ in two factors, of which the first leaves y exact, as the result may be subnormal.
    let two_to = |k: f32| f32::from_bits(((k + MAGIC).to_bits() << 23).wrapping_add(127 << 23));
    let first = if k < -64.0 { -64.0 } else { 0.0 };
    let y = y * two_to(first) * two_to(k - first);
    let y = if x < f32::from_bits(0xc2cff1b4) {
        0.0
    } else {
        y
    };
    if x.abs() > f32::from_bits(0x39000000) {
        y
    } else {
        1.0 + x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether both functions are those of libm at every `step`-th float, to the last bit; any NaN equals any other.
    fn equal_libm(step: usize) -> bool {
        let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        (0..=u32::MAX)
            .step_by(step)
            .map(f32::from_bits)
            .all(|x| same(erf(x), libm::erff(x)) && (x > 0.0 || same(exp(x), libm::expf(x))))
    }

    #[test]
    fn the_functions_are_those_of_libm_to_the_last_bit() {
        assert!(equal_libm(1999));
    }

    /// The same for all floats: `cargo test --release -p lab-kernels -- --ignored`.
    #[test]
    #[ignore = "takes minutes"]
    fn the_functions_are_those_of_libm_for_every_float() {
        assert!(equal_libm(1));
    }

    #[test]
    fn every_path_gives_the_bits_of_libm_at_every_length() {
        for length in 0..=70 {
            let z: Vec<f32> = (0..length)
                .map(|i| ((i * 37 + 5) % 97) as f32 / 12.0 - 4.0)
                .collect();
            let wanted = z
                .iter()
                .map(|z| z * 0.5 * (1.0 + libm::erff(z * std::f32::consts::FRAC_1_SQRT_2)));
            let slopes = z.iter().map(|z| {
                let below = 0.5 * (1.0 + libm::erff(z * std::f32::consts::FRAC_1_SQRT_2));
                3.0 * (below + z * 0.398_942_3 * libm::expf(-0.5 * z * z))
            });
            let (wanted, slopes): (Vec<f32>, Vec<f32>) = (wanted.collect(), slopes.collect());
            for path in Instructions::available() {
                // Guard values after the slice show a write beyond it.
                let [mut a, mut g] =
                    [(); 2].map(|()| [vec![3.0; length], vec![f32::MAX; 16]].concat());
                path.on(|| {
                    gelu(&z, &mut a[..length]);
                    gelu_backward(&z, &mut g[..length]);
                });
                assert!(
                    a[..length] == wanted && g[..length] == slopes,
                    "{path:?} {length}"
                );
                assert!(
                    a[length..]
                        .iter()
                        .chain(&g[length..])
                        .all(|&guard| guard == f32::MAX)
                );
            }
        }
    }
}
