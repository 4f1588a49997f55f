//! The trainer: the options of a training, its callbacks, and the state that a second `fit` goes on from.

use std::path::{Path, PathBuf};

use super::callback::Callback;
use super::callbacks::EpochLines;
use super::config::TrainingConfig;
use super::early_stopping::{EarlyStopping, ReduceLrOnPlateau};
use super::evaluate::check_data;
use super::loss::Loss;
use super::optimizer::Optimizer;
use super::optimizer_state::OptimizerState;
use super::schedule::Schedule;
use crate::checks::check_range;
use crate::compute::Threads;
use crate::data::{Augmentation, Dataset};
use crate::error::{LabError, Result};
use crate::model::Sequential;
use crate::random::Seed;

/// Trains networks: a loss, an optimizer, and all options of a training.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// let (train, validation) = cifar.train.split(0.8, Seed(42))?;
/// let mut model = Sequential::new([32, 32, 3])
///     .flatten()
///     .dense(64, Activation::Elu)
///     .dropout(0.5)
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(3)
///     .batch_size(64)
///     .callback(EarlyStopping::on_val_loss().patience(5).restore_best_weights())
///     .fit(&mut model, &train, &validation)?;
/// assert!(history.epochs[2].loss < history.epochs[0].loss);
/// # Ok::<(), LabError>(())
/// ```
///
/// A second `fit` of the same network goes on from the weights, the optimizer's state and the learning rate as callbacks left
/// it; schedules count its epochs from 0. Another network, even a clone, begins with a fresh state.
pub struct Trainer {
    pub(super) config: TrainingConfig,
    pub(super) sample_weights: Option<Vec<f32>>,
    /// The first shows the progress.
    pub(super) callbacks: Vec<Box<dyn Callback>>,
    pub(super) threads: Option<usize>,
    pub(super) optimizer: Option<OptimizerState>,
    /// Epochs of earlier fits, so that the next one shuffles in another order.
    pub(super) epochs_before: usize,
    /// The folder of checkpoints, and after how many epochs one is written.
    pub(super) checkpoints: Option<(PathBuf, usize)>,
    /// Whether the next fit resumes from the checkpoint.
    pub(super) resume: bool,
}

impl Trainer {
    /// A training with Keras's defaults: one epoch, batches of 32, a constant learning rate.
    pub fn new(loss: Loss, optimizer: impl Into<Optimizer>) -> Self {
        Self::with_config(TrainingConfig::new(loss, optimizer.into()))
    }

    pub(super) fn with_config(config: TrainingConfig) -> Self {
        Self {
            config,
            sample_weights: None,
            callbacks: vec![Box::new(EpochLines::default())],
            threads: None,
            optimizer: None,
            epochs_before: 0,
            checkpoints: None,
            resume: false,
        }
    }

    /// The options.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    /// How often each training example is seen.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.config.epochs = epochs;
        self
    }

    /// Examples in a step; the last of an epoch may have fewer.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.config.batch_size = batch_size;
        self
    }

    /// How the learning rate changes during training.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.config.schedule = schedule;
        self
    }

    /// Changes each training image at random whenever it is seen; validation images stay as they are.
    pub fn augmentation(mut self, augmentation: Augmentation) -> Self {
        self.config.augmentation = Some(augmentation);
        self
    }

    /// Makes the targets of cross-entropy y (1 − s) + s / K, in training and its validation (Szegedy et al., 2016).
    pub fn label_smoothing(mut self, smoothing: f32) -> Self {
        self.config.label_smoothing = smoothing;
        self
    }

    /// Scales the gradients down where their norm, all together, exceeds `norm` (Pascanu, Mikolov and Bengio, 2013).
    pub fn global_clip_norm(mut self, norm: f32) -> Self {
        self.config.global_clip_norm = Some(norm);
        self
    }

    /// How much an example of each class counts in the training loss.
    pub fn class_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.config.class_weights = Some(weights.into());
        self
    }

    /// How much each training example counts in the training loss.
    pub fn sample_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.sample_weights = Some(weights.into());
        self
    }

    /// Adds a callback, early stopping or the reduction of the learning rate on plateaus; callbacks are called in the
    /// order in which they were added.
    pub fn callback(mut self, callback: impl AddTo) -> Self {
        callback.add_to(&mut self);
        self
    }

    /// How to show the progress of a training; [`EpochLines`] by default.
    pub fn progress(mut self, progress: impl Callback + 'static) -> Self {
        self.callbacks[0] = Box::new(progress);
        self
    }

    /// The seed of shuffling, augmentation and dropout; 0 by default.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.config.seed = seed;
        self
    }

    /// The number of threads; one for each core by default. The result does not depend on it.
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = Some(count);
        self
    }

    /// Writes a checkpoint into `folder` after every `every` epochs and when the training stops early; the one before
    /// stays until the new one is on the disk.
    ///
    /// It holds the weights, the optimizer's state, the learning rate, the history and the best weights of early
    /// stopping: 21 MB for the original lab's final network with Adam, 28 MB with the best weights.
    pub fn checkpoint(mut self, folder: impl AsRef<Path>, every: usize) -> Self {
        self.checkpoints = Some((folder.as_ref().to_owned(), every));
        self
    }

    /// Lets the next [`fit`](Trainer::fit) resume from the checkpoint in its folder, to the same bits as without the
    /// interruption, or begin where there is none ([`Checkpoint::find`](super::Checkpoint::find) tells).
    ///
    /// The network must have its initial weights, and data and options must be the same, or `fit` names the difference;
    /// only the epochs may be more, unless the schedule depends on them. Callbacks with a state of their own begin anew.
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    pub(super) fn check(
        &self,
        model: &Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
    ) -> Result<()> {
        self.validate()?;
        let loss = self.config.loss;
        check_data(model, train, "training data", loss)?;
        if let Some(validation) = validation {
            check_data(model, validation, "validation data", loss)?;
            if validation.normalization() != train.normalization() {
                let remedy = "call .with_normalization with the training part's on both";
                let (found, expected) = ("another normalization", "the training data's");
                return Err(LabError::value("validation data", found, expected, remedy));
            }
        }
        // The batches check the weights of classes and examples.
        self.batches(train, 0, &Threads::one()).map(|_| ())
    }

    /// Checks every option, as [`Trainer::fit`] does before anything else.
    ///
    /// # Errors
    /// [`LabError::Value`] for the first option outside of its range.
    pub fn validate(&self) -> Result<()> {
        Threads::check(self.threads)?;
        let every = self.checkpoints.as_ref().map(|(_, every)| *every);
        if let (None, true) = (every, self.resume) {
            let (found, remedy) = ("no folder", "say where: .checkpoint(folder, every)");
            return Err(LabError::value("resume", found, "checkpoints", remedy));
        }
        let remedy = "1 writes one after each epoch";
        check_range("checkpoint: every", every.unwrap_or(1), 1.., remedy)?;
        self.config.validate()
    }
}

/// What [`Trainer::callback`] takes.
pub trait AddTo {
    /// Adds it to the trainer.
    fn add_to(self, trainer: &mut Trainer);
}

impl<C: Callback + 'static> AddTo for C {
    fn add_to(self, trainer: &mut Trainer) {
        trainer.callbacks.push(Box::new(self));
    }
}

impl AddTo for EarlyStopping {
    fn add_to(self, trainer: &mut Trainer) {
        trainer.config.early_stopping = Some(self);
    }
}

impl AddTo for ReduceLrOnPlateau {
    fn add_to(self, trainer: &mut Trainer) {
        trainer.config.reduce_lr_on_plateau = Some(self);
    }
}
