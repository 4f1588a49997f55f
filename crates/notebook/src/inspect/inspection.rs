//! What one batch does to each layer: activations, gradients, one step of the optimizer.

use lab_core::ndarray::{Array1, ArrayD};
use lab_core::text::thousands;

use crate::prelude::*;

/// More images than this tell no more, and their activations would fill the memory.
const MOST: usize = 1024;
/// Activations beyond it, of a bound of 1, are saturated.
const BOUND: f64 = 0.99;

/// What a batch does to each layer of a network: shown as a table; [`Inspection::figure`] draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The images of the batch.
    pub images: usize,
    /// Their mean loss, penalties included, as training sees it: dropout on.
    pub loss: f64,
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

pub(super) fn inspect(model: &Sequential, batch: &Dataset) -> Result<Inspection> {
    let (loss, optimizer) = (Loss::CategoricalCrossentropy, Adam::new(1e-3));
    let images = batch.len();
    if images > MOST {
        let (found, remedy) = (thousands(images) + " images", "look at a part: .take(64)");
        return Err(LabError::value("batch", found, "at most 1,024", remedy));
    }
    let gradients = model.gradients(batch, loss, Seed(0))?;
    let mut traced = model.clone();
    traced.forward(batch, Mode::Inference)?;
    let input = batch.batches(images)?.next().unwrap_or_default().images;
    // The same seed as for the gradients, so that dropout leaves out the same units.
    let mut trainer = Trainer::new(loss, optimizer).progress(Silent).seed(Seed(0));
    let (mut stepped, labels) = (model.clone(), batch.labels());
    let (loss, _) = trainer.train_on_batch(&mut stepped, &input, &labels)?;
    let (rows, plan) = (model.summary().rows, &model.architecture().layers);
    let mut layers = Vec::new();
    for (number, (row, layer)) in rows.into_iter().zip(plan).enumerate() {
        let output = traced.layer_output(number)?.iter();
        let output: Array1<f64> = output.copied().map(f64::from).collect();
        let activation = match layer {
            LayerKind::Dense(dense) => Some(dense.activation),
            _ => None,
        };
        let relu = activation == Some(Activation::Relu);
        let own = format!("{}.", row.name);
        let mut own = gradients.iter().filter(|(name, _)| name.starts_with(&own));
        let (kernel, bias) = (own.next(), own.next());
        let change = kernel.map(|(name, _)| relative_change(model, &stepped, name));
        layers.push(LayerInspection {
            name: row.name,
            kind: row.kind,
            activation,
            mean: output.mean().unwrap_or(f64::NAN),
            deviation: output.std(0.0),
            quantiles: quantiles(output.to_vec()),
            dead: relu.then(|| dead(&output, output.len() / images)),
            saturated: activation.and_then(|activation| saturated(activation, &output, images)),
            kernel_gradient: kernel.map(|(_, gradient)| norm(gradient)),
            bias_gradient: bias.map(|(_, gradient)| norm(gradient)),
            update: change.transpose()?,
        });
    }
    Ok(Inspection {
        images,
        loss,
        layers,
    })
}

fn norm(array: &ArrayD<f32>) -> f64 {
    let squares = array.iter().map(|value| f64::from(*value).powi(2));
    squares.sum::<f64>().sqrt()
}

fn quantiles(mut values: Vec<f64>) -> [f64; 5] {
    values.sort_unstable_by(f64::total_cmp);
    let last = (values.len() - 1) as f64;
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| values[(share * last).round() as usize])
}

/// The share of units that are 0 for every image.
fn dead(output: &Array1<f64>, units: usize) -> f64 {
    let of = |unit: &usize| output.iter().skip(*unit).step_by(units);
    let silent = (0..units).filter(|unit| of(unit).all(|a| *a == 0.0));
    silent.count() as f64 / units as f64
}

fn saturated(activation: Activation, output: &Array1<f64>, images: usize) -> Option<f64> {
    let (near, of): (fn(&f64) -> bool, usize) = match activation {
        Activation::Tanh => (|a| a.abs() >= BOUND, output.len()),
        Activation::Sigmoid => (|a| (2.0 * a - 1.0).abs() >= 2.0 * BOUND - 1.0, output.len()),
        Activation::Elu => (|a| *a <= -BOUND, output.len()),
        // No two probabilities of one image are above 0.99.
        Activation::Softmax => (|a| *a > BOUND, images),
        _ => return None,
    };
    Some(output.iter().filter(|a| near(a)).count() as f64 / of as f64)
}

/// ‖after − before‖ / ‖before‖ of one array.
fn relative_change(before: &Sequential, after: &Sequential, name: &str) -> Result<f64> {
    let (before, after) = (before.weight(name)?.to_owned(), after.weight(name)?);
    Ok(norm(&(&after - &before)) / norm(&before))
}
