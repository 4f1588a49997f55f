//! What each layer computes for a batch, and what an output depends on: for looking inside a network.

use super::layer::{Mode, Pass};
use super::passes::Workspace;
use super::predict::Inputs;
use super::sequential::Sequential;
use crate::compute::Threads;
use crate::error::Result;

/// The outputs of all layers for a batch, in inference.
#[derive(Debug)]
pub struct Trace {
    input: Vec<f32>,
    workspace: Workspace,
}

impl Trace {
    /// The examples, one row of floats each.
    pub fn input(&self) -> &[f32] {
        &self.input
    }

    /// The output of layer `number` (from 0), one row for each example; its input where the layer changes nothing.
    pub fn output(&self, number: usize) -> &[f32] {
        let mut computed = self.workspace.caches[..=number].iter().rev();
        let computed = computed.find(|cache| !cache.output.is_empty());
        computed.map_or(&self.input, |cache| &cache.output)
    }
}

impl Sequential {
    /// Runs all examples through the network at once and keeps the output of each layer.
    ///
    /// # Errors
    /// As for [`Sequential::predict`].
    pub fn trace(&self, inputs: &impl Inputs, threads: &Threads) -> Result<Trace> {
        self.check_inputs("inputs", &inputs.example_shape())?;
        let mut input = vec![0.0; inputs.count() * self.input_size()];
        inputs.write(0, &mut input, threads)?;
        let mut workspace = Workspace::default();
        let pass = Pass::new(&input, Mode::Inference, threads);
        self.run_forward(pass, &mut workspace);
        Ok(Trace { input, workspace })
    }

    /// The gradient of output `unit` with respect to each input of each example, shape of the input; where the network
    /// ends in a dense layer, the gradient of the unit's pre-activation (Simonyan, Vedaldi and Zisserman, 2014).
    pub fn input_gradient(&self, trace: &mut Trace, unit: usize, threads: &Threads) -> Vec<f32> {
        let Trace { input, workspace } = trace;
        let units = self.output_size().max(1);
        let (_, gradient) = workspace.results(input, self.output_size());
        let one_hot = |at: usize| f32::from(at % units == unit);
        let floats = gradient.iter_mut().enumerate();
        floats.for_each(|(at, g)| *g = one_hot(at));
        workspace.backward.to_network_input = true;
        let pass = Pass::new(input, Mode::Inference, threads);
        self.run_backward(pass, true, workspace);
        std::mem::take(&mut workspace.backward.gradient)
    }
}
