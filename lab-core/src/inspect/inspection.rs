//! What one batch does to each layer: activations, gradients, one step of the optimizer.

use ndarray::{ArrayViewD, IxDyn};

use crate::compute::{Threads, sum_of_squares};
use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::model::{Activation, Layer, Sequential};
use crate::plots::scale::short;
use crate::random::Seed;
use crate::text::thousands;
use crate::training::{Adam, Loss, Optimizer, Silent, Targets, Trainer};

/// More images than this tell no more, and their activations would fill the memory.
const MOST: usize = 1024;

/// What a batch does to each layer of a network: prints as a table, and [`Inspection::figure`] draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The images of the batch.
    pub images: usize,
    /// Their mean loss, penalties included, as training sees it: dropout on.
    pub loss: f64,
    /// The optimizer that took the step, and its learning rate.
    pub optimizer: String,
    /// The layers, in order.
    pub layers: Vec<LayerInspection>,
}

/// One layer in an [`Inspection`]. The activations are those of the network in use: dropout off.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerInspection {
    /// The layer's name, `dense_1`.
    pub name: String,
    /// Its kind, `Dense`.
    pub kind: &'static str,
    /// The shape of its output, `(None, 512)`; `None` stands for the batch.
    pub output_shape: String,
    /// What a dense layer does to its sums.
    pub activation: Option<Activation>,
    /// The mean of its activations, over all images and units.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The activations below which 5, 25, 50, 75 and 95 % of them lie.
    pub quantiles: [f64; 5],
    /// ReLU: the share of units that are 0 for every image of the batch.
    pub dead: Option<f64>,
    /// The share of activations within 1 % of a bound, where the slope is all but gone: −1 and 1 of tanh, 0 and 1 of
    /// sigmoid, −1 of ELU; for softmax the share of images whose greatest probability is above 0.99.
    pub saturated: Option<f64>,
    /// The norm of the gradient of its kernel (of γ for batch normalization).
    pub kernel_gradient: Option<f64>,
    /// The norm of the gradient of its bias (of β for batch normalization).
    pub bias_gradient: Option<f64>,
    /// The norm of the kernel's change in one step of the optimizer over the norm of the kernel.
    pub update: Option<f64>,
}

impl Sequential {
    /// Looks at each layer with a batch: categorical cross-entropy, and one step of Adam with 0.001 on a copy. The network
    /// itself stays as it is.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let batch = Cifar10::sample().train.take(64);
    /// let model = Sequential::new([32, 32, 3])
    ///     .flatten()
    ///     .dense(32, Activation::Relu)
    ///     .dense(10, Activation::Softmax)
    ///     .build(Seed(0))?;
    /// let inspection = model.inspect(&batch)?;
    /// assert!(inspection.layers[1].dead.is_some_and(|share| share < 0.5));
    /// assert!(inspection.to_string().contains("dense_1 (Dense, softmax)"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] where the images do not fit the network, [`LabError::Value`] where it does not end in softmax,
    /// or for no images or more than 1,024.
    pub fn inspect(&self, batch: &Dataset) -> Result<Inspection> {
        self.inspect_with(batch, Loss::CategoricalCrossentropy, Adam::new(1e-3))
    }

    /// The same with another loss and another optimizer, which begins from rest.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let batch = Cifar10::sample().train.take(64);
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let inspection = model.inspect_with(&batch, Loss::CategoricalCrossentropy, Sgd::new(100.0))?;
    /// assert!(inspection.remarks()[0].contains("the learning rate is too large"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Sequential::inspect`], and [`LabError::Value`] for an optimizer with an option outside its range.
    pub fn inspect_with(
        &self,
        batch: &Dataset,
        loss: Loss,
        optimizer: impl Into<Optimizer>,
    ) -> Result<Inspection> {
        if batch.len() > MOST {
            let (found, expected) = (
                format!("{} images", thousands(batch.len())),
                "at most 1,024",
            );
            return Err(LabError::value(
                "batch",
                found,
                expected,
                "look at a part: .take(64)",
            ));
        }
        let (optimizer, threads) = (optimizer.into(), Threads::new(None)?);
        let gradients = self.gradients(batch, loss, Seed(0))?;
        let trace = self.trace(batch, &threads)?;
        let shape = [&[batch.len()], self.input_shape()].concat();
        let images = ArrayViewD::from_shape(IxDyn(&shape), &trace.input).map_err(|error| {
            LabError::shape(
                "batch",
                error.to_string(),
                format!("{shape:?}"),
                "report this",
            )
        })?;
        // The same seed as for the gradients, so that dropout forgets the same units.
        let mut stepped = self.clone();
        let mut trainer = Trainer::new(loss, optimizer).progress(Silent).seed(Seed(0));
        let (value, _) = trainer.train_on_batch(
            &mut stepped,
            &images,
            Targets::Classes(&batch.labels()),
            None,
        )?;
        let rows = self
            .summary()
            .rows
            .into_iter()
            .zip(self.architecture().layers())
            .enumerate();
        let layers = rows.map(|(number, (row, layer))| {
            let output = trace.output(number);
            let activation = if let Layer::Dense(dense) = layer {
                Some(dense.activation())
            } else {
                None
            };
            let units = output.len() / batch.len();
            let (mean, deviation) = mean_and_deviation(output);
            let of_layer = |name: &str| {
                name.strip_prefix(&row.name)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            let mut own = gradients.iter().filter(|(name, _)| of_layer(name));
            let kernel = own.next();
            let update = kernel
                .map(|(name, _)| relative_change(self, &stepped, name))
                .transpose()?;
            Ok(LayerInspection {
                kind: row.kind,
                output_shape: row.output_shape.clone(),
                activation,
                mean,
                deviation,
                quantiles: quantiles(output),
                dead: (activation == Some(Activation::Relu)).then(|| dead(output, units)),
                saturated: activation.and_then(|activation| saturated(activation, output, units)),
                kernel_gradient: kernel.map(|(_, gradient)| sum_of_squares(gradient).sqrt()),
                bias_gradient: own
                    .next()
                    .map(|(_, gradient)| sum_of_squares(gradient).sqrt()),
                update,
                name: row.name.clone(),
            })
        });
        let layers = layers.collect::<Result<_>>()?;
        let optimizer = format!(
            "{optimizer} ({})",
            short(optimizer.learning_rate().to_string().parse().unwrap_or(0.0))
        );
        Ok(Inspection {
            images: batch.len(),
            loss: value,
            optimizer,
            layers,
        })
    }
}

fn mean_and_deviation(values: &[f32]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|&a| f64::from(a)).sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|&a| (f64::from(a) - mean).powi(2))
        .sum::<f64>()
        / count;
    (mean, variance.sqrt())
}

fn quantiles(values: &[f32]) -> [f64; 5] {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let at =
        |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize);
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| at(share).map_or(f64::NAN, |&a| f64::from(a)))
}

fn dead(output: &[f32], units: usize) -> f64 {
    let silent =
        (0..units).filter(|unit| output.iter().skip(*unit).step_by(units).all(|a| *a == 0.0));
    silent.count() as f64 / units as f64
}

fn saturated(activation: Activation, output: &[f32], units: usize) -> Option<f64> {
    let share = |near: fn(&f32) -> bool| {
        Some(output.iter().filter(|a| near(a)).count() as f64 / output.len() as f64)
    };
    match activation {
        Activation::Tanh => share(|a| a.abs() >= 0.99),
        Activation::Sigmoid => share(|a| *a <= 0.01 || *a >= 0.99),
        Activation::Elu => share(|a| *a <= -0.99),
        // No two probabilities of one image are above 0.99.
        Activation::Softmax => share(|a| *a > 0.99).map(|share| share * units as f64),
        Activation::Linear | Activation::Relu | Activation::LeakyRelu | Activation::Gelu => None,
    }
}

/// ‖after − before‖ / ‖before‖ of one array.
fn relative_change(before: &Sequential, after: &Sequential, name: &str) -> Result<f64> {
    let (before, after) = (before.weight(name)?, after.weight(name)?);
    let norm = |values: &mut dyn Iterator<Item = f64>| {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let change = norm(
        &mut after
            .iter()
            .zip(&before)
            .map(|(after, before)| f64::from(*after) - f64::from(*before)),
    );
    Ok(change / norm(&mut before.iter().map(|w| f64::from(*w))))
}
