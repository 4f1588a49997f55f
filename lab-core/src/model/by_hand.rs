//! Forward and backward as public methods, for training loops written by hand.

use ndarray::{Array2, ArrayD, IxDyn};

use super::activation::Activation;
use super::layer::{Mode, Pass};
use super::passes::Outputs;
use super::predict::Inputs;
use super::sequential::Sequential;
use crate::error::{LabError, Result};

/// Arrays under their names (`dense.kernel`, …), in the order of the layers.
pub type NamedArrays = Vec<(String, ArrayD<f32>)>;

impl Sequential {
    /// Runs a batch forward and keeps what [`Sequential::backward`] needs. Returns the logits where the network ends in
    /// softmax (the losses apply it themselves), its outputs otherwise; shape (N, units).
    ///
    /// An epoch by hand, bit for bit the one of [`Trainer::fit`](crate::training::Trainer::fit):
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let train = Cifar10::sample().train;
    /// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let mut optimizer = Adam::new(1e-3).for_model(&model);
    /// let loss = Loss::CategoricalCrossentropy;
    /// for batch in train.batches(64)?.shuffled(Seed(0), 0) {
    ///     let logits = model.forward(&batch.images, Mode::training(Seed(0), optimizer.steps()))?;
    ///     let (value, gradient) = loss.value_and_gradient(logits.view(), &batch.labels)?;
    ///     let gradients = model.backward(&gradient)?;
    ///     optimizer.step(&mut model, &gradients)?;
    ///     assert!(value > 0.0);
    /// }
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] where the examples do not fit the network, [`LabError::Value`] where one is not finite
    /// or there is none.
    pub fn forward(&mut self, inputs: &impl Inputs, mode: Mode) -> Result<Array2<f32>> {
        let threads = self.workspace.threads(None)?;
        let input = self.read_batch(inputs, &threads)?;
        let mut workspace = std::mem::take(&mut self.workspace);
        self.run_forward(Pass::new(&input, mode, &threads), &mut workspace);
        if mode != Mode::Inference {
            self.update_running_stats(&workspace);
        }
        let (results, _) = workspace.results(&input, self.output_size());
        let values = match self.ends_in_softmax() {
            true => results.logits,
            false => results.outputs,
        };
        let values = self.output_array(values.to_vec());
        workspace.by_hand = Some((input, mode));
        self.workspace = workspace;
        Ok(values)
    }

    /// The gradients of all trained arrays by name (`dense.kernel`, …), those of L2 penalties included, from the
    /// gradient of the loss with respect to what the last [`Sequential::forward`] returned.
    ///
    /// # Errors
    /// [`LabError::Value`] where no forward pass came before, [`LabError::Shape`] where the gradient does not fit it.
    pub fn backward(&mut self, gradient: &Array2<f32>) -> Result<NamedArrays> {
        let (input, _) = self.last_batch()?;
        let shape = (input.len() / self.input_size(), self.output_size());
        if gradient.dim() != shape {
            let (found, expected) = (format!("{:?}", gradient.dim()), format!("{shape:?}"));
            let remedy = "give the gradient of the loss with respect to what forward returned";
            return Err(LabError::shape("backward", found, expected, remedy));
        }
        self.backward_from(self.ends_in_softmax(), |_, start| {
            start.iter_mut().zip(gradient).for_each(|(to, g)| *to = *g);
        })
    }

    /// The output of layer `number` (from 0) in the last [`Sequential::forward`], one row for each example; its input
    /// where the layer changes nothing.
    ///
    /// # Errors
    /// [`LabError::Value`] where no forward pass came before.
    pub fn layer_output(&self, number: usize) -> Result<&[f32]> {
        let (input, _) = self.last_batch()?;
        let computed = self.workspace.caches.iter().take(number + 1).rev();
        let computed = computed.map(|cache| &cache.output);
        Ok(computed
            .into_iter()
            .find(|it| !it.is_empty())
            .unwrap_or(input))
    }

    /// The gradient of output `unit` with respect to each input of each example of the last [`Sequential::forward`];
    /// where the network ends in a dense layer, the gradient of the unit's pre-activation (Simonyan, Vedaldi and
    /// Zisserman, 2014).
    ///
    /// # Errors
    /// [`LabError::Value`] where no forward pass came before.
    pub fn input_gradient(&mut self, unit: usize) -> Result<Vec<f32>> {
        let units = self.output_size().max(1);
        self.workspace.backward.to_network_input = true;
        let done = self.backward_from(true, |_, start| {
            let floats = start.iter_mut().enumerate();
            floats.for_each(|(at, g)| *g = f32::from(at % units == unit));
        });
        self.workspace.backward.to_network_input = false;
        done.map(|_| std::mem::take(&mut self.workspace.backward.gradient))
    }

    /// Runs the last batch backward from the gradient that `start` writes, with respect to the logits or the outputs.
    pub(crate) fn backward_from(
        &mut self,
        at_logits: bool,
        start: impl FnOnce(Outputs<'_>, &mut [f32]),
    ) -> Result<NamedArrays> {
        self.last_batch()?;
        let threads = self.workspace.threads(None)?;
        let mut workspace = std::mem::take(&mut self.workspace);
        let (input, mode) = workspace.by_hand.take().unwrap_or_default();
        let (outputs, gradient) = workspace.results(&input, self.output_size());
        start(outputs, gradient);
        let pass = Pass::new(&input, mode, &threads);
        self.run_backward(pass, at_logits, &mut workspace);
        let all = self.parameters.iter().zip(&workspace.gradients);
        let trained = all.filter(|(parameter, _)| parameter.trainable);
        let named = trained.map(|(parameter, gradient)| {
            let array = ArrayD::from_shape_vec(IxDyn(&parameter.shape), gradient.clone());
            (parameter.name.clone(), array.unwrap_or_default())
        });
        let named = named.collect();
        workspace.by_hand = Some((input, mode));
        self.workspace = workspace;
        Ok(named)
    }

    /// The rows and the mode of the last forward pass by hand.
    fn last_batch(&self) -> Result<&(Vec<f32>, Mode)> {
        let remedy = "call forward with the batch first";
        let missing = || LabError::value("backward", "no forward pass", "one", remedy);
        self.workspace.by_hand.as_ref().ok_or_else(missing)
    }

    fn ends_in_softmax(&self) -> bool {
        self.last_activation() == Some(Activation::Softmax)
    }
}
