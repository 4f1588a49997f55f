//! The training loop.

use std::time::Instant;

use ndarray::{ArrayBase, Data, Dimension};

use super::callback::{BatchRecord, Callback, Control, Plan, Stop};
use super::checkpoint::{Checkpointer, Resumed};
use super::evaluate::check_ending;
use super::history::{EpochRecord, History, Stopped};
use super::learner::Learner;
use super::loss::Sums;
use super::optimizer::check_rate;
use super::targets::Targets;
use super::trainer::Trainer;
use crate::compute::Threads;
use crate::data::{Batches, Dataset};
use crate::error::Result;
use crate::model::{Inputs, Sequential};

/// A training between two steps: who learns, and what has come of it.
pub(super) struct Session<'a> {
    pub(super) learner: Learner<'a>,
    pub(super) history: History,
    /// The best weights of early stopping.
    pub(super) best: Option<Sequential>,
    pub(super) plan: Plan,
    stop: Option<Stop>,
}

impl Trainer {
    /// Trains the network on `train`, and evaluates it after each epoch on `validation` where there is any.
    ///
    /// A loss that is no longer finite is not an error: [`History::stopped`] says in which epoch and step it came.
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) and [`LabError::Shape`](crate::LabError::Shape) where an option is outside of its range or data, network and loss do
    /// not fit together, before anything is changed; a schedule that returns NaN, and what a callback returns, after
    /// all callbacks were told of the end.
    pub fn fit<'v>(
        &mut self,
        model: &mut Sequential,
        train: &Dataset,
        validation: impl Into<Option<&'v Dataset>>,
    ) -> Result<History> {
        let validation = validation.into();
        self.check(model, train, validation)?;
        self.forget_others(model);
        let threads = Threads::new(self.threads)?;
        let checkpointer = self.checkpointer(model, train, validation)?;
        let resumed = match &checkpointer {
            Some(saved) if std::mem::take(&mut self.resume) => saved.resume(&self.config, model)?,
            _ => Resumed::default(),
        };
        self.optimizer = resumed.optimizer.or(self.optimizer.take());
        let id = model.id.same();
        let mut session = Session {
            plan: Plan {
                config: self.config.clone(),
                batches: train.len().div_ceil(self.config.batch_size),
                examples: train.len(),
                validation_examples: validation.map_or(0, Dataset::len),
                done: resumed.history.epochs.len(),
            },
            learner: self.learner(model, threads),
            history: resumed.history,
            best: resumed.best,
            stop: None,
        };
        let trained = self.train(&mut session, train, validation, checkpointer);

        // Whatever happened, the best weights are restored and the callbacks are told of the end.
        if let Some(best) = session.best.take() {
            *session.learner.model = best;
        }
        session.history.warnings = self.warnings(&session, train, validation);
        let ended = self.notify(&mut session, |it, control| it.on_train_end(control));
        session.learner.model.id = id;
        self.optimizer = Some(session.learner.optimizer);
        self.epochs_before += session.history.epochs.len();
        trained.and(ended)?;
        Ok(session.history)
    }

    /// Trains until the epochs are done or something stops it.
    fn train(
        &mut self,
        session: &mut Session<'_>,
        train: &Dataset,
        validation: Option<&Dataset>,
        checkpointer: Option<Checkpointer>,
    ) -> Result<()> {
        self.notify(session, |it, control| it.on_train_begin(control))?;
        while session.history.stopped == Stopped::Finished && session.epochs_left() > 0 {
            let start = Instant::now();
            let Some(mut record) = self.train_epoch(session, train)? else {
                break;
            };
            let (epoch, step) = (record.epoch, session.plan.batches);
            if let Some(data) = validation {
                let (loss, accuracy) = session.learner.evaluate(data, &self.config)?;
                // An epoch's last step can spoil the weights too, which only the validation shows.
                if !loss.is_finite() {
                    session.history.stopped = Stopped::Diverged { epoch, step };
                    break;
                }
                (record.val_loss, record.val_accuracy) = (Some(loss), Some(accuracy));
            }
            record.seconds = start.elapsed().as_secs_f64();
            session.history.epochs.push(record);
            session.follow_history()?;
            self.notify(session, |it, control| it.on_epoch_end(&record, control))?;
            session.history.stopped = match session.stop {
                Some(Stop::Early) => Stopped::Early { epoch },
                Some(Stop::Interrupted) if session.epochs_left() > 0 => {
                    let epoch = epoch + 1;
                    Stopped::Interrupted { epoch }
                }
                _ => Stopped::Finished,
            };
            let due = |it: &&Checkpointer| session.stop.is_some() || epoch.is_multiple_of(it.every);
            if let Some(checkpointer) = checkpointer.as_ref().filter(due) {
                checkpointer.save(session)?;
            }
        }
        Ok(())
    }

    /// One step for each batch of an epoch. Returns its record without the validation, or nothing where the epoch was
    /// not finished.
    fn train_epoch(
        &mut self,
        session: &mut Session<'_>,
        train: &Dataset,
    ) -> Result<Option<EpochRecord>> {
        let done = session.history.epochs.len();
        let (epoch, mut totals) = (done + 1, Sums::default());
        self.notify(session, |it, control| it.on_epoch_begin(done, control))?;
        if session.stop == Some(Stop::Interrupted) {
            session.history.stopped = Stopped::Interrupted { epoch };
            return Ok(None);
        }
        let learning_rate = session.rate(done as f64);
        check_rate(&format!("learning rate of epoch {epoch}"), learning_rate)?;
        let batches = self.batches(train, self.epochs_before + done, &session.learner.threads)?;
        for (number, batch) in batches.enumerate() {
            let rate = session.rate(done as f64 + number as f64 / session.plan.batches as f64);
            let (loss, correct) = session.learner.step_on(&batch, &self.config, rate);
            totals.add(batch.labels.len(), loss, correct);
            let (batch, step) = (number + 1, number + 1);
            if !loss.is_finite() {
                session.history.stopped = Stopped::Diverged { epoch, step };
                return Ok(None);
            }
            let record = BatchRecord {
                epoch,
                batch,
                loss: totals.mean(),
                accuracy: totals.accuracy(),
                learning_rate: rate,
            };
            match self.notify(session, |it, control| it.on_batch_end(&record, control))? {
                None => {}
                Some(Stop::Early) => break,
                Some(Stop::Interrupted) => {
                    session.history.stopped = Stopped::Interrupted { epoch };
                    return Ok(None);
                }
            }
        }
        Ok(Some(EpochRecord {
            epoch,
            loss: totals.mean(),
            accuracy: totals.accuracy(),
            learning_rate,
            ..EpochRecord::default()
        }))
    }

    /// The batches of an epoch (from 0, over all fits), as every training step sees them.
    pub(super) fn batches(
        &self,
        train: &Dataset,
        epoch: usize,
        threads: &Threads,
    ) -> Result<Batches> {
        let config = &self.config;
        let (classes, examples) = (&config.class_weights, &self.sample_weights);
        let batches = train.batches(config.batch_size)?.threads(threads);
        let batches = batches.weighted(classes.as_deref(), examples.as_deref())?;
        let batches = batches.shuffled(config.seed, epoch);
        match &config.augmentation {
            Some(augmentation) => batches.augmented(augmentation.clone(), config.seed, epoch),
            None => Ok(batches),
        }
    }

    /// One step on a batch of the caller's: examples along the first axis, and a target for each. Returns the batch's
    /// loss, penalties included, and accuracy before the step (Keras's `train_on_batch`).
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3));
    /// for batch in Cifar10::sample().train.batches(64)?.shuffled(Seed(0), 0) {
    ///     let (loss, accuracy) = trainer.train_on_batch(&mut model, &batch.images, &batch.labels)?;
    ///     assert!(loss > 0.0 && accuracy <= 1.0);
    /// }
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Trainer::fit`], and [`LabError::Value`](crate::LabError::Value) for an element that is not finite.
    pub fn train_on_batch<'t, S: Data<Elem = f32> + Sync, D: Dimension>(
        &mut self,
        model: &mut Sequential,
        inputs: &ArrayBase<S, D>,
        targets: impl Into<Targets<'t>>,
    ) -> Result<(f64, f64)> {
        let (rows, config) = (inputs.count(), &self.config);
        let targets = match config.label_smoothing {
            0.0 => targets.into(),
            smoothing => targets.into().smoothed(smoothing),
        };
        self.validate()?;
        targets.check(config.loss, rows, model.output_size())?;
        check_ending(model, config.loss)?;
        let threads = model.workspace.threads(self.threads)?;
        let input = model.read_batch(inputs, &threads)?;
        self.forget_others(model);
        let mut learner = self.learner(model, threads);
        let (config, rate) = (&self.config, learner.optimizer.learning_rate);
        let rate = config.schedule.rate(rate, 0.0, config.epochs);
        let (loss, correct) = learner.step(&input, targets, config, rate);
        self.optimizer = Some(learner.optimizer);
        Ok((loss, correct as f64 / rows as f64))
    }

    /// Forgets the optimizer's state of any other network.
    fn forget_others(&mut self, model: &Sequential) {
        let same = self.optimizer.take_if(|it| it.model.is(&model.id));
        self.epochs_before = same.as_ref().map_or(0, |_| self.epochs_before);
        self.optimizer = same;
    }

    /// The learner with the optimizer's state of the last fit, or a fresh one.
    fn learner<'a>(&mut self, model: &'a mut Sequential, threads: Threads) -> Learner<'a> {
        let optimizer = self.optimizer.take();
        let optimizer = optimizer.unwrap_or_else(|| self.config.optimizer.for_model(model));
        Learner {
            model,
            optimizer,
            threads,
        }
    }

    /// Calls one method of every callback; returns whether one of them asks for the end.
    fn notify(
        &mut self,
        session: &mut Session<'_>,
        mut method: impl FnMut(&mut dyn Callback, &mut Control<'_>) -> Result<()>,
    ) -> Result<Option<Stop>> {
        let mut stop = None;
        let mut control = Control {
            model: session.learner.model,
            learning_rate: &mut session.learner.optimizer.learning_rate,
            history: &session.history,
            plan: &session.plan,
            stop: &mut stop,
        };
        let mut callbacks = self.callbacks.iter_mut();
        callbacks.try_for_each(|callback| method(&mut **callback, &mut control))?;
        session.stop = stop.or(session.stop);
        Ok(stop)
    }
}

impl Session<'_> {
    fn epochs_left(&self) -> usize {
        let epochs = self.plan.config.epochs;
        epochs.saturating_sub(self.history.epochs.len())
    }

    /// The learning rate after so many epochs.
    fn rate(&self, epochs: f64) -> f32 {
        let (base, config) = (self.learner.optimizer.learning_rate, &self.plan.config);
        config.schedule.rate(base, epochs, config.epochs)
    }

    /// Early stopping and the learning rate on a plateau, after an epoch.
    fn follow_history(&mut self) -> Result<()> {
        let (config, epochs) = (&self.plan.config, &self.history.epochs);
        if let Some(stopping) = &config.early_stopping {
            match stopping.epochs_since_best(epochs)? {
                0 if stopping.restore_best_weights => {
                    self.best = Some(self.learner.model.clone());
                }
                waited if waited > 0 && waited >= stopping.patience => {
                    self.stop = self.stop.or(Some(Stop::Early));
                }
                _ => {}
            }
        }
        if let Some(plateau) = &config.reduce_lr_on_plateau {
            let rate = &mut self.learner.optimizer.learning_rate;
            *rate = plateau.reduced(epochs, *rate)?;
        }
        Ok(())
    }
}
