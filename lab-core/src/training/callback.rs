//! Callbacks: code of the user's that a training calls between epochs and batches, and those that come with the library.

use std::io::Write;

use super::*;

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
    /// When it is added to a trainer: sets what the trainer itself does for it.
    fn configure(&self, config: &mut TrainingConfig) {}

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

/// A training between two steps, as callbacks see it: who learns from what, and what has come of it.
pub struct Control<'a> {
    /// The network.
    pub model: &'a mut Sequential,
    /// The optimizer, whose learning rate is the one that the schedule starts from.
    pub optimizer: &'a mut OptimizerState,
    /// The epochs that are done.
    pub history: History,
    /// The options.
    pub config: &'a TrainingConfig,
    /// The training data.
    pub train: &'a Dataset,
    /// The validation data, if any.
    pub validation: Option<&'a Dataset>,
    pub(super) threads: Threads,
    /// The best weights of early stopping.
    pub(super) best: Option<Vec<Vec<f32>>>,
    pub(super) stop: Option<Stop>,
}

/// Why a callback ends a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Early,
    Interrupted,
}

impl Control<'_> {
    /// Batches in each epoch.
    pub fn batches(&self) -> usize {
        self.train.len().div_ceil(self.config.batch_size)
    }

    /// Ends the training: after the current batch in [`Callback::on_batch_end`], after the epoch otherwise.
    pub fn stop(&mut self) {
        self.stop = self.stop.or(Some(Stop::Early));
    }

    /// Ends the training at once, leaving the epoch unfinished; a training with checkpoints resumes after the last
    /// epoch that was saved ([`Trainer::checkpoint`](super::Trainer::checkpoint)).
    pub fn interrupt(&mut self) {
        self.stop = Some(Stop::Interrupted);
    }
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

/// Writes each epoch to a CSV file when it ends; the file is whole at any time.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let path = std::env::temp_dir().join(format!("history-{}.csv", std::process::id()));
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(2)
///     .callback(CsvLogger::new(&path))
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(History::from_csv(&path)?, history);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CsvLogger(PathBuf);

impl CsvLogger {
    /// Writes to `path`, in place of a file that is there.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }
}

impl Callback for CsvLogger {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        control.history.to_csv(&self.0)
    }

    fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        control.history.to_csv(&self.0)
    }
}

/// Shows no progress.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Callback for Silent {}

/// One line an epoch in Keras's form, at most 15 a training: every k-th epoch and the last; then the warnings. The
/// default.
#[derive(Clone, Debug)]
pub struct EpochLines<W: Write>(W);

const MOST_LINES: usize = 15;

impl<W: Write> EpochLines<W> {
    /// Writes the lines to `to`; a trainer does so to standard output by itself.
    pub fn to(to: W) -> Self {
        Self(to)
    }

    /// Writes the line of an epoch if it is one of every k-th, or if it is not and `last` says that it is the last.
    fn show(&mut self, record: &EpochRecord, control: &Control<'_>, last: bool) {
        let epochs = control.config.epochs;
        let every = epochs.div_ceil(MOST_LINES).max(1);
        let is_kth = record.epoch.is_multiple_of(every) && record.epoch + every <= epochs;
        if is_kth != last {
            // A reader who has closed the output does not want the lines; the training goes on.
            let line = epoch_line(record, control);
            _ = writeln!(self.0, "{line}").and_then(|()| self.0.flush());
        }
    }
}

impl<W: Write> Callback for EpochLines<W> {
    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.show(record, control, false);
        Ok(())
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        if let Some(last) = control.history.epochs.last() {
            self.show(last, control, true);
        }
        for warning in &control.history.warnings {
            _ = writeln!(self.0, "warning: {warning}");
        }
        Ok(())
    }
}

/// `Epoch 3/50 - 2.0s - 3.20ms/step - accuracy: 0.3995 - loss: 1.8731 - val_accuracy: … - learning_rate: 9.0250e-4`.
pub fn epoch_line(it: &EpochRecord, control: &Control<'_>) -> String {
    let (epoch, epochs, seconds) = (it.epoch, control.config.epochs, it.seconds);
    let step = 1e3 * seconds / control.batches().max(1) as f64;
    let mut line = format!("Epoch {epoch}/{epochs} - {seconds:.1}s - {step:.2}ms/step");
    line += &format!(" - accuracy: {:.4} - loss: {:.4}", it.accuracy, it.loss);
    if let (Some(accuracy), Some(loss)) = (it.val_accuracy, it.val_loss) {
        line += &format!(" - val_accuracy: {accuracy:.4} - val_loss: {loss:.4}");
    }
    line + &format!(" - learning_rate: {:.4e}", it.learning_rate)
}
