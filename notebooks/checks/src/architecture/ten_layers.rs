//! Exercise 4: ten layers that keep the gradient.

use lab_core::prelude::Initializer::GlorotUniform;
use lab_core::prelude::{
    Activation, Architecture, Cifar10, Dataset, Dense, Loss, Result, Seed, Sequential,
};

use crate::Feedback;
use crate::sandbox::hint;

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
        let mut kernels = gradients
            .iter()
            .filter(|(name, _)| name.ends_with("kernel"));
        let second = kernels.nth(1).map(|(_, gradient)| gradient.mapv(f64::from));
        let squares = second.map_or(f64::NAN, |gradient| {
            gradient.pow2().mean().unwrap_or(f64::NAN)
        });
        logarithms += squares.sqrt().ln() / 3.0;
    }
    Ok(logarithms.exp())
}

/// A hidden layer of 128 units that can be stacked ten deep without vanishing or exploding gradients.
pub fn exercise_4(answer: Option<Dense>) -> Feedback {
    let expected = "a nonlinear dense layer of 128 units with which the gradient is 0.2 to 5 \
                    times as large as with linear layers and the default initializer";
    let Some(layer) = answer else {
        return Feedback::missing(4, "Some(Dense::new(128, …).initializer(…))");
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
        return Feedback::wrong(
            4,
            expected,
            format!("{layer:?}"),
            "Use 128 units and no L2 penalty, so that nothing else differs from the notebook's \
             figure.",
        );
    }
    if is(Activation::Linear) {
        return Feedback::wrong(
            4,
            expected,
            "linear layers",
            "Ten linear layers are equivalent to one: the gradient does not vanish, but they \
             learn nothing that one layer could not learn.",
        );
    }
    let images = Cifar10::sample().train.take(256);
    let share = match (
        size(layer, &images),
        size(Dense::new(128, Activation::Linear), &images),
    ) {
        (Ok(found), Ok(linear)) => found / linear,
        (Err(error), _) | (_, Err(error)) => {
            return Feedback::wrong(
                4,
                expected,
                error,
                "Can a network be built with this layer?",
            );
        }
    };
    if (0.2..=5.0).contains(&share) {
        return Feedback::right(
            4,
            format!(
                "{share:.2} times the linear network's gradient. The initial weights are scaled \
                 to fit the activation, so that in each layer they make up for what it \
                 attenuates. A good start is not a trained network, but without it ten layers do \
                 not train."
            ),
        );
    }
    let mistakes = [
        (
            is(Activation::Sigmoid),
            "The slope of sigmoid is at most 1/4, and its outputs all lie around 1/2: no common \
             initializer makes up for ten such factors.",
        ),
        (
            is(Activation::Softmax),
            "Softmax is for the last layer: its 128 outputs sum to 1, so each of them is tiny.",
        ),
        (
            is(Activation::Gelu),
            "Near 0, GELU is about half of its input, and none of these initializers makes up for \
             that.",
        ),
    ];
    let found = format!("{share:.1e} times the linear network's gradient");
    Feedback::wrong(
        4,
        expected,
        found,
        hint(
            &mistakes,
            "These weights are scaled for slopes of 1. Larger weights must make up for what the \
             activation attenuates: try another initializer.",
        ),
    )
}
