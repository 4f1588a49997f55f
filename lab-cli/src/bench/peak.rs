//! What the machine can do: the f32 matrix product of two large squares by the crate gemm, the yardstick for all other
//! speeds.

use std::path::{Path, PathBuf};
use std::process::Command;

use lab_core::compute::Instructions;

use super::peers::build;
use crate::Outcome;
use crate::setup::steps::{SetupError, Steps};

/// Measures the machine's peak with some instructions.
pub struct Yardstick {
    program: PathBuf,
}

impl Yardstick {
    /// Builds the program in `tools/peers` where it is missing; none for the plain path, which has no peer.
    ///
    /// # Errors
    /// Where it cannot be built.
    pub fn new(root: &Path, instructions: Instructions, steps: &Steps) -> Outcome<Option<Self>> {
        let name = match instructions {
            Instructions::Avx512 | Instructions::Neon => "yardstick",
            Instructions::Avx2 => "yardstick-avx2",
            Instructions::Plain => return Ok(None),
        };
        Ok(Some(Self {
            program: build(root, name, name, steps)?,
        }))
    }

    /// GFLOP/s of a 2048³ product on `threads` threads.
    ///
    /// # Errors
    /// Where the program fails.
    pub fn peak(&self, threads: usize) -> Outcome<f64> {
        let output = Command::new(&self.program)
            .arg(threads.to_string())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.trim().parse().map_err(|_| {
            SetupError::new(
                format!("the yardstick said `{}`", said.trim()),
                "remove .lab/peers and run it again",
            )
        })?)
    }
}
