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

    /// Sixteen numbers in an AVX-512 register.
    #[derive(Clone, Copy)]
    pub(in crate::compute) struct Avx512(__m512);

    // SAFETY: the methods' one demand beyond the trait's, AVX-512F, is the trait's own.
    unsafe impl Vector for Avx512 {
        const LANES: usize = 16;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller promises AVX-512F, here and in all that follows.
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: sixteen readable numbers, of any alignment.
            Self(unsafe { _mm512_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
            // SAFETY: lanes that the mask leaves out are not touched.
            Self(unsafe { _mm512_maskz_loadu_ps(first(lanes), from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: sixteen writable numbers, of any alignment.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, lanes: usize) {
            // SAFETY: lanes that the mask leaves out are not touched.
            unsafe { _mm512_mask_storeu_ps(to, first(lanes), self.0) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: arithmetic on registers.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
            // SAFETY: arithmetic on registers.
            Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, sum.0) })
        }
    }

    #[inline(always)]
    fn first(lanes: usize) -> __mmask16 {
        debug_assert!(lanes <= 16);
        ((1_u32 << lanes) - 1) as __mmask16
    }

    /// Eight numbers in an AVX register.
    #[derive(Clone, Copy)]
    pub(in crate::compute) struct Avx2(__m256);

    // SAFETY: the methods' one demand beyond the trait's, AVX2 and FMA, is the trait's own.
    unsafe impl Vector for Avx2 {
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller promises AVX2 and FMA, here and in all that follows.
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: eight readable numbers, of any alignment.
            Self(unsafe { _mm256_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
            // SAFETY: lanes that the mask leaves out are not touched.
            Self(unsafe { _mm256_maskload_ps(from, below(lanes)) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: eight writable numbers, of any alignment.
            unsafe { _mm256_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, lanes: usize) {
            // SAFETY: lanes that the mask leaves out are not touched.
            unsafe { _mm256_maskstore_ps(to, below(lanes), self.0) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: arithmetic on registers.
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
            // SAFETY: arithmetic on registers.
            Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, sum.0) })
        }
    }

    #[inline(always)]
    unsafe fn below(lanes: usize) -> __m256i {
        // SAFETY: arithmetic on registers; the caller promises AVX2.
        unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
    }
}
