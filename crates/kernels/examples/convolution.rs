//! The convolutions of three networks for CIFAR-10 beside a product of 2048³ on the same threads: GFLOP/s of the forward
//! pass, the kernel's gradient and the input's gradient of each layer, and their shares of the product's rate.
//!
//! `cargo run --release -p lab-kernels --example convolution -- [THREADS] [IMAGES] [ROUNDS]`
//!
//! Each round runs everything once, so that a busy machine slows all alike; the medians of the rounds are printed.

use std::hint::black_box;
use std::time::Instant;

use lab_kernels::{Convolution, Instructions, MatRef, Threads, product};

const SIDE: usize = 2048;
/// Filters of the three groups of each network; a group is a convolution, pooling 2 × 2, and a convolution.
const NETWORKS: [[usize; 3]; 3] = [[32, 64, 64], [64, 128, 128], [64, 256, 256]];

fn numbers(length: usize) -> Vec<f32> {
    (0..length)
        .map(|i| (i * 7919 % 1000) as f32 / 1000.0 - 0.5)
        .collect()
}

/// The layers of a network: a convolution of 2 × 2 that is not trained, then 3 × 3 with a border of zeros.
fn layers(filters: [usize; 3]) -> Vec<Convolution> {
    let layer = |side: usize, channels, size, filters| Convolution {
        input: [side, side, channels],
        kernel: [size; 2],
        stride: [1; 2],
        padding: [size / 3; 2],
        output: [side - 1 + size / 3, side - 1 + size / 3, filters],
    };
    let mut layers = vec![layer(32, 3, 2, 24)];
    let (mut side, mut channels) = (31, 24);
    for filters in filters {
        layers.push(layer(side, channels, 3, filters));
        side /= 2;
        layers.push(layer(side, filters, 3, filters));
        channels = filters;
    }
    layers
}

fn seconds(task: impl FnOnce()) -> f64 {
    let start = Instant::now();
    task();
    start.elapsed().as_secs_f64()
}

/// The seconds of the forward pass and of both gradients.
fn run(layer: &Convolution, images: usize, threads: &Threads) -> [f64; 3] {
    let size = |shape: [usize; 3]| images * shape.iter().product::<usize>();
    let weights = layer.kernel[0] * layer.kernel[1] * layer.input[2] * layer.output[2];
    let [mut x, mut w, mut y] = [size(layer.input), weights, size(layer.output)].map(numbers);
    [
        seconds(|| layer.forward(&x, black_box(&w), &mut y, threads, |_, _, _| ())),
        seconds(|| layer.kernel_gradient(black_box(&x), &y, &mut w, threads)),
        seconds(|| layer.input_gradient(black_box(&y), &w, &mut x, threads)),
    ]
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| {
        arguments
            .next()
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (threads, images, rounds) = (number(1), number(500), number(5));
    let threads = Threads::new(Some(threads)).expect("threads");
    let mut all: Vec<Convolution> = NETWORKS.into_iter().flat_map(layers).collect();
    all.sort_by_key(|layer| {
        (
            std::cmp::Reverse(layer.input[0]),
            layer.input[2],
            layer.output[2],
        )
    });
    all.dedup();
    let (a, b, mut c) = (
        numbers(SIDE * SIDE),
        numbers(SIDE * SIDE),
        vec![0.0; SIDE * SIDE],
    );
    let (a, b) = (MatRef::new(&a, SIDE, SIDE), MatRef::new(&b, SIDE, SIDE));
    let mut products = Vec::new();
    let mut times: Vec<[Vec<f64>; 3]> = vec![Default::default(); all.len()];
    for _ in 0..rounds {
        for (layer, times) in all.iter().zip(&mut times) {
            products.push(seconds(|| product(a, b, &mut c, &threads, |_, _, _| ())));
            let found = run(layer, images, &threads);
            times
                .iter_mut()
                .zip(found)
                .for_each(|(times, time)| times.push(time));
        }
    }
    let best = 2.0 * (SIDE as f64).powi(3) / median(products);
    println!(
        "{} on {} threads, {images} images: a product of {SIDE}³ at {:.0} GFLOP/s",
        Instructions::detect(),
        threads.count(),
        best / 1e9
    );
    let flops = |layer: &Convolution| {
        let per_place = layer.kernel[0] * layer.kernel[1] * layer.input[2] * layer.output[2];
        (2 * images * layer.output[0] * layer.output[1] * per_place) as f64
    };
    let times: Vec<[f64; 3]> = times.into_iter().map(|times| times.map(median)).collect();
    for (layer, times) in all.iter().zip(&times) {
        print!(
            "{:>2} × {:<2} {:>3} -> {:<3}",
            layer.input[0], layer.input[1], layer.input[2], layer.output[2]
        );
        for time in times {
            let rate = flops(layer) / time;
            print!("  {:6.1} GFLOP/s {:3.0} %", rate / 1e9, 100.0 * rate / best);
        }
        println!();
    }
    for filters in NETWORKS {
        let (mut time, mut counted) = (0.0, 0.0);
        for layer in layers(filters) {
            let times = times[all
                .iter()
                .position(|other| *other == layer)
                .expect("a layer of the list")];
            // The first layer is not trained, so the second needs no gradient of its input.
            let needed = match layer.input[2] {
                3 => 1,
                24 => 2,
                _ => 3,
            };
            time += times[..needed].iter().sum::<f64>();
            counted += 3.0 * flops(&layer);
        }
        println!(
            "{filters:?}: {:.0} ms a step, {:.0} % of the product, counted as three products for each layer",
            time * 1e3,
            100.0 * counted / time / best
        );
    }
}
