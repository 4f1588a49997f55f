//! What the machine can do: the f32 matrix product of two large squares, the yardstick for all other speeds.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use lab_core::compute::{MatRef, Threads, product};

use super::peers::build;
use crate::Outcome;
use crate::setup::steps::{SetupError, Steps};

const SIDE: usize = 2048;

/// Measures the machine's peak.
pub struct Yardstick {
    program: PathBuf,
}

impl Yardstick {
    /// Builds the program `tools/peers/yardstick` where it is missing.
    ///
    /// # Errors
    /// Where it cannot be built.
    pub fn new(root: &Path, steps: &Steps) -> Outcome<Self> {
        Ok(Self { program: build(root, "yardstick", "yardstick", steps)? })
    }

    /// GFLOP/s of a 2048³ product on `threads` threads: the better one of the crate gemm's, which is made for large
    /// matrices, and our own, which is made for batches.
    ///
    /// # Errors
    /// Where the program fails, or no threads can be started.
    pub fn peak(&self, threads: usize) -> Outcome<f64> {
        let output = Command::new(&self.program).arg(threads.to_string()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let by_library: f64 = said.trim().parse().map_err(|_| {
            SetupError::new(format!("the yardstick said `{}`", said.trim()), "remove .lab/peers and run it again")
        })?;
        Ok(by_library.max(ours(threads)?))
    }
}

fn ours(threads: usize) -> Outcome<f64> {
    let numbers =
        |salt: usize| (0..SIDE * SIDE).map(|i| ((i * 7919 + salt) % 1000) as f32 / 1000.0).collect::<Vec<_>>();
    let (a, b, mut c) = (numbers(1), numbers(2), vec![0.0; SIDE * SIDE]);
    let team = Threads::new(Some(threads))?;
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        product(MatRef::new(&a, SIDE, SIDE), MatRef::new(&b, SIDE, SIDE), black_box(&mut c), &team, |_, _, _| ());
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(2.0 * (SIDE as f64).powi(3) / best / 1e9)
}
