//! What every layer does: state its shapes and parameters, run forward, run backward.

use std::ops::Range;

use super::*;

/// One kind of layer. Arrays hold one row for each example of the batch.
pub(super) trait Layer {
    /// Keras's name of the class (`Dense`) and of its first instance (`dense`).
    fn kind(&self) -> (&'static str, &'static str);

    /// The shape of one example's output, by default the input's; an error where options or the input's shape do not fit.
    fn output_shape(&self, _name: &str, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// The arrays of this layer: trained by gradients, or kept as running statistics.
    fn parameters(&self, _input: &[usize]) -> Vec<Parameter> {
        Vec::new()
    }

    /// Whether the output equals the input in this mode, so that the layer is skipped.
    fn is_identity(&self, _: Mode) -> bool {
        false
    }

    /// How many layers before this one form a block whose input is added to this layer's output.
    fn skip(&self) -> Option<usize> {
        None
    }

    /// Computes `cache.output`, and keeps in the cache what the backward pass needs.
    fn forward(&self, _: Context<'_>, _: &[Parameter], _: &mut Cache) {}

    /// Turns the gradient with respect to the output into the one with respect to the input, and passes the gradients
    /// of the layer's own arrays to `own`.
    fn backward(&self, _: Context<'_>, _: &mut Cache, _: &mut Backward, _own: Gradients<'_>) {}

    /// Updates the running statistics after a forward pass of training.
    fn update_running_stats(&self, _: &mut [Parameter], _: &Cache) {}
}

/// What a pass is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Predictions: dropout does nothing, batch normalization uses its running statistics.
    #[default]
    Inference,
    /// A training step: dropout draws its masks from the seed and the number of the step.
    Training {
        /// The seed of the masks; [`Trainer::seed`](crate::training::Trainer::seed) of a training.
        seed: Seed,
        /// How many steps the optimizer has done before.
        step: u64,
    },
}

impl Mode {
    /// A training step, with the seed of dropout's masks and the number of steps done before.
    pub fn training(seed: Seed, step: u64) -> Self {
        Self::Training { seed, step }
    }
}

/// A batch on its way through the network, or what a layer gets of it.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// The input, one row of floats for each example.
    pub(crate) input: &'a [f32],
    pub(crate) mode: Mode,
    pub(crate) threads: &'a Threads,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(input: &'a [f32], mode: Mode, threads: &'a Threads) -> Self {
        Self {
            input,
            mode,
            threads,
        }
    }
}

/// The layer's place in the network and its input, for both passes.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) spec: &'a LayerSpec,
    pub(super) pass: Pass<'a>,
}

impl Context<'_> {
    /// Examples in the batch.
    pub(super) fn rows(&self) -> usize {
        self.pass.input.len() / self.spec.inputs
    }
}

/// Name, shapes and parameters of a layer in its network.
#[derive(Clone, Debug)]
pub(crate) struct LayerSpec {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(super) input_shape: Vec<usize>,
    pub(crate) output_shape: Vec<usize>,
    /// Floats in one example's input, and in its output.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// This layer's part of the network's parameters.
    pub(crate) parameters: Range<usize>,
}

/// How many numbers stand side by side along the last axis of a shape.
pub(super) fn last_axis(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}

/// An array of a network: trained (kernels, biases) or kept (running statistics).
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// The layer's name and the array's own: `dense_1.kernel`.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// How it is drawn; otherwise all its values begin as `constant`.
    pub(super) initializer: Option<Initializer>,
    pub(super) constant: f32,
    /// Empty until it is drawn or read from a file.
    pub(crate) value: Vec<f32>,
    pub(crate) trainable: bool,
    /// λ of the penalty λ Σ w².
    pub(crate) l2: f32,
}

impl Parameter {
    /// An array that training changes, without a penalty, under its own name.
    pub(super) fn new(name: &str, shape: &[usize], constant: f32) -> Self {
        Self {
            name: name.to_owned(),
            shape: shape.to_vec(),
            initializer: None,
            constant,
            value: Vec::new(),
            trainable: true,
            l2: 0.0,
        }
    }

    /// A kernel, and a bias for each of its outputs.
    pub(super) fn weights(shape: &[usize], initializer: Initializer, l2: f32) -> Vec<Self> {
        let mut kernel = Self::new("kernel", shape, 0.0);
        (kernel.initializer, kernel.l2) = (Some(initializer), l2);
        vec![kernel, Self::new("bias", &[last_axis(shape)], 0.0)]
    }

    /// How many numbers it holds.
    pub(super) fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Gives it its initial values, as array `number` of the network.
    pub(super) fn draw(&mut self, seed: Seed, number: u64) {
        self.value = vec![self.constant; self.size()];
        if let Some(it) = self.initializer {
            it.fill(&mut self.value, &self.shape, seed, number);
        }
    }
}

/// What a layer keeps of the forward pass; reused from batch to batch, so that a step allocates nothing large.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub(crate) output: Vec<f32>,
    /// The pre-activations of a dense layer or a convolution, the mask of dropout, the standardized input
    /// of layer normalization.
    pub(crate) kept: Vec<f32>,
    /// Temporary values.
    pub(super) scratch: Vec<f32>,
    /// The layer whose output was the input: `None` for the network's own input.
    pub(super) source: Option<usize>,
    /// The gradient with respect to the input that comes past the layer, from an addition after a block that begins here.
    pub(super) past: Vec<f32>,
}

/// The gradient on its way back through the layers.
#[derive(Debug, Default)]
pub(crate) struct Backward {
    /// The gradient of the loss with respect to the output of the current layer.
    pub(crate) gradient: Vec<f32>,
    pub(super) spare: Vec<f32>,
    /// Whether an earlier layer needs the gradient with respect to this layer's input.
    pub(super) to_input: bool,
    /// Whether the gradient with respect to the network's own input is wanted.
    pub(super) to_network_input: bool,
    /// Whether `gradient` is already the one with respect to the pre-activations, as softmax and cross-entropy together
    /// give it.
    pub(super) at_logits: bool,
}
