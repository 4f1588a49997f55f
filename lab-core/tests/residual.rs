//! Residual addition: which outputs are added, where the gradients go, and what does not fit.

mod common;

use common::{assert_says, bits, random, sample};
use lab_core::prelude::*;
use ndarray::{Array2, array};

/// A network of one number that has no weights, so that its output is a multiple of its input.
fn output_and_slope(plan: Architecture) -> (f32, f32) {
    let mut model = plan.build(Seed(0)).unwrap();
    let output = model.forward(&array![[1.0_f32]], Mode::Inference).unwrap();
    (output[[0, 0]], model.input_gradient(0).unwrap()[0])
}

#[test]
fn each_addition_takes_the_input_of_its_own_block_and_gives_it_the_gradient() {
    let plan = || Sequential::new([1]);
    let double = |it: Architecture| it.rescaling(2.0);
    assert_eq!(output_and_slope(plan().residual(double)), (3.0, 3.0));
    let nested = plan().residual(|it| it.rescaling(5.0).residual(double).residual(double));
    assert_eq!(output_and_slope(nested), (46.0, 46.0));
    // Blocks that overlap: (3 · 2 + 1) · 5 + 2, and two that begin at one place: ((2 + 1) · 3 + 1).
    let overlapping = plan().rescaling(2.0).rescaling(3.0).layer(Add { skip: 2 });
    let overlapping = overlapping.rescaling(5.0).layer(Add { skip: 3 });
    assert_eq!(output_and_slope(overlapping), (37.0, 37.0));
    let twice = plan()
        .residual(double)
        .rescaling(3.0)
        .layer(Add { skip: 3 });
    assert_eq!(output_and_slope(twice), (10.0, 10.0));
}

#[test]
fn layers_that_change_nothing_may_begin_end_or_be_a_block() {
    let plan = || Sequential::new([1]);
    for (block, expected) in [
        (plan().residual(|it| it.dropout(0.5)), 2.0),
        (plan().residual(|it| it.dropout(0.5).rescaling(4.0)), 5.0),
        (plan().residual(|it| it.rescaling(4.0).flatten()), 5.0),
        (
            plan()
                .flatten()
                .residual(|it| it.flatten().rescaling(4.0).flatten()),
            5.0,
        ),
    ] {
        assert_eq!(
            output_and_slope(block.clone()),
            (expected, expected),
            "{block:?}"
        );
    }
}

#[test]
fn dropout_in_a_block_leaves_the_way_past_it_whole() {
    let plan = Sequential::new([500]).residual(|it| it.dropout(0.5));
    let mut model = plan.build(Seed(0)).unwrap();
    let (x, mode) = (random(2, 500, 1), Mode::training(Seed(1), 0));
    let y = model.forward(&x, mode).unwrap();
    let gradients = Array2::ones((2, 500));
    assert!(model.backward(&gradients).unwrap().is_empty());
    // Twice the number where it was kept, and once more; alone where it was dropped.
    let kept = y.iter().zip(&x).filter(|(y, x)| **y == 3.0 * **x).count();
    let dropped = y.iter().zip(&x).filter(|(y, x)| *y == *x).count();
    assert!(
        kept + dropped == 1000 && (400..600).contains(&kept),
        "{kept} {dropped}"
    );
}

#[test]
fn a_second_backward_pass_gives_the_same_gradients() {
    let block = |it: Architecture| {
        it.layer_norm()
            .dense(8, Activation::Gelu)
            .dense(5, Activation::Linear)
    };
    // The first layer is not trained, so that no gradient arrives where the first block begins.
    let frozen = Conv2d {
        trainable: false,
        ..Conv2d::new(5, 2, Activation::Relu)
    };
    let plan = Sequential::new([2, 2, 3])
        .layer(frozen)
        .flatten()
        .residual(block)
        .residual(block);
    let mut model = plan.build(Seed(2)).unwrap();
    let x = random(3, 12, 4)
        .into_shape_with_order((3, 2, 2, 3))
        .unwrap();
    model.forward(&x, Mode::training(Seed(0), 0)).unwrap();
    let upstream = random(3, 5, 6);
    let first = model.backward(&upstream).unwrap();
    assert_eq!(first.len(), 12);
    model.input_gradient(1).unwrap();
    assert_eq!(model.backward(&upstream).unwrap(), first);
}

#[test]
fn a_residual_network_learns_alike_on_any_number_of_threads_and_survives_a_file() {
    let plan = Sequential::new([32, 32, 3])
        .layer(Conv2d {
            strides: 4,
            ..Conv2d::new(6, 4, Activation::Relu)
        })
        .residual(|it| {
            it.batch_norm()
                .layer(Conv2d::new(6, 3, Activation::Gelu).padding(Padding::Same))
        })
        .global_average_pooling2d()
        .residual(|it| it.dropout(0.2).dense(6, Activation::Tanh))
        .dense(10, Activation::Softmax);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(text.contains(r#"{"layer":"add","skip":2}"#), "{text}");
    assert_eq!(serde_json::from_str::<Architecture>(&text).unwrap(), plan);
    let train = sample().train.take(200);
    let train_with = |threads| {
        let mut model = plan.clone().build(Seed(1)).unwrap();
        let mut trainer = common::quiet(Adam::new(0.01)).epochs(8).threads(threads);
        let history = trainer.fit(&mut model, &train, None).unwrap();
        assert!(history.epochs[7].loss < 0.9 * history.epochs[0].loss);
        model
    };
    let model = train_with(1);
    assert_eq!(bits(&train_with(3)), bits(&model));
    let path = std::env::temp_dir().join(format!("residual-{}.safetensors", std::process::id()));
    model.save(&path).unwrap();
    let again = Sequential::load(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    assert_eq!(
        again.predict(&train).unwrap(),
        model.predict(&train).unwrap()
    );
    assert_eq!(again.summary(), model.summary());
    let summary = model.summary().to_string();
    assert!(
        summary.contains("add (Add)") && summary.contains("add_1 (Add)"),
        "{summary}"
    );
}

#[test]
fn blocks_that_do_not_fit_say_what_to_do() {
    let plan = || Sequential::new([4, 4, 3]);
    let wider = plan().residual(|it| it.conv2d(5, 1, Activation::Relu));
    let words = [
        "add:",
        "shape [4, 4, 5]",
        "expected [4, 4, 3]",
        "as many units or channels",
    ];
    assert_says(wider.build(Seed(0)), &words);
    let flat = plan().residual(|it| it.flatten());
    assert_says(flat.build(Seed(0)), &["add:", "[48]", "[4, 4, 3]"]);
    assert_says(
        plan().residual(|it| it).build(Seed(0)),
        &["add: skip", "found 0", "residual"],
    );
    let early = plan().flatten().layer(Add { skip: 2 });
    assert_says(early.build(Seed(0)), &["add: skip", "found 2", "1 to 1"]);
    let huge = plan().flatten().layer(Add { skip: usize::MAX });
    assert_says(huge.build(Seed(0)), &["add: skip"]);
}
