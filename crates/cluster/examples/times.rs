//! What training on ranks costs. Alone: a step by shards against a step of `fit`, side by side. Under MPI: the sum by size.
//!
//! ```sh
//! cargo build --release --package lab-cluster --features mpi --examples
//! target/release/examples/times [NUMBER OF THE NETWORK, FROM 0]
//! mpirun -n 4 target/release/examples/times
//! ```

use std::time::Instant;

use lab_cluster::{Communicator, Single, Training, sum};
use lab_core::compute::Threads;
use lab_core::prelude::*;
use lab_recipes::Preset;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The milliseconds of a step, by `fit` and by shards, each the median of some epochs that take turns.
fn overhead(name: &str, plan: &Architecture, batch_size: usize, steps: usize) -> Result<()> {
    let pixels = Cifar10::sample().train;
    let indices: Vec<usize> = (0..batch_size * steps).map(|i| i % pixels.len()).collect();
    let data = pixels.subset(&indices)?;
    let trainer = || {
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3));
        trainer.batch_size(batch_size).progress(Silent)
    };
    let training = Training {
        config: trainer().config().clone(),
        checkpoint: None,
        resume: false,
    };
    let (mut plain, mut shards) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        let step = |history: History| 1e3 * history.seconds() / steps as f64;
        let mut model = plan.clone().build(Seed(0))?;
        plain.push(step(trainer().fit(&mut model, &data, None)?));
        let mut model = plan.clone().build(Seed(0))?;
        let history = training.run(&Single, &mut model, &data, &mut |_, _, _| ())?;
        shards.push(step(history));
    }
    let (plain, shards) = (median(plain), median(shards));
    let more = 100.0 * (shards / plain - 1.0);
    println!("{name:<28} {batch_size:>6} {plain:>9.1} {shards:>9.1} {more:>+8.1} %");
    Ok(())
}

/// The milliseconds of a sum over the ranks, by its size: the median and the least, which other programs disturb less.
fn sums(ranks: &impl Communicator) -> Result<()> {
    let say = |row: [String; 3]| {
        if ranks.rank() == 0 {
            println!("{:>10} {:>10} {:>10}", row[0], row[1], row[2]);
        }
    };
    say(["floats", "median ms", "least ms"].map(str::to_owned));
    for size in [1, 1_000, 10_000, 100_000, 1_000_000, 1_738_890, 10_000_000] {
        let mut values = vec![0.0; size];
        let mut times = Vec::new();
        for _ in 0..31 {
            let start = Instant::now();
            sum(ranks, &mut values, &Threads::one())?;
            times.push(1e3 * start.elapsed().as_secs_f64());
        }
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        say([
            size.to_string(),
            format!("{:.3}", median(times)),
            format!("{least:.3}"),
        ]);
    }
    Ok(())
}

fn run(ranks: &impl Communicator) -> Result<()> {
    if ranks.size() > 1 {
        return sums(ranks);
    }
    let dense = Sequential::new([32, 32, 3])
        .flatten()
        .dense(512, Activation::Elu)
        .dense(256, Activation::Tanh)
        .dense(128, Activation::Elu)
        .dense(10, Activation::Softmax);
    let (dense_name, coffee) = ("512-256-128, 1.7 M weights", Preset::Coffee.architecture());
    let all = [
        (dense_name, &dense, 1024, 6),
        (dense_name, &dense, 4096, 2),
        ("coffee, 0.4 M weights", &coffee, 512, 1),
    ];
    let only: Option<usize> = std::env::args().nth(1).and_then(|text| text.parse().ok());
    println!("ms for a step                 batch       fit    shards      more");
    let chosen = all.into_iter().enumerate();
    let mut chosen = chosen.filter(|(number, _)| only.is_none_or(|only| only == *number));
    chosen.try_for_each(|(_, (name, plan, size, steps))| overhead(name, plan, size, steps))
}

#[cfg(feature = "mpi")]
fn main() -> Result<()> {
    let timeout = std::time::Duration::from_secs(600);
    run(&lab_cluster::Mpi::begin(timeout).expect("MPI begins once"))
}

#[cfg(not(feature = "mpi"))]
fn main() -> Result<()> {
    run(&Single)
}
