//! The training loop.

use std::time::Instant;

use super::*;

type Callbacks = [Box<dyn Callback>];

impl Trainer {
    /// Trains the network on `train`, and evaluates it after each epoch on `validation` where there is any.
    ///
    /// A loss that is no longer finite is not an error: [`History::stopped`] says in which epoch and step it came.
    ///
    /// # Errors
    /// [`LabError::Value`] and [`LabError::Shape`] where an option is outside of its range or data, network and loss do
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
        let config = &self.config;
        self.optimizer.take_if(|it| !it.is_of(model));
        let fresh = || config.optimizer.for_model(model);
        let mut control = Control {
            optimizer: self.optimizer.get_or_insert_with(fresh),
            model,
            history: History::default(),
            config,
            train,
            validation,
            threads: Threads::new(self.threads)?,
            best: None,
            stop: None,
        };
        let checkpoints = self.checkpoints.as_ref();
        let checkpoints = checkpoints.map(|it| Checkpointer::new(it, &control));
        let checkpoints = checkpoints.transpose()?;
        if let (Some(saved), true) = (&checkpoints, std::mem::take(&mut self.resume)) {
            saved.resume(&mut control)?;
        }
        let callbacks = &mut self.callbacks[..];
        let trained = control.train(callbacks, checkpoints.as_ref());

        // Whatever happened, the best weights are restored and the callbacks are told of the end.
        if let Some(best) = control.best.take() {
            control.model.set_values(best);
        }
        control.history.warnings = control.warnings();
        let ended = control.notify(callbacks, |it, control| it.on_train_end(control));
        control.optimizer.epochs += control.history.epochs.len();
        trained.and(ended)?;
        Ok(control.history)
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
    /// As for [`Trainer::fit`], and [`LabError::Value`] for an element that is not finite.
    pub fn train_on_batch<'t>(
        &mut self,
        model: &mut Sequential,
        inputs: &impl Inputs,
        targets: impl Into<Targets<'t>>,
    ) -> Result<(f64, f64)> {
        let config = &self.config;
        let targets = match config.label_smoothing {
            0.0 => targets.into(),
            smoothing => targets.into().smoothed(smoothing),
        };
        self.validate()?;
        let rows = inputs.sizes().first().copied().unwrap_or(0);
        targets.check(config.loss, rows, model.output_size())?;
        check_ending(model, config.loss)?;
        let threads = model.workspace.threads(self.threads)?;
        let input = model.read_batch(inputs, &threads)?;
        self.optimizer.take_if(|it| !it.is_of(model));
        let fresh = || config.optimizer.for_model(model);
        let mut learner = Learner {
            config,
            optimizer: self.optimizer.get_or_insert_with(fresh),
            model,
            threads: &threads,
        };
        let rate = learner.rate(0.0);
        let (loss, correct) = learner.step(&input, targets, rate);
        Ok((loss, correct as f64 / rows as f64))
    }
}

impl Control<'_> {
    /// Trains until the epochs are done or something stops it.
    fn train(&mut self, all: &mut Callbacks, checkpoints: Option<&Checkpointer>) -> Result<()> {
        self.notify(all, |it, control| it.on_train_begin(control))?;
        let epochs = self.config.epochs;
        while self.history.stopped == Stopped::Finished && self.history.epochs.len() < epochs {
            let record = match self.train_epoch(all)? {
                Ok(record) => record,
                Err(stopped) => {
                    self.history.stopped = stopped;
                    break;
                }
            };
            self.history.epochs.push(record);
            self.notify(all, |it, control| it.on_epoch_end(&record, control))?;
            let epoch = record.epoch;
            self.history.stopped = match self.stop {
                Some(Stop::Early) => Stopped::Early { epoch },
                Some(Stop::Interrupted) if epoch < epochs => {
                    Stopped::Interrupted { epoch: epoch + 1 }
                }
                _ => Stopped::Finished,
            };
            if let Some(checkpoints) = checkpoints {
                checkpoints.save(self)?;
            }
        }
        Ok(())
    }

    /// One step for each batch of an epoch, and its validation; or why the epoch was not finished.
    fn train_epoch(&mut self, all: &mut Callbacks) -> Result<Result<EpochRecord, Stopped>> {
        let (start, done) = (Instant::now(), self.history.epochs.len());
        let (epoch, mut totals, mut step) = (done + 1, Sums::default(), 0);
        self.notify(all, |it, control| it.on_epoch_begin(done, control))?;
        if self.stop == Some(Stop::Interrupted) {
            return Ok(Err(Stopped::Interrupted { epoch }));
        }
        let learning_rate = self.learner().rate(done as f64);
        check_rate(&format!("learning rate of epoch {epoch}"), learning_rate)?;
        let number = self.optimizer.epochs + done;
        let batches = self.config.batches(self.train, number, &self.threads)?;
        let count = batches.len() as f64;
        for batch in batches {
            let rate = self.learner().rate(done as f64 + step as f64 / count);
            let (loss, correct) = self.learner().step_on(&batch, rate);
            totals.add(batch.labels.len(), loss, correct);
            step += 1;
            if !loss.is_finite() {
                return Ok(Err(Stopped::Diverged { epoch, step }));
            }
            let record = BatchRecord {
                epoch,
                batch: step,
                loss: totals.mean(),
                accuracy: totals.accuracy(),
                learning_rate: rate,
            };
            match self.notify(all, |it, control| it.on_batch_end(&record, control))? {
                None => {}
                Some(Stop::Early) => break,
                Some(Stop::Interrupted) => return Ok(Err(Stopped::Interrupted { epoch })),
            }
        }
        let (loss, smoothing) = (self.config.loss, self.config.label_smoothing);
        let measure = |data| measure(self.model, data, loss, smoothing, &self.threads);
        let validation = self.validation.map(measure).transpose()?;
        let validation = validation.map(|(loss, accuracy, _)| (loss, accuracy));
        // An epoch's last step can spoil the weights too, which only the validation shows.
        if validation.is_some_and(|(loss, _)| !loss.is_finite()) {
            return Ok(Err(Stopped::Diverged { epoch, step }));
        }
        Ok(Ok(EpochRecord {
            epoch,
            loss: totals.mean(),
            accuracy: totals.accuracy(),
            val_loss: validation.map(|(loss, _)| loss),
            val_accuracy: validation.map(|(_, accuracy)| accuracy),
            learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        }))
    }

    /// Calls one method of every callback; returns whether one of them asks for the end.
    fn notify(
        &mut self,
        all: &mut Callbacks,
        method: impl Fn(&mut dyn Callback, &mut Control<'_>) -> Result<()>,
    ) -> Result<Option<Stop>> {
        let before = self.stop.take();
        for callback in all {
            method(&mut **callback, self)?;
        }
        let asked = self.stop;
        self.stop = asked.or(before);
        Ok(asked)
    }

    fn learner(&mut self) -> Learner<'_> {
        Learner {
            config: self.config,
            model: self.model,
            optimizer: self.optimizer,
            threads: &self.threads,
        }
    }
}
