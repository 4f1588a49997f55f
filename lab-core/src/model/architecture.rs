//! A network as it is written down, layer by layer, before it has weights.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::batch_norm::BatchNorm;
use super::dense::Dense;
use super::dropout::Dropout;
use super::flatten::Flatten;
use super::layer::{Mathematics, Parameter, ParameterPlan, Place, Start};
use crate::error::{LabError, Result};
use crate::random::Seed;

/// A layer as it is written down, before it has weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "snake_case")]
pub enum Layer {
    /// Puts the numbers of an image in one row.
    Flatten(Flatten),
    /// Fully connected.
    Dense(Dense),
    /// Forgets a share of its inputs while training.
    Dropout(Dropout),
    /// Standardizes each input over the batch.
    BatchNorm(BatchNorm),
}

impl Layer {
    pub(super) fn mathematics(&self) -> &dyn Mathematics {
        match self {
            Self::Flatten(layer) => layer,
            Self::Dense(layer) => layer,
            Self::Dropout(layer) => layer,
            Self::BatchNorm(layer) => layer,
        }
    }
}

/// The plan of a [`Sequential`](super::Sequential): the shape of one example and the layers, without weights.
///
/// [`Sequential::new`](super::Sequential::new) starts one. It can be cloned, compared, built with several seeds, and written to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    input_shape: Vec<usize>,
    layers: Vec<Layer>,
}

/// More numbers than this in a network or an example are a slip, not a network for these machines.
const MOST_NUMBERS: usize = 1 << 30;

impl Architecture {
    pub(super) fn new(input_shape: &[usize]) -> Self {
        Self {
            input_shape: input_shape.to_vec(),
            layers: Vec::new(),
        }
    }

    /// Adds a [`Flatten`] layer: `(32, 32, 3)` → `(3072)`.
    pub fn flatten(self) -> Self {
        self.layer(Flatten {})
    }

    /// Adds a [`Dense`] layer of `units` outputs with Keras's defaults; [`Architecture::layer`] takes one with others.
    pub fn dense(self, units: usize, activation: Activation) -> Self {
        self.layer(Dense::new(units, activation))
    }

    /// Adds a [`Dropout`] layer that forgets the share `rate` of its inputs while training.
    pub fn dropout(self, rate: f32) -> Self {
        self.layer(Dropout::new(rate))
    }

    /// Adds a [`BatchNorm`] layer.
    pub fn batch_norm(self) -> Self {
        self.layer(BatchNorm {})
    }

    /// Adds any layer.
    pub fn layer(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The shape of one example.
    pub fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// How many numbers a network of this plan holds.
    ///
    /// # Errors
    /// As for [`Architecture::build`].
    pub fn parameter_count(&self) -> Result<usize> {
        let arrays = |plans: Vec<ParameterPlan>| {
            plans
                .iter()
                .map(|plan| plan.shape.iter().product::<usize>())
                .sum::<usize>()
        };
        Ok(self
            .plan()?
            .into_iter()
            .map(|(_, plans)| arrays(plans))
            .sum())
    }

    /// The places of the layers and their parameters: drawn with `seed`, or zeros when weights follow from a file.
    pub(super) fn lay_out(&self, seed: Option<Seed>) -> Result<(Vec<Place>, Vec<Parameter>)> {
        let (mut places, mut parameters) = (Vec::new(), Vec::<Parameter>::new());
        for (place, plans) in self.plan()? {
            for plan in plans {
                let mut value = vec![0.0; plan.shape.iter().product()];
                match (plan.start, seed) {
                    (Start::Constant(start), _) => value.fill(start),
                    (Start::Drawn(initializer), Some(seed)) => {
                        initializer.fill(
                            &mut value,
                            plan.shape[0],
                            plan.shape[1],
                            seed,
                            parameters.len() as u64,
                        );
                    }
                    (Start::Drawn(_), None) => {}
                }
                let (name, trainable, l2) = (
                    format!("{}.{}", place.name, plan.name),
                    plan.trainable,
                    plan.l2,
                );
                parameters.push(Parameter {
                    name,
                    shape: plan.shape,
                    value,
                    trainable,
                    l2,
                });
            }
            places.push(place);
        }
        Ok((places, parameters))
    }

    /// Each layer's place and the arrays that it needs, once all shapes are found to fit.
    fn plan(&self) -> Result<Vec<(Place, Vec<ParameterPlan>)>> {
        let size = |shape: &[usize]| {
            let size = shape
                .iter()
                .try_fold(1_usize, |size, &n| size.checked_mul(n));
            size.filter(|size| (1..=MOST_NUMBERS).contains(size))
        };
        if size(&self.input_shape).is_none() {
            let found = format!("{:?}", self.input_shape);
            let expected = "1 to 2^30 numbers an example";
            return Err(LabError::shape(
                "input",
                found,
                expected,
                "[32, 32, 3] is the shape of CIFAR-10's images",
            ));
        }
        if self.layers.is_empty() {
            let remedy = "add .flatten() and .dense(10, Activation::Softmax)";
            return Err(LabError::value("layers", "none", "at least one", remedy));
        }
        let mut plan = Vec::new();
        let (mut shape, mut first, mut numbers) = (self.input_shape.clone(), 0, 0);
        for (number, layer) in self.layers.iter().enumerate() {
            let layer = layer.mathematics();
            let name = self.name(number);
            let output_shape = layer.output_shape(&name, &shape)?;
            let arrays = layer.parameters(&shape);
            for array in &arrays {
                numbers = size(&array.shape).map_or(usize::MAX, |size| numbers + size);
                if numbers > MOST_NUMBERS {
                    let found = format!("{} of shape {:?}", array.name, array.shape);
                    let expected = "at most 2^30 weights up to here";
                    return Err(LabError::value(
                        name,
                        found,
                        expected,
                        "make the layers narrower",
                    ));
                }
            }
            let place = Place {
                name,
                number,
                inputs: shape.iter().product(),
                outputs: output_shape.iter().product(),
                output_shape: output_shape.clone(),
                parameters: first..first + arrays.len(),
            };
            first += arrays.len();
            plan.push((place, arrays));
            shape = output_shape;
        }
        Ok(plan)
    }

    /// Keras's name for a layer: `dense`, then `dense_1`, counted within this network.
    fn name(&self, number: usize) -> String {
        let (_, name) = self.layers[number].mathematics().kind();
        match self.layers[..number]
            .iter()
            .filter(|layer| layer.mathematics().kind().1 == name)
            .count()
        {
            0 => name.to_owned(),
            earlier => format!("{name}_{earlier}"),
        }
    }
}

macro_rules! into_layer {
    ($($kind:ident),*) => {
        $(impl From<$kind> for Layer {
            fn from(layer: $kind) -> Self {
                Self::$kind(layer)
            }
        })*
    };
}
into_layer!(Flatten, Dense, Dropout, BatchNorm);
