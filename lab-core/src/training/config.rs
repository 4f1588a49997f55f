//! The options of a training: one struct for the trainer, the configuration file of a run and its record.

use serde::{Deserialize, Serialize};

use super::early_stopping::{EarlyStopping, ReduceLrOnPlateau};
use super::loss::Loss;
use super::optimizer::Optimizer;
use super::schedule::Schedule;
use super::trainer::Trainer;
use crate::checks::{above_zero, check_range};
use crate::data::Augmentation;
use crate::error::Result;
use crate::random::Seed;

/// The options of a training; [`Trainer`] explains each.
///
/// ```
/// use lab_core::prelude::*;
/// let config = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(10).config().clone();
/// let text = serde_json::to_string(&config).unwrap();
/// assert_eq!(serde_json::from_str::<TrainingConfig>(&text).unwrap(), config);
/// let trainer = config.trainer();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// What training minimizes.
    pub loss: Loss,
    /// How often each training example is seen, at most.
    pub epochs: usize,
    /// Examples in a step.
    pub batch_size: usize,
    /// The seed of shuffling, dropout and augmentation.
    #[serde(default)]
    pub seed: Seed,
    /// Label smoothing s: the targets become y (1 − s) + s / K.
    #[serde(default)]
    pub label_smoothing: f32,
    /// The largest norm of all gradients together.
    pub global_clip_norm: Option<f32>,
    /// How much an example of each class counts in the training loss.
    pub class_weights: Option<Vec<f32>>,
    /// How the training images are changed at random.
    pub augmentation: Option<Augmentation>,
    /// The update rule.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// Early stopping, if any.
    pub early_stopping: Option<EarlyStopping>,
    /// The reduction of the learning rate on plateaus, if any.
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
}

impl TrainingConfig {
    pub(super) fn new(loss: Loss, optimizer: Optimizer) -> Self {
        Self {
            loss,
            epochs: 1,
            batch_size: 32,
            seed: Seed(0),
            label_smoothing: 0.0,
            global_clip_norm: None,
            class_weights: None,
            augmentation: None,
            optimizer,
            schedule: Schedule::Constant,
            early_stopping: None,
            reduce_lr_on_plateau: None,
        }
    }

    /// A trainer with these options.
    pub fn trainer(self) -> Trainer {
        Trainer::with_config(self)
    }

    /// Whether the network has the weights of its best epoch when the training is over.
    pub fn restores_best_weights(&self) -> bool {
        self.early_stopping
            .is_some_and(|it| it.restore_best_weights)
    }

    /// Checks every option.
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) for the first option outside of its range.
    pub fn validate(&self) -> Result<()> {
        check_range("epochs", self.epochs, 1.., "10 is enough for a first look")?;
        check_range(
            "batch size",
            self.batch_size,
            1..,
            "64 is the original lab's",
        )?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.loss.check_smoothing(self.label_smoothing)?;
        if let Some(norm) = self.global_clip_norm {
            let positive = above_zero(f32::INFINITY);
            check_range("global_clip_norm", norm, positive, "1 is a usual value")?;
        }
        let reduce = self.reduce_lr_on_plateau.as_ref();
        reduce.map_or(Ok(()), ReduceLrOnPlateau::check)?;
        let augmentation = self.augmentation.as_ref();
        augmentation.map_or(Ok(()), Augmentation::validate)
    }
}
