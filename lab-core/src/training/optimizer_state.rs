//! An optimizer at work on one network: its moments, and the number of its steps.

use ndarray::ArrayD;

use super::optimizer::Optimizer;
use crate::compute::Step;
use crate::error::{LabError, Result};
use crate::model::{ModelId, Parameter, Sequential, Updates};

/// An optimizer with its state for one network; [`Optimizer::for_model`] makes one.
#[derive(Debug)]
pub struct OptimizerState {
    pub(super) optimizer: Optimizer,
    /// The learning rate of the next step, to which a schedule's factor is applied in [`Trainer`](super::Trainer).
    pub learning_rate: f32,
    pub(super) model: ModelId,
    pub(super) steps: u64,
    /// Up to two arrays for each of the network's: moments, mean squares.
    pub(super) slots: Vec<[Vec<f32>; 2]>,
    /// The update of the current step, for each of the network's arrays.
    prepared: Vec<Step>,
}

impl OptimizerState {
    pub(super) fn new(optimizer: Optimizer, model: &Sequential) -> Self {
        Self {
            optimizer,
            learning_rate: optimizer.learning_rate(),
            model: model.id.same(),
            steps: 0,
            slots: Vec::new(),
            prepared: Vec::new(),
        }
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
    pub fn step(
        &mut self,
        model: &mut Sequential,
        gradients: &[(String, ArrayD<f32>)],
    ) -> Result<()> {
        if !self.model.is(&model.id) {
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
        self.prepare(&model.parameters, self.learning_rate, 1.0);
        let of = |name| gradients.iter().find(|(given, _)| given == name);
        let values = |(_, it): &(_, ArrayD<f32>)| it.iter().copied().collect();
        let all = model.parameters.iter().map(|it| of(&it.name).map(values));
        let all: Vec<Vec<f32>> = all.map(Option::unwrap_or_default).collect();
        model.update(&all, self.updates(), &threads);
        Ok(())
    }

    /// Prepares the next step at the learning rate `rate`; `scale` multiplies the gradients first.
    pub(super) fn prepare(&mut self, parameters: &[Parameter], rate: f32, scale: f32) {
        self.steps += 1;
        self.slots.resize_with(parameters.len(), Default::default);
        self.prepared.clear();
        for (parameter, slots) in parameters.iter().zip(&mut self.slots) {
            let update = self.optimizer.at(parameter, self.steps, rate, scale);
            let used = usize::from(parameter.trainable) * update.slots();
            for slot in slots.iter_mut().take(used) {
                slot.resize(parameter.value.len(), 0.0);
            }
            self.prepared.push(update);
        }
    }

    /// The prepared updates, and the arrays that they change beside the weights.
    pub(super) fn updates(&mut self) -> Updates<'_> {
        (&self.prepared, &mut self.slots)
    }
}
