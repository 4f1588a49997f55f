//! The mathematics of feedforward networks in plain `f64` arrays, as one would write it on the blackboard.
//!
//! The crate is written to be read, with each formula beside its code. It is slow, and it shares no code with the fast
//! crate `lab-core`, which is tested against it. A batch is a matrix x (N, n) with one sample in each row. Parameters are
//! matrices too; a bias is a single row (1, n). Every `forward` has a `backward` next to it, which takes
//! g = ∂L/∂output and returns ∂L/∂input by the chain rule; [`gradient_check`] tells whether the two agree. Read
//! [`Activation`], [`Dense`], [`categorical_crossentropy`], [`Rule`] and [`Network`], in this order.
//!
//! # Panics
//! The functions assert that shapes fit, and panic where they do not.
//!
//! ```
//! use lab_textbook::*;
//! use ndarray::array;
//! let (x, y) = (array![[0.0, 1.0], [1.0, 0.0]], array![[1.0, 0.0], [0.0, 1.0]]);
//! let dense = Dense { kernel: array![[0.1, -0.2], [0.2, 0.1]], bias: array![[0.0, 0.0]], l2: 0.0 };
//! let mut network = Network { layers: vec![Layer::Activation(Activation::Tanh), Layer::Dense(dense)] };
//! let mut optimizers = vec![Optimizer::new(Rule::Sgd(0.9), 0.5); 2]; // one for the kernel and one for the bias
//! for _ in 0..100 {
//!     let (_, gradients) = network.loss_and_gradients(&x, |z| mean(categorical_crossentropy(z, &y), None));
//!     network.apply(&gradients, &mut optimizers);
//! }
//! assert!(softmax(&network.predict(&x))[[0, 0]] > 0.99);
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod activations;
mod gradient_check;
mod images;
mod layers;
mod losses;
mod network;
mod optimizers;

pub use activations::{Activation, softmax};
pub use gradient_check::gradient_check;
pub use images::{Conv2d, Pooling2d, Windows};
pub use layers::{BatchNorm, Dense, LayerNorm, dropout};
pub use losses::{PerSample, categorical_crossentropy, kl_divergence, mean, mean_squared_error};
pub use losses::{one_hot, smooth_labels, sparse_categorical_crossentropy};
pub use network::{Layer, Network};
pub use optimizers::{Optimizer, Rule, clip_by_global_norm};

/// A matrix: samples or inputs in rows, features or units in columns.
pub type Matrix = ndarray::Array2<f64>;
