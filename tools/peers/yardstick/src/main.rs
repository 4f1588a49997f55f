//! What the machine can do: `yardstick THREADS` prints the GFLOP/s of a 2048³ product in f32 by the crate gemm, the best of
//! three.

use std::hint::black_box;
use std::time::Instant;

use gemm::{Parallelism, gemm};

const SIDE: usize = 2048;

fn main() {
    let Some(threads) = std::env::args().nth(1).and_then(|threads| threads.parse().ok()) else {
        eprintln!("usage: yardstick THREADS");
        std::process::exit(2);
    };
    let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
    let numbers = |salt: usize| (0..SIDE * SIDE).map(|i| ((i * 7919 + salt) % 1000) as f32 / 1000.0).collect::<Vec<_>>();
    let (a, b, mut c) = (numbers(1), numbers(2), vec![0.0_f32; SIDE * SIDE]);
    let mut best = 0.0_f64;
    for _ in 0..3 {
        let start = Instant::now();
        product(&a, &b, black_box(&mut c), parallelism);
        best = best.max(2.0 * (SIDE as f64).powi(3) / start.elapsed().as_secs_f64() / 1e9);
    }
    println!("{best:.1}");
}

/// C = A·B, all three row after row.
fn product(a: &[f32], b: &[f32], c: &mut [f32], parallelism: Parallelism) {
    let n = SIDE;
    let (column, row) = (1, SIDE as isize);
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    // SAFETY: each has SIDE × SIDE entries, and C is nobody else's.
    unsafe {
        gemm(n, n, n, c, column, row, false, a, column, row, b, column, row, 0.0, 1.0, false, false, false, parallelism);
    }
}
