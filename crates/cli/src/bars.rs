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
        let plan = control.plan;
        let batches = (plan.config.epochs - plan.done) * plan.batches;
        self.0 = ProgressBar::new(batches as u64);
        let template = "{prefix} [{bar:30}] {msg} - {eta} left in all";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("=> "));
        }
        Ok(())
    }

    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        let (plan, epoch) = (control.plan, record.epoch);
        let before = (epoch - 1 - plan.done) * plan.batches;
        let (loss, accuracy, epochs) = (record.loss, record.accuracy, plan.config.epochs);
        let message = format!("loss: {loss:.4} - accuracy: {accuracy:.4}");
        self.0.set_prefix(format!("Epoch {epoch}/{epochs}"));
        self.0.set_message(message);
        self.0.set_position((before + record.batch) as u64);
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.0.println(epoch_line(record, control.plan));
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
