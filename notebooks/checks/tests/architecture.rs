//! Right, blank and usual wrong answers to the exercises of notebook 2.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::architecture::{exercise_1, exercise_2, exercise_3, exercise_4};
use lab_core::ndarray::Axis;
use lab_core::prelude::{Activation, Dense, Initializer, Sequential};
use lab_textbook::Matrix;

#[test]
fn the_number_of_parameters() {
    let plan = Sequential::new([32, 32, 3]).flatten();
    let plan = [256, 256, 64]
        .into_iter()
        .fold(plan, |plan, units| plan.dense(units, Activation::Relu));
    is_right(exercise_1(
        plan.dense(10, Activation::Softmax)
            .parameter_count()
            .unwrap(),
    ));
    is_missing(exercise_1(0));
    for (answer, hint) in [
        (868_992, "bias, too"),
        (
            3072 * 257 + 256 * 257 + 256 * 65 + 64 * 11,
            "not each of its inputs",
        ),
        (868_928, "ten softmax units"),
        (82_890, "every pixel"),
        (786_688, "first layer alone"),
        (1025 * 256 + 82_890, "three colours"),
        (33 * 256 + 82_890, "whole image"),
        (1, "pairs of widths"),
    ] {
        is_wrong(exercise_1(answer), hint, &["869578", "869,578"]);
    }
}

type Slope = fn(f64) -> f64;

#[test]
fn the_slope_of_elu() {
    is_right(exercise_2(|z| if z > 0.0 { 1.0 } else { z.exp() }));
    is_right(exercise_2(|z| z.min(0.0).exp()));
    is_missing(exercise_2(|_| f64::NAN));
    let wrong: [(Slope, &str); 9] = [
        (
            |z| if z > 0.0 { z } else { z.exp_m1() },
            "compute its slope",
        ),
        (f64::exp, "straight line, not an exponential"),
        (
            |z| if z > 0.0 { 1.0 } else { z.exp_m1() },
            "the 1 that is subtracted",
        ),
        (|z| if z > 0.0 { 1.0 } else { -z.exp() }, "positive"),
        (|z| if z > 0.0 { 1.0 } else { (-z).exp() }, "exponent"),
        (|_| 1.0, "branch is missing"),
        (|z| if z > 0.0 { 1.0 } else { 0.0 }, "slope of ReLU"),
        (|z| if z > 0.0 { 1.0 } else { 0.2 }, "leaky ReLU"),
        (|_| panic!("not yet"), "must not panic"),
    ];
    for (answer, hint) in wrong {
        is_wrong(
            exercise_2(answer),
            hint,
            &["0.36", "0.37", "z.exp()", "slope is e"],
        );
    }
}

type Backward = fn(&Matrix, &Matrix, &Matrix) -> (Matrix, Matrix, Matrix);

fn sum(g: &Matrix) -> Matrix {
    g.sum_axis(Axis(0)).insert_axis(Axis(0))
}

#[test]
fn the_way_back_through_a_dense_layer() {
    is_right(exercise_3(|x, kernel, g| {
        (x.t().dot(g), sum(g), g.dot(&kernel.t()))
    }));
    is_missing(exercise_3(|_, _, _| {
        (
            Matrix::zeros((0, 0)),
            Matrix::zeros((0, 0)),
            Matrix::zeros((0, 0)),
        )
    }));
    let wrong: [(Backward, &str); 8] = [
        (
            |x, kernel, g| (g.t().dot(x), sum(g), g.dot(&kernel.t())),
            "transposed",
        ),
        (
            |x, kernel, g| (x.t().dot(g) / x.nrows() as f64, sum(g), g.dot(&kernel.t())),
            "in it already",
        ),
        (
            |x, kernel, g| (x.t().dot(g), sum(g) / x.nrows() as f64, g.dot(&kernel.t())),
            "in it already",
        ),
        (
            |x, kernel, g| (x.t().dot(g), sum(&g.t().to_owned()), g.dot(&kernel.t())),
            "down each column",
        ),
        (
            |x, kernel, g| (x.t().dot(g), g.clone(), g.dot(&kernel.t())),
            "row for each sample",
        ),
        (
            |x, kernel, g| (-x.t().dot(g), sum(g), g.dot(&kernel.t())),
            "uphill",
        ),
        (
            |x, kernel, g| (x.t().dot(g), sum(g), g.dot(kernel)),
            "must be transposed",
        ),
        (
            |x, _, g| (x.t().dot(g), sum(g), Matrix::zeros((0, 0))),
            "still empty",
        ),
    ];
    for (answer, hint) in wrong {
        is_wrong(
            exercise_3(answer),
            hint,
            &["x.t().dot(g)", "g.dot(", "sum_axis"],
        );
    }
}

#[test]
fn ten_layers_that_keep_the_gradient() {
    let layer =
        |activation, initializer| Some(Dense::new(128, activation).initializer(initializer));
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Elu,
        Activation::Tanh,
    ] {
        for initializer in [Initializer::HeNormal, Initializer::HeUniform] {
            is_right(exercise_4(layer(activation, initializer)));
        }
    }
    is_missing(exercise_4(None));
    for (answer, hint) in [
        (
            layer(Activation::Relu, Initializer::GlorotUniform),
            "slopes of 1",
        ),
        (Some(Dense::new(128, Activation::Elu)), "slopes of 1"),
        (
            layer(Activation::Tanh, Initializer::GlorotNormal),
            "slopes of 1",
        ),
        (
            layer(Activation::Sigmoid, Initializer::HeNormal),
            "at most 1/4",
        ),
        (
            layer(Activation::Gelu, Initializer::HeUniform),
            "half of its input",
        ),
        (
            layer(Activation::Linear, Initializer::GlorotUniform),
            "Ten linear layers are equivalent to one",
        ),
        (
            layer(Activation::Softmax, Initializer::HeUniform),
            "last layer",
        ),
        (
            Some(Dense::new(256, Activation::Relu).initializer(Initializer::HeNormal)),
            "128 units",
        ),
    ] {
        is_wrong(exercise_4(answer), hint, &["HeNormal", "HeUniform", "He "]);
    }
}
