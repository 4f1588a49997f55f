//! Trains a small perceptron on CIFAR-10 with burn on the CPU, as a speed reference.
//!
//! The workload: the first 40,000 training images as f32 in 0..1, layers 3072-512-256-128-10 with
//! biases and the activations ELU, tanh, ELU, softmax cross-entropy from logits, Glorot-uniform
//! kernels and zero biases, Adam (1e-3, 0.9, 0.999, epsilon 1e-7), reshuffled every epoch.
//!
//! Usage: `peer-burn DATA_DIR EPOCHS BATCH`; one JSON line per epoch, then the peak memory.

use std::io::{self, Write};
use std::{error::Error, fs, path::Path, process::ExitCode, time::Instant};

use burn::backend::{Autodiff, Flex, flex::FlexDevice};
use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams, Optimizer};
use burn::tensor::{Int, Tensor, TensorData, activation, backend::Backend};
use rand::seq::SliceRandom;

const PIXELS: usize = 3072;
const TRAINING_IMAGES: i32 = 40_000;
type Training = Autodiff<Flex>;

struct Dataset {
    images: Tensor<Flex, 2>,
    labels: Tensor<Flex, 1, Int>,
}

impl Dataset {
    fn load(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let mut images: Vec<f32> = Vec::with_capacity(60_000 * PIXELS);
        let mut labels: Vec<i32> = Vec::with_capacity(60_000);
        let training = (1..=5).map(|i| format!("data_batch_{i}.bin"));
        for name in training.chain(["test_batch.bin".to_string()]) {
            let path = dir.join(name);
            let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let (records, rest) = bytes.as_chunks::<{ PIXELS + 1 }>();
            if records.len() != 10_000 || !rest.is_empty() {
                return Err(format!("{}: not a CIFAR-10 batch", path.display()).into());
            }
            for [label, pixels @ ..] in records {
                labels.push(i32::from(*label));
                images.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
            }
        }
        let count = labels.len();
        Ok(Self {
            images: Tensor::from_data(TensorData::new(images, [count, PIXELS]), &FlexDevice),
            labels: Tensor::from_data(TensorData::new(labels, [count]), &FlexDevice),
        })
    }

    fn batch(&self, indices: &[i32]) -> (Tensor<Training, 2>, Tensor<Training, 1, Int>) {
        let indices = Tensor::<Flex, 1, Int>::from_ints(indices, &FlexDevice);
        let images = self.images.clone().select(0, indices.clone());
        let labels = self.labels.clone().select(0, indices);
        (Tensor::from_inner(images), Tensor::from_inner(labels))
    }
}

#[derive(Module, Debug)]
struct Model<B: Backend> {
    hidden1: Linear<B>,
    hidden2: Linear<B>,
    hidden3: Linear<B>,
    output: Linear<B>,
}

impl<B: Backend> Model<B> {
    fn new(device: &B::Device) -> Self {
        Self {
            hidden1: glorot_linear(PIXELS, 512, device),
            hidden2: glorot_linear(512, 256, device),
            hidden3: glorot_linear(256, 128, device),
            output: glorot_linear(128, 10, device),
        }
    }

    fn forward(&self, images: Tensor<B, 2>) -> Tensor<B, 2> {
        let x = activation::elu(self.hidden1.forward(images), 1.0);
        let x = activation::tanh(self.hidden2.forward(x));
        let x = activation::elu(self.hidden3.forward(x), 1.0);
        self.output.forward(x)
    }
}

fn glorot_linear<B: Backend>(inputs: usize, outputs: usize, device: &B::Device) -> Linear<B> {
    let mut layer = LinearConfig::new(inputs, outputs)
        .with_initializer(Initializer::XavierUniform { gain: 1.0 })
        .init(device);
    layer.bias = Some(Initializer::Zeros.init([outputs], device));
    layer
}

fn count_correct(logits: Tensor<Training, 2>, labels: Tensor<Training, 1, Int>) -> i32 {
    let predicted = logits.inner().argmax(1).flatten::<1>(0, 1);
    predicted.equal(labels.inner()).int().sum().into_scalar()
}

fn train_epoch(
    mut model: Model<Training>,
    optimizer: &mut impl Optimizer<Model<Training>, Training>,
    data: &Dataset,
    order: &[i32],
    batch: usize,
) -> (Model<Training>, f64, f64) {
    let criterion = CrossEntropyLossConfig::new().init(&FlexDevice);
    let (mut loss_sum, mut correct) = (0.0, 0);
    for indices in order.chunks(batch) {
        let (images, labels) = data.batch(indices);
        let logits = model.forward(images);
        correct += count_correct(logits.clone(), labels.clone());
        let loss = criterion.forward(logits, labels);
        loss_sum += f64::from(loss.clone().into_scalar()) * indices.len() as f64;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-3, model, gradients);
    }
    let count = order.len() as f64;
    (model, loss_sum / count, f64::from(correct) / count)
}

fn peak_memory_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn run(dir: &Path, epochs: usize, batch: usize) -> Result<(), Box<dyn Error>> {
    let data = Dataset::load(dir)?;
    let mut model = Model::<Training>::new(&FlexDevice);
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let mut order: Vec<i32> = (0..TRAINING_IMAGES).collect();
    let mut out = io::stdout().lock();
    for epoch in 1..=epochs {
        order.shuffle(&mut rand::rng());
        let start = Instant::now();
        let (loss, accuracy);
        (model, loss, accuracy) = train_epoch(model, &mut optimizer, &data, &order, batch);
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
        eprintln!("usage: peer-burn DATA_DIR EPOCHS BATCH");
        return ExitCode::from(2);
    };
    if let Err(error) = run(Path::new(&args[0]), epochs, batch) {
        eprintln!("peer-burn: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
