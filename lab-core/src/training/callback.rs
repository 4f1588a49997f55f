//! Callbacks: code of the user's that a training calls between epochs and batches.

use super::config::TrainingConfig;
use super::history::{EpochRecord, History};
use crate::error::Result;
use crate::model::Sequential;

/// Code that a training calls; each method does nothing unless it is written. An error from any of them ends the
/// training and is what `fit` returns.
///
/// ```
/// use lab_core::prelude::*;
///
/// /// Ends the training as soon as the training accuracy is good enough.
/// struct GoodEnough(f64);
///
/// impl Callback for GoodEnough {
///     fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
///         if record.accuracy >= self.0 {
///             control.stop();
///         }
///         Ok(())
///     }
/// }
/// ```
#[allow(unused_variables, reason = "the names document the arguments")]
pub trait Callback {
    /// Before the first epoch, or the first one after a checkpoint.
    ///
    /// # Errors
    /// Ends the training.
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }

    /// Before an epoch (from 0).
    ///
    /// # Errors
    /// Ends the training.
    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }

    /// After each batch.
    ///
    /// # Errors
    /// Ends the training.
    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }

    /// After each epoch and its validation; the record is in the history already.
    ///
    /// # Errors
    /// Ends the training.
    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }

    /// After the last epoch, however the training ended; the history is complete and the best weights are restored.
    ///
    /// # Errors
    /// Is what `fit` returns.
    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }
}

/// What a callback sees of the training, and can change.
pub struct Control<'a> {
    /// The network.
    pub model: &'a mut Sequential,
    /// The learning rate that the schedule starts from.
    pub learning_rate: &'a mut f32,
    /// The epochs that are done.
    pub history: &'a History,
    /// The size of the training and its options.
    pub plan: &'a Plan,
    pub(super) stop: &'a mut Option<Stop>,
}

/// Why a callback ends a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Early,
    Interrupted,
}

impl Control<'_> {
    /// Ends the training: after the current batch in [`Callback::on_batch_end`], after the epoch otherwise.
    pub fn stop(&mut self) {
        *self.stop = Some(Stop::Early);
    }

    /// Ends the training at once, leaving the epoch unfinished; a training with checkpoints resumes after the last
    /// epoch that was saved ([`Trainer::checkpoint`](super::Trainer::checkpoint)).
    pub fn interrupt(&mut self) {
        *self.stop = Some(Stop::Interrupted);
    }
}

/// The size of a training and its options.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The options.
    pub config: TrainingConfig,
    /// Batches in each epoch.
    pub batches: usize,
    /// Training examples.
    pub examples: usize,
    /// Validation examples.
    pub validation_examples: usize,
    /// Epochs that were done before, where a training resumes from a checkpoint.
    pub done: usize,
}

/// Progress within an epoch.
#[derive(Clone, Copy, Debug)]
pub struct BatchRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch within the epoch, from 1.
    pub batch: usize,
    /// The mean loss of the epoch's examples up to this batch.
    pub loss: f64,
    /// The accuracy of the epoch's examples up to this batch.
    pub accuracy: f64,
    /// The learning rate of this batch's step.
    pub learning_rate: f32,
}
