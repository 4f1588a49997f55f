//! Change the learning rate between epochs.

use super::monitor::{Best, Monitor};
use crate::error::{LabError, Result};
use crate::training::callback::{Callback, CallbackState, Control};
use crate::training::history::{EpochRecord, History};
use crate::training::optimizer::check_rate;

/// Sets the learning rate before each epoch (from 0) to what a function of the epoch and the rate so far says.
///
/// A checkpoint keeps the rate, but not what the function may remember of its own.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(3)
///     .callback(LearningRateScheduler::new(|epoch, rate| if epoch == 0 { rate } else { rate / 2.0 }))
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(history.epochs[2].learning_rate, 0.00025);
/// # Ok::<(), LabError>(())
/// ```
pub struct LearningRateScheduler(Box<dyn FnMut(usize, f32) -> f32>);

impl LearningRateScheduler {
    /// Takes the function.
    pub fn new(rate: impl FnMut(usize, f32) -> f32 + 'static) -> Self {
        Self(Box::new(rate))
    }
}

impl Callback for LearningRateScheduler {
    fn describe(&self) -> Option<String> {
        Some("learning rate by a function of the epoch".to_owned())
    }

    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        *control.learning_rate = (self.0)(epoch, *control.learning_rate);
        Ok(())
    }
}

/// Lowers the learning rate when a number has not improved by 0.0001 for some epochs.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-9))
///     .epochs(4)
///     .callback(ReduceLrOnPlateau::on_val_loss().factor(0.5).patience(2))
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(history.epochs[3].learning_rate, 0.5e-9);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLrOnPlateau {
    best: Best,
    factor: f32,
    patience: usize,
    min_lr: f32,
    waited: usize,
}

impl ReduceLrOnPlateau {
    /// Watches the validation loss; factor 0.1, patience 10, down to 0: Keras's defaults.
    pub fn on_val_loss() -> Self {
        Self {
            best: Best::of(Monitor::ValLoss),
            factor: 0.1,
            patience: 10,
            min_lr: 0.0,
            waited: 0,
        }
    }

    /// What the learning rate is multiplied by.
    pub fn factor(self, factor: f32) -> Self {
        Self { factor, ..self }
    }

    /// After how many epochs without improvement.
    pub fn patience(self, epochs: usize) -> Self {
        Self {
            patience: epochs,
            ..self
        }
    }

    /// The rate that it does not go below.
    pub fn min_lr(self, learning_rate: f32) -> Self {
        Self {
            min_lr: learning_rate,
            ..self
        }
    }
}

impl Callback for ReduceLrOnPlateau {
    fn describe(&self) -> Option<String> {
        let Self {
            best,
            factor,
            patience,
            ..
        } = self;
        Some(format!(
            "learning rate times {factor} after {patience} epochs without a better {}",
            best.monitor
        ))
    }

    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        (self.waited, self.best) = (0, Best::of(self.best.monitor));
        if !(self.factor > 0.0 && self.factor < 1.0) {
            let (found, remedy) = (self.factor.to_string(), "0.1 is a usual factor");
            return Err(LabError::value(
                "ReduceLrOnPlateau: factor",
                found,
                "between 0 and 1",
                remedy,
            ));
        }
        check_rate("ReduceLrOnPlateau: min_lr", self.min_lr)
    }

    fn state(&self) -> CallbackState {
        CallbackState {
            numbers: vec![self.best.badness, self.waited as f64],
            model: None,
        }
    }

    fn resume(&mut self, state: CallbackState, _: &History) -> Result<()> {
        let [badness, waited] = state.numbers("learning rate on a plateau")?;
        (self.best.badness, self.waited) = (badness, waited as usize);
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        const LEAST_IMPROVEMENT: f64 = 1e-4;
        if self.best.improves(record, LEAST_IMPROVEMENT)? {
            self.waited = 0;
            return Ok(());
        }
        self.waited = self.waited.saturating_add(1);
        if self.waited >= self.patience && *control.learning_rate > self.min_lr {
            *control.learning_rate = (*control.learning_rate * self.factor).max(self.min_lr);
            self.waited = 0;
        }
        Ok(())
    }
}
