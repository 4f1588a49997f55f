//! The trait for one's own code between epochs and batches.

use super::history::{EpochRecord, History};
use super::progress::BatchRecord;
use crate::error::Result;
use crate::model::Sequential;

/// Code that a training calls at its turns; each method does nothing unless it is written.
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
#[allow(unused_variables, reason = "the names document what a method is given")]
pub trait Callback {
    /// What it does to the training, in a few words for the record of a run; none where it changes nothing.
    fn describe(&self) -> Option<String> {
        None
    }

    /// Before the first epoch.
    ///
    /// # Errors
    /// An error from any method ends the training and is what `fit` returns.
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

    /// After each epoch and its validation.
    ///
    /// # Errors
    /// Ends the training.
    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }

    /// After the last epoch, however the training ended.
    ///
    /// # Errors
    /// Is what `fit` returns.
    fn on_train_end(&mut self, history: &History, control: &mut Control<'_>) -> Result<()> {
        Ok(())
    }
}

/// What a callback can change.
pub struct Control<'a> {
    /// The network.
    pub model: &'a mut Sequential,
    /// The learning rate that the schedule starts from.
    pub learning_rate: &'a mut f32,
    pub(super) stop: &'a mut bool,
}

impl Control<'_> {
    /// Ends the training: after the batch at hand where it is called after a batch, after the epoch otherwise.
    pub fn stop(&mut self) {
        *self.stop = true;
    }
}
