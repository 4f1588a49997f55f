//! What every layer does: say its shapes and parameters, go forward, go backward.

use std::ops::Range;

use super::initializer::Initializer;
use super::learn::Learning;
use crate::compute::Threads;
use crate::error::Result;
use crate::random::Seed;

/// The mathematics of one kind of layer. Arrays lie row after row, one row for each example of the batch.
pub(super) trait Mathematics {
    /// Keras's name of the class (`Dense`) and of its first instance (`dense`).
    fn kind(&self) -> (&'static str, &'static str);

    /// The shape of one example's output; an error where options or the input's shape do not fit.
    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>>;

    /// The arrays that this layer learns or keeps.
    fn parameters(&self, _input: &[usize]) -> Vec<ParameterPlan> {
        Vec::new()
    }

    /// Whether the output is the input itself in this pass, so that there is nothing to do.
    fn is_identity(&self, _: &Pass<'_>) -> bool {
        false
    }

    /// Writes `cache.output`, and keeps in the cache what the way back needs.
    fn forward(&self, _: Here<'_>, _own: &[Parameter], _: &mut Cache) {}

    /// Turns the gradient with respect to the output (`flow.gradient`) into the one with respect to the input, and
    /// gives those with respect to the layer's own arrays to `own`.
    fn backward(&self, _: Here<'_>, _: &mut Cache, _: &mut Flow, _own: Learning<'_>) {}

    /// Takes over what a training pass has shown other than gradients: the moving averages of batch normalization.
    fn learn(&self, _: &mut [Parameter], _: &Cache) {}
}

/// What a layer is given on both ways.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) place: &'a Place,
    /// The batch, `place.inputs` numbers a row.
    pub(super) input: &'a [f32],
    pub(super) pass: Pass<'a>,
}

impl Here<'_> {
    /// Examples in the batch.
    pub(super) fn rows(&self) -> usize {
        self.input.len() / self.place.inputs
    }
}

/// Whether the network is being trained or used.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// The seed and the number of the training step, from which dropout draws; `None` when the network is used.
    pub(crate) training: Option<(Seed, u64)>,
    pub(crate) threads: &'a Threads,
}

/// Where a layer stands in its network.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) output_shape: Vec<usize>,
    /// Numbers in one example's input and output.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// This layer's part of the network's parameters.
    pub(crate) parameters: Range<usize>,
}

/// An array to be made for a layer.
pub(super) struct ParameterPlan {
    pub(super) name: &'static str,
    pub(super) shape: Vec<usize>,
    pub(super) start: Start,
    pub(super) trainable: bool,
    pub(super) l2: f32,
}

/// What an array holds before training.
pub(super) enum Start {
    Constant(f32),
    Drawn(Initializer),
}

/// An array of a network: learnt (kernels, biases) or kept (moving averages).
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// The layer's name and the array's own: `dense_1.kernel`.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) value: Vec<f32>,
    pub(crate) trainable: bool,
    /// λ of the penalty λ Σ w².
    pub(crate) l2: f32,
}

/// What a layer remembers from the way forward; reused from batch to batch, so that a step allocates nothing.
#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) output: Vec<f32>,
    /// z of a dense layer, the mask of dropout, the standardized input of batch normalization.
    pub(crate) kept: Vec<f32>,
    /// Room to work in.
    pub(super) scratch: Vec<f32>,
    /// The layer whose output was the input: `None` for the network's own input.
    pub(super) source: Option<usize>,
}

/// What flows backwards through the layers.
#[derive(Default)]
pub(crate) struct Flow {
    /// The gradient of the loss with respect to the output of the layer at hand.
    pub(crate) gradient: Vec<f32>,
    pub(super) spare: Vec<f32>,
    /// Whether anything before the layer at hand needs the gradient with respect to its input.
    pub(super) to_input: bool,
    /// Whether the gradient with respect to the network's own input is wanted too.
    pub(super) whole: bool,
    /// Whether `gradient` is already one with respect to z, as softmax and cross-entropy make it together.
    pub(super) at_logits: bool,
}
