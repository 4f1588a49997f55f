//! What one does with a network: predictions, and forward and backward passes for training loops written by hand.

use super::*;

/// Examples that a network can read: an array of them, or a data set.
pub trait Inputs: Sync {
    /// The number of examples, then the shape of one.
    fn sizes(&self) -> Vec<usize>;

    /// Writes the examples `first`, `first + 1`, … row after row until `into` is full.
    ///
    /// # Errors
    /// Where an example cannot be read, or is not finite.
    fn write(&self, first: usize, into: &mut [f32], threads: &Threads) -> Result<()>;
}

/// An array whose first axis counts the examples, like (N, 32, 32, 3) or (N, 3072).
impl<S: Data<Elem = f32> + Sync, D: Dimension> Inputs for ArrayBase<S, D> {
    fn sizes(&self) -> Vec<usize> {
        self.shape().to_vec()
    }

    fn write(&self, first: usize, into: &mut [f32], _: &Threads) -> Result<()> {
        let size = self.shape().iter().skip(1).product::<usize>().max(1);
        let floats = self.iter().skip(first * size);
        match self.as_slice() {
            Some(slice) => into.copy_from_slice(&slice[first * size..][..into.len()]),
            None => into.iter_mut().zip(floats).for_each(|(to, x)| *to = *x),
        }
        let Some(at) = into.iter().position(|x| !x.is_finite()) else {
            return Ok(());
        };
        let place = format!("example {}", first + at / size);
        let found = format!("{} at position {}", into[at], at % size);
        let remedy = "look where the array comes from: a division by 0 or a missing value";
        Err(LabError::value(place, found, "finite numbers", remedy))
    }
}

/// Arrays under their names (`dense.kernel`, …), in the order of the layers.
pub type NamedArrays = Vec<(String, ArrayD<f32>)>;

impl Sequential {
    /// The outputs for each example, shape (N, classes): probabilities where the network ends in softmax.
    ///
    /// Takes a data set, or an array whose first axis counts the examples. Layers work in inference mode.
    ///
    /// # Errors
    /// [`LabError::Shape`] where the examples do not fit the network, [`LabError::Value`] where one is not finite.
    pub fn predict(&self, inputs: &impl Inputs) -> Result<Array2<f32>> {
        let threads = match inputs.sizes()[..] {
            [1, ..] => Threads::one(),
            _ => Threads::new(None)?,
        };
        let mut outputs = Vec::new();
        let keep = |batch: Outputs<'_>| outputs.extend_from_slice(batch.outputs);
        self.for_each_batch(inputs, &threads, keep)?;
        Ok(self.output_array(outputs))
    }

    /// Outputs row after row as an array of shape (N, classes).
    pub(crate) fn output_array(&self, outputs: Vec<f32>) -> Array2<f32> {
        let units = self.output_size().max(1);
        let shape = (outputs.len() / units, units);
        Array2::from_shape_vec(shape, outputs).unwrap_or_default()
    }

    /// Checks that examples, which `place` names, fit the network. Returns how many there are.
    pub(crate) fn check_inputs(&self, place: &str, inputs: &impl Inputs) -> Result<usize> {
        let sizes = inputs.sizes();
        let (&count, shape) = sizes.split_first().unwrap_or((&0, &[]));
        let first = format!("Sequential::new({shape:?})");
        let remedy = format!("begin the network with {first}, or reshape the data");
        check_shape(place, shape, self.input_shape(), &remedy)?;
        Ok(count)
    }

    /// The rows of a batch of at least one example.
    pub(crate) fn read_batch(&self, inputs: &impl Inputs, threads: &Threads) -> Result<Vec<f32>> {
        let count = self.check_inputs("inputs", inputs)?;
        let mut batch = vec![0.0; count * self.input_size()];
        if batch.is_empty() {
            let (found, remedy) = ("0 examples", "give at least one example");
            return Err(LabError::value("batch", found, "at least one", remedy));
        }
        inputs.write(0, &mut batch, threads)?;
        Ok(batch)
    }

    /// Runs all examples through the network, some hundreds at a time, and gives `task` their outputs.
    pub(crate) fn for_each_batch(
        &self,
        inputs: &impl Inputs,
        threads: &Threads,
        mut task: impl FnMut(Outputs<'_>),
    ) -> Result<()> {
        let (count, size) = (self.check_inputs("inputs", inputs)?, self.input_size());
        // At most 512 examples at a time, and fewer where a layer has so many outputs that they take 256 MB.
        let widest = self.specs.iter().map(|spec| spec.outputs).max();
        let most = ((1 << 26) / widest.unwrap_or(1)).clamp(1, 512);
        let mut batch = vec![0.0; size * most.min(count)];
        let mut workspace = Workspace::default();
        for first in (0..count).step_by(most) {
            let batch = &mut batch[..size * most.min(count - first)];
            inputs.write(first, batch, threads)?;
            let pass = Pass::new(batch, Mode::Inference, threads);
            self.run_forward(pass, &mut workspace);
            task(workspace.results(batch, self.output_size()).0);
        }
        Ok(())
    }

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
        let remedy = "give the gradient of the loss with respect to what forward returned";
        check_shape("backward", gradient.dim(), shape, remedy)?;
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
        let mut computed = self.workspace.caches.iter().take(number + 1).rev();
        let last = computed.find(|cache| !cache.output.is_empty());
        Ok(last.map_or(input, |cache| &cache.output))
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
        self.run_backward(pass, at_logits, &mut workspace, None);
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
