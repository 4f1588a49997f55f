//! One training step: forward pass, loss, backward pass, update.

use super::config::TrainingConfig;
use super::evaluate::measure;
use super::optimizer_state::OptimizerState;
use super::targets::Targets;
use crate::compute::{Threads, sum_of_squares};
use crate::data::{Batch, Dataset};
use crate::error::Result;
use crate::model::{Mode, Pass, Sequential};

/// A network in training, with its optimizer and the threads that compute.
pub(super) struct Learner<'a> {
    pub(super) model: &'a mut Sequential,
    pub(super) optimizer: OptimizerState,
    pub(super) threads: Threads,
}

impl Learner<'_> {
    /// The step on a batch of a data set.
    pub(super) fn step_on(
        &mut self,
        batch: &Batch,
        config: &TrainingConfig,
        rate: f32,
    ) -> (f64, usize) {
        let mut targets = Targets::classes(&batch.labels).smoothed(config.label_smoothing);
        targets.weights = batch.weights.as_deref();
        let images = batch.images.as_slice().unwrap_or_default();
        self.step(images, targets, config, rate)
    }

    /// Loss and accuracy on validation data.
    pub(super) fn evaluate(&self, data: &Dataset, config: &TrainingConfig) -> Result<(f64, f64)> {
        let (loss, smoothing) = (config.loss, config.label_smoothing);
        measure(self.model, data, loss, smoothing, &self.threads, |_| ())
    }

    /// Updates the weights once. Returns the mean loss of the batch, penalties included, and the number of correct
    /// predictions, both before the update.
    pub(super) fn step(
        &mut self,
        input: &[f32],
        targets: Targets<'_>,
        config: &TrainingConfig,
        rate: f32,
    ) -> (f64, usize) {
        let model = &mut *self.model;
        let mode = Mode::training(config.seed, self.optimizer.steps);
        let pass = Pass::new(input, mode, &self.threads);
        let penalty = model.penalty();
        let mut workspace = std::mem::take(&mut model.workspace);
        // The caches no longer belong to a forward pass by hand.
        workspace.by_hand = None;
        model.run_forward(pass, &mut workspace);
        let (outputs, gradient) = workspace.results(input, model.output_size());
        let sums = config.loss.batch(outputs, targets, Some(gradient));
        model.update_running_stats(&workspace);
        let from_logits = config.loss.from_logits();
        if let Some(limit) = config.global_clip_norm {
            // The norm is that of all gradients together, so all must be known before the first weight changes.
            model.run_backward(pass, from_logits, &mut workspace);
            let squares = workspace.gradients.iter().map(|it| sum_of_squares(it));
            let norm = squares.sum::<f64>().sqrt();
            let scale = (f64::from(limit) / norm.max(limit.into())) as f32;
            self.optimizer.prepare(&model.parameters, rate, scale);
            let updates = self.optimizer.updates();
            model.update(&workspace.gradients, updates, &self.threads);
        } else {
            self.optimizer.prepare(&model.parameters, rate, 1.0);
            let updates = self.optimizer.updates();
            model.run_backward_and_update(pass, from_logits, &mut workspace, updates);
        }
        model.workspace = workspace;
        (sums.mean() + penalty, sums.correct)
    }
}
