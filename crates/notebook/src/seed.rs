//! Seeds of notebooks, which one variable moves all together.

use lab_core::{LabError, Result};

/// The environment variable that gives a notebook other random numbers: a whole number, 0 where it is not set.
pub const VARIABLE: &str = "LAB_SEED";

/// The seed of this number; where `LAB_SEED` is set, number + 1,000 · `LAB_SEED`. So a whole report can be made with other
/// random numbers, to see which of its claims still hold.
///
/// ```
/// use lab_notebook::prelude::*;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// # Ok::<(), LabError>(())
/// ```
#[allow(non_snake_case, reason = "it stands for the constructor of the type")]
pub fn Seed(number: u64) -> lab_core::Seed {
    lab_core::Seed(number + 1000 * moved().unwrap_or(0))
}

/// The value of `LAB_SEED`.
///
/// # Errors
/// Where it is not a whole number.
pub fn moved() -> Result<u64> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    match text.trim() {
        "" => Ok(0),
        other => other.parse().map_err(|_| {
            let (found, expected) = (format!("`{other}`"), "a whole number");
            LabError::value(VARIABLE, found, expected, "unset it, or give 1")
        }),
    }
}
