//! An image as one row of features.

use super::*;

/// Makes one row of an example's elements, `(32, 32, 3)` → `(3072)`; in memory they already are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flatten {}

impl Layer for Flatten {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Flatten", "flatten")
    }

    fn output_shape(&self, _: &str, input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![input.iter().product()])
    }

    fn is_identity(&self, _: Mode) -> bool {
        true
    }
}
