//! One training step: the gradients of this rank's shards, their sum over all ranks, the update.

use lab_core::Result;
use lab_core::compute::Threads;
use lab_core::data::Batches;
use lab_core::metrics::{accuracy, predicted_classes};
use lab_core::model::{Mode, NamedArrays, Sequential};
use lab_core::training::{OptimizerState, Targets, TrainingConfig};
use ndarray::arr1;

use crate::SHARDS;
use crate::communicator::Communicator;
use crate::tree::{add, fold, sum};

/// Floats in one piece of work.
const PIECE: usize = 16 * 1024;

/// A rank's copy of the network, its optimizer and the threads that compute.
pub(crate) struct Learner<'a, C> {
    pub(crate) ranks: &'a C,
    pub(crate) model: &'a mut Sequential,
    pub(crate) config: &'a TrainingConfig,
    pub(crate) optimizer: OptimizerState,
    pub(crate) threads: Threads,
    /// The sums of a step one after another, as they travel; kept from step to step.
    pub(crate) message: Vec<f32>,
}

impl<C: Communicator> Learner<'_, C> {
    /// Updates the weights once. Returns the mean loss of the batch, penalties included, and its accuracy, both before the
    /// update.
    ///
    /// `batches` gives the shards of the epoch in order, and stands where this rank's shards of the step before ended.
    pub(crate) fn step(&mut self, batches: &mut Batches, first: bool) -> Result<(f64, f64)> {
        let count = SHARDS / self.ranks.size();
        let start = self.ranks.rank() * count;
        let skipped = if first { start } else { SHARDS - count };
        let running = self.running_statistics()?;
        let penalty = self.model.penalty();
        let threads = self.threads.clone();
        let mut leaf = |shard| {
            let skipped = if shard == start { skipped } else { 0 };
            self.shard(batches, skipped, shard, &running)
        };
        let mut sums = fold(start..start + count, &mut leaf, &|sum, other| {
            for ((_, sum), (_, other)) in sum.iter_mut().zip(&other) {
                if let (Some(sum), Some(other)) = (sum.as_slice_mut(), other.as_slice()) {
                    add(sum, other, &threads);
                }
            }
        })?;
        self.sum_over_ranks(&mut sums)?;
        for array in sums.iter_mut().filter_map(|(_, it)| it.as_slice_mut()) {
            // A power of two: the mean is exact.
            threads.chunks(array, PIECE, |_, it| {
                it.iter_mut().for_each(|x| *x /= SHARDS as f32)
            });
        }
        let results = sums.pop().map(|(_, results)| results).unwrap_or_default();
        for (name, mean) in sums.split_off(sums.len() - running.len()) {
            self.model.set_weight(&name, mean)?;
        }
        self.optimizer.step(self.model, &sums)?;
        Ok((f64::from(results[0]) + penalty, results[1].into()))
    }

    /// The gradients of one shard, then its running statistics, then its loss and accuracy.
    fn shard(
        &mut self,
        batches: &mut Batches,
        skipped: usize,
        shard: usize,
        running: &NamedArrays,
    ) -> Result<NamedArrays> {
        let batch = batches.nth(skipped).unwrap_or_default();
        // Every shard draws other masks.
        let number = self.optimizer.steps * SHARDS as u64 + shard as u64;
        let mode = Mode::training(self.config.seed, number);
        let outputs = self.model.forward(&batch.images, mode)?;
        let targets = Targets::classes(&batch.labels).smoothed(self.config.label_smoothing);
        let (loss, gradient) = self
            .config
            .loss
            .value_and_gradient(outputs.view(), targets)?;
        let mut arrays = self.model.backward(&gradient)?;
        arrays.extend(self.running_statistics()?);
        for (name, before) in running {
            self.model.set_weight(name, before.clone())?;
        }
        // Outputs that are no numbers have no class; the loss is none either, and ends the training.
        let predicted = predicted_classes(outputs.view());
        let accuracy = predicted.and_then(|classes| accuracy(&batch.labels, &classes));
        let results = arr1(&[loss as f32, accuracy.unwrap_or(0.0) as f32]).into_dyn();
        arrays.push((String::new(), results));
        Ok(arrays)
    }

    /// The moving averages of batch normalization.
    fn running_statistics(&self) -> Result<NamedArrays> {
        let names = self.model.weight_names();
        let moving = names.filter(|name| name.contains(".moving_"));
        let array = |name: &str| Ok((name.to_owned(), self.model.weight(name)?.to_owned()));
        moving.map(array).collect()
    }

    fn sum_over_ranks(&mut self, arrays: &mut NamedArrays) -> Result<()> {
        if self.ranks.size() == 1 {
            return Ok(());
        }
        let message = &mut self.message;
        message.clear();
        let slices = arrays.iter().filter_map(|(_, array)| array.as_slice());
        slices.for_each(|slice| message.extend_from_slice(slice));
        sum(self.ranks, message, &self.threads)?;
        let mut left = &message[..];
        for array in arrays.iter_mut().filter_map(|(_, it)| it.as_slice_mut()) {
            let (own, others) = left.split_at(array.len());
            array.copy_from_slice(own);
            left = others;
        }
        Ok(())
    }
}
