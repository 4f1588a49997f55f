//! The lab's own workload as a process of its own, which `cargo lab bench` starts like those of the other frameworks:
//! `lab workload DATA EPOCHS BATCH`, a line of JSON for each epoch.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use lab_core::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::output::say;

/// A training of 3072-512-256-128-10 (ELU, tanh, ELU, softmax), cross-entropy, Adam at 0.001, without validation.
#[derive(clap::Args, Clone, Debug)]
pub struct Workload {
    /// The folder with the official files
    pub data: PathBuf,
    pub epochs: usize,
    pub batch_size: usize,
    /// What the widths of the hidden layers are multiplied by
    #[arg(long, default_value_t = 1)]
    pub width: usize,
    #[arg(long)]
    pub threads: Option<usize>,
    #[arg(long, default_value_t = 40_000)]
    pub images: usize,
}

/// What a program that trains prints: one of these for each epoch, and its memory at the end.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    Epoch {
        epoch: usize,
        seconds: f64,
        loss: f64,
        accuracy: f64,
    },
    End {
        peak_memory_mb: f64,
    },
}

impl Workload {
    /// Units of each layer, the input first.
    pub fn widths(&self) -> [usize; 5] {
        [
            3072,
            512 * self.width,
            256 * self.width,
            128 * self.width,
            10,
        ]
    }

    /// Floating-point operations of the matrix products for one image: each layer's way forward and its two ways back,
    /// but for the gradient of the input, which nobody needs.
    pub fn operations(&self) -> f64 {
        let products = self
            .widths()
            .windows(2)
            .map(|pair| pair[0] * pair[1])
            .collect::<Vec<_>>();
        2.0 * (3 * products.iter().sum::<usize>() - products[0]) as f64
    }

    /// This program as a process that trains it.
    ///
    /// # Errors
    /// Where the system does not say where this program is.
    pub fn command(&self) -> Outcome<Command> {
        let Self {
            data,
            epochs,
            batch_size,
            width,
            threads,
            images,
        } = self;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("workload")
            .arg(data)
            .args([epochs, batch_size].map(usize::to_string));
        for (option, value) in [
            ("--width", Some(width)),
            ("--threads", threads.as_ref()),
            ("--images", Some(images)),
        ] {
            if let Some(value) = value {
                command.arg(option).arg(value.to_string());
            }
        }
        Ok(command)
    }

    /// Trains, and prints.
    ///
    /// # Errors
    /// Where the data set cannot be read, or an option is out of its range.
    pub fn run(&self) -> Outcome {
        let cifar = Cifar10::open(&self.data)?;
        let train = cifar.train.take(self.images);
        let [_, first, second, third, classes] = self.widths();
        let mut model = Sequential::new([32, 32, 3])
            .flatten()
            .dense(first, Activation::Elu)
            .dense(second, Activation::Tanh)
            .dense(third, Activation::Elu)
            .dense(classes, Activation::Softmax)
            .build(Seed(0))?;
        let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
            .batch_size(self.batch_size)
            .epochs(self.epochs)
            .progress(Lines {
                start: Instant::now(),
            });
        if let Some(threads) = self.threads {
            trainer = trainer.threads(threads);
        }
        trainer.fit(&mut model, &train, None)?;
        print(&Line::End {
            peak_memory_mb: peak_memory_mb(),
        })
    }
}

struct Lines {
    start: Instant,
}

impl Progress for Lines {
    fn begin(&mut self, _: &Plan) {
        self.start = Instant::now();
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let EpochRecord {
            epoch,
            loss,
            accuracy,
            ..
        } = *record;
        let line = Line::Epoch {
            epoch,
            seconds: self.start.elapsed().as_secs_f64(),
            loss,
            accuracy,
        };
        // A reader who has gone is noticed at the end.
        _ = print(&line);
        self.start = Instant::now();
    }
}

fn print(line: &Line) -> Outcome {
    say!("{}", serde_json::to_string(line)?);
    Ok(())
}

/// The largest resident set of this process so far; 0 where the system does not say.
fn peak_memory_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_at_batch_64_has_466_million_operations() {
        let workload = Workload {
            data: PathBuf::new(),
            epochs: 1,
            batch_size: 64,
            width: 1,
            threads: None,
            images: 40_000,
        };
        // 64 images: twice 3 · 1,737,984 multiplications, but for one product of 3072 × 512.
        assert_eq!(
            64.0 * workload.operations(),
            64.0 * 2.0 * (3.0 * 1_737_984.0 - 1_572_864.0)
        );
    }
}
