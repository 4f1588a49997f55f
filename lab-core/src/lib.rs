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
//! # The way through it
//!
//! Data flows one way, and a module knows only those above it in this list:
//!
//! | module | what it holds |
//! |---|---|
//! | [`error`], [`random`] | [`LabError`], which says where, what was found, what was expected and what to do; [`Seed`] |
//! | [`compute`] | the few kernels where the time goes, on plain slices |
//! | [`metrics`] | accuracy, confusion matrix, precision, recall and F1, calibration, on plain labels |
//! | [`data`] | CIFAR-10 on disk, [`data::Dataset`], splits, normalization, augmentation, batches |
//! | [`model`] | layers, [`model::Sequential`], its summary, its weights on disk; knows nothing of `data` |
//! | [`training`] | losses, optimizers, schedules, [`training::Trainer`], callbacks, history, checkpoints, evaluation |
//! | [`lab`] | the laboratory's folder: scale of the experiments, what a run leaves behind |
//! | `plots` | how all of these show themselves in a notebook (feature `display`, on by default) |
//! | `inspect` | a look inside: dead units, gradients and updates of each layer; why an image got its answer (feature `inspect`, on by default) |
//! | `tensorboard` | event files for TensorBoard (feature `tensorboard`, off by default) |
//!
//! [`textbook`] stands apart: the same mathematics once more in plain `f64`, as one writes it on the blackboard. It
//! imports nothing of the rest, so that the rest can be tested against it.
//!
//! # What holds everywhere
//!
//! - Names and definitions are those of Keras and scikit-learn.
//! - Same seed: same bits, whatever the number of threads, on every processor that has fused multiply-add.
//! - Bad input is a [`LabError`], never a panic; only [`compute`] and [`textbook`], which take plain arrays, assert that
//!   lengths and shapes fit. A training that diverges is a result, not an error.
//! - Nothing is written to standard error, and no thread outlives the call that started it by more than a moment.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod checks;
pub mod data;
pub mod error;
mod files;
mod fingerprint;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod lab;
pub mod metrics;
pub mod model;
mod names;
#[cfg(feature = "display")]
pub mod plots;
pub mod random;
#[cfg(feature = "tensorboard")]
pub mod tensorboard;
mod text;
pub mod textbook;
pub mod training;

/// The kernels, in plain slices, and the threads that run them.
pub use lab_kernels as compute;

pub use error::{LabError, Result};
pub use ndarray;
pub use random::Seed;

/// What a notebook or a program usually needs: `use lab_core::prelude::*;`.
pub mod prelude {
    pub use crate::compute::side_by_side;
    pub use crate::data::{
        Augmentation, Batches, Cifar10, Dataset, Fill, Move, Normalization, from_one_hot, one_hot,
    };
    pub use crate::error::{LabError, Result};
    #[cfg(feature = "inspect")]
    pub use crate::inspect::{Explanation, Inspection, LayerInspection, Neighbour};
    pub use crate::lab::{Lab, Run, Scale};
    pub use crate::metrics::{
        Calibration, ClassificationReport, ConfusionMatrix, accuracy, classification_report,
        top_k_accuracy,
    };
    pub use crate::model::{
        Activation, Architecture, BatchNorm, Dense, Dropout, Flatten, Initializer, Inputs, Layer,
        Sequential, Summary,
    };
    #[cfg(feature = "display")]
    pub use crate::plots::{Figure, LineChart, LiveCurves, figures};
    pub use crate::random::Seed;
    #[cfg(feature = "tensorboard")]
    pub use crate::tensorboard::TensorBoard;
    pub use crate::training::{
        Adam, AdamW, BatchRecord, Callback, CallbackState, Checkpoint, Control, CsvLogger,
        EarlyStopping, EpochLines, EpochRecord, Evaluation, History, LearningRateScheduler, Loss,
        ModelCheckpoint, Monitor, Optimizer, Plan, Progress, RangeTest, ReduceLrOnPlateau, RmsProp,
        Schedule, Sgd, Silent, Stopped, Targets, Trainer,
    };
}
