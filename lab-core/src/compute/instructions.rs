//! Which vector instructions the processor has, asked when the program runs.

/// The vector instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// 16 numbers at a time.
    Avx512,
    /// 8 numbers at a time, with fused multiply-add.
    Avx2,
    /// What every processor of the target has; the compiler vectorizes what it can.
    Plain,
}

impl Instructions {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        #[cfg(test)]
        if let Some(chosen) = CHOSEN.get() {
            return chosen;
        }
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if avx2 {
                return Self::Avx2;
            }
        }
        Self::Plain
    }

    /// Every path that this processor can run, the widest first.
    #[cfg(test)]
    pub(super) fn available() -> Vec<Self> {
        match Self::detect() {
            Self::Avx512 => vec![Self::Avx512, Self::Avx2, Self::Plain],
            Self::Avx2 => vec![Self::Avx2, Self::Plain],
            Self::Plain => vec![Self::Plain],
        }
    }

    /// What `task` gives on this path, which must be one of the processor's.
    #[cfg(test)]
    pub(super) fn on<R>(self, task: impl FnOnce() -> R) -> R {
        assert!(Self::available().contains(&self));
        CHOSEN.set(Some(self));
        let result = task();
        CHOSEN.set(None);
        result
    }
}

#[cfg(test)]
std::thread_local! {
    /// The path that a test has chosen for its own thread.
    static CHOSEN: std::cell::Cell<Option<Instructions>> = const { std::cell::Cell::new(None) };
}

/// Compiles one body of plain loops three times, for AVX-512, AVX2 and every processor, and calls the widest that
/// the processor has. The body is written without fused multiply-add, so the three give the same bits.
macro_rules! vectorized {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) {
            #[inline(always)]
            fn body($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn avx512($($argument: $type),*) {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) {
                body($($argument),*)
            }

            match $crate::compute::Instructions::detect() {
                // SAFETY: `detect` has asked the processor for exactly these features.
                #[cfg(target_arch = "x86_64")]
                $crate::compute::Instructions::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::compute::Instructions::Avx2 => unsafe { avx2($($argument),*) },
                _ => body($($argument),*),
            }
        }
    };
}
pub(super) use vectorized;
