//! Trains a small perceptron on CIFAR-10 with candle on the CPU, as a speed reference.
//!
//! The workload: the first 40,000 training images as f32 in 0..1, layers 3072-512-256-128-10 with
//! biases and the activations ELU, tanh, ELU, softmax cross-entropy from logits, Glorot-uniform
//! kernels and zero biases, Adam (1e-3, 0.9, 0.999, epsilon 1e-7), reshuffled every epoch.
//!
//! Usage: `peer-candle DATA_DIR EPOCHS BATCH`; one JSON line per epoch, then the peak memory.

use std::io::{self, Write};
use std::{error::Error, fs, path::Path, process::ExitCode, time::Instant};

use candle_core::{D, DType, Device, Tensor};
use candle_nn::loss::cross_entropy;
use candle_nn::{
    Activation, AdamW, Init, Linear, Module, Optimizer, ParamsAdamW, Sequential, VarBuilder,
    VarMap, seq,
};
use rand::seq::SliceRandom;

const PIXELS: usize = 3072;
const TRAINING_IMAGES: u32 = 40_000;

struct Dataset {
    images: Tensor,
    labels: Tensor,
}

impl Dataset {
    fn load(dir: &Path, device: &Device) -> Result<Self, Box<dyn Error>> {
        let mut images = Vec::with_capacity(60_000 * PIXELS);
        let mut labels = Vec::with_capacity(60_000);
        let training = (1..=5).map(|i| format!("data_batch_{i}.bin"));
        for name in training.chain(["test_batch.bin".to_string()]) {
            let path = dir.join(name);
            let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let (records, rest) = bytes.as_chunks::<{ PIXELS + 1 }>();
            if records.len() != 10_000 || !rest.is_empty() {
                return Err(format!("{}: not a CIFAR-10 batch", path.display()).into());
            }
            for [label, pixels @ ..] in records {
                labels.push(u32::from(*label));
                images.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
            }
        }
        let count = labels.len();
        Ok(Self {
            images: Tensor::from_vec(images, (count, PIXELS), device)?,
            labels: Tensor::from_vec(labels, count, device)?,
        })
    }

    fn batch(&self, indices: &[u32]) -> candle_core::Result<(Tensor, Tensor)> {
        let indices = Tensor::new(indices, self.images.device())?;
        Ok((
            self.images.index_select(&indices, 0)?,
            self.labels.index_select(&indices, 0)?,
        ))
    }
}

fn model(vb: VarBuilder) -> candle_core::Result<Sequential> {
    Ok(seq()
        .add(glorot_linear(PIXELS, 512, vb.pp("hidden1"))?)
        .add(Activation::Elu(1.0))
        .add(glorot_linear(512, 256, vb.pp("hidden2"))?)
        .add_fn(|x| x.tanh())
        .add(glorot_linear(256, 128, vb.pp("hidden3"))?)
        .add(Activation::Elu(1.0))
        .add(glorot_linear(128, 10, vb.pp("output"))?))
}

fn glorot_linear(inputs: usize, outputs: usize, vb: VarBuilder) -> candle_core::Result<Linear> {
    let bound = (6.0 / (inputs + outputs) as f64).sqrt();
    let (lo, up) = (-bound, bound);
    let weight = vb.get_with_hints((outputs, inputs), "weight", Init::Uniform { lo, up })?;
    let bias = vb.get_with_hints(outputs, "bias", Init::Const(0.0))?;
    Ok(Linear::new(weight, Some(bias)))
}

fn count_correct(logits: &Tensor, labels: &Tensor) -> candle_core::Result<f32> {
    let hits = logits.argmax(D::Minus1)?.eq(labels)?;
    hits.to_dtype(DType::F32)?.sum_all()?.to_scalar()
}

fn train_epoch(
    model: &Sequential,
    optimizer: &mut AdamW,
    data: &Dataset,
    order: &[u32],
    batch: usize,
) -> candle_core::Result<(f64, f64)> {
    let (mut loss_sum, mut correct) = (0.0, 0.0);
    for indices in order.chunks(batch) {
        let (images, labels) = data.batch(indices)?;
        let logits = model.forward(&images)?;
        let loss = cross_entropy(&logits, &labels)?;
        optimizer.backward_step(&loss)?;
        loss_sum += f64::from(loss.to_scalar::<f32>()?) * indices.len() as f64;
        correct += f64::from(count_correct(&logits, &labels)?);
    }
    let count = order.len() as f64;
    Ok((loss_sum / count, correct / count))
}

fn peak_memory_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn run(dir: &Path, epochs: usize, batch: usize) -> Result<(), Box<dyn Error>> {
    let device = Device::Cpu;
    let data = Dataset::load(dir, &device)?;
    let variables = VarMap::new();
    let model = model(VarBuilder::from_varmap(&variables, DType::F32, &device))?;
    let params = ParamsAdamW {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-7,
        weight_decay: 0.0,
    };
    let mut optimizer = AdamW::new(variables.all_vars(), params)?;
    let mut order: Vec<u32> = (0..TRAINING_IMAGES).collect();
    let mut out = io::stdout().lock();
    for epoch in 1..=epochs {
        order.shuffle(&mut rand::rng());
        let start = Instant::now();
        let (loss, accuracy) = train_epoch(&model, &mut optimizer, &data, &order, batch)?;
        let seconds = start.elapsed().as_secs_f64();
        write!(out, r#"{{"epoch": {epoch}, "seconds": {seconds:.2}, "#)?;
        writeln!(out, r#""loss": {loss:.4}, "accuracy": {accuracy:.4}}}"#)?;
        out.flush()?;
    }
    writeln!(out, r#"{{"peak_memory_mb": {}}}"#, peak_memory_mb())?;
    Ok(out.flush()?)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let count = |i: usize| args.get(i).and_then(|arg| arg.parse().ok());
    let (3, Some(epochs), Some(batch @ 1..)) = (args.len(), count(1), count(2)) else {
        eprintln!("usage: peer-candle DATA_DIR EPOCHS BATCH");
        return ExitCode::from(2);
    };
    if let Err(error) = run(Path::new(&args[0]), epochs, batch) {
        eprintln!("peer-candle: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
