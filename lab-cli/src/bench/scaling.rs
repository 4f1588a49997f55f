//! Our own speed by batch size, width, threads and number of images: a table, `outputs/bench-scaling.csv`, two charts.

use std::fmt::Write;
use std::path::Path;

use lab_core::compute::Instructions;
use lab_core::plots::{LineChart, figures};

use super::measure::{measure, median};
use super::peak::Yardstick;
use super::peers::OURS;
use super::workload::Workload;
use super::{BATCH, available_threads, workload};
use crate::Outcome;
use crate::output::say;
use crate::setup::steps::Steps;
use crate::setup::tools;

const BATCHES: [usize; 4] = [16, 64, 256, 1024];
const WIDTHS: [usize; 3] = [1, 2, 4];
const IMAGES: [usize; 4] = [10_000, 20_000, 40_000, 50_000];

/// A workload and the seconds of its steady epochs, round after round.
struct Case {
    workload: Workload,
    threads: usize,
    seconds: Vec<f64>,
}

impl Case {
    fn new(data: &Path, batch: usize, width: usize, threads: usize, images: usize) -> Self {
        let workload = Workload {
            width,
            threads: Some(threads),
            images,
            ..workload(data, batch)
        };
        Self {
            workload,
            threads,
            seconds: Vec::new(),
        }
    }

    fn microseconds(&self) -> f64 {
        median(self.seconds.iter().copied()) / self.workload.images as f64 * 1e6
    }

    /// GFLOP/s of the matrix products.
    fn rate(&self) -> f64 {
        self.workload.operations() / self.microseconds() / 1e3
    }

    fn run(&mut self) -> Outcome {
        self.seconds
            .extend(measure(OURS, &mut self.workload.command()?)?.steady());
        Ok(())
    }
}

/// Runs all cases in turn, `rounds` times.
///
/// # Errors
/// Where a training fails or a file cannot be written.
pub fn run(root: &Path, data: &Path, rounds: usize, steps: &Steps) -> Outcome {
    let yardstick = Yardstick::new(root, Instructions::detect(), steps)?;
    let all = available_threads();
    let teams: &[usize] = if all == 1 { &[1] } else { &[1, all] };
    let mut cases = Vec::new();
    for width in WIDTHS {
        for batch in BATCHES {
            cases.extend(
                teams
                    .iter()
                    .map(|&threads| Case::new(data, batch, width, threads, IMAGES[0])),
            );
        }
    }
    cases.extend(
        IMAGES[1..]
            .iter()
            .map(|&images| Case::new(data, BATCH, 1, all, images)),
    );

    let mut peaks = vec![Vec::new(); teams.len()];
    for round in 1..=rounds {
        for (peaks, &threads) in peaks.iter_mut().zip(teams) {
            peaks.push(
                yardstick
                    .as_ref()
                    .map_or(Ok(f64::NAN), |yardstick| yardstick.peak(threads))?,
            );
        }
        let count = cases.len();
        for (number, case) in cases.iter_mut().enumerate() {
            case.run()?;
            let Workload {
                batch_size,
                width,
                images,
                ..
            } = case.workload;
            let what = format!(
                "batch {batch_size}, width ×{width}, threads {}, {images} images",
                case.threads
            );
            steps.note(&format!(
                "Round {round} of {rounds}, {} of {count}: {what}",
                number + 1
            ));
        }
    }
    let peaks: Vec<f64> = peaks.into_iter().map(median).collect();
    let share = |case: &Case| {
        let team = teams
            .iter()
            .position(|&threads| threads == case.threads)
            .unwrap_or(0);
        100.0 * case.rate() / peaks[team]
    };

    for (threads, peak) in teams.iter().zip(&peaks) {
        say!("matrix product 2048³ on {threads} threads: {peak:.0} GFLOP/s");
    }
    say!(
        "\n{:>6}{:>7}{:>9}{:>9}{:>11}{:>9}{:>9}",
        "batch",
        "width",
        "threads",
        "images",
        "µs/image",
        "GFLOP/s",
        "of peak"
    );
    let mut csv =
        "batch,width,threads,images,microseconds_per_image,gflops,share_of_peak\n".to_owned();
    for case in &cases {
        let Workload {
            batch_size,
            width,
            images,
            ..
        } = case.workload;
        let (threads, time, rate, share) =
            (case.threads, case.microseconds(), case.rate(), share(case));
        say!(
            "{batch_size:>6}{width:>6}×{threads:>9}{images:>9}{time:>11.1}{rate:>9.0}{share:>7.0} %"
        );
        writeln!(
            csv,
            "{batch_size},{width},{threads},{images},{time:.2},{rate:.1},{:.3}",
            share / 100.0
        )?;
    }
    tools::write(&root.join("outputs/bench-scaling.csv"), &csv)?;

    let name = |threads: usize| {
        if threads == 1 {
            "1 thread".to_owned()
        } else {
            format!("{threads} threads")
        }
    };
    let batch = "images in a batch";
    let mut shares = LineChart::new("How much of the machine training uses")
        .x(batch)
        .log_x();
    shares = shares
        .y("% of a large matrix product's speed")
        .y_range(0.0, 100.0);
    let mut times = LineChart::new("Time of training for one image, the lab's network")
        .x(batch)
        .log_x();
    times = times.y("microseconds");
    for &threads in teams {
        for width in WIDTHS {
            let of_line = |case: &&Case| {
                (case.threads, case.workload.width, case.workload.images)
                    == (threads, width, IMAGES[0])
            };
            let points = |value: &dyn Fn(&Case) -> f64| -> Vec<(f64, f64)> {
                cases
                    .iter()
                    .filter(of_line)
                    .map(|case| (case.workload.batch_size as f64, value(case)))
                    .collect()
            };
            shares = shares.line(format!("width ×{width}, {}", name(threads)), points(&share));
            if width == 1 {
                times = times.line(name(threads), points(&Case::microseconds));
            }
        }
    }
    let folder = root.join("outputs/figures");
    figures::lines(&shares)?.save(folder.join("bench-scaling.png"))?;
    figures::lines(&times)?.save(folder.join("bench-batch.png"))?;
    say!(
        "\nwritten: outputs/bench-scaling.csv, outputs/figures/bench-scaling.png and bench-batch.png"
    );
    Ok(())
}
