//! What the matrix product needs of a vector register, for each set of instructions.

/// A register of `LANES` numbers.
///
/// # Safety
/// Every method may be called only where the processor has the implementation's instructions, and with pointers that
/// are valid for the lanes that are read or written.
pub(super) unsafe trait Vector: Copy {
    const LANES: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// Reads the first `lanes` numbers; the others are 0.
    unsafe fn load_first(from: *const f32, lanes: usize) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Writes the first `lanes` numbers.
    unsafe fn store_first(self, to: *mut f32, lanes: usize);
    unsafe fn add(self, other: Self) -> Self;
    /// `self · factor + sum`
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self;
}

/// Asks for a number to be brought near, where the processor can be asked; any address is allowed.
#[inline(always)]
pub(super) fn prefetch(from: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing, and every x86-64 processor has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// The same for the second cache, which has room for more.
#[inline(always)]
pub(super) fn prefetch_far(from: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as above.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Eight numbers in an array: any processor.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 8]);

// SAFETY: no instructions beyond those of every processor.
unsafe impl Vector for Plain {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight readable numbers; an array of `f32` has their alignment.
        Self(unsafe { from.cast::<[f32; 8]>().read() })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
        // SAFETY: only the lanes that the caller promises are read.
        Self(std::array::from_fn(|i| if i < lanes { unsafe { from.add(i).read() } } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable numbers.
        unsafe { to.cast::<[f32; 8]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, lanes: usize) {
        for (i, value) in self.0.into_iter().enumerate().take(lanes) {
            // SAFETY: only the lanes that the caller promises are written.
            unsafe { to.add(i).write(value) }
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + sum.0[i]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    /// A register of the processor as a [`Vector`]: its type, its lanes, and the instructions for each method.
    macro_rules! register {
        (
            $(#[$doc:meta])* $name:ident($register:ty), $lanes:literal, $splat:ident, $add:ident, $multiply_add:ident,
            $load:ident, $store:ident, first $mask:ident: $load_first:expr, $store_first:expr
        ) => {
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(in crate::compute) struct $name($register);

            // SAFETY: the intrinsics ask for the instructions that the trait's callers promise, for the lanes that
            // they promise, and for no alignment; lanes that a mask leaves out are not touched.
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
                    Self(unsafe { $load(from) })
                }

                #[inline(always)]
                unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $load_first($mask(lanes), from) })
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: see above.
                    unsafe { $store(to, self.0) }
                }

                #[inline(always)]
                unsafe fn store_first(self, to: *mut f32, lanes: usize) {
                    // SAFETY: see above.
                    unsafe { $store_first(to, $mask(lanes), self.0) }
                }

                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $add(self.0, other.0) })
                }

                #[inline(always)]
                unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $multiply_add(self.0, factor.0, sum.0) })
                }
            }
        };
    }

    register!(
        /// Sixteen numbers in an AVX-512 register.
        Avx512(__m512), 16, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_storeu_ps,
        first bits: _mm512_maskz_loadu_ps, _mm512_mask_storeu_ps
    );

    register!(
        /// Eight numbers in an AVX register.
        Avx2(__m256), 8, _mm256_set1_ps, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_storeu_ps,
        first signs: |mask, from| _mm256_maskload_ps(from, mask), _mm256_maskstore_ps
    );

    /// One bit for each of the first lanes.
    #[inline(always)]
    unsafe fn bits(lanes: usize) -> __mmask16 {
        ((1_u32 << lanes) - 1) as __mmask16
    }

    /// A negative number for each of the first lanes.
    #[inline(always)]
    unsafe fn signs(lanes: usize) -> __m256i {
        // SAFETY: arithmetic on registers; the caller promises AVX2.
        unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
    }
}
