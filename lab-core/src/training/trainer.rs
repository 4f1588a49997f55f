//! A training as it is written down: the loss, the optimizer, and every option.

use std::path::PathBuf;

use super::callback::Callback;
use super::evaluate::check_data;
use super::loss::{Loss, check_smoothing, check_weights};
use super::optimizer::{Optimizer, OptimizerState};
use super::progress::{EpochLines, Progress};
use super::schedule::Schedule;
use super::step::Recipe;
use crate::compute::Threads;
use crate::data::{Augmentation, Dataset};
use crate::error::{LabError, Result};
use crate::model::{Identity, Sequential, Tape};
use crate::random::Seed;

/// Trains networks: a loss, an optimizer, and everything that goes with them.
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
/// it; schedules count its epochs from 0. With another network, one of equal layers or a clone too, all of that begins anew.
pub struct Trainer {
    pub(super) recipe: Recipe,
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    pub(super) schedule: Schedule,
    pub(super) augmentation: Option<Augmentation>,
    pub(super) class_weights: Option<Vec<f32>>,
    pub(super) sample_weights: Option<Vec<f32>>,
    pub(super) callbacks: Vec<Box<dyn Callback>>,
    pub(super) progress: Box<dyn Progress>,
    pub(super) stop_on_divergence: bool,
    pub(super) threads: Option<usize>,
    /// What the optimizer remembers, and the network that it belongs to.
    pub(super) state: OptimizerState,
    pub(super) network: Option<Identity>,
    /// The learning rate that the schedule starts from; callbacks may have changed it.
    pub(super) learning_rate: f32,
    /// Epochs of earlier fits, so that a second one shuffles anew.
    pub(super) epochs_before: usize,
    pub(super) tape: Tape,
    /// The folder for checkpoints, and after how many epochs one is written.
    pub(super) checkpoints: Option<(PathBuf, usize)>,
    /// Whether the next fit goes on from the checkpoint.
    pub(super) resume: bool,
}

impl Trainer {
    /// A training with Keras's defaults: one epoch, batches of 32, the optimizer's learning rate throughout.
    pub fn new(loss: Loss, optimizer: impl Into<Optimizer>) -> Self {
        let optimizer = optimizer.into();
        Self {
            recipe: Recipe {
                loss,
                label_smoothing: 0.0,
                optimizer,
                clip_norm: None,
                seed: Seed(0),
            },
            epochs: 1,
            batch_size: 32,
            schedule: Schedule::Constant,
            augmentation: None,
            class_weights: None,
            sample_weights: None,
            callbacks: Vec::new(),
            progress: Box::new(EpochLines::default()),
            stop_on_divergence: true,
            threads: None,
            state: OptimizerState::default(),
            network: None,
            learning_rate: optimizer.learning_rate(),
            epochs_before: 0,
            tape: Tape::default(),
            checkpoints: None,
            resume: false,
        }
    }

    /// How often each training example is seen.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Examples in a step; the last of an epoch may have fewer.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// How the learning rate changes while training goes on.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Changes each training image at random whenever it is seen; validation images stay as they are.
    pub fn augmentation(mut self, augmentation: Augmentation) -> Self {
        self.augmentation = Some(augmentation);
        self
    }

    /// Makes the targets of cross-entropy y (1 − s) + s / K, in training and its validation (Szegedy et al., 2016).
    pub fn label_smoothing(mut self, smoothing: f32) -> Self {
        self.recipe.label_smoothing = smoothing;
        self
    }

    /// Makes the gradients shorter where all together they are longer than `norm` (Pascanu, Mikolov and Bengio, 2013).
    pub fn global_clip_norm(mut self, norm: f32) -> Self {
        self.recipe.clip_norm = Some(norm);
        self
    }

    /// How much an example of each class counts in the training loss.
    pub fn class_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.class_weights = Some(weights.into());
        self
    }

    /// How much each training example counts in the training loss.
    pub fn sample_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.sample_weights = Some(weights.into());
        self
    }

    /// Adds a callback; they are called in the order in which they were added.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// How to show how far the training is; [`EpochLines`] where nothing else is said.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Whether a loss that is not finite ends the training; it does where nothing else is said.
    pub fn stop_on_divergence(mut self, stop: bool) -> Self {
        self.stop_on_divergence = stop;
        self
    }

    /// The seed of shuffling, augmentation and dropout; 0 where nothing else is said.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.recipe.seed = seed;
        self
    }

    /// How many threads work; one for each core where nothing else is said. The result does not depend on it.
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = Some(count);
        self
    }

    pub(super) fn check(
        &self,
        model: &Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
    ) -> Result<()> {
        self.validate()?;
        check_data(model, train, "training data", self.recipe.loss)?;
        if let Some(validation) = validation {
            check_data(model, validation, "validation data", self.recipe.loss)?;
            if validation.normalization() != train.normalization() {
                let remedy = "call .with_normalization with the training part's on both";
                return Err(LabError::value(
                    "validation data",
                    "another normalization",
                    "the training data's",
                    remedy,
                ));
            }
        }
        check_weights(
            "sample weights",
            "example",
            self.sample_weights.as_deref(),
            train.len(),
        )?;
        check_weights(
            "class weights",
            "class",
            self.class_weights.as_deref(),
            train.class_count(),
        )
    }

    /// Checks every option, as [`Trainer::fit`] does before anything else.
    ///
    /// # Errors
    /// [`LabError::Value`] for the first option outside of its range.
    pub fn validate(&self) -> Result<()> {
        let zero =
            |option: &str, remedy: &str| Err(LabError::value(option, "0", "at least 1", remedy));
        match (self.epochs, self.batch_size, &self.checkpoints) {
            (0, ..) => return zero("epochs", "10 is enough for a first look"),
            (_, 0, _) => return zero("batch size", "64 is the lab's"),
            (.., Some((_, 0))) => {
                return zero("checkpoint: every", "1 writes one after each epoch");
            }
            (.., None) if self.resume => {
                let remedy = "say where checkpoints are: .checkpoint(folder, every)";
                return Err(LabError::value(
                    "resume",
                    "no folder of checkpoints",
                    "one",
                    remedy,
                ));
            }
            _ => {}
        }
        Threads::check(self.threads)?;
        self.recipe.optimizer.check()?;
        self.schedule.check()?;
        check_smoothing(self.recipe.loss, self.recipe.label_smoothing)?;
        if let Some(norm) = self
            .recipe
            .clip_norm
            .filter(|norm| !(*norm > 0.0 && norm.is_finite()))
        {
            let expected = "a finite number above 0";
            return Err(LabError::value(
                "global_clip_norm",
                norm.to_string(),
                expected,
                "1 is a usual value",
            ));
        }
        self.augmentation
            .as_ref()
            .map_or(Ok(()), Augmentation::validate)
    }
}
