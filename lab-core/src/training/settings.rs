//! A training's options as they are written down in the record of a run.

use serde::{Deserialize, Serialize};

use super::loss::Loss;
use super::trainer::Trainer;

/// Everything that a [`Trainer`] was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What training makes small.
    pub loss: Loss,
    /// The name of the optimizer.
    pub optimizer: String,
    /// The learning rate that the schedule starts from.
    pub learning_rate: f32,
    /// How the learning rate changes.
    pub schedule: String,
    /// The most epochs.
    pub epochs: usize,
    /// Images in a step.
    pub batch_size: usize,
    /// Label smoothing.
    pub label_smoothing: f32,
    /// The greatest norm of the whole gradient, where it is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_clip_norm: Option<f32>,
    /// How the images are changed at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<String>,
    /// What the callbacks say of themselves.
    pub callbacks: Vec<String>,
    /// The seed of shuffling, dropout and augmentation.
    pub seed: u64,
    /// Threads at work, where they were chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
}

impl Settings {
    /// Whether the network has the weights of its best epoch when the training is over.
    pub fn restores_best(&self) -> bool {
        self.callbacks
            .iter()
            .any(|callback| callback.contains(RESTORES))
    }
}

/// What a callback says that puts the best weights back.
pub(super) const RESTORES: &str = "best weights restored";

impl Trainer {
    /// What this trainer was told.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(10).batch_size(64);
    /// assert_eq!(trainer.settings().optimizer, "adam");
    /// ```
    pub fn settings(&self) -> Settings {
        Settings {
            loss: self.recipe.loss,
            optimizer: self.recipe.optimizer.to_string(),
            learning_rate: self.recipe.optimizer.learning_rate(),
            schedule: self.schedule.to_string(),
            epochs: self.epochs,
            batch_size: self.batch_size,
            label_smoothing: self.recipe.label_smoothing,
            global_clip_norm: self.recipe.clip_norm,
            augmentation: self.augmentation.as_ref().map(ToString::to_string),
            callbacks: self
                .callbacks
                .iter()
                .filter_map(|callback| callback.describe())
                .collect(),
            seed: self.recipe.seed.0,
            threads: self.threads,
        }
    }
}
