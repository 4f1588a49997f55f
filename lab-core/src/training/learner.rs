//! One training step: forward pass, loss, backward pass, update.

use super::config::TrainingConfig;
use super::evaluate::measure;
use super::loss::{Loss, Sums};
use super::optimizer_state::OptimizerState;
use super::targets::Targets;
use crate::compute::{Threads, sum_of_squares};
use crate::data::{Batch, Dataset};
use crate::error::Result;
use crate::model::{Mode, Pass, Sequential, Workspace};

/// A network in training: with its optimizer, the options, and the threads that compute. The workspace is the
/// network's.
pub(super) struct Learner<'a> {
    pub(super) model: &'a mut Sequential,
    pub(super) optimizer: OptimizerState,
    pub(super) config: TrainingConfig,
    pub(super) threads: Threads,
}

impl Learner<'_> {
    /// The step on a batch of a data set.
    pub(super) fn step_on(&mut self, batch: &Batch, rate: f32) -> (f64, usize) {
        let targets = Targets::classes(&batch.labels).smoothed(self.config.label_smoothing);
        let targets = match &batch.weights {
            Some(weights) => targets.weighted(weights),
            None => targets,
        };
        self.step(batch.images.as_slice().unwrap_or_default(), targets, rate)
    }

    /// Loss and accuracy on validation data.
    pub(super) fn evaluate(&self, data: &Dataset) -> Result<(f64, f64)> {
        let (loss, smoothing) = (self.config.loss, self.config.label_smoothing);
        measure(self.model, data, loss, smoothing, &self.threads, |_| ())
    }

    /// Updates the weights once. Returns the mean loss of the batch, penalties included, and the number of correct
    /// predictions, both before the update.
    pub(super) fn step(&mut self, input: &[f32], targets: Targets<'_>, rate: f32) -> (f64, usize) {
        let (model, config) = (&mut *self.model, &self.config);
        let mode = Mode::training(config.seed, self.optimizer.steps());
        let pass = Pass::new(input, mode, &self.threads);
        let penalty = model.penalty();
        let mut workspace = std::mem::take(&mut model.workspace);
        // The caches no longer belong to a forward pass by hand.
        workspace.by_hand = None;
        let sums = forward_and_loss(model, pass, &mut workspace, (config.loss, targets));
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
        let examples = input.len() / model.input_size();
        (sums.loss / examples as f64 + penalty, sums.correct)
    }
}

/// The forward pass and the loss; its gradient is in the workspace.
pub(super) fn forward_and_loss(
    model: &Sequential,
    pass: Pass<'_>,
    workspace: &mut Workspace,
    (loss, targets): (Loss, Targets<'_>),
) -> Sums {
    model.run_forward(pass, workspace);
    let (outputs, gradient) = workspace.results(pass.input, model.output_size());
    loss.batch(outputs, targets, Some(gradient))
}
