//! The exercises of notebook 7: right answers, blank ones, and the hints for wrong ones.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::ladder as check;
use lab_core::prelude::*;

#[test]
fn a_convolutions_multiplications_are_counted_at_every_place() {
    is_right(check::exercise_1(16_588_800.0));
    is_missing(check::exercise_1(f64::NAN));
    for (answer, hint) in [
        (73_728.0, "number of weights"),
        (33_177_600.0, "additions"),
        (1_843_200.0, "3 × 3 weights"),
        (259_200.0, "all 64"),
        (129_600.0, "one filter"),
        (12_460_032.0, "15 × 15"),
        (1.0, ""),
    ] {
        is_wrong(check::exercise_1(answer), hint, &["16588800", "16,588,800"]);
    }
}

#[test]
fn shared_weights_are_counted_once() {
    is_right(check::exercise_2(|side, channels, filters, size| {
        let numbers = side * side;
        (
            size.pow(2) * channels * filters,
            numbers * channels * numbers * filters,
        )
    }));
    is_missing(check::exercise_2(|_, _, _, _| (0, 0)));
    type Answer = fn(usize, usize, usize, usize) -> (usize, usize);
    let mistakes: [(Answer, &str); 5] = [
        (
            |n, c, f, k| (n.pow(4) * c * f, k * k * c * f),
            "other order",
        ),
        (
            |n, c, f, k| (n * n * k * k * c * f, n.pow(4) * c * f),
            "shared",
        ),
        (|n, c, f, k| (k * k * f, n.pow(4) * c * f), "each channel"),
        (|n, c, f, k| (k * k * c * f, n * n * c * f), "every place"),
        (
            |n, c, f, k| (k * k * c * f + f, n.pow(4) * c * f + n * n * f),
            "biases",
        ),
    ];
    for (answer, hint) in mistakes {
        is_wrong(check::exercise_2(answer), hint, &["2400"]);
    }
}

fn convolutional(filters: [usize; 2]) -> Result<Sequential> {
    let mut network = Sequential::new([32, 32, 3]);
    for filters in filters {
        network = network
            .layer(Conv2d::new(filters, 3, Activation::Linear).padding(Padding::Same))
            .max_pooling2d(2)
            .batch_norm()
            .activation(Activation::Relu);
    }
    network
        .global_average_pooling2d()
        .dense(10, Activation::Softmax)
        .build(Seed(0))
}

fn trained(mut network: Sequential, train: &Dataset, epochs: usize) -> Result<Sequential> {
    let moves = Augmentation::new().horizontal_flip(0.5).random_crop(2);
    Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.01))
        .epochs(epochs)
        .batch_size(32)
        .schedule(Schedule::OneCycle)
        .augmentation(moves)
        .progress(Silent)
        .fit(&mut network, train, None)?;
    Ok(network)
}

#[test]
fn a_small_convolution_sees_better_than_dense_layers() {
    let cifar = Cifar10::sample();
    let check = |answer| check::exercise_3(&cifar, answer);
    is_right(check(|train| trained(convolutional([24, 48])?, train, 15)));
    is_missing(check(|_| convolutional([8, 8])));
    let large: fn(&Dataset) -> Result<Sequential> =
        |train| trained(convolutional([64, 64])?, train, 1);
    is_wrong(check(large), "Too many weights", &[]);
    is_wrong(
        check(|train| trained(convolutional([4, 4])?, train, 1)),
        "not learnt enough",
        &[],
    );
    let dense: fn(&Dataset) -> Result<Sequential> = |train| {
        let plan = Sequential::new([32, 32, 3])
            .flatten()
            .dense(6, Activation::Relu);
        trained(
            plan.dense(10, Activation::Softmax).build(Seed(0))?,
            train,
            1,
        )
    };
    is_wrong(check(dense), "begin with convolutions", &[]);
}
