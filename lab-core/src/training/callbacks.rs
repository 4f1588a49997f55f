//! The callbacks that come with the library: a log in a file, lines of progress.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::callback::{Callback, Control, Plan};
use super::history::EpochRecord;
use crate::error::Result;

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
pub struct EpochLines<W: Write = std::io::Stdout>(W);

const MOST_LINES: usize = 15;

impl Default for EpochLines {
    fn default() -> Self {
        Self(std::io::stdout())
    }
}

impl<W: Write> EpochLines<W> {
    /// Writes the lines to `to` instead of standard output.
    pub fn to(to: W) -> Self {
        Self(to)
    }

    /// Writes the line of an epoch if it is one of every k-th, or if it is not and `last` says that it is the last.
    fn show(&mut self, record: &EpochRecord, plan: &Plan, last: bool) {
        let epochs = plan.config.epochs;
        let every = epochs.div_ceil(MOST_LINES).max(1);
        let is_kth = record.epoch.is_multiple_of(every) && record.epoch + every <= epochs;
        if is_kth != last {
            // A reader who has closed the output does not want the lines; the training goes on.
            _ = writeln!(self.0, "{}", epoch_line(record, plan)).and_then(|()| self.0.flush());
        }
    }
}

impl<W: Write> Callback for EpochLines<W> {
    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.show(record, control.plan, false);
        Ok(())
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        let (last, plan) = (control.history.epochs.last(), control.plan);
        last.into_iter()
            .for_each(|last| self.show(last, plan, true));
        let mut warnings = control.history.warnings.iter();
        _ = warnings.try_for_each(|warning| writeln!(self.0, "warning: {warning}"));
        Ok(())
    }
}

/// `Epoch 3/50 - 2.0s - 3.20ms/step - accuracy: 0.3995 - loss: 1.8731 - val_accuracy: … - learning_rate: 9.0250e-4`.
pub fn epoch_line(it: &EpochRecord, plan: &Plan) -> String {
    let (epoch, epochs, seconds) = (it.epoch, plan.config.epochs, it.seconds);
    let step = 1e3 * seconds / plan.batches.max(1) as f64;
    let mut line = format!("Epoch {epoch}/{epochs} - {seconds:.1}s - {step:.2}ms/step");
    line += &format!(" - accuracy: {:.4} - loss: {:.4}", it.accuracy, it.loss);
    if let (Some(accuracy), Some(loss)) = (it.val_accuracy, it.val_loss) {
        line += &format!(" - val_accuracy: {accuracy:.4} - val_loss: {loss:.4}");
    }
    line + &format!(" - learning_rate: {:.4e}", it.learning_rate)
}
