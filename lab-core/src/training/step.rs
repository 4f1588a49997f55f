//! One training step: forward pass, loss, backward pass, update; and the state of an optimizer between the steps.

use super::*;

/// A network in training, with its options, its optimizer and the threads that compute.
pub(super) struct Learner<'a> {
    pub(super) config: &'a TrainingConfig,
    pub(super) model: &'a mut Sequential,
    pub(super) optimizer: &'a mut OptimizerState,
    pub(super) threads: &'a Threads,
}

impl Learner<'_> {
    /// The learning rate after so many epochs.
    pub(super) fn rate(&self, epochs: f64) -> f32 {
        let (base, config) = (self.optimizer.learning_rate, self.config);
        config.schedule.rate(base, epochs, config.epochs)
    }

    /// The step on a batch of a data set.
    pub(super) fn step_on(&mut self, batch: &Batch, rate: f32) -> (f64, usize) {
        let mut targets = Targets::classes(&batch.labels).smoothed(self.config.label_smoothing);
        targets.weights = batch.weights.as_deref();
        let images = batch.images.as_slice().unwrap_or_default();
        self.step(images, targets, rate)
    }

    /// Updates the weights once. Returns the mean loss of the batch, penalties included, and the number of correct
    /// predictions, both before the update.
    pub(super) fn step(&mut self, input: &[f32], targets: Targets<'_>, rate: f32) -> (f64, usize) {
        let (config, model) = (self.config, &mut *self.model);
        let mode = Mode::training(config.seed, self.optimizer.steps);
        let pass = Pass::new(input, mode, self.threads);
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
            model.run_backward(pass, from_logits, &mut workspace, None);
            let gradients = workspace.gradients.iter();
            let squares: f64 = gradients.map(|it| compute::sum_of_squares(it)).sum();
            let norm = squares.sqrt();
            let scale = (f64::from(limit) / norm.max(limit.into())) as f32;
            let updates = self.optimizer.prepare(&model.parameters, rate, scale);
            model.update(&workspace.gradients, updates, self.threads);
        } else {
            let updates = self.optimizer.prepare(&model.parameters, rate, 1.0);
            model.run_backward(pass, from_logits, &mut workspace, Some(updates));
        }
        model.workspace = workspace;
        (sums.mean() + penalty, sums.correct)
    }
}

/// An optimizer with its state for one network; [`Optimizer::for_model`] makes one.
#[derive(Debug)]
pub struct OptimizerState {
    pub(super) optimizer: Optimizer,
    /// The learning rate of the next step, to which a schedule's factor is applied in [`Trainer`].
    pub learning_rate: f32,
    model: Arc<()>,
    /// How many steps were done.
    pub steps: u64,
    /// Epochs of a trainer's earlier fits, so that the next one shuffles in another order.
    pub(super) epochs: usize,
    /// Up to two arrays for each of the network's: moments, mean squares. A step makes those that are missing, of zeros.
    pub slots: Vec<[Vec<f32>; 2]>,
    /// The update of the current step, for each of the network's arrays.
    prepared: Vec<Step>,
}

impl Optimizer {
    /// The optimizer with a fresh state for one network, for a training loop written by hand; an example stands at
    /// [`Sequential::forward`].
    pub fn for_model(self, model: &Sequential) -> OptimizerState {
        OptimizerState {
            optimizer: self,
            learning_rate: self.learning_rate(),
            model: Arc::clone(&model.id.0),
            steps: 0,
            epochs: 0,
            slots: Vec::new(),
            prepared: Vec::new(),
        }
    }
}

impl OptimizerState {
    /// Whether it was made for this network.
    pub(super) fn is_of(&self, model: &Sequential) -> bool {
        Arc::ptr_eq(&self.model, &model.id.0)
    }

    /// How many steps were done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Updates the weights by the gradients that [`Sequential::backward`] returned.
    ///
    /// # Errors
    /// [`LabError::Value`] for another network, or gradients that are not one for each trained array, in order and of
    /// its shape.
    pub fn step(&mut self, model: &mut Sequential, gradients: &NamedArrays) -> Result<()> {
        if !self.is_of(model) {
            let remedy = "make one for this network with .for_model(&model)";
            let (found, expected) = ("a network that it has not seen", "its own network");
            return Err(LabError::value("optimizer", found, expected, remedy));
        }
        let trained = model.parameters.iter().filter(|it| it.trainable);
        let trained = trained.map(|it| (&it.name, &it.shape[..]));
        let given = gradients.iter().map(|(name, it)| (name, it.shape()));
        if !given.eq(trained) {
            let (found, expected) = ("other arrays", "one for each trained array, of its shape");
            let remedy = "give all that model.backward returned, in its order";
            return Err(LabError::value("gradients", found, expected, remedy));
        }
        let threads = model.workspace.threads(None)?;
        let of = |name| gradients.iter().find(|(given, _)| given == name);
        let values = |(_, it): &(_, ArrayD<f32>)| it.iter().copied().collect();
        let all = model.parameters.iter().map(|it| of(&it.name).map(values));
        let all: Vec<Vec<f32>> = all.map(Option::unwrap_or_default).collect();
        let updates = self.prepare(&model.parameters, self.learning_rate, 1.0);
        model.update(&all, updates, &threads);
        Ok(())
    }

    /// Prepares the next step at the learning rate `rate`, where `scale` multiplies the gradients first. Returns its
    /// updates, and the arrays that they change beside the weights.
    pub(super) fn prepare(&mut self, arrays: &[Parameter], rate: f32, scale: f32) -> Updates<'_> {
        self.steps += 1;
        self.slots.resize_with(arrays.len(), Default::default);
        self.prepared.clear();
        for (parameter, slots) in arrays.iter().zip(&mut self.slots) {
            let update = self.optimizer.at(parameter, self.steps, rate, scale);
            let used = usize::from(parameter.trainable) * update.slots();
            for slot in slots.iter_mut().take(used) {
                slot.resize(parameter.value.len(), 0.0);
            }
            self.prepared.push(update);
        }
        (&self.prepared, &mut self.slots)
    }
}
