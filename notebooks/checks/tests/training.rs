//! The exercises in which the reader trains: the right answers are those of the solutions.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::{architecture, evaluation, improvement, loss_comparison, optimizer};
use lab_checks::{preprocessing, report};
use lab_core::ndarray::Array4;
use lab_core::prelude::*;

fn trainer(rate: f32, epochs: usize) -> Trainer {
    Trainer::new(Loss::CategoricalCrossentropy, Adam::new(rate))
        .epochs(epochs)
        .batch_size(64)
        .schedule(Schedule::OneCycle)
        .progress(Silent)
}

fn hidden(units: usize, seed: u64) -> Result<Sequential> {
    Sequential::new([32, 32, 3])
        .flatten()
        .dense(units, Activation::Relu)
        .dense(10, Activation::Softmax)
        .build(Seed(seed))
}

fn untrained(_: &Dataset) -> Result<Sequential> {
    hidden(10, 0)
}

/// Trained on records whose bytes are looked for in these places, and whose labels are those of the record `label`.
fn from_records(
    records: &[u8],
    names: &[String],
    place: fn(usize, usize, usize) -> usize,
    label: fn(usize) -> usize,
) -> Result<Sequential> {
    let count = records.len() / 3073;
    let labels = (0..count).map(|i| records[3073 * (label(i) % count)]);
    let byte = |(i, r, c, k)| records[3073 * i + place(r, c, k)];
    let images = Array4::from_shape_fn((count, 32, 32, 3), byte);
    let train = Dataset::new(images, labels.collect(), names.to_vec())?;
    let mut network = hidden(128, 0)?;
    trainer(1e-3, 20).fit(&mut network, &train, None)?;
    Ok(network)
}

fn plane(r: usize, c: usize, k: usize) -> usize {
    1 + 1024 * k + 32 * r + c
}

#[test]
fn records_are_decoded_before_training() {
    let cifar = Cifar10::sample();
    let check = |answer| preprocessing::exercise_5(&cifar, answer);
    is_right(check(|records, names| {
        from_records(records, names, plane, |i| i)
    }));
    is_missing(check(|_, _| hidden(10, 0)));
    is_wrong(
        check(|records, names| {
            from_records(records, names, |r, c, k| 1 + 3 * (32 * r + c) + k, |i| i)
        }),
        "one colour plane after another",
        &[],
    );
    is_wrong(
        check(|records, names| from_records(records, names, |r, c, k| plane(c, r, k), |i| i)),
        "rows and columns are swapped",
        &[],
    );
    is_wrong(
        check(|records, names| from_records(records, names, |r, c, k| plane(31 - r, c, k), |i| i)),
        "upside down",
        &[],
    );
    is_wrong(
        check(|records, names| from_records(records, names, plane, |i| i + 1)),
        "label of its own record",
        &[],
    );
    is_wrong(
        check(|records, names| from_records(&records[1..], names, plane, |i| i)),
        "what to do about it",
        &[],
    );
    is_wrong(
        check(|records, names| from_records(records, names, |_, _, k| 4000 * k, |i| i + 799)),
        "panicked",
        &[],
    );
}

fn deep(
    layers: usize,
    layer: Dense,
    rate: f32,
    epochs: usize,
    train: &Dataset,
) -> Result<Sequential> {
    let start = Sequential::new([32, 32, 3]).flatten();
    let network = (0..layers).fold(start, |network, _| network.layer(layer));
    let mut network = network.dense(10, Activation::Softmax).build(Seed(0))?;
    trainer(rate, epochs).fit(&mut network, train, None)?;
    Ok(network)
}

fn he(activation: Activation) -> Dense {
    Dense::new(128, activation).initializer(Initializer::HeNormal)
}

#[test]
fn ten_layers_are_trained() {
    let check = architecture::exercise_5;
    is_right(check(|train| {
        deep(10, he(Activation::Relu), 1e-3, 60, train)
    }));
    is_missing(check(untrained));
    is_wrong(
        check(|train| deep(9, he(Activation::Relu), 1e-3, 1, train)),
        "ten or more",
        &[],
    );
    is_wrong(
        check(|train| deep(10, Dense::new(128, Activation::Sigmoid), 1e-3, 10, train)),
        "no gradient reaches",
        &[],
    );
    is_wrong(
        check(|train| deep(10, he(Activation::Relu), 1e-3, 5, train)),
        "has not finished",
        &[],
    );
    is_wrong(
        check(|train| deep(10, he(Activation::Relu), 1e30, 5, train)),
        "far too large",
        &[],
    );
}

fn smoothed(smoothing: f32, rate: f32, epochs: usize, train: &Dataset) -> Result<Sequential> {
    let mut network = hidden(128, 0)?;
    let trainer = trainer(rate, epochs).batch_size(32);
    trainer
        .label_smoothing(smoothing)
        .fit(&mut network, train, None)?;
    Ok(network)
}

#[test]
fn the_smoothed_loss_is_brought_down_to_its_floor() {
    let check = loss_comparison::exercise_5;
    is_right(check(|train| smoothed(0.1, 1e-3, 150, train)));
    is_missing(check(untrained));
    is_wrong(
        check(|train| smoothed(0.0, 3e-3, 300, train)),
        "label_smoothing(0.1)",
        &[],
    );
    is_wrong(
        check(|train| smoothed(0.1, 1e-3, 20, train)),
        "does not fit",
        &[],
    );
    is_wrong(check(|train| smoothed(0.1, 1.0, 5, train)), "guessing", &[]);
}

#[test]
fn a_hundred_steps_are_used() {
    let check = optimizer::exercise_5;
    is_right(check(|| Some(trainer(3e-3, 1))));
    is_missing(check(|| None));
    type Answer = fn() -> Option<Trainer>;
    let mistakes: [(Answer, &str); 5] = [
        (
            || Some(trainer(1e-3, 10).schedule(Schedule::Constant)),
            "try a schedule",
        ),
        (|| Some(trainer(3e-4, 10)), "vary its peak"),
        (|| Some(trainer(1e-6, 10)), "hardly moved"),
        (
            || {
                let sgd = Sgd::new(3.0);
                Some(Trainer::new(Loss::CategoricalCrossentropy, sgd))
            },
            "jumped",
        ),
        (|| Some(trainer(f32::NAN, 10)), "what to do about it"),
    ];
    for (answer, hint) in mistakes {
        is_wrong(check(answer), hint, &[]);
    }
}

fn weighted(weights: [f32; 10], epochs: usize, train: &Dataset) -> Result<Sequential> {
    let mut network = hidden(128, 0)?;
    trainer(1e-3, epochs)
        .class_weights(weights)
        .fit(&mut network, train, None)?;
    Ok(network)
}

fn counting(class: usize, weight: f32) -> [f32; 10] {
    let mut weights = [1.0; 10];
    weights[class] = weight;
    weights
}

#[test]
fn cats_are_found() {
    let cifar = Cifar10::sample();
    let check = |answer| evaluation::exercise_5(&cifar, answer);
    is_right(check(|train| weighted(counting(3, 4.0), 20, train)));
    is_missing(check(untrained));
    is_wrong(
        check(|train| weighted([1.0; 10], 10, train)),
        "class_weights",
        &[],
    );
    is_wrong(
        check(|train| weighted(counting(3, 40.0), 10, train)),
        "not so much more",
        &[],
    );
    is_wrong(
        check(|train| weighted(counting(4, 5.0), 10, train)),
        "counted from 0",
        &[],
    );
    is_wrong(
        check(|train| {
            let normalization = Normalization::standardize(train)?;
            weighted(
                [1.0; 10],
                20,
                &train.clone().with_normalization(normalization)?,
            )
        }),
        "standardized",
        &[],
    );
}

fn on_few(
    rate: f32,
    epochs: usize,
    augmentation: Augmentation,
    train: &Dataset,
) -> Result<Sequential> {
    let mut network = hidden(256, 0)?;
    trainer(rate, epochs)
        .augmentation(augmentation)
        .fit(&mut network, train, None)?;
    Ok(network)
}

#[test]
fn eight_hundred_images_are_not_learnt_by_heart() {
    let cifar = Cifar10::sample();
    let check = |answer| improvement::exercise_3(&cifar, answer);
    is_right(check(|train| {
        let moved = Augmentation::new().horizontal_flip(0.5).shift(0.1);
        on_few(1e-3, 30, moved, train)
    }));
    is_missing(check(untrained));
    is_wrong(
        check(|train| on_few(1e-3, 60, Augmentation::new(), train)),
        "overfits",
        &[],
    );
    is_wrong(
        check(|train| on_few(1e-4, 2, Augmentation::new(), train)),
        "underfits",
        &[],
    );
}

fn pairs(
    seeds: std::ops::Range<u64>,
    epochs: [usize; 2],
    train: &Dataset,
) -> Result<Vec<(Sequential, Sequential)>> {
    let one = |seed: u64, epochs: usize| {
        let mut network = hidden(64, seed)?;
        trainer(1e-3, epochs)
            .seed(Seed(seed))
            .fit(&mut network, train, None)?;
        Ok::<_, LabError>(network)
    };
    seeds
        .map(|seed| Ok((one(seed, epochs[0])?, one(seed, epochs[1])?)))
        .collect()
}

#[test]
fn a_difference_is_shown_with_its_interval() {
    let cifar = Cifar10::sample();
    let check = |answer| report::exercise_5(&cifar, answer);
    is_right(check(|train| pairs(0..5, [15, 1], train)));
    is_missing(check(|_| Ok(Vec::new())));
    is_wrong(
        check(|train| pairs(0..2, [15, 1], train)),
        "one or two",
        &[],
    );
    is_wrong(
        check(|train| pairs(0..3, [2, 2], train)),
        "two ways to train",
        &[],
    );
    is_wrong(check(|train| pairs(0..5, [1, 15], train)), "order", &[]);
    is_wrong(
        check(|train| pairs(0..3, [15, 14], train)),
        "contains 0",
        &[],
    );
}
