//! Showing how far a training is.

use std::io::Write;

use super::history::{EpochRecord, History};

/// What a training is going to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// Epochs, if nothing stops it earlier.
    pub epochs: usize,
    /// Batches in each.
    pub batches: usize,
    /// Training examples.
    pub examples: usize,
    /// Epochs that are done already, where a training goes on from a checkpoint.
    pub done: usize,
}

/// How far an epoch is.
#[derive(Clone, Copy, Debug)]
pub struct BatchRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch within the epoch, from 1.
    pub batch: usize,
    /// The mean loss of the epoch's examples so far.
    pub loss: f64,
    /// The accuracy of the epoch's examples so far.
    pub accuracy: f64,
    /// The learning rate of this batch's step.
    pub learning_rate: f32,
}

/// Something that shows how far a training is: a bar in a terminal, lines in a notebook, or nothing.
pub trait Progress {
    /// Called once, before the first epoch.
    fn begin(&mut self, plan: &Plan) {
        _ = plan;
    }

    /// Called after each batch.
    fn batch(&mut self, record: &BatchRecord) {
        _ = record;
    }

    /// Called after each epoch.
    fn epoch(&mut self, record: &EpochRecord) {
        _ = record;
    }

    /// Called once, after the last epoch.
    fn end(&mut self, history: &History) {
        _ = history;
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}

/// One line an epoch in Keras's form, at most 15 a run: every k-th epoch and the last; then the warnings. The default.
#[derive(Clone, Debug)]
pub struct EpochLines<W: Write = std::io::Stdout> {
    to: W,
    plan: Plan,
    last_shown: usize,
}

/// The most lines of one run.
const MOST_LINES: usize = 15;

impl Default for EpochLines {
    fn default() -> Self {
        Self::to(std::io::stdout())
    }
}

impl<W: Write> EpochLines<W> {
    /// Writes the lines there instead of to standard output.
    pub fn to(to: W) -> Self {
        Self {
            to,
            plan: Plan::default(),
            last_shown: 0,
        }
    }

    fn show(&mut self, record: &EpochRecord) {
        self.last_shown = record.epoch;
        let line = epoch_line(record, &self.plan);
        // A reader who has closed the output does not want the lines; the training goes on.
        _ = writeln!(self.to, "{line}").and_then(|()| self.to.flush());
    }
}

impl<W: Write> Progress for EpochLines<W> {
    fn begin(&mut self, plan: &Plan) {
        (self.plan, self.last_shown) = (*plan, 0);
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let every = self.plan.epochs.div_ceil(MOST_LINES);
        if record.epoch.is_multiple_of(every.max(1)) && record.epoch + every <= self.plan.epochs {
            self.show(record);
        }
    }

    fn end(&mut self, history: &History) {
        if let Some(last) = history
            .epochs
            .last()
            .filter(|last| last.epoch != self.last_shown)
        {
            self.show(last);
        }
        _ = history
            .warnings
            .iter()
            .try_for_each(|warning| writeln!(self.to, "warning: {warning}"));
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
        plan.epochs
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
    use super::*;

    #[test]
    fn learning_rates_are_written_as_keras_writes_them() {
        assert_eq!(
            [9.5e-4, 1.0, 1e-12].map(exponential),
            ["9.5000e-04", "1.0000e+00", "1.0000e-12"]
        );
    }

    #[test]
    fn a_run_of_any_length_prints_at_most_15_lines_and_always_its_last_epoch() {
        for (epochs, ran) in [
            (1, 1),
            (14, 14),
            (15, 15),
            (16, 16),
            (50, 50),
            (50, 37),
            (50, 45),
            (100, 100),
            (1000, 998),
        ] {
            let record = |epoch| EpochRecord {
                epoch,
                loss: 1.0,
                accuracy: 0.5,
                val_loss: None,
                val_accuracy: None,
                learning_rate: 1e-3,
                seconds: 1.0,
            };
            let mut text = Vec::new();
            let mut lines = EpochLines::to(&mut text);
            lines.begin(&Plan {
                epochs,
                batches: 10,
                examples: 100,
                done: 0,
            });
            let history = History {
                epochs: (1..=ran).map(record).collect(),
                ..History::default()
            };
            history.epochs.iter().for_each(|record| lines.epoch(record));
            lines.end(&history);
            let text = String::from_utf8(text).unwrap();
            assert!(
                (1..=15).contains(&text.lines().count()),
                "{epochs} epochs: {} lines",
                text.lines().count()
            );
            assert!(
                text.lines()
                    .last()
                    .unwrap()
                    .starts_with(&format!("Epoch {ran}/{epochs} - ")),
                "{text}"
            );
            assert!(epochs > 15 || text.lines().count() == ran);
        }
    }
}
