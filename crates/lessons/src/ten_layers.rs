//! The deep network of notebook 2: how large a signal is in each of ten layers, and a gradient on its way back.

use lab_core::model::{Activation, Dense, Initializer, Mode, Sequential};
use lab_core::{Result, Seed};
use ndarray::{Array2, ArrayView1};

/// Layers of the network.
pub const LAYERS: usize = 10;
/// Inputs of each layer, and units.
pub const UNITS: usize = 128;
/// Examples that go through it.
pub const EXAMPLES: usize = 16;

/// Initial weights: an initializer, and the number that replaces what it draws.
pub type Initial = (Initializer, Option<f32>);
/// All 0, all 1, Glorot's and He's.
pub const INITIAL: [Initial; 4] = [
    (Initializer::GlorotUniform, Some(0.0)),
    (Initializer::GlorotUniform, Some(1.0)),
    (Initializer::GlorotUniform, None),
    (Initializer::HeUniform, None),
];

/// The network: ten layers of one activation, whose initial weights are multiplied by `scale`.
///
/// # Errors
/// None that a caller can cause.
pub fn network(activation: Activation, of: &Initial, scale: f32, seed: Seed) -> Result<Sequential> {
    let layer = Dense::new(UNITS, activation).initializer(of.0);
    let plan = Sequential::new([UNITS]);
    let plan = (0..LAYERS).fold(plan, |plan, _| plan.layer(layer));
    let mut model = plan.build(seed)?;
    let names: Vec<String> = model.weight_names().map(str::to_owned).collect();
    for name in names.iter().filter(|name| name.ends_with("kernel")) {
        let kernel = model.weight(name)?;
        let kernel = kernel.mapv(|drawn| scale * of.1.unwrap_or(drawn));
        model.set_weight(name, kernel)?;
    }
    Ok(model)
}

/// The root mean square of the activations in each layer, and of the gradient of their pre-activations; then all
/// activations, layer after layer, and all those gradients.
///
/// # Errors
/// None that a caller can cause.
pub fn pass(activation: Activation, of: &Initial, scale: f32, seed: Seed) -> Result<Vec<f32>> {
    let (mut model, [inputs, gradients]) = (network(activation, of, scale, seed)?, ends(seed)?);
    let mut values = vec![Vec::new(); 2 * LAYERS];
    let row = |of: ArrayView1<f32>| Array2::from_shape_fn((1, UNITS), |(_, unit)| of[unit]);
    // One example at a time: the gradient of a bias is then that of the pre-activation.
    for (input, gradient) in inputs.rows().into_iter().zip(gradients.rows()) {
        model.forward(&row(input), Mode::Inference)?;
        let named = model.backward(&row(gradient))?;
        let biases = named.iter().filter(|(name, _)| name.ends_with("bias"));
        for (number, (_, bias)) in biases.enumerate() {
            values[number].extend_from_slice(model.layer_output(number)?);
            values[LAYERS + number].extend(bias);
        }
    }
    let sizes = values.iter().map(|values| root_mean_square(values));
    Ok(sizes.chain(values.iter().flatten().copied()).collect())
}

/// What enters the first layer for each example, and the gradient that enters the last one from behind: normal numbers with
/// mean 0 and standard deviation 1 (drawn as kernels, so none is beyond ± 2.3).
///
/// # Errors
/// None that a caller can cause.
pub fn ends(seed: Seed) -> Result<[Array2<f32>; 2]> {
    let layer = Dense::new(UNITS, Activation::Linear).initializer(Initializer::HeNormal);
    let plan = Sequential::new([2 * EXAMPLES]).layer(layer);
    let model = plan.build(Seed(seed.0 + 1_000_000))?;
    let deviation = (1.0 / EXAMPLES as f32).sqrt();
    let kernel = model.weight("dense.kernel")?;
    let number = |row, unit| kernel[[row, unit]] / deviation;
    let end =
        |first| Array2::from_shape_fn((EXAMPLES, UNITS), |(row, unit)| number(first + row, unit));
    Ok([end(0), end(EXAMPLES)])
}

fn root_mean_square(values: &[f32]) -> f32 {
    let squares = values.iter().map(|&value| f64::from(value).powi(2));
    (squares.sum::<f64>() / values.len() as f64).sqrt() as f32
}
