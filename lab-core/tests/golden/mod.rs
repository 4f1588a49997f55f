//! The golden files, and what both sides make by the same formula: see `tools/golden/README.md`.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The file `tests/golden/{name}.json`.
pub fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

pub type Rows = Vec<Vec<f64>>;

/// `activations.json`; softmax works on rows, the others on each number.
#[derive(Deserialize)]
pub struct Activations {
    pub x: Vec<f64>,
    pub upstream: Vec<f64>,
    pub activations: BTreeMap<String, Pair>,
    pub softmax: Softmax,
}

#[derive(Deserialize)]
pub struct Pair {
    pub value: Vec<f64>,
    pub gradient: Vec<f64>,
}

#[derive(Deserialize)]
pub struct Softmax {
    pub x: Rows,
    pub upstream: Rows,
    pub value: Rows,
    pub gradient: Rows,
}

/// The dense layer of `layers.json`, by its activation.
#[derive(Deserialize)]
pub struct Layers {
    pub dense: DenseLayer,
}

#[derive(Deserialize)]
pub struct DenseLayer {
    pub x: Rows,
    pub kernel: Rows,
    pub bias: Vec<f64>,
    pub upstream: Rows,
    pub activations: BTreeMap<String, DenseOutput>,
}

#[derive(Deserialize)]
pub struct DenseOutput {
    pub output: Rows,
    pub gradient_kernel: Rows,
    pub gradient_bias: Vec<f64>,
    pub gradient_x: Rows,
}

/// `losses.json`.
#[derive(Deserialize)]
pub struct Losses {
    pub labels: Vec<usize>,
    pub soft_targets: Rows,
    pub sample_weights: Vec<f64>,
    pub logits: BTreeMap<String, Rows>,
    pub cases: Vec<LossCase>,
}

#[derive(Deserialize)]
pub struct LossCase {
    pub loss: String,
    pub targets: String,
    pub logits: String,
    pub output: String,
    pub label_smoothing: f64,
    pub sample_weights: bool,
    pub value: f64,
    pub per_sample: Vec<f64>,
    /// With respect to the logits.
    pub gradient: Rows,
    /// Where Keras clips, and is a little off.
    pub keras_value: Option<f64>,
}

/// `batchnorm.json`.
#[derive(Deserialize)]
pub struct BatchNormalization {
    pub x: Rows,
    pub gamma: Vec<f64>,
    pub beta: Vec<f64>,
    pub moving_mean: Vec<f64>,
    pub moving_variance: Vec<f64>,
    pub upstream: Rows,
    pub training: Mode,
    pub inference: Mode,
}

#[derive(Deserialize)]
pub struct Mode {
    pub output: Rows,
    pub gradient_x: Rows,
    pub gradient_gamma: Vec<f64>,
    pub gradient_beta: Vec<f64>,
    /// The moving statistics after the pass, where it changes them.
    #[serde(default)]
    pub moving_mean: Vec<f64>,
    #[serde(default)]
    pub moving_variance: Vec<f64>,
}

#[derive(Deserialize)]
pub struct Runs {
    pub runs: Vec<Run>,
}

/// Some steps of training a network on the sample's images, and what came of it in Keras.
#[derive(Deserialize)]
pub struct Run {
    pub name: String,
    pub layers: Vec<Layer>,
    pub batch_size: usize,
    pub steps: usize,
    pub loss: Loss,
    pub sample_weights: bool,
    pub optimizer: Optimizer,
    /// Of each batch, before its step, with the L2 penalty.
    pub losses: Vec<f64>,
    /// Of all gradients of each step together, before clipping.
    pub gradient_norms: Vec<f64>,
    /// Step → name → value.
    pub after: BTreeMap<usize, BTreeMap<String, Parameter>>,
    /// For the sample's first four images after the last step, not in training mode.
    pub predictions: Rows,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Layer {
    Dense {
        name: String,
        units: usize,
        activation: String,
        l2: f64,
        kernel: Formula,
        bias: Formula,
    },
    BatchNormalization {
        name: String,
        momentum: f64,
        epsilon: f64,
    },
}

#[derive(Deserialize)]
pub struct Loss {
    pub name: String,
    pub label_smoothing: f64,
}

#[derive(Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
#[rustfmt::skip]
pub enum Optimizer {
    Sgd { learning_rate: f64, momentum: f64, nesterov: bool, global_clipnorm: Option<f64> },
    Rmsprop { learning_rate: f64, rho: f64, momentum: f64, epsilon: f64, global_clipnorm: Option<f64> },
    Adam { learning_rate: f64, beta_1: f64, beta_2: f64, epsilon: f64, global_clipnorm: Option<f64> },
    Adamw {
        learning_rate: f64, weight_decay: f64, beta_1: f64, beta_2: f64, epsilon: f64, global_clipnorm: Option<f64>,
        /// A parameter whose name contains one of these does not decay.
        exclude_from_weight_decay: Vec<String>,
    },
}

/// Parameter number `p` at the start, in [-scale/2, scale/2).
#[derive(Deserialize)]
pub struct Formula {
    pub p: u32,
    pub scale: f64,
}

impl Formula {
    /// The first `count` values, row by row; exact in `f32` too.
    pub fn weights(&self, count: usize) -> Vec<f64> {
        let mixed = |i: u32| {
            let mut h = i
                .wrapping_mul(2_654_435_761)
                .wrapping_add(self.p * 40_503 + 12_345);
            h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
            h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
            f64::from((h ^ (h >> 16)) >> 16) / 65_536.0 - 0.5
        };
        (0..count as u32).map(|i| self.scale * mixed(i)).collect()
    }
}

impl Run {
    /// Which of the sample's images step 0, 1, … takes.
    pub fn batch(&self, step: usize) -> Vec<usize> {
        (0..self.batch_size)
            .map(|i| (step * self.batch_size + i) % 1000)
            .collect()
    }

    /// The weights of these images, when the run has any.
    pub fn weights(&self, images: &[usize]) -> Option<Vec<f64>> {
        self.sample_weights
            .then(|| images.iter().map(|i| (i % 5) as f64 * 0.5).collect())
    }
}

/// Every `stride`-th value of a parameter, row by row, and two sums over all of it.
#[derive(Deserialize)]
pub struct Parameter {
    pub shape: Vec<usize>,
    pub stride: usize,
    pub values: Vec<f64>,
    pub sum: f64,
    pub sum_of_squares: f64,
}

impl Parameter {
    pub fn assert_close(&self, ours: &[f64], tolerance: f64, what: &str) {
        self.compare(ours, tolerance, what, assert_close);
    }

    pub fn assert_near(&self, ours: &[f64], tolerance: f64, what: &str) {
        self.compare(ours, tolerance, what, assert_near);
    }

    fn compare(
        &self,
        ours: &[f64],
        tolerance: f64,
        what: &str,
        assert: fn(&[f64], &[f64], f64, &str),
    ) {
        assert_eq!(
            ours.len(),
            self.shape.iter().product::<usize>(),
            "{what}: number of values"
        );
        let slice: Vec<f64> = ours.iter().step_by(self.stride).copied().collect();
        assert(&slice, &self.values, tolerance, what);
        let (sum, squares) = (
            ours.iter().sum::<f64>(),
            ours.iter().map(|w| w * w).sum::<f64>(),
        );
        let size = (ours.len() as f64 * self.sum_of_squares).sqrt(); // a bound for Σ|w|
        assert!(
            (sum - self.sum).abs() <= tolerance * size,
            "{what}: sum {sum}, expected {}",
            self.sum
        );
        let apart = (squares - self.sum_of_squares).abs();
        assert!(
            apart <= 2.0 * tolerance * self.sum_of_squares,
            "{what}: sum of squares {squares}"
        );
    }
}

/// For `f64`: |a − b| is at most `tolerance` of |b|, or of a thousandth of the largest |b| where that is more.
#[track_caller]
pub fn assert_close(ours: &[f64], theirs: &[f64], tolerance: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}: number of values");
    let largest = theirs.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
    let (mut worst, mut at) = (0.0, 0);
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let difference = (a - b).abs()
            / if largest > 0.0 {
                b.abs().max(1e-3 * largest)
            } else {
                1.0
            };
        if difference > worst || difference.is_nan() {
            (worst, at) = (difference, i);
        }
        assert!(!difference.is_nan(), "{what}[{i}]: ours {a}, theirs {b}");
    }
    assert!(
        worst <= tolerance,
        "{what}[{at}]: ours {}, theirs {}, apart {worst:.1e}",
        ours[at],
        theirs[at]
    );
}

/// For `f32`: ‖a − b‖ ≤ tolerance · ‖b‖. Single entries may be further off where an optimizer divides by a small root.
#[track_caller]
pub fn assert_near(ours: &[f64], theirs: &[f64], tolerance: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}: number of values");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let apart = norm(&mut ours.iter().zip(theirs).map(|(a, b)| a - b));
    let size = norm(&mut theirs.iter().copied());
    let at = (0..ours.len()).max_by(|&i, &j| {
        (ours[i] - theirs[i])
            .abs()
            .total_cmp(&(ours[j] - theirs[j]).abs())
    });
    let worst = at.map(|i| (i, ours[i], theirs[i]));
    assert!(
        apart <= tolerance * size,
        "{what}: apart {:.1e}; worst (index, ours, theirs) {worst:?}",
        apart / size
    );
}

/// The sample's 1,000 training images of 3,072 bytes, and their labels, read without the crate's help.
pub fn sample() -> (Vec<Vec<u8>>, Vec<usize>) {
    let records = include_bytes!("../../assets/sample_train.bin").chunks(3073);
    let image = |planes: &[u8]| (0..3072).map(|i| planes[i % 3 * 1024 + i / 3]).collect();
    records
        .map(|record| (image(&record[1..]), usize::from(record[0])))
        .unzip()
}
