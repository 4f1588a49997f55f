//! `cargo lab bench`: how fast training is here, as a share of what the machine can do, and beside other frameworks.

pub mod workload;

mod compare;
mod measure;
mod peak;
mod peers;
mod scaling;

use std::path::{Path, PathBuf};

use lab_core::compute::Instructions;
use lab_core::lab::{Lab, Machine};

use crate::Outcome;
use crate::data_set::folder;
use crate::output::say;
use crate::setup::steps::Steps;
use measure::{Measured, epoch, measure, median};
use peak::Yardstick;
use peers::System;
use workload::Workload;

/// Measure how fast training is on this machine.
///
/// The workload is the lab's: 40,000 images, 3072-512-256-128-10 (ELU, tanh, ELU, softmax), cross-entropy, Adam, batches
/// of 64, all in f32, once with each set of vector instructions that the processor has. Every training is a process of its
/// own; the median of its epochs after the first counts. Close other programs first.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab bench              our own speed in two minutes; the first time it builds a yardstick
  cargo lab bench --scaling    by batch size, width, threads and number of images: a quarter of an hour
  cargo lab bench --peers      beside PyTorch, Keras, burn and candle: half an hour, and 7 GB the first time

With --peers and --scaling the medians go to outputs/bench.csv or outputs/bench-scaling.csv, and a chart to
outputs/figures. --peers needs Linux on x86-64 and Python 3.11 or newer.")]
pub struct BenchArgs {
    /// Train in the other frameworks too, in turn with ours
    #[arg(long)]
    peers: bool,
    /// Vary batch size, width, threads and the number of images
    #[arg(long, conflicts_with = "peers")]
    scaling: bool,
    /// How often everything is measured; medians count
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
    /// The folder with the data set [default: the folder `data`]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Images in an epoch.
const IMAGES: usize = 40_000;
const BATCH: usize = 64;

/// `cargo lab bench`.
///
/// # Errors
/// Where the data set or another framework cannot be had, or a training fails.
pub fn run(arguments: &BenchArgs) -> Outcome {
    let root = Lab::root()?;
    let data = folder(arguments.data.as_deref())?;
    let rounds = arguments.rounds as usize;
    let steps = Steps::stderr();
    if arguments.scaling {
        return scaling::run(&root, &data, rounds, &steps);
    }
    // The plain path is slow, and of no interest beside other frameworks.
    let mut paths = Instructions::available();
    paths.retain(|path| !arguments.peers || path.has_fused_multiply_add());
    let mut systems = paths
        .iter()
        .map(|&path| System::ours(path))
        .collect::<Outcome<Vec<_>>>()?;
    let yardsticks = paths
        .iter()
        .map(|&path| Yardstick::new(&root, path, &steps))
        .collect::<Outcome<Vec<_>>>()?;
    if arguments.peers {
        systems.extend(peers::set_up(&root, &steps)?);
    }
    let threads = available_threads();
    let (mut peaks, mut runs) = (
        vec![Vec::new(); paths.len()],
        vec![Vec::new(); systems.len()],
    );
    for round in 1..=rounds {
        steps.note(&format!("Round {round} of {rounds}: the machine's peak"));
        for (yardstick, peaks) in yardsticks.iter().zip(&mut peaks) {
            if let Some(yardstick) = yardstick {
                peaks.push(yardstick.peak(threads)?);
            }
        }
        for (system, runs) in systems.iter().zip(&mut runs) {
            let name = &system.name;
            let measured = measure(name, &mut system.command(&data, BATCH))?;
            let (ms, first) = (
                milliseconds(std::slice::from_ref(&measured)),
                measured.first_epoch,
            );
            steps.note(&format!(
                "Round {round} of {rounds}: {name} {ms:.2} ms a step, first epoch {first:.1} s"
            ));
            runs.push(measured);
        }
    }
    for ((system, peaks), runs) in systems.iter().zip(peaks).zip(&runs) {
        ours(&data, system, median(peaks), runs);
    }
    if arguments.peers {
        compare::show(&root, &systems, &runs)?;
    }
    Ok(())
}

/// Prints what our own runs showed with one set of instructions.
fn ours(data: &Path, system: &System, peak: f64, runs: &[Measured]) {
    let ms = milliseconds(runs);
    let rate = workload(data, BATCH).operations() * BATCH as f64 / ms / 1e6;
    say!("\n{}, {} threads", system.name, available_threads());
    let share = match peak.is_nan() {
        true => String::new(),
        false => {
            say!("  matrix product 2048³  {peak:.0} GFLOP/s");
            format!(", {:.0} % of the matrix product", 100.0 * rate / peak)
        }
    };
    say!("  step at batch {BATCH}      {ms:.2} ms, {rate:.0} GFLOP/s{share}");
    say!("  epoch of 625 steps    {:.2} s", epoch(runs));
    say!(
        "  start to first epoch  {:.2} s",
        median(runs.iter().map(|run| run.first_epoch))
    );
    say!(
        "  peak memory           {:.0} MB",
        median(runs.iter().map(|run| run.peak_memory_mb))
    );
}

/// Of a step, the median over all of some runs.
fn milliseconds(runs: &[Measured]) -> f64 {
    epoch(runs) / IMAGES.div_ceil(BATCH) as f64 * 1e3
}

fn workload(data: &Path, batch_size: usize) -> Workload {
    Workload {
        data: data.to_owned(),
        epochs: 2,
        batch_size,
        width: 1,
        threads: None,
        images: IMAGES,
    }
}

fn available_threads() -> usize {
    Machine::this(None).threads
}
