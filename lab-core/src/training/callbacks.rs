//! The callbacks that come with the library: learning rates by a function, a log in a file, lines of progress.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::callback::{Callback, Control, Plan};
use super::history::EpochRecord;
use crate::error::Result;

/// Sets the learning rate before each epoch (from 0) to a function of the epoch and the current rate.
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
    /// `rate(epoch, current rate)` is the learning rate of the epoch.
    pub fn new(rate: impl FnMut(usize, f32) -> f32 + 'static) -> Self {
        Self(Box::new(rate))
    }
}

impl Callback for LearningRateScheduler {
    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        *control.learning_rate = (self.0)(epoch, *control.learning_rate);
        Ok(())
    }
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
pub struct EpochLines<W: Write = std::io::Stdout> {
    to: W,
    last_shown: usize,
}

const MOST_LINES: usize = 15;

impl Default for EpochLines {
    fn default() -> Self {
        Self::to(std::io::stdout())
    }
}

impl<W: Write> EpochLines<W> {
    /// Writes the lines to `to` instead of standard output.
    pub fn to(to: W) -> Self {
        Self { to, last_shown: 0 }
    }

    fn show(&mut self, record: &EpochRecord, plan: &Plan) {
        self.last_shown = record.epoch;
        let line = epoch_line(record, plan);
        // A reader who has closed the output does not want the lines; the training goes on.
        _ = writeln!(self.to, "{line}").and_then(|()| self.to.flush());
    }
}

impl<W: Write> Callback for EpochLines<W> {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        self.last_shown = 0;
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let epochs = control.plan.config.epochs;
        let every = epochs.div_ceil(MOST_LINES);
        if record.epoch.is_multiple_of(every.max(1)) && record.epoch + every <= epochs {
            self.show(record, control.plan);
        }
        Ok(())
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        let last = control.history.epochs.last();
        if let Some(last) = last.filter(|last| last.epoch != self.last_shown) {
            self.show(last, control.plan);
        }
        let mut warnings = control.history.warnings.iter();
        _ = warnings.try_for_each(|warning| writeln!(self.to, "warning: {warning}"));
        Ok(())
    }
}

/// `Epoch 3/50 - 2.0s - 3.20ms/step - accuracy: 0.3995 - loss: 1.8731 - val_accuracy: … - learning_rate: 9.0250e-04`.
pub fn epoch_line(record: &EpochRecord, plan: &Plan) -> String {
    let EpochRecord {
        epoch,
        loss,
        accuracy,
        val_loss,
        val_accuracy,
        learning_rate,
        seconds,
    } = record;
    let step = 1e3 * seconds / plan.batches.max(1) as f64;
    let mut line = format!(
        "Epoch {epoch}/{} - {seconds:.1}s - {step:.2}ms/step",
        plan.config.epochs
    );
    line += &format!(" - accuracy: {accuracy:.4} - loss: {loss:.4}");
    if let (Some(accuracy), Some(loss)) = (val_accuracy, val_loss) {
        line += &format!(" - val_accuracy: {accuracy:.4} - val_loss: {loss:.4}");
    }
    line + " - learning_rate: " + &exponential(*learning_rate)
}

/// `9.5000e-04`: Rust writes exponents without the leading 0 that other languages have.
fn exponential(number: f32) -> String {
    let text = format!("{number:.4e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent
                .strip_prefix('-')
                .map_or(("+", exponent), |exponent| ("-", exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::exponential;

    #[test]
    fn learning_rates_are_written_as_keras_writes_them() {
        assert_eq!(
            [9.5e-4, 1.0, 1e-12].map(exponential),
            ["9.5000e-04", "1.0000e+00", "1.0000e-12"]
        );
    }
}
