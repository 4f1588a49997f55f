//! The bar of a training, in a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use lab_core::Result;
use lab_core::training::{BatchRecord, Callback, Control, EpochRecord, epoch_line};

/// One bar for the whole training, with the epoch's loss and accuracy and the time left; a line for each epoch done.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Self {
        Self(ProgressBar::hidden())
    }
}

impl Callback for Bar {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        let [done, all] = [control.history.epochs.len(), control.config.epochs];
        let batches = |epochs: usize| (epochs * control.batches()) as u64;
        self.0 = ProgressBar::new(batches(all)).with_position(batches(done));
        self.0.reset_eta();
        let template = "{prefix} [{bar:30}] {msg} - {eta} left in all";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("=> "));
        }
        Ok(())
    }

    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        let (epoch, epochs) = (record.epoch, control.config.epochs);
        let before = (epoch - 1) * control.batches();
        let (loss, accuracy) = (record.loss, record.accuracy);
        let message = format!("loss: {loss:.4} - accuracy: {accuracy:.4}");
        self.0.set_prefix(format!("Epoch {epoch}/{epochs}"));
        self.0.set_message(message);
        self.0.set_position((before + record.batch) as u64);
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.0.println(epoch_line(record, control));
        Ok(())
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        for warning in &control.history.warnings {
            self.0.println(format!("warning: {warning}"));
        }
        self.0.finish_and_clear();
        Ok(())
    }
}
