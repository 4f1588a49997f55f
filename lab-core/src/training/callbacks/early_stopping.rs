//! Stop when nothing improves any more.

use super::monitor::{Best, Monitor};
use crate::error::Result;
use crate::model::Sequential;
use crate::training::callback::{Callback, CallbackState, Control};
use crate::training::history::{EpochRecord, History};
use crate::training::settings::RESTORES;

/// Ends the training when a number has not improved for some epochs; any improvement counts (Prechelt, 1998).
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
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    best: Best,
    patience: usize,
    restore: bool,
    waited: usize,
    best_model: Option<Sequential>,
}

impl EarlyStopping {
    /// Watches the validation loss, with patience 0.
    pub fn on_val_loss() -> Self {
        Self::on(Monitor::ValLoss)
    }

    /// Watches any number, with patience 0.
    pub fn on(monitor: Monitor) -> Self {
        Self {
            best: Best::of(monitor),
            patience: 0,
            restore: false,
            waited: 0,
            best_model: None,
        }
    }

    /// How many epochs without improvement end the training.
    pub fn patience(self, epochs: usize) -> Self {
        Self {
            patience: epochs,
            ..self
        }
    }

    /// Gives the network the weights of its best epoch at the end, stopped early or not.
    pub fn restore_best_weights(self) -> Self {
        Self {
            restore: true,
            ..self
        }
    }
}

impl Callback for EarlyStopping {
    fn describe(&self) -> Option<String> {
        let weights = if self.restore {
            format!(", {RESTORES}")
        } else {
            String::new()
        };
        Some(format!(
            "early stopping on {} with patience {}{weights}",
            self.best.monitor, self.patience
        ))
    }

    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        (self.waited, self.best, self.best_model) = (0, Best::of(self.best.monitor), None);
        Ok(())
    }

    fn state(&self) -> CallbackState {
        CallbackState {
            numbers: vec![self.best.badness, self.waited as f64],
            model: self.best_model.clone(),
        }
    }

    fn resume(&mut self, state: CallbackState, _: &History) -> Result<()> {
        let [badness, waited] = state.numbers("early stopping")?;
        (self.best.badness, self.waited, self.best_model) = (badness, waited as usize, state.model);
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        if self.best.improves(record, 0.0)? {
            self.waited = 0;
            if self.restore {
                self.best_model = Some(control.model.clone());
            }
            return Ok(());
        }
        self.waited = self.waited.saturating_add(1);
        if self.waited >= self.patience {
            control.stop();
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &History, control: &mut Control<'_>) -> Result<()> {
        if let Some(best) = self.best_model.take() {
            *control.model = best;
        }
        Ok(())
    }
}
