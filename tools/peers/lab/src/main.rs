//! Trains a small perceptron on CIFAR-10 with this lab, as the other peers do, and draws the charts of the results.
//!
//! The workload: the first training images, layers 3072-512-256-128-10 with the activations ELU, tanh, ELU, softmax,
//! cross-entropy, Adam (1e-3, 0.9, 0.999, epsilon 1e-7), without validation.
//!
//! Usage:
//!   peer-lab DATA_DIR EPOCHS BATCH [WIDTH THREADS IMAGES]    one JSON line per epoch, then the peak memory
//!   peer-lab convolution DATA_DIR EPOCHS BATCH WIDTHS ACTIVATION   a convolution on 5,000 images, as in 32,64,64 relu
//!   peer-lab paths                                           the instructions that this processor has, one a line
//!   peer-lab bars TITLE AXIS PICTURE                         a bar chart of the lines `name,number` on standard input
//!   peer-lab lines TITLE X Y PICTURE                         a line chart of the lines `name,x,y` on standard input

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use lab_core::compute::Instructions;
use lab_notebook::figures::{self, LineChart};
use lab_core::prelude::*;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["paths"] => {
            Instructions::available()
                .iter()
                .for_each(|path| println!("{path}"));
            Ok(())
        }
        ["bars", title, axis, picture] => bars(title, axis, picture),
        ["lines", title, x, y, picture] => lines(title, x, y, picture),
        ["convolution", data, epochs, batch, widths, activation] => {
            convolution(data, epochs, batch, [widths, activation])
        }
        [data, epochs, batch] => train(data, epochs, batch, ["1", "", "40000"]),
        [data, epochs, batch, width, threads, images] => {
            train(data, epochs, batch, [width, threads, images])
        }
        _ => Err("usage: see the first lines of tools/peers/lab/src/main.rs".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peer-lab: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `width` multiplies the units of the hidden layers; no `threads` are as many as there are cores.
fn train(data: &str, epochs: &str, batch: &str, [width, threads, images]: [&str; 3]) -> Outcome {
    let width: usize = width.parse()?;
    let images = Cifar10::open(data)?.train.take(images.parse()?);
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(512 * width, Activation::Elu)
        .dense(256 * width, Activation::Tanh)
        .dense(128 * width, Activation::Elu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))?;
    let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
        .batch_size(batch.parse()?)
        .epochs(epochs.parse()?)
        .progress(Lines(Instant::now()));
    if !threads.is_empty() {
        trainer = trainer.threads(threads.parse()?);
    }
    trainer.fit(&mut model, &images, None)?;
    println!("{{\"peak_memory_mb\": {}}}", peak_memory_mb());
    Ok(())
}

/// Three groups of two convolutions after a frozen one, as the presets of `cargo lab train` have them.
fn convolution(data: &str, epochs: &str, batch: &str, [widths, name]: [&str; 2]) -> Outcome {
    let activation: Activation = name.parse()?;
    let mut patches = Conv2d::new(24, 2, activation);
    patches.trainable = false;
    let (linear, norm) = (Activation::Linear, BatchNorm { scale: false, ..BatchNorm::default() });
    let mut plan = Sequential::new([32, 32, 3]).layer(patches);
    for filters in widths.split(',') {
        let convolution = Conv2d::new(filters.parse()?, 3, linear).padding(Padding::Same);
        let convolution = convolution.without_bias();
        plan = plan
            .layer(convolution)
            .max_pooling2d(2)
            .layer(norm)
            .activation(activation)
            .layer(convolution)
            .layer(norm)
            .activation(activation);
    }
    let plan = plan.global_max_pooling2d().dense(10, Activation::Softmax);
    let optimizer = Sgd::new(0.1).momentum(0.85).nesterov();
    Trainer::new(Loss::CategoricalCrossentropy, optimizer)
        .label_smoothing(0.2)
        .batch_size(batch.parse()?)
        .epochs(epochs.parse()?)
        .progress(Lines(Instant::now()))
        .fit(&mut plan.build(Seed(0))?, &Cifar10::open(data)?.train.take(5000), None)?;
    println!("{{\"peak_memory_mb\": {}}}", peak_memory_mb());
    Ok(())
}

/// Since when the epoch runs.
struct Lines(Instant);

impl Callback for Lines {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        self.0 = Instant::now();
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, _: &mut Control<'_>) -> Result<()> {
        let (epoch, loss, accuracy) = (record.epoch, record.loss, record.accuracy);
        let seconds = self.0.elapsed().as_secs_f64();
        print!("{{\"epoch\": {epoch}, \"seconds\": {seconds:.4}, ");
        println!("\"loss\": {loss:.4}, \"accuracy\": {accuracy:.4}}}");
        self.0 = Instant::now();
        Ok(())
    }
}

/// The largest resident set of this process so far; 0 where the system does not say.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// The lines of standard input, at their last commas.
fn rows() -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let lines = std::io::stdin().lines().map(|line| {
        let line = line?;
        let (name, number) = line
            .rsplit_once(',')
            .ok_or_else(|| format!("`{line}` has no comma"))?;
        Ok((name.to_owned(), number.parse()?))
    });
    lines.collect()
}

fn bars(title: &str, axis: &str, picture: &str) -> Outcome {
    Ok(figures::bars(title, axis, &rows()?)?.save(picture)?)
}

fn lines(title: &str, x: &str, y: &str, picture: &str) -> Outcome {
    let mut chart = LineChart::new(title).x(x).log_x().y(y);
    if y.starts_with('%') {
        chart = chart.y_range(0.0, 100.0);
    }
    let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for (start, y) in rows()? {
        let (name, x) = start
            .rsplit_once(',')
            .ok_or_else(|| format!("`{start}` has no x"))?;
        let point = (x.parse()?, y);
        match lines.last_mut().filter(|(last, _)| last == name) {
            Some((_, points)) => points.push(point),
            None => lines.push((name.to_owned(), vec![point])),
        }
    }
    for (name, points) in lines {
        chart = chart.line(name, points);
    }
    Ok(figures::lines(&chart)?.save(picture)?)
}
