//! A bar for each epoch of a training, in a terminal.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use lab_core::training::{BatchRecord, EpochRecord, History, Plan, Progress, epoch_line};

/// One bar for the epoch at hand, with loss, accuracy and the time left of the whole run; a line for each epoch done.
pub struct Bars {
    bar: ProgressBar,
    plan: Plan,
    start: Instant,
    shown: Instant,
    /// The batch that this training began with, counted from 1.
    first: Option<usize>,
}

impl Bars {
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            plan: Plan::default(),
            start: Instant::now(),
            shown: Instant::now(),
            first: None,
        }
    }
}

impl Progress for Bars {
    fn begin(&mut self, plan: &Plan) {
        let bar = ProgressBar::new(plan.batches as u64);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        (self.bar, self.plan, self.start, self.first) = (bar, *plan, Instant::now(), None);
    }

    fn batch(&mut self, record: &BatchRecord) {
        // The first epoch may go on from a checkpoint in its middle.
        let first = *self.first.get_or_insert(record.batch);
        let done =
            (record.epoch - 1 - self.plan.done) * self.plan.batches + record.batch + 1 - first;
        let all = (self.plan.epochs - self.plan.done) * self.plan.batches + 1 - first;
        if record.batch == 1 || done == 1 {
            self.bar.reset();
            self.bar
                .set_prefix(format!("Epoch {}/{}", record.epoch, self.plan.epochs));
        }
        self.bar.set_position(record.batch as u64);
        // Writing the numbers costs more than a small step: some ten times a second is enough.
        if done == 1 || self.shown.elapsed() > Duration::from_millis(100) {
            self.shown = Instant::now();
            let seconds = self.start.elapsed().as_secs_f64() * (all - done) as f64 / done as f64;
            let left = HumanDuration(Duration::from_secs_f64(seconds));
            self.bar.set_message(format!(
                "loss: {:.4} - accuracy: {:.4} - {left:#} left",
                record.loss, record.accuracy
            ));
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.bar.println(epoch_line(record, &self.plan));
    }

    fn end(&mut self, history: &History) {
        history
            .warnings
            .iter()
            .for_each(|warning| self.bar.println(format!("warning: {warning}")));
        self.bar.finish_and_clear();
    }
}
