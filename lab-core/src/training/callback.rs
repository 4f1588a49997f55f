//! The trait for one's own code between epochs and batches.

use super::history::{EpochRecord, History};
use super::progress::BatchRecord;
use crate::error::{LabError, Result};
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

    /// What it remembers, for a checkpoint; nothing unless it is written.
    fn state(&self) -> CallbackState {
        CallbackState::default()
    }

    /// Takes up what [`Callback::state`] gave, after [`Callback::on_train_begin`], where a training goes on from a
    /// checkpoint after the epochs of `history`.
    ///
    /// # Errors
    /// Ends the training.
    fn resume(&mut self, state: CallbackState, history: &History) -> Result<()> {
        Ok(())
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

/// What a callback remembers, as a checkpoint keeps it.
#[derive(Clone, Debug, Default)]
pub struct CallbackState {
    /// Numbers, whose meaning only the callback knows; any bits are kept.
    pub numbers: Vec<f64>,
    /// A network with the layers of the one that is trained.
    pub model: Option<Sequential>,
}

impl CallbackState {
    /// The numbers, of which there must be `N`; `of` says whose they are.
    ///
    /// # Errors
    /// [`LabError::Value`] for another count.
    pub fn numbers<const N: usize>(&self, of: &str) -> Result<[f64; N]> {
        self.numbers[..].try_into().map_err(|_| {
            let found = format!("{} numbers", self.numbers.len());
            LabError::value(
                format!("checkpoint of {of}"),
                found,
                N.to_string(),
                "train again without resuming",
            )
        })
    }
}

/// What a callback can change.
pub struct Control<'a> {
    /// The network.
    pub model: &'a mut Sequential,
    /// The learning rate that the schedule starts from.
    pub learning_rate: &'a mut f32,
    pub(super) turn: &'a mut Turn,
}

/// How a training goes on after callbacks were called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    #[default]
    On,
    Stop,
    Interrupt,
}

impl Control<'_> {
    /// Ends the training: after the batch at hand where it is called after a batch, after the epoch otherwise.
    pub fn stop(&mut self) {
        *self.turn = Turn::Stop;
    }

    /// Ends the training as [`Control::stop`] does, but for going on later: an epoch is left unfinished, and a checkpoint
    /// is written where there are any ([`Trainer::checkpoint`](super::Trainer::checkpoint)).
    pub fn interrupt(&mut self) {
        *self.turn = Turn::Interrupt;
    }
}
