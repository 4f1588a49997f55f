//! What several tests share.
#![allow(dead_code, reason = "each test uses its own part of it")]

use std::fmt;
use std::sync::LazyLock;

use lab_core::prelude::*;
use ndarray::Array2;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// The built-in sample, decoded once.
pub fn sample() -> &'static Cifar10 {
    static SAMPLE: LazyLock<Cifar10> = LazyLock::new(Cifar10::sample);
    &SAMPLE
}

/// Numbers from −1 to 1 that the seed determines.
pub fn uniform(seed: u64) -> impl FnMut() -> f32 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    move || (generator.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
}

/// A matrix of such numbers.
pub fn random(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    Array2::from_shape_simple_fn((rows, columns), uniform(seed))
}

/// The text of the error that there must be.
pub fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

/// Fails unless each of `words` stands in the text of the error.
pub fn assert_says<T>(result: Result<T>, words: &[&str]) {
    let text = message(result);
    assert!(text.contains("what to do: "), "no remedy in: {text}");
    words
        .iter()
        .for_each(|word| assert!(text.contains(word), "no `{word}` in: {text}"));
}

/// Fails unless the numbers are within `share` of the greater one of each other.
#[track_caller]
pub fn assert_close(found: f64, wanted: f64, share: f64, what: impl fmt::Display) {
    let allowed = share * found.abs().max(wanted.abs());
    assert!(
        (found - wanted).abs() <= allowed,
        "{what}: {found}, not {wanted}"
    );
}

/// The textbook's name for an activation.
pub fn textbook_activation(activation: Activation) -> lab_textbook::Activation {
    match activation {
        Activation::Linear => lab_textbook::Activation::Linear,
        Activation::Relu => lab_textbook::Activation::Relu,
        Activation::LeakyRelu => lab_textbook::Activation::LeakyRelu,
        Activation::Elu => lab_textbook::Activation::Elu,
        Activation::Gelu => lab_textbook::Activation::Gelu,
        Activation::Sigmoid => lab_textbook::Activation::Sigmoid,
        Activation::Tanh => lab_textbook::Activation::Tanh,
        Activation::Softmax => lab_textbook::Activation::Softmax,
    }
}

/// All arrays of a network with their names, bit for bit.
#[derive(PartialEq)]
pub struct Bits(pub Vec<(String, Vec<u32>)>);

/// Only the first numbers of each array: nobody can read them all.
impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = |bits: &Vec<u32>| {
            bits.iter()
                .take(4)
                .map(|&bits| f32::from_bits(bits))
                .collect::<Vec<_>>()
        };
        f.debug_map()
            .entries(self.0.iter().map(|(name, bits)| (name, first(bits))))
            .finish()
    }
}

pub fn bits(model: &Sequential) -> Bits {
    let of = |name: &str| {
        model
            .weight(name)
            .unwrap()
            .iter()
            .map(|w| w.to_bits())
            .collect()
    };
    Bits(
        model
            .weight_names()
            .map(|name| (name.to_owned(), of(name)))
            .collect(),
    )
}

/// Every number of the history bit for bit, without the seconds, which differ from run to run.
pub fn numbers(history: &History) -> Vec<[u64; 6]> {
    let row = |r: &EpochRecord| {
        let optional = |value: Option<f64>| value.map_or(u64::MAX, f64::to_bits);
        let rate = u64::from(r.learning_rate.to_bits());
        let (loss, accuracy) = (r.loss.to_bits(), r.accuracy.to_bits());
        [
            r.epoch as u64,
            loss,
            accuracy,
            optional(r.val_loss),
            optional(r.val_accuracy),
            rate,
        ]
    };
    history.epochs.iter().map(row).collect()
}

/// A small network for the sample: 3072 → 12 ELU → 10 softmax.
pub fn small_network() -> Sequential {
    small_plan().build(Seed(3)).unwrap()
}

pub fn small_plan() -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .dense(12, Activation::Elu)
        .dense(10, Activation::Softmax)
}

/// Cross-entropy, batches of 32, and no output.
pub fn quiet(optimizer: impl Into<Optimizer>) -> Trainer {
    Trainer::new(Loss::CategoricalCrossentropy, optimizer).progress(Silent)
}

/// Sets the learning rate before each epoch (from 0) to a function of the epoch and the current rate, as Keras's
/// `LearningRateScheduler`.
pub struct Rates<F>(pub F);

impl<F: FnMut(usize, f32) -> f32> Callback for Rates<F> {
    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        let rate = &mut control.optimizer.learning_rate;
        *rate = (self.0)(epoch, *rate);
        Ok(())
    }
}
