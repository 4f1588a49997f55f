//! A vector register of floats, for each set of instructions.

use std::ops::{Add, Div, Mul, Sub};

/// A register of `LANES` floats, with arithmetic lane by lane.
///
/// # Safety
/// A value may be made (by `splat` and `load`) only where the processor has the implementation's instructions, so that
/// an existing one may be used. Pointers must be valid for the lanes that are read or written.
pub(crate) unsafe trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    const LANES: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self · factor + sum`, rounded once where the processor has fused multiply-add.
    fn multiply_add(self, factor: Self, sum: Self) -> Self;
    fn sqrt(self) -> Self;
}

/// Prefetches the cache line at an address, where the processor can; any address is allowed.
#[inline(always)]
pub(crate) fn prefetch(from: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing, and every x86-64 processor has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// `N` floats in an array, for any processor and without fused multiply-add.
#[derive(Clone, Copy)]
pub(crate) struct Plain<const N: usize>([f32; N]);

// SAFETY: no instructions beyond those of every processor.
unsafe impl<const N: usize> Vector for Plain<N> {
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises `N` readable floats; an array of `f32` has their alignment.
        Self(unsafe { from.cast::<[f32; N]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises `N` writable floats.
        unsafe { to.cast::<[f32; N]>().write(self.0) }
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, sum: Self) -> Self {
        self * factor + sum
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }
}

macro_rules! plain {
    ($($trait:ident::$method:ident),*) => {
        $(impl<const N: usize> $trait for Plain<N> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|i| self.0[i].$method(other.0[i])))
            }
        })*
    };
}
plain!(Add::add, Sub::sub, Mul::mul, Div::div);

/// A register of the processor as a [`Vector`]: its type, its lanes, and the instruction for each operation.
macro_rules! register {
    (
        $(#[$doc:meta])* $name:ident($register:ty), $lanes:literal, $splat:ident, $load:ident, $store:ident,
        $add:ident, $sub:ident, $mul:ident, $div:ident, $sqrt:ident,
        |$factor:ident, $other:ident, $sum:ident| $multiply_add:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name($register);

        // SAFETY: the intrinsics ask for the instructions that the trait's callers promise, for the lanes that they
        // promise, and for no alignment.
        unsafe impl Vector for $name {
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: as for the whole implementation, here and below.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: see above.
                Self(unsafe { $load(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: see above.
                unsafe { $store(to.cast(), self.0) }
            }

            #[inline(always)]
            fn multiply_add(self, factor: Self, sum: Self) -> Self {
                let ($factor, $other, $sum) = (self.0, factor.0, sum.0);
                // SAFETY: see above.
                Self(unsafe { $multiply_add })
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $sqrt(self.0) })
            }
        }

        register!(operators of $name: Add::add $add, Sub::sub $sub, Mul::mul $mul, Div::div $div);
    };
    (operators of $name:ident: $($trait:ident::$method:ident $intrinsic:ident),*) => {
        $(impl std::ops::$trait for $name {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: a value is only made where the processor has its instructions.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        })*
    };
}

/// What the kernels are compiled for where no other instructions are known.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Portable = Plain<8>;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::Simd128 as Portable;

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    register!(
        /// Sixteen floats in an AVX-512 register.
        Avx512(__m512), 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps,
        _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_div_ps, _mm512_sqrt_ps, |a, b, c| _mm512_fmadd_ps(a, b, c)
    );

    register!(
        /// Eight floats in an AVX register.
        Avx2(__m256), 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
        _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_div_ps, _mm256_sqrt_ps, |a, b, c| _mm256_fmadd_ps(a, b, c)
    );
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm {
    use std::arch::aarch64::*;

    use super::Vector;

    register!(
        /// Four floats in a NEON register.
        Neon(float32x4_t), 4, vdupq_n_f32, vld1q_f32, vst1q_f32,
        vaddq_f32, vsubq_f32, vmulq_f32, vdivq_f32, vsqrtq_f32, |a, b, c| vfmaq_f32(c, a, b)
    );
}

#[cfg(target_arch = "wasm32")]
#[allow(unused_unsafe, reason = "most of the intrinsics are safe here")]
mod wasm {
    use std::arch::wasm32::*;

    use super::Vector;

    register!(
        /// Four floats in a register of WebAssembly, which has no fused multiply-add: the bits are those of
        /// [`Plain`](super::Plain).
        Simd128(v128), 4, f32x4_splat, v128_load, v128_store,
        f32x4_add, f32x4_sub, f32x4_mul, f32x4_div, f32x4_sqrt, |a, b, c| f32x4_add(f32x4_mul(a, b), c)
    );
}
