//! Early stopping, and a learning rate that falls on plateaus: both follow from the history alone.

use super::*;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// How many epochs without improvement end the training.
    pub patience: usize,
    /// Whether the weights of the best epoch are restored at the end, stopped early or not.
    pub restore_best_weights: bool,
}

impl EarlyStopping {
    /// Monitors the validation loss, with patience 0.
    pub fn on_val_loss() -> Self {
        Self::default()
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
}

impl Callback for EarlyStopping {
    fn configure(&self, config: &mut TrainingConfig) {
        config.early_stopping = Some(*self);
    }

    fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let waited = epochs_waited(&control.history.epochs, 0.0, usize::MAX)?;
        if waited == 0 && self.restore_best_weights {
            control.best = Some(control.model.values().cloned().collect());
        } else if waited > 0 && waited >= self.patience {
            control.stop();
        }
        Ok(())
    }
}

/// How many epochs ago the validation loss last improved by more than `min_delta`, counted anew after every `patience`.
fn epochs_waited(epochs: &[EpochRecord], min_delta: f64, patience: usize) -> Result<usize> {
    let (mut best, mut waited) = (f64::INFINITY, 0);
    for record in epochs {
        let (expected, remedy) = ("validation data for fit", "give fit validation data");
        let missing = || LabError::value("monitor val_loss", "none", expected, remedy);
        let loss = record.val_loss.ok_or_else(missing)?;
        if loss < best - min_delta {
            (best, waited) = (loss, 0);
        } else {
            waited = if waited < patience { waited + 1 } else { 1 };
        }
    }
    Ok(waited)
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
}

impl Callback for ReduceLrOnPlateau {
    fn configure(&self, config: &mut TrainingConfig) {
        config.reduce_lr_on_plateau = Some(*self);
    }

    fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let waited = epochs_waited(&control.history.epochs, MIN_DELTA, self.patience)?;
        let rate = &mut control.optimizer.learning_rate;
        if waited > 0 && waited >= self.patience && *rate > self.min_lr {
            *rate = (*rate * self.factor).max(self.min_lr);
        }
        Ok(())
    }
}
