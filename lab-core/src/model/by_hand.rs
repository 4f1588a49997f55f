//! Forward and backward as public methods, for training loops written by hand.

use ndarray::{Array2, ArrayD, IxDyn};

use super::activation::Activation;
use super::layer::{Mode, Pass};
use super::predict::Inputs;
use super::sequential::Sequential;
use crate::error::{LabError, Result};

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
    /// or a training step has none.
    pub fn forward(&mut self, inputs: &impl Inputs, mode: Mode) -> Result<Array2<f32>> {
        self.check_inputs("inputs", &inputs.example_shape())?;
        if inputs.count() == 0 && mode != Mode::Inference {
            let (found, remedy) = ("0 examples", "give at least one example");
            return Err(LabError::value("batch", found, "at least one", remedy));
        }
        let threads = self.workspace.threads(None)?;
        let mut input = self.workspace.by_hand.take().unwrap_or_default().0;
        input.resize(inputs.count() * self.input_size(), 0.0);
        inputs.write(0, &mut input, &threads)?;
        let mut workspace = std::mem::take(&mut self.workspace);
        let pass = Pass::new(&input, mode, &threads);
        self.run_forward(pass, &mut workspace);
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
    pub fn backward(&mut self, gradient: &Array2<f32>) -> Result<Vec<(String, ArrayD<f32>)>> {
        let threads = self.workspace.threads(None)?;
        let Some((input, mode)) = self.workspace.by_hand.take() else {
            let remedy = "call forward with the batch first";
            return Err(LabError::value(
                "backward",
                "no forward pass",
                "one",
                remedy,
            ));
        };
        let shape = (input.len() / self.input_size(), self.output_size());
        if gradient.dim() != shape {
            self.workspace.by_hand = Some((input, mode));
            let (found, expected) = (format!("{:?}", gradient.dim()), format!("{shape:?}"));
            let remedy = "give the gradient of the loss with respect to what forward returned";
            return Err(LabError::shape("backward", found, expected, remedy));
        }
        let mut workspace = std::mem::take(&mut self.workspace);
        let (_, start) = workspace.results(&input, self.output_size());
        start.iter_mut().zip(gradient).for_each(|(to, g)| *to = *g);
        let pass = Pass::new(&input, mode, &threads);
        self.run_backward(pass, self.ends_in_softmax(), &mut workspace);
        let trained = self.parameters.iter().zip(&workspace.gradients);
        let trained = trained.filter(|(parameter, _)| parameter.trainable);
        let named = trained.map(|(parameter, gradient)| {
            let array = ArrayD::from_shape_vec(IxDyn(&parameter.shape), gradient.clone());
            (parameter.name.clone(), array.unwrap_or_default())
        });
        let named = named.collect();
        workspace.by_hand = Some((input, mode));
        self.workspace = workspace;
        Ok(named)
    }

    fn ends_in_softmax(&self) -> bool {
        self.last_activation() == Some(Activation::Softmax)
    }
}
