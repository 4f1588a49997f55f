//! The library of a laboratory course on neural networks: classify the 60,000 images of CIFAR-10 with a feedforward
//! network, and see why each piece is as it is.
//!
//! It does feedforward networks on the processor, in `f32`, and no more: no convolutions, no automatic
//! differentiation, no graphics card. What it does it does fast, and it is small enough to read in an evening.
//!
//! ```
//! use lab_core::prelude::*;
//!
//! let cifar = Cifar10::sample();                 // 1,500 real images, built in; Cifar10::open("data")? for all 60,000
//! let (train, validation) = cifar.train.split(0.8, Seed(42))?;
//!
//! let mut model = Sequential::new([32, 32, 3])
//!     .flatten()
//!     .dense(128, Activation::Elu)
//!     .dropout(0.2)
//!     .dense(10, Activation::Softmax)
//!     .build(Seed(0))?;
//! println!("{}", model.summary());
//!
//! let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
//!     .epochs(3)
//!     .batch_size(64)
//!     .callback(EarlyStopping::on_val_loss().patience(5).restore_best_weights())
//!     .fit(&mut model, &train, &validation)?;
//!
//! println!("{}", model.evaluate(&cifar.test)?.report());
//! # assert_eq!(history.epochs.len(), 3);
//! # Ok::<(), LabError>(())
//! ```
//!
//! # How to train
//!
//! [`training::Trainer`] holds the options of a training, and its [`fit`](training::Trainer::fit) is the loop. The same
//! loop by hand, to try an idea that the trainer does not know:
//!
//! ```
//! use lab_core::prelude::*;
//!
//! let train = Cifar10::sample().train;
//! let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
//! let mut optimizer = Adam::new(1e-3).for_model(&model);
//! for epoch in 0..2 {
//!     for batch in train.batches(64)?.shuffled(Seed(0), epoch) {
//!         let logits = model.forward(&batch.images, Mode::training(Seed(0), optimizer.steps()))?;
//!         let (loss, gradient) = Loss::CategoricalCrossentropy.value_and_gradient(logits.view(), &batch.labels)?;
//!         let gradients = model.backward(&gradient)?;             // named: "dense.kernel", "dense.bias"
//!         optimizer.step(&mut model, &gradients)?;
//!     }
//! }
//! # Ok::<(), LabError>(())
//! ```
//!
//! It is the same arithmetic, bit for bit; `fit` updates each array as soon as its gradient is known, which is faster.
//!
//! # The modules
//!
//! Data flows one way, and a module knows only those above it in this list:
//!
//! | module | what it holds |
//! |---|---|
//! | [`error`], [`random`], [`files`], [`text`] | [`LabError`], which says where, what was found, what was expected and what to do; [`Seed`]; whole files; numbers for people |
//! | [`compute`] | the kernels of the crate `lab-kernels`, on plain slices |
//! | [`metrics`] | accuracy, confusion matrix, precision, recall and F1, calibration, on plain labels |
//! | [`data`] | CIFAR-10 on disk, [`data::Dataset`], splits, normalization, augmentation, batches |
//! | [`model`] | layers, [`model::Sequential`], its summary, its weights on disk; knows nothing of `data` |
//! | [`training`] | losses, optimizers, schedules, [`training::Trainer`], callbacks, history, checkpoints, evaluation |
//!
//! How to write a layer: [`model`] says it. Figures, live curves and the folder of runs are the crate `lab-notebook`'s; the
//! same mathematics in plain `f64`, against which this crate is tested, is the crate `lab-textbook`.
//!
//! # What holds everywhere
//!
//! - Names and definitions are those of Keras and scikit-learn.
//! - Same seed: same bits, whatever the number of threads, on every processor that has fused multiply-add.
//! - Bad input is a [`LabError`], never a panic; only [`compute`], which takes plain slices, asserts that
//!   lengths and shapes fit. A training that diverges is a result, not an error.
//! - Nothing is written to standard error, and the threads of a training end with it. Only a
//!   network that was trained by hand keeps its own until it is dropped.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod data;
pub mod error;
pub mod files;
pub mod metrics;
pub mod model;
mod names;
pub mod random;
pub mod text;
pub mod training;

/// The kernels, in plain slices, and the threads that run them.
pub use lab_kernels as compute;

pub use error::{LabError, Result};
pub use ndarray;
pub use random::Seed;

/// What a notebook or a program usually needs: `use lab_core::prelude::*;`.
pub mod prelude {
    pub use crate::compute::side_by_side;
    pub use crate::data::*;
    pub use crate::metrics::*;
    pub use crate::model::*;
    pub use crate::training::*;
    pub use crate::{LabError, Result, Seed};
}
