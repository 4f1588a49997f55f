//! A network: layers one after another, with their weights, forward and backward.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::activation::Activation;
use super::architecture::{Architecture, Layer};
use super::layer::{Cache, Flow, Here, Parameter, Pass, Place};
use super::learn::Learning;
use crate::compute::{self, Step, Threads};
use crate::error::{LabError, Result};
use crate::random::Seed;

/// A network of layers one after another.
///
/// ```
/// use lab_core::prelude::*;
/// let model = Sequential::new([32, 32, 3])
///     .flatten()
///     .dense(128, Activation::Relu)
///     .dense(64, Activation::Relu)
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// assert_eq!(model.parameter_count(), 402_250);
///
/// let probabilities = model.predict(&Cifar10::sample().test)?;
/// assert_eq!(probabilities.dim(), (500, 10));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sequential {
    pub(super) architecture: Architecture,
    pub(super) places: Vec<Place>,
    pub(crate) parameters: Vec<Parameter>,
    pub(super) seed: Option<Seed>,
    pub(crate) identity: Identity,
}

/// Tells a network from all others, equal ones too: a clone is another network.
#[derive(Debug, Default)]
pub(crate) struct Identity(Arc<()>);

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Identity {
    /// The same network's once more.
    pub(crate) fn again(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Architecture {
    /// Checks that the layers fit together and draws the weights: kernels by their initializer, biases 0.
    ///
    /// # Errors
    /// [`LabError::Shape`] or [`LabError::Value`] that names the first layer that does not fit.
    pub fn build(self, seed: Seed) -> Result<Sequential> {
        let (places, parameters) = self.lay_out(Some(seed))?;
        Ok(Sequential {
            architecture: self,
            places,
            parameters,
            seed: Some(seed),
            identity: Identity::default(),
        })
    }
}

impl Sequential {
    /// Starts the plan of a network that takes examples of this shape; [`Architecture::build`] ends it.
    #[allow(
        clippy::new_ret_no_self,
        reason = "a network begins with its plan, and readers look for it here"
    )]
    pub fn new(input_shape: impl AsRef<[usize]>) -> Architecture {
        Architecture::new(input_shape.as_ref())
    }

    /// The plan that this network was built from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The seed that the weights were drawn with; none where they came from a file.
    pub fn seed(&self) -> Option<Seed> {
        self.seed
    }

    /// The shape of one example.
    pub fn input_shape(&self) -> &[usize] {
        self.architecture.input_shape()
    }

    /// How many numbers come out for one example: the number of classes.
    pub fn output_size(&self) -> usize {
        self.places.last().map_or(0, |place| place.outputs)
    }

    /// How many numbers the network holds, moving averages included, as Keras's `count_params`.
    pub fn parameter_count(&self) -> usize {
        self.parameters
            .iter()
            .map(|parameter| parameter.value.len())
            .sum()
    }

    /// The names of the network's arrays, in order: `dense.kernel`, `dense.bias`, `dense_1.kernel`, ….
    pub fn weight_names(&self) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
    }

    /// One of the network's arrays, by name; a dense kernel has the shape (inputs, units).
    ///
    /// # Errors
    /// [`LabError::Value`] where the network has no such array.
    pub fn weight(&self, name: &str) -> Result<ArrayViewD<'_, f32>> {
        let parameter = &self.parameters[self.find(name)?];
        ArrayViewD::from_shape(IxDyn(&parameter.shape), &parameter.value).map_err(|error| {
            LabError::shape(
                name,
                error.to_string(),
                format!("{:?}", parameter.shape),
                "report this",
            )
        })
    }

    /// Replaces one of the network's arrays.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let mut model = Sequential::new([4]).dense(2, Activation::Softmax).build(Seed(0))?;
    /// model.set_weight("dense.bias", ndarray::array![0.5, -0.5].into_dyn())?;
    /// assert_eq!(model.weight("dense.bias")?[0], 0.5);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] where the network has no such array, [`LabError::Shape`] where it has another shape.
    pub fn set_weight(&mut self, name: &str, value: ArrayD<f32>) -> Result<()> {
        let at = self.find(name)?;
        let parameter = &mut self.parameters[at];
        if value.shape() != parameter.shape {
            let (found, expected) = (
                format!("{:?}", value.shape()),
                format!("{:?}", parameter.shape),
            );
            return Err(LabError::shape(
                name,
                found,
                expected,
                "give an array of the layer's shape",
            ));
        }
        parameter.value = value.iter().copied().collect();
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.parameters
            .iter()
            .position(|parameter| parameter.name == name)
            .ok_or_else(|| {
                let known = self.weight_names().collect::<Vec<_>>().join(", ");
                LabError::value(
                    "name of a weight",
                    format!("`{name}`"),
                    format!("one of {known}"),
                    "use a listed name",
                )
            })
    }

    /// λ Σ w² over all penalized kernels: what L2 adds to the loss.
    pub fn penalty(&self) -> f64 {
        let penalized = self
            .parameters
            .iter()
            .filter(|parameter| parameter.l2 > 0.0);
        penalized
            .map(|parameter| f64::from(parameter.l2) * compute::sum_of_squares(&parameter.value))
            .sum()
    }

    /// The activation of the last layer, where that is a dense one.
    pub(crate) fn last_activation(&self) -> Option<Activation> {
        match self.architecture.layers().last() {
            Some(Layer::Dense(layer)) => Some(layer.activation()),
            _ => None,
        }
    }

    /// What of its plan is hardly ever meant: a softmax before the last layer.
    pub fn warnings(&self) -> Vec<String> {
        let hidden = self.layers().take(self.places.len() - 1);
        let softmax = |layer: &Layer| matches!(layer, Layer::Dense(it) if it.activation() == Activation::Softmax);
        let warning = "softmax before the last layer leaves little to learn from: use it in the last one alone";
        hidden
            .filter(|(layer, _)| softmax(layer))
            .map(|(_, place)| format!("{}: {warning}", place.name))
            .collect()
    }

    fn layers(&self) -> impl DoubleEndedIterator<Item = (&Layer, &Place)> + ExactSizeIterator {
        self.architecture.layers().iter().zip(&self.places)
    }

    /// The way forward for a batch whose examples lie row after row in `input`.
    pub(crate) fn forward(&self, input: &[f32], tape: &mut Tape, pass: Pass<'_>) {
        tape.caches.resize_with(self.places.len(), Cache::default);
        let mut source = None;
        for (number, (layer, place)) in self.layers().enumerate() {
            let layer = layer.mathematics();
            if layer.is_identity(&pass) {
                continue;
            }
            let (before, here) = tape.caches.split_at_mut(number);
            let input = source.map_or(input, |from: usize| &before[from].output);
            let parameters = &self.parameters[place.parameters.clone()];
            layer.forward(Here { place, input, pass }, parameters, &mut here[0]);
            here[0].source = source;
            source = Some(number);
        }
        tape.last = source;
    }

    /// The way back after [`Sequential::forward`] with the same input and pass: from the gradient in
    /// `tape.flow.gradient` to those of all parameters in `tape.gradients`.
    ///
    /// `at_logits` says that the gradient is with respect to the last layer's z already.
    pub(crate) fn backward(&self, input: &[f32], tape: &mut Tape, at_logits: bool, pass: Pass<'_>) {
        let Self {
            architecture,
            places,
            parameters,
            ..
        } = self;
        let Tape {
            caches,
            flow,
            gradients,
            ..
        } = tape;
        if gradients.len() != parameters.len() {
            let length = |parameter: &Parameter| {
                if parameter.trainable {
                    parameter.value.len()
                } else {
                    0
                }
            };
            *gradients = parameters
                .iter()
                .map(|parameter| vec![0.0; length(parameter)])
                .collect();
        }
        flow.at_logits = at_logits;
        walk_back(
            architecture.layers(),
            places,
            input,
            caches,
            flow,
            pass,
            Learning::Noted {
                parameters,
                gradients,
            },
        );
    }

    /// The same way back, on which each array is changed as soon as its gradient is known: `steps` and `slots` are the
    /// optimizer's, one for each array.
    pub(crate) fn backward_and_update(
        &mut self,
        input: &[f32],
        tape: &mut Tape,
        at_logits: bool,
        pass: Pass<'_>,
        steps: &[Step],
        slots: &mut [[Vec<f32>; 2]],
    ) {
        let Self {
            architecture,
            places,
            parameters,
            ..
        } = self;
        let Tape { caches, flow, .. } = tape;
        flow.at_logits = at_logits;
        let learning = Learning::Applied {
            parameters,
            steps,
            slots,
        };
        walk_back(
            architecture.layers(),
            places,
            input,
            caches,
            flow,
            pass,
            learning,
        );
    }

    /// Changes every array that is learnt by its gradient.
    pub(crate) fn update(
        &mut self,
        gradients: &[Vec<f32>],
        steps: &[Step],
        slots: &mut [[Vec<f32>; 2]],
        threads: &Threads,
    ) {
        let mut learning = Learning::Applied {
            parameters: &mut self.parameters,
            steps,
            slots,
        };
        for (number, gradient) in gradients
            .iter()
            .enumerate()
            .filter(|(_, gradient)| !gradient.is_empty())
        {
            learning.take(number, gradient, threads);
        }
    }

    /// Takes over the moving averages of the last training pass.
    pub(crate) fn learn(&mut self, tape: &Tape) {
        for ((layer, place), cache) in self
            .architecture
            .layers()
            .iter()
            .zip(&self.places)
            .zip(&tape.caches)
        {
            layer
                .mathematics()
                .learn(&mut self.parameters[place.parameters.clone()], cache);
        }
    }
}

/// From the last layer to the first that has something to learn.
fn walk_back(
    layers: &[Layer],
    places: &[Place],
    input: &[f32],
    caches: &mut [Cache],
    flow: &mut Flow,
    pass: Pass<'_>,
    mut learning: Learning<'_>,
) {
    for (number, (layer, place)) in layers.iter().zip(places).enumerate().rev() {
        let layer = layer.mathematics();
        if layer.is_identity(&pass) {
            continue;
        }
        let (before, here) = caches.split_at_mut(number);
        let input = here[0].source.map_or(input, |from| &before[from].output);
        flow.to_input = flow.whole || place.parameters.start > 0;
        layer.backward(
            Here { place, input, pass },
            &mut here[0],
            flow,
            learning.of(place.parameters.clone()),
        );
        flow.at_logits = false;
        if !flow.to_input {
            break;
        }
    }
}

/// What one pass leaves behind for the way back; kept from batch to batch, so that a step allocates nothing.
#[derive(Default)]
pub(crate) struct Tape {
    pub(super) caches: Vec<Cache>,
    pub(crate) flow: Flow,
    /// For each of the network's parameters the gradient of the loss; empty for those that are not learnt.
    pub(crate) gradients: Vec<Vec<f32>>,
    last: Option<usize>,
}

impl Tape {
    /// The output of the last pass, and its z where the last layer keeps it; `input` where no layer did anything.
    pub(crate) fn outputs<'t>(&'t self, input: &'t [f32]) -> (&'t [f32], &'t [f32]) {
        self.last.map_or((input, &[]), |last| {
            (&self.caches[last].output, &self.caches[last].kept)
        })
    }

    /// The same, and room for the gradient, as long as the output.
    pub(crate) fn results<'t>(
        &'t mut self,
        input: &'t [f32],
    ) -> (&'t [f32], &'t [f32], &'t mut [f32]) {
        let Self {
            caches, flow, last, ..
        } = self;
        let (output, kept) = last.map_or((input, &[][..]), |last| {
            (&caches[last].output, &caches[last].kept)
        });
        flow.gradient.resize(output.len(), 0.0);
        (output, kept, &mut flow.gradient)
    }
}
