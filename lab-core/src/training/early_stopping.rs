//! Early stopping, and a learning rate that falls on plateaus: both follow from the history alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::history::EpochRecord;
use super::optimizer::check_rate;
use crate::checks::{above_zero, check_range};
use crate::error::{LabError, Result};

/// Ends the training when a metric has not improved for some epochs; any improvement counts (Prechelt, 1998).
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.0))
///     .epochs(50)
///     .callback(EarlyStopping::on_val_loss().patience(3).restore_best_weights())
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(history.stopped, Stopped::Early { epoch: 4 });
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// How many epochs without improvement end the training.
    pub patience: usize,
    /// Whether the weights of the best epoch are restored at the end, stopped early or not.
    pub restore_best_weights: bool,
}

impl EarlyStopping {
    /// Monitors the validation loss, with patience 0.
    pub fn on_val_loss() -> Self {
        let (patience, restore_best_weights) = (0, false);
        Self {
            patience,
            restore_best_weights,
        }
    }

    /// How many epochs without improvement end the training.
    pub fn patience(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// Restores the weights of the best epoch at the end, stopped early or not.
    pub fn restore_best_weights(mut self) -> Self {
        self.restore_best_weights = true;
        self
    }

    /// How many epochs ago the best one was; 0 for an improvement in the last epoch.
    pub(super) fn epochs_since_best(&self, epochs: &[EpochRecord]) -> Result<usize> {
        let (mut best, mut waited) = (f64::INFINITY, 0);
        for record in epochs {
            let loss = val_loss(record)?;
            waited = if loss < best { 0 } else { waited + 1 };
            best = best.min(loss);
        }
        Ok(waited)
    }
}

impl fmt::Display for EarlyStopping {
    /// `on val_loss, patience 5, best weights restored`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restored = ["", ", best weights restored"][usize::from(self.restore_best_weights)];
        write!(f, "on val_loss, patience {}{restored}", self.patience)
    }
}

fn val_loss(record: &EpochRecord) -> Result<f64> {
    let (expected, remedy) = ("validation data for fit", "give fit validation data");
    let missing = || LabError::value("monitor val_loss", "none", expected, remedy);
    record.val_loss.ok_or_else(missing)
}

/// Multiplies the learning rate by a factor when the validation loss has not improved by more than 0.0001 for some
/// epochs (Keras's `ReduceLROnPlateau`).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .callback(ReduceLrOnPlateau::on_val_loss().factor(0.5).patience(3).min_lr(1e-5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReduceLrOnPlateau {
    factor: f32,
    patience: usize,
    min_lr: f32,
}

/// An improvement by less than this does not count.
const MIN_DELTA: f64 = 1e-4;

impl ReduceLrOnPlateau {
    /// Monitors the validation loss, with factor 0.1, patience 10 and no lowest rate.
    pub fn on_val_loss() -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            min_lr: 0.0,
        }
    }

    /// What the learning rate is multiplied by: between 0 and 1.
    pub fn factor(self, factor: f32) -> Self {
        Self { factor, ..self }
    }

    /// How many epochs without improvement lower the rate.
    pub fn patience(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// The lowest learning rate.
    pub fn min_lr(self, min_lr: f32) -> Self {
        Self { min_lr, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        let (place, usual) = ("ReduceLrOnPlateau: factor", "0.1 is a usual factor");
        check_range(place, self.factor, above_zero(1.0), usual)?;
        check_rate("ReduceLrOnPlateau: min_lr", self.min_lr)
    }

    /// The learning rate after these epochs, where it is `rate` in the last one.
    pub(super) fn reduced(&self, epochs: &[EpochRecord], rate: f32) -> Result<f32> {
        let (mut best, mut waited, mut reduces) = (f64::INFINITY, 0, false);
        for record in epochs {
            let loss = val_loss(record)?;
            let improved = loss < best - MIN_DELTA;
            best = if improved { loss } else { best };
            waited = if improved || reduces { 0 } else { waited };
            waited += usize::from(!improved);
            reduces = !improved && waited >= self.patience;
        }
        Ok(match reduces && rate > self.min_lr {
            true => (rate * self.factor).max(self.min_lr),
            false => rate,
        })
    }
}
