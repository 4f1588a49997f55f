//! Training: losses, optimizers, schedules, the loop, callbacks, history, evaluation.
//!
//! [`Trainer::fit`] is the loop. Each step runs a batch forward, takes the loss, runs backward and updates the weights;
//! the formulas are Keras's, and `tests/` compares them with Keras's own numbers. The same step by hand stands at
//! [`Sequential::forward`](crate::model::Sequential::forward).

mod callback;
mod checkpoint;
mod early_stopping;
mod evaluate;
mod fit;
mod history;
mod loss;
mod optimizer;
mod range_test;
mod schedule;
mod step;
mod trainer;

pub use callback::{BatchRecord, Callback, Control, CsvLogger, EpochLines, Silent, epoch_line};
pub use checkpoint::Checkpoint;
pub use early_stopping::{EarlyStopping, ReduceLrOnPlateau};
pub use evaluate::Evaluation;
pub use history::{EpochRecord, History, Stopped};
pub use loss::{Loss, Targets};
pub use optimizer::{Adam, AdamW, Optimizer, RmsProp, Sgd};
pub use range_test::RangeTest;
pub use schedule::Schedule;
pub use step::OptimizerState;
pub use trainer::{Trainer, TrainingConfig};

// What the files of this module use.
use crate::compute::{self, Instructions, Step, Threads};
use crate::data::{Augmentation, Batch, Batches, Dataset, content_hash};
use crate::error::{
    LabError, Result, above_zero, check_labels, check_range, check_shape, check_weights,
};
use crate::files::{write_failed, write_whole};
use crate::metrics::{
    Calibration, ClassificationReport, ConfusionMatrix, argmax, predicted_classes, top_k_accuracy,
};
use crate::model::{
    Activation, Arrays, Inputs, Mode, NamedArrays, Outputs, Parameter, Pass, Sequential, Updates,
    named_arrays, write_arrays,
};
use crate::names::named;
use crate::random::Seed;
use callback::Stop;
use checkpoint::Checkpointer;
use evaluate::{check_data, check_ending, measure};
use loss::Sums;
use ndarray::{Array2, ArrayD, ArrayView2};
use optimizer::check_rate;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use step::Learner;
