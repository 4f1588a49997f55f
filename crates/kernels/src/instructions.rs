//! The vector instructions that the kernels use: the widest that the processor has, or those that `LAB_INSTRUCTIONS` names.

use std::fmt;
use std::sync::OnceLock;

use crate::error::{Error, Result};
#[cfg(target_arch = "aarch64")]
use crate::vector::arm;
#[cfg(target_arch = "x86_64")]
use crate::vector::x86;
use crate::vector::{Portable, Vector};

/// The environment variable that chooses the instructions, for measurements and tests: `avx512`, `avx2`, `neon`, `plain`.
const VARIABLE: &str = "LAB_INSTRUCTIONS";

/// The vector instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// 16 floats at a time.
    Avx512,
    /// 8 floats at a time, with fused multiply-add.
    Avx2,
    /// 4 floats at a time, on 64-bit ARM.
    Neon,
    /// The instructions of every processor of the target; the compiler vectorizes what it can.
    Plain,
}

impl Instructions {
    const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Plain];

    /// The instructions that the kernels use: those that `LAB_INSTRUCTIONS` names if the processor has them, otherwise the
    /// widest.
    pub fn detect() -> Self {
        static CHOSEN: OnceLock<Instructions> = OnceLock::new();
        #[cfg(test)]
        if let Some(chosen) = tests::CHOSEN.get() {
            return chosen;
        }
        *CHOSEN.get_or_init(|| Self::chosen().unwrap_or(Self::available()[0]))
    }

    /// The instructions that this processor has, the widest first.
    pub fn available() -> Vec<Self> {
        let all = Self::ALL.into_iter();
        all.filter(|path| path.is_available()).collect()
    }

    /// Whether a product and a sum are rounded once, together. With it the bits of a result are the same on every
    /// processor; without it the last digits differ.
    pub fn has_fused_multiply_add(self) -> bool {
        self != Self::Plain
    }

    /// What `LAB_INSTRUCTIONS` names, or the widest.
    ///
    /// # Errors
    /// [`Error`] where it names something unknown, or instructions that this processor does not have.
    pub(crate) fn chosen() -> Result<Self> {
        let available = Self::available();
        let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
            return Ok(available[0]);
        };
        let named = available.iter().find(|path| name == *path.to_string());
        named.copied().ok_or_else(|| {
            let names: Vec<String> = available.iter().map(Self::to_string).collect();
            let expected = format!("what this processor has: {}", names.join(", "));
            let remedy = "leave it out to use the widest";
            Error::new(VARIABLE, name.to_string_lossy(), expected, remedy)
        })
    }

    fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2.is_available() && is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Plain => true,
            #[allow(unreachable_patterns, reason = "x86-64 has every pattern above")]
            _ => false,
        }
    }

    /// Rows and columns of the register tile with which [`Instructions::run`] calls a kernel.
    pub(crate) fn tile(self) -> (usize, usize) {
        struct Shape<'a>(&'a mut (usize, usize));

        impl Kernel for Shape<'_> {
            unsafe fn run<V: Vector, const R: usize, const C: usize>(self) {
                *self.0 = (R, C * V::LANES);
            }
        }

        let mut shape = (0, 0);
        // SAFETY: it is safe code.
        unsafe { self.run(Shape(&mut shape)) };
        shape
    }

    /// Runs `kernel` with these instructions, which must be [available](Instructions::available). A tile fills the
    /// registers, 32 with AVX-512 and NEON, 16 with AVX2: sums are in all of them but those for a row of B and an entry of A.
    ///
    /// # Safety
    /// What the kernel itself requires.
    pub(crate) unsafe fn run(self, kernel: impl Kernel) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        unsafe fn avx512(kernel: impl Kernel) {
            // SAFETY: these are the instructions that this function is compiled for; the rest is the caller's promise.
            unsafe { kernel.run::<x86::Avx512, 13, 2>() }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(kernel: impl Kernel) {
            // SAFETY: as above.
            unsafe { kernel.run::<x86::Avx2, 6, 2>() }
        }

        debug_assert!(self.is_available());
        // SAFETY: only instructions that the processor has are ever chosen; the rest is the caller's promise.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => avx512(kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => avx2(kernel),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => kernel.run::<arm::Neon, 6, 4>(),
                _ => kernel.run::<Portable, 4, 2>(),
            }
        }
    }
}

/// As `LAB_INSTRUCTIONS` spells it.
impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// Work that is compiled for each set of instructions: on registers `V`, in tiles of `R` rows and `C` registers.
pub(crate) trait Kernel {
    /// Does the work.
    ///
    /// # Safety
    /// The processor has the instructions of `V`, and what the kernel itself requires.
    unsafe fn run<V: Vector, const R: usize, const C: usize>(self);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    std::thread_local! {
        /// The instructions that a test has chosen for its own thread.
        pub(crate) static CHOSEN: std::cell::Cell<Option<Instructions>> = const { std::cell::Cell::new(None) };
    }

    impl Instructions {
        /// What `task` gives with these instructions, which must be available.
        pub(crate) fn on<R>(self, task: impl FnOnce() -> R) -> R {
            assert!(self.is_available());
            CHOSEN.set(Some(self));
            let result = task();
            CHOSEN.set(None);
            result
        }
    }

    #[test]
    fn the_plain_path_is_always_there_and_comes_last() {
        assert_eq!(Instructions::available().last(), Some(&Instructions::Plain));
        assert!(!Instructions::Plain.has_fused_multiply_add());
        #[cfg(target_arch = "aarch64")]
        assert_eq!(Instructions::available()[0], Instructions::Neon);
    }
}
