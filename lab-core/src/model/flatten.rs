//! An image as one row of numbers.

use serde::{Deserialize, Serialize};

use super::layer::{Mathematics, Pass};
use crate::error::Result;

/// Puts the numbers of an example in one row, `(32, 32, 3)` → `(3072)`; they lie like that in memory already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flatten {}

impl Mathematics for Flatten {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Flatten", "flatten")
    }

    fn output_shape(&self, _: &str, input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![input.iter().product()])
    }

    fn is_identity(&self, _: &Pass<'_>) -> bool {
        true
    }
}
