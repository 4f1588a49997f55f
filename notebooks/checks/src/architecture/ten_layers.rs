//! Exercise 4: ten layers that keep the gradient.

use lab_core::prelude::Initializer::GlorotUniform;
use lab_core::prelude::{
    Activation, Architecture, Cifar10, Dataset, Dense, Loss, Result, Seed, Sequential,
};

use crate::Verdict;
use crate::trial::hint;

fn ten_layers(hidden: Dense) -> Architecture {
    let start = Sequential::new([32, 32, 3]).flatten();
    (0..10)
        .fold(start, |network, _| network.layer(hidden))
        .dense(10, Activation::Softmax)
}

/// The size (RMS) of the gradient in the kernel of the second hidden layer, as a geometric mean over three seeds.
fn size(hidden: Dense, images: &Dataset) -> Result<f64> {
    let mut logarithms = 0.0f64;
    for seed in 0..3 {
        let model = ten_layers(hidden).build(Seed(seed))?;
        let gradients = model.gradients(images, Loss::CategoricalCrossentropy, Seed(0))?;
        let second = gradients
            .iter()
            .filter(|(name, _)| name.ends_with("kernel"))
            .nth(1);
        let numbers = second.map_or(&[][..], |(_, numbers)| numbers);
        let squares =
            numbers.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>() / numbers.len() as f64;
        logarithms += squares.sqrt().ln() / 3.0;
    }
    Ok(logarithms.exp())
}

/// A hidden layer of 128 units that may be put ten times one after another without fading or growing gradients.
pub fn exercise_4(answer: Option<Dense>) -> Verdict {
    let expected = "a dense layer of 128 units, not linear, with which a gradient has between 0.2 and 5 \
                    times the size that it has with linear layers and the usual weights";
    let Some(layer) = answer else {
        return Verdict::missing(4, "Some(Dense::new(128, …).initializer(…))");
    };
    // Whatever its initializer.
    let is = |activation: Activation| {
        layer.initializer(GlorotUniform) == Dense::new(128, activation).initializer(GlorotUniform)
    };
    let activations = [
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Elu,
        Activation::Gelu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softmax,
    ];
    if !activations.into_iter().any(is) {
        return Verdict::wrong(
            4,
            expected,
            format!("{layer:?}"),
            "Take 128 units, and no L2 penalty, so that nothing else differs from the drawing of the notebook.",
        );
    }
    if is(Activation::Linear) {
        return Verdict::wrong(
            4,
            expected,
            "linear layers",
            "Ten linear layers are one: nothing fades, and nothing is learnt that one layer could not learn.",
        );
    }
    let images = Cifar10::sample().train.take(256);
    let share = match (
        size(layer, &images),
        size(Dense::new(128, Activation::Linear), &images),
    ) {
        (Ok(found), Ok(linear)) => found / linear,
        (Err(error), _) | (_, Err(error)) => {
            return Verdict::wrong(4, expected, error, "Can a network be built of this layer?");
        }
    };
    if (0.2..=5.0).contains(&share) {
        return Verdict::right(
            4,
            format!(
                "{share:.2} of the linear network's gradient. The weights at the start are drawn to \
                 fit the activation: what it lets through less, they make larger, layer by layer. A \
                 fitting start is not a trained network, but without it there is none."
            ),
        );
    }
    let mistakes = [
        (
            is(Activation::Sigmoid),
            "The slope of sigmoid is at most 1/4, and its outputs all lie about 1/2: no weights \
             of the usual kinds make up for ten such factors.",
        ),
        (
            is(Activation::Softmax),
            "Softmax is for the last layer: its 128 outputs have to sum to 1, which leaves hardly anything for each.",
        ),
        (
            is(Activation::Gelu),
            "Near 0 GELU is about half of its input, which is less than any of these weights make up for.",
        ),
    ];
    let came = format!("{share:.1e} of the linear network's gradient");
    Verdict::wrong(
        4,
        expected,
        came,
        hint(
            &mistakes,
            "These weights are drawn for slopes of 1. What the activation holds back has to be made up for by larger \
             weights: look for another initializer.",
        ),
    )
}
