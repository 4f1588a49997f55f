//! The training loop.

use std::time::Instant;

use ndarray::{ArrayBase, Data, Dimension};

use super::callback::{Callback, CallbackState, Control, Turn};
use super::checkpoint::Keeper;
use super::evaluate::{check_ending, measure};
use super::history::{EpochRecord, History, Stopped};
use super::loss::{Targets, check_weights};
use super::optimizer::{OptimizerState, check_rate};
use super::progress::Plan;
use super::so_far::{Partial, SoFar};
use super::step::Batch;
use super::trainer::Trainer;
use crate::compute::Threads;
use crate::data::{Dataset, epoch_order};
use crate::error::{LabError, Result};
use crate::model::{Inputs, Sequential, Tape};

impl Trainer {
    /// Trains the network on `train`, and measures it after each epoch on `validation` where there is any.
    ///
    /// A loss that is not finite any more is no error: [`History::stopped`] says in which epoch and step it came.
    ///
    /// # Errors
    /// [`LabError::Value`] and [`LabError::Shape`] where an option is outside of its range or data, network and loss do
    /// not fit together, before anything is changed; a learning rate of a function of one's own that is no number, and
    /// what a callback returns, after callbacks have had their last word.
    pub fn fit<'v>(
        &mut self,
        model: &mut Sequential,
        train: &Dataset,
        validation: impl Into<Option<&'v Dataset>>,
    ) -> Result<History> {
        let validation = validation.into();
        self.check(model, train, validation)?;
        self.take_up(model);
        let network = model.identity.again();
        let identity =
            |trainer: &Self, model: &Sequential| trainer.identity(model, train, validation);
        let (keeper, mut so_far, remembered) =
            self.take_up_checkpoint(model, train.len(), identity)?;
        let done = so_far.history.epochs.len();
        let batches = train.len().div_ceil(self.batch_size);
        self.progress.begin(&Plan {
            epochs: self.epochs,
            batches,
            examples: train.len(),
            done,
        });
        let trained = self.train(
            model,
            train,
            validation,
            keeper.as_ref(),
            remembered,
            &mut so_far,
        );
        // Whatever happened, callbacks have their last word: best weights are put back even after an error.
        let mut history = so_far.history;
        history.warnings = self.warnings(model, train, validation, &history);
        self.epochs_before += history.epochs.len();
        let ended = self.call(model, &mut Turn::On, |callback, control| {
            callback.on_train_end(&history, control)
        });
        // A callback may have put other weights, and with them a clone, in the network's place.
        model.identity = network;
        self.progress.end(&history);
        trained.and(ended).map(|()| history)
    }

    /// The epochs of a training, from where it is.
    fn train(
        &mut self,
        model: &mut Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
        keeper: Option<&Keeper>,
        remembered: Option<Vec<CallbackState>>,
        so_far: &mut SoFar,
    ) -> Result<()> {
        let threads = Threads::new(self.threads)?;
        let mut buffers = Buffers::new(self.batch_size.min(train.len()), model);
        let mut turn = Turn::On;
        self.call(model, &mut turn, |callback, control| {
            callback.on_train_begin(control)
        })?;
        for (callback, state) in self
            .callbacks
            .iter_mut()
            .zip(remembered.into_iter().flatten())
        {
            callback.resume(state, &so_far.history)?;
        }
        while so_far.history.stopped == Stopped::Finished
            && so_far.history.epochs.len() < self.epochs
        {
            self.epoch(
                model,
                train,
                validation,
                so_far,
                &mut turn,
                &mut buffers,
                &threads,
            )?;
            let SoFar { history, partial } = so_far;
            let (epochs, steps) = (history.epochs.len(), partial.batches);
            if turn == Turn::Stop && history.stopped == Stopped::Finished {
                history.stopped = Stopped::Early { epoch: epochs };
            }
            if matches!(history.stopped, Stopped::Diverged { .. }) {
                break;
            }
            if let Some(keeper) = keeper.filter(|keeper| turn != Turn::On || keeper.is_due(epochs))
            {
                self.keep(keeper, model, so_far)?;
            }
            if turn == Turn::Interrupt && epochs < self.epochs {
                so_far.history.stopped = Stopped::Interrupted {
                    epoch: epochs + 1,
                    step: steps,
                };
            }
        }
        Ok(())
    }

    /// The batches of an epoch that are left, its validation and its record; a callback may interrupt it before that.
    #[allow(
        clippy::too_many_arguments,
        reason = "the loop's state, passed to its one epoch"
    )]
    fn epoch(
        &mut self,
        model: &mut Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
        so_far: &mut SoFar,
        turn: &mut Turn,
        buffers: &mut Buffers,
        threads: &Threads,
    ) -> Result<()> {
        let SoFar { history, partial } = so_far;
        let (start, epoch) = (Instant::now(), history.epochs.len());
        if partial.batches == 0 {
            self.call(model, turn, |callback, control| {
                callback.on_epoch_begin(epoch, control)
            })?;
        }
        let learning_rate = self
            .schedule
            .rate(self.learning_rate, epoch as f64, self.epochs);
        check_rate(
            &format!("learning rate of epoch {}", epoch + 1),
            learning_rate,
        )?;
        let order = epoch_order(
            train.len(),
            Some(self.recipe.seed),
            self.epochs_before + epoch,
        );
        let batches = order.len().div_ceil(self.batch_size);
        for (number, rows) in order
            .chunks(self.batch_size)
            .enumerate()
            .skip(partial.batches)
        {
            let progress = epoch as f64 + number as f64 / batches as f64;
            let rate = self
                .schedule
                .rate(self.learning_rate, progress, self.epochs);
            let place = (self.epochs_before + epoch, partial.seen);
            let (loss, hits) = self.step(model, train, rows, place, rate, buffers, threads)?;
            partial.add(rows.len(), loss, hits);
            if self.stop_on_divergence && !loss.is_finite() {
                history.stopped = Stopped::Diverged {
                    epoch: epoch + 1,
                    step: number + 1,
                };
                return Ok(());
            }
            let record = partial.record(epoch + 1, rate);
            self.progress.batch(&record);
            let mut now = Turn::On;
            self.call(model, &mut now, |callback, control| {
                callback.on_batch_end(&record, control)
            })?;
            match now {
                Turn::On => {}
                Turn::Stop => {
                    *turn = now;
                    break;
                }
                Turn::Interrupt => {
                    *turn = now;
                    partial.seconds += start.elapsed().as_secs_f64();
                    return Ok(());
                }
            }
        }
        let (loss_function, smoothing) = (self.recipe.loss, self.recipe.label_smoothing);
        let measured =
            validation.map(|data| measure(model, data, loss_function, smoothing, threads, |_| ()));
        let measured = measured.transpose()?;
        // An epoch's last step can spoil the weights too; only the validation shows that.
        if self.stop_on_divergence && measured.is_some_and(|(loss, _)| !loss.is_finite()) {
            history.stopped = Stopped::Diverged {
                epoch: epoch + 1,
                step: batches,
            };
            return Ok(());
        }
        let record = EpochRecord {
            epoch: epoch + 1,
            loss: partial.mean(),
            accuracy: partial.accuracy(),
            val_loss: measured.map(|(loss, _)| loss),
            val_accuracy: measured.map(|(_, accuracy)| accuracy),
            learning_rate,
            seconds: partial.seconds + start.elapsed().as_secs_f64(),
        };
        history.epochs.push(record);
        *partial = Partial::default();
        self.progress.epoch(&record);
        self.call(model, turn, |callback, control| {
            callback.on_epoch_end(&record, control)
        })
    }

    /// One step on a batch of one's own: examples along the first axis, and a target for each. Gives the batch's loss,
    /// penalties included, and accuracy before the step (Keras's `train_on_batch`).
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3));
    /// for (images, labels) in Cifar10::sample().train.batches(64)?.shuffled(Seed(0), 0) {
    ///     let (loss, accuracy) = trainer.train_on_batch(&mut model, &images, Targets::Classes(&labels), None)?;
    ///     assert!(loss > 0.0 && accuracy <= 1.0);
    /// }
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Trainer::fit`], and [`LabError::Value`] for a number that is not finite.
    pub fn train_on_batch<S: Data<Elem = f32> + Sync, D: Dimension>(
        &mut self,
        model: &mut Sequential,
        inputs: &ArrayBase<S, D>,
        targets: Targets<'_>,
        weights: Option<&[f32]>,
    ) -> Result<(f64, f64)> {
        let rows = inputs.count();
        self.validate()?;
        model.check_inputs("inputs", &inputs.example_shape())?;
        targets.check(self.recipe.loss, rows, model.output_size())?;
        check_weights("sample weights", "example", weights, rows)?;
        check_ending(model, self.recipe.loss)?;
        if rows == 0 {
            return Err(LabError::value(
                "batch",
                "0 examples",
                "at least one",
                "give at least one example",
            ));
        }
        self.take_up(model);
        let threads = Threads::new(self.threads)?;
        let mut given = vec![0.0; inputs.len()];
        inputs.write(0, &mut given, &threads)?;
        let penalty = model.penalty();
        let rate = self.schedule.rate(self.learning_rate, 0.0, self.epochs);
        let batch = Batch {
            inputs: &given,
            targets: targets.reborrow(),
            weights,
        };
        let sums = self.recipe.step(
            model,
            &mut self.state,
            &mut self.tape,
            batch,
            rate,
            &threads,
        );
        Ok((
            sums.loss / rows as f64 + penalty,
            sums.hits as f64 / rows as f64,
        ))
    }

    /// Gathers the batch of `rows` and trains on it; gives its loss, penalties included, and its hits. `place` is the
    /// epoch and the position of the first row in it.
    #[allow(
        clippy::too_many_arguments,
        reason = "the loop's state, passed to its one step"
    )]
    pub(super) fn step(
        &mut self,
        model: &mut Sequential,
        train: &Dataset,
        rows: &[u32],
        place: (usize, usize),
        rate: f32,
        buffers: &mut Buffers,
        threads: &Threads,
    ) -> Result<(f64, usize)> {
        let Self {
            recipe,
            augmentation,
            class_weights,
            sample_weights,
            state,
            tape,
            ..
        } = self;
        let augment = augmentation
            .as_ref()
            .map(|augmentation| (augmentation, recipe.seed, place.0, place.1));
        let penalty = model.penalty();
        let (inputs, labels) = buffers.first(rows.len());
        train.gather(rows, augment, threads, inputs, labels)?;
        let weights = (class_weights.is_some() || sample_weights.is_some()).then(|| {
            let of_class = |label: u8| {
                class_weights
                    .as_ref()
                    .map_or(1.0, |weights| weights[usize::from(label)])
            };
            let of_row = |row: u32| {
                sample_weights
                    .as_ref()
                    .map_or(1.0, |weights| weights[row as usize])
            };
            rows.iter()
                .zip(&*labels)
                .map(|(&row, &label)| of_row(row) * of_class(label))
                .collect::<Vec<_>>()
        });
        let batch = Batch {
            inputs,
            targets: Targets::Classes(labels),
            weights: weights.as_deref(),
        };
        let sums = recipe.step(model, state, tape, batch, rate, threads);
        Ok((sums.loss / rows.len() as f64 + penalty, sums.hits))
    }

    /// Calls one method of every callback.
    fn call(
        &mut self,
        model: &mut Sequential,
        turn: &mut Turn,
        mut method: impl FnMut(&mut dyn Callback, &mut Control<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut control = Control {
            model,
            learning_rate: &mut self.learning_rate,
            turn,
        };
        self.callbacks
            .iter_mut()
            .try_for_each(|callback| method(&mut **callback, &mut control))
    }

    /// Goes on with the optimizer's state where it belongs to this very network, or begins anew.
    fn take_up(&mut self, model: &Sequential) {
        if !self
            .network
            .as_ref()
            .is_some_and(|network| network.is(&model.identity))
        {
            self.network = Some(model.identity.again());
            self.learning_rate = self.recipe.optimizer.learning_rate();
            (self.state, self.tape, self.epochs_before) =
                (OptimizerState::default(), Tape::default(), 0);
        }
    }
}

/// Room for one batch.
pub(super) struct Buffers {
    inputs: Vec<f32>,
    labels: Vec<u8>,
}

impl Buffers {
    pub(super) fn new(rows: usize, model: &Sequential) -> Self {
        Self {
            inputs: vec![0.0; rows * model.input_shape().iter().product::<usize>()],
            labels: vec![0; rows],
        }
    }

    /// The room for the first `rows` examples.
    fn first(&mut self, rows: usize) -> (&mut [f32], &mut [u8]) {
        let size = self.inputs.len() / self.labels.len();
        (&mut self.inputs[..rows * size], &mut self.labels[..rows])
    }
}
