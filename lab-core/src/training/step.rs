//! One training step: forward, loss, backward, update.

use super::loss::{Loss, Sums, Targets};
use super::optimizer::{Optimizer, OptimizerState};
use crate::compute::{Threads, sum_of_squares};
use crate::model::{Pass, Sequential, Tape};
use crate::random::Seed;

/// What stays the same from step to step.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    pub(super) loss: Loss,
    pub(super) label_smoothing: f32,
    pub(super) optimizer: Optimizer,
    /// The largest norm that all gradients together may have.
    pub(super) clip_norm: Option<f32>,
    pub(super) seed: Seed,
}

/// One batch: examples row after row, and what the network should say of each.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) inputs: &'a [f32],
    pub(super) targets: Targets<'a>,
    pub(super) weights: Option<&'a [f32]>,
}

impl Recipe {
    /// The gradients of the batch's mean loss and of the penalties, left in `tape.gradients`, and the batch's sums.
    pub(super) fn gradients(
        &self,
        model: &Sequential,
        tape: &mut Tape,
        batch: Batch<'_>,
        step: u64,
        threads: &Threads,
    ) -> Sums {
        let pass = Pass {
            training: Some((self.seed, step)),
            threads,
        };
        let sums = self.forward(model, tape, batch, pass);
        model.backward(batch.inputs, tape, self.loss.from_logits(), pass);
        sums
    }

    /// Changes the weights once; gives the batch's sums as they were before the change.
    pub(super) fn step(
        &self,
        model: &mut Sequential,
        state: &mut OptimizerState,
        tape: &mut Tape,
        batch: Batch<'_>,
        rate: f32,
        threads: &Threads,
    ) -> Sums {
        let pass = Pass {
            training: Some((self.seed, state.steps)),
            threads,
        };
        let sums = self.forward(model, tape, batch, pass);
        let at_logits = self.loss.from_logits();
        if let Some(limit) = self.clip_norm {
            // The norm is that of all gradients together, so all must be known before the first weight changes.
            model.backward(batch.inputs, tape, at_logits, pass);
            let scale = (f64::from(limit) / norm(&tape.gradients).max(limit.into())) as f32;
            self.optimizer
                .prepare(state, rate, scale, &model.parameters);
            model.update(&tape.gradients, &state.next, &mut state.slots, threads);
        } else {
            self.optimizer.prepare(state, rate, 1.0, &model.parameters);
            model.backward_and_update(
                batch.inputs,
                tape,
                at_logits,
                pass,
                &state.next,
                &mut state.slots,
            );
        }
        model.learn(tape);
        sums
    }

    /// The batch's sums, and the gradient of its loss at the end of the network.
    fn forward(
        &self,
        model: &Sequential,
        tape: &mut Tape,
        batch: Batch<'_>,
        pass: Pass<'_>,
    ) -> Sums {
        model.forward(batch.inputs, tape, pass);
        let (outputs, logits, gradient) = tape.results(batch.inputs);
        let Batch {
            targets, weights, ..
        } = batch;
        let classes = model.output_size();
        self.loss.batch(
            self.label_smoothing,
            outputs,
            logits,
            targets,
            weights,
            classes,
            Some(gradient),
        )
    }
}

/// The Euclidean norm of all gradients together.
fn norm(gradients: &[Vec<f32>]) -> f64 {
    gradients
        .iter()
        .map(|gradient| sum_of_squares(gradient))
        .sum::<f64>()
        .sqrt()
}
