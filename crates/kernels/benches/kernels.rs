//! The kernels of a training step, each by itself, on the shapes of the original lab's network: `cargo bench --bench kernels`.
//!
//! Items are floating-point operations, so items per second are FLOP/s.

use divan::{Bencher, black_box, counter::ItemsCount};
use lab_kernels::{self as compute, AdamStep, MatRef, Step, Threads};

fn main() {
    divan::main();
}

/// Batch, inputs and units of the original lab's layers, and a square product as a measure of what the machine can do.
const FORWARD: [(usize, usize, usize); 5] = [
    (64, 3072, 512),
    (64, 512, 256),
    (64, 256, 128),
    (64, 128, 10),
    (2048, 2048, 2048),
];

const ADAM: Step = Step::Adam(AdamStep {
    alpha: 1e-3,
    beta_1: 0.9,
    beta_2: 0.999,
    keep: 1.0,
    scale: 1.0,
});

fn numbers(length: usize) -> Vec<f32> {
    (0..length)
        .map(|i| (i * 7919 % 1000) as f32 / 1000.0 - 0.5)
        .collect()
}

fn flops((rows, inputs, units): (usize, usize, usize)) -> ItemsCount {
    ItemsCount::new(2 * rows * inputs * units)
}

/// z = x W.
#[divan::bench(args = FORWARD, consts = [1, 2])]
fn forward<const THREADS: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let (rows, inputs, units) = shape;
    let (x, w, mut z) = (
        numbers(rows * inputs),
        numbers(inputs * units),
        vec![0.0; rows * units],
    );
    let threads = Threads::new(Some(THREADS)).expect("threads");
    bencher.counter(flops(shape)).bench_local(|| {
        compute::product(
            MatRef::new(&x, rows, inputs),
            MatRef::new(black_box(&w), inputs, units),
            &mut z,
            &threads,
            |_, _, _| (),
        );
    });
}

/// dW = xᵀ dz.
#[divan::bench(args = FORWARD, consts = [1, 2])]
fn weight_gradient<const THREADS: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let (rows, inputs, units) = shape;
    let (x, dz, mut dw) = (
        numbers(rows * inputs),
        numbers(rows * units),
        vec![0.0; inputs * units],
    );
    let threads = Threads::new(Some(THREADS)).expect("threads");
    let x = MatRef::new(&x, rows, inputs).transposed();
    bencher.counter(flops(shape)).bench_local(|| {
        compute::product(
            x,
            MatRef::new(black_box(&dz), rows, units),
            &mut dw,
            &threads,
            |_, _, _| (),
        );
    });
}

/// dW = xᵀ dz, and Adam with it at once.
#[divan::bench(args = FORWARD, consts = [1, 2])]
fn weight_update<const THREADS: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let (rows, inputs, units) = shape;
    let (x, dz) = (numbers(rows * inputs), numbers(rows * units));
    let [mut w, mut m, mut v] = [(); 3].map(|()| vec![0.0; inputs * units]);
    let threads = Threads::new(Some(THREADS)).expect("threads");
    let x = MatRef::new(&x, rows, inputs).transposed();
    bencher.counter(flops(shape)).bench_local(|| {
        compute::update_by_product(
            &ADAM,
            x,
            MatRef::new(black_box(&dz), rows, units),
            0.0,
            &mut w,
            [&mut m, &mut v],
            &threads,
        );
    });
}

/// Adam over all 1,738,890 weights.
#[divan::bench(consts = [1, 2])]
fn adam<const THREADS: usize>(bencher: Bencher<'_, '_>) {
    let g = numbers(1_738_890);
    let [mut w, mut m, mut v] = [g.clone(), vec![0.0; g.len()], vec![0.0; g.len()]];
    let threads = Threads::new(Some(THREADS)).expect("threads");
    let step = ADAM;
    bencher
        .bench_local(|| compute::update(&step, black_box(&g), &mut w, [&mut m, &mut v], &threads));
}

/// An empty job for two threads: what sharing costs.
#[divan::bench(sample_size = 100)]
fn sharing(bencher: Bencher<'_, '_>) {
    let threads = Threads::new(Some(2)).expect("threads");
    bencher.bench_local(|| {
        threads.run(2, |piece| {
            black_box(piece);
        })
    });
}
