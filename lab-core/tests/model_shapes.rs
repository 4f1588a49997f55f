//! Networks as they are built, summarized and used.

mod common;

use common::{assert_says, message, random, sample, small_network};
use lab_core::metrics::predicted_classes;
use lab_core::prelude::*;
use ndarray::{Array1, Array2, Array4, ArrayD, Axis, arr1, arr2, s};

/// The original lab's first network.
fn first() -> Architecture {
    let plan = Sequential::new([32, 32, 3]).flatten();
    plan.dense(128, Activation::Relu)
        .dense(64, Activation::Relu)
        .dense(10, Activation::Softmax)
}

/// The original lab's final network.
fn last() -> Architecture {
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .dense(512, Activation::Elu)
        .dropout(0.5);
    plan.dense(256, Activation::Tanh)
        .dropout(0.5)
        .dense(128, Activation::Elu)
        .dense(10, Activation::Softmax)
}

#[test]
fn the_labs_networks_have_the_labs_numbers_of_parameters() {
    for (plan, count) in [(first(), 402_250), (last(), 1_738_890)] {
        assert_eq!(plan.parameter_count().unwrap(), count);
        let model = plan.build(Seed(0)).unwrap();
        assert_eq!(model.parameter_count(), count);
        let summary = model.summary();
        assert_eq!((summary.trainable, summary.non_trainable), (count, 0));
        assert_eq!(
            summary.rows.iter().map(|row| row.parameters).sum::<usize>(),
            count
        );
        let held: usize = model
            .weight_names()
            .map(|name| model.weight(name).unwrap().len())
            .sum();
        assert_eq!(held, count);
    }
}

/// Printed by Keras 3.15 for `first`, in a terminal.
const KERAS_FIRST: &str = "\
Model: \"sequential\"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 3072)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 128)            │       393,344 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 64)             │         8,256 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_2 (Dense)                 │ (None, 10)             │           650 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 402,250 (1.53 MB)
 Trainable params: 402,250 (1.53 MB)
 Non-trainable params: 0 (0.00 B)";

/// The same for `last`.
const KERAS_LAST: &str = "\
Model: \"sequential\"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 3072)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 512)            │     1,573,376 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 512)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 256)            │       131,328 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout_1 (Dropout)             │ (None, 256)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_2 (Dense)                 │ (None, 128)            │        32,896 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_3 (Dense)                 │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 1,738,890 (6.63 MB)
 Trainable params: 1,738,890 (6.63 MB)
 Non-trainable params: 0 (0.00 B)";

#[test]
fn the_summary_says_what_keras_prints() {
    // The words of each line, without the frame.
    let words = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("Model:") && !line.starts_with(['┏', '┡', '├', '└']));
        let words = |line: &str| {
            line.replace(['┃', '│'], "")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        lines.map(words).collect()
    };
    for (plan, keras) in [(first(), KERAS_FIRST), (last(), KERAS_LAST)] {
        let found = plan.build(Seed(0)).unwrap().summary().to_string();
        assert_eq!(words(&found), words(keras));
    }
}

#[test]
fn the_summary_of_a_normalized_network_counts_its_averages_as_not_trainable() {
    // Keras 3.15 for the same layers: 33,907 parameters (132.45 KB), 27,749 of them trainable (108.39 KB).
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .batch_norm()
        .dense(7, Activation::Linear)
        .batch_norm();
    let summary = plan
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap()
        .summary();
    assert_eq!(
        summary.totals(),
        [
            "Total params: 33,907 (132.45 KB)",
            "Trainable params: 27,749 (108.39 KB)",
            "Non-trainable params: 6,158 (24.05 KB)"
        ]
    );
    let rows: Vec<_> = summary
        .rows
        .iter()
        .map(|row| (row.name.as_str(), row.kind, row.parameters))
        .collect();
    assert_eq!(
        rows,
        [
            ("flatten", "Flatten", 0),
            ("batch_normalization", "BatchNormalization", 12_288),
            ("dense", "Dense", 21_511),
            ("batch_normalization_1", "BatchNormalization", 28),
            ("dense_1", "Dense", 80)
        ]
    );
    let text = summary.to_string();
    let widths: Vec<usize> = text
        .lines()
        .take(6)
        .map(|line| line.chars().count())
        .collect();
    assert!(
        widths.iter().all(|&width| width == widths[0]),
        "a long name keeps the table straight\n{text}"
    );
}

#[test]
fn arrays_are_named_after_their_layer_counted_within_the_network() {
    let plan = Sequential::new([4])
        .dense(3, Activation::Relu)
        .batch_norm()
        .dropout(0.1)
        .dense(3, Activation::Relu);
    let plan = plan.dropout(0.1).batch_norm().dense(2, Activation::Softmax);
    for _ in 0..2 {
        let model = plan.clone().build(Seed(0)).unwrap();
        let names: Vec<&str> = model.weight_names().collect();
        let wanted = "dense.kernel dense.bias batch_normalization.gamma batch_normalization.beta \
             batch_normalization.moving_mean batch_normalization.moving_variance dense_1.kernel dense_1.bias \
             batch_normalization_1.gamma batch_normalization_1.beta batch_normalization_1.moving_mean \
             batch_normalization_1.moving_variance dense_2.kernel dense_2.bias";
        assert_eq!(names, wanted.split_whitespace().collect::<Vec<_>>());
        let rows: Vec<_> = model
            .summary()
            .rows
            .into_iter()
            .map(|row| row.name)
            .collect();
        assert_eq!(
            (rows[2].as_str(), rows[4].as_str()),
            ("dropout", "dropout_1")
        );
    }
}

#[test]
fn layers_start_as_keras_starts_them() {
    let plan = Sequential::new([40])
        .dense(60, Activation::Relu)
        .batch_norm()
        .dense(5, Activation::Softmax);
    let model = plan.build(Seed(0)).unwrap();
    let all = |name: &str, value: f32| model.weight(name).unwrap().iter().all(|&w| w == value);
    assert!(all("dense.bias", 0.0) && all("batch_normalization.beta", 0.0));
    assert!(
        all("batch_normalization.gamma", 1.0) && all("batch_normalization.moving_variance", 1.0)
    );
    assert!(all("batch_normalization.moving_mean", 0.0));
    // Glorot uniform: within √(6 / (40 + 60)), and near to it somewhere among 2,400.
    let limit = 0.06_f32.sqrt();
    let largest = model
        .weight("dense.kernel")
        .unwrap()
        .iter()
        .fold(0.0_f32, |most, w| w.abs().max(most));
    assert!(largest <= limit && largest > 0.98 * limit, "{largest}");
    assert_eq!(model.weight("dense.kernel").unwrap().shape(), [40, 60]);
}

#[test]
fn a_weight_that_is_set_is_the_one_that_is_used() {
    let mut model = Sequential::new([2])
        .dense(3, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    let kernel = arr2(&[[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]);
    model
        .set_weight("dense.kernel", kernel.clone().into_dyn())
        .unwrap();
    model
        .set_weight("dense.bias", arr1(&[0.5, 0.0, -0.5]).into_dyn())
        .unwrap();
    assert_eq!(
        model.weight("dense.kernel").unwrap(),
        kernel.view().into_dyn()
    );
    let x = arr2(&[[1.0, 1.0], [2.0, 0.0]]);
    let wanted = arr2(&[[11.5, 22.0, 32.5], [2.5, 4.0, 5.5]]);
    assert_eq!(model.predict(&x).unwrap(), wanted);
    // In another memory order it is the same array.
    let turned = kernel.t().as_standard_layout().into_owned().reversed_axes();
    assert!(!turned.is_standard_layout());
    model.set_weight("dense.kernel", turned.into_dyn()).unwrap();
    assert_eq!(model.predict(&x).unwrap(), wanted);

    assert_says(
        model.set_weight("dense.kernel", ArrayD::zeros(vec![3, 2])),
        &["dense.kernel", "found shape [3, 2]", "expected [2, 3]"],
    );
    assert_says(
        model.set_weight("dense_1.kernel", ArrayD::zeros(vec![2, 3])),
        &["`dense_1.kernel`", "dense.kernel, dense.bias"],
    );
    assert_says(
        model.weight("kernel"),
        &["`kernel`", "one of dense.kernel, dense.bias"],
    );
    assert_eq!(
        model.predict(&x).unwrap(),
        wanted,
        "what was refused has changed nothing"
    );
}

#[test]
fn predictions_are_probabilities_and_those_of_an_evaluation() {
    let model = small_network();
    let test = &sample().test;
    let outputs = model.predict(test).unwrap();
    assert_eq!(outputs.dim(), (500, 10));
    for row in outputs.outer_iter() {
        assert!(
            row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.sum() - 1.0).abs() < 1e-5,
            "{row}"
        );
    }
    assert_ne!(outputs.row(0), outputs.row(1));
    let evaluation = model.evaluate(test).unwrap();
    assert_eq!(evaluation.outputs, outputs);
    assert_eq!(evaluation.truth, test.labels());
    let classes = predicted_classes(model.predict(test).unwrap().view()).unwrap();
    assert_eq!(evaluation.predicted, classes);
    for (row, class) in outputs.outer_iter().zip(classes) {
        assert!(row.iter().all(|&p| p <= row[usize::from(class)]));
    }
    assert_eq!(evaluation.top_k_accuracy(1).unwrap(), evaluation.accuracy);
    assert_eq!(evaluation.top_k_accuracy(10).unwrap(), 1.0);
    assert_eq!(evaluation.report().accuracy, evaluation.accuracy);
}

#[test]
fn arrays_give_the_same_as_the_data_set_whatever_their_memory_order() {
    let model = small_network();
    // More than go through the network at a time.
    let data = sample().train.take(700);
    let wanted = model.predict(&data).unwrap();
    let images: Array4<f32> = data.images().mapv(|byte| f32::from(byte) / 255.0);
    assert_eq!(model.predict(&images).unwrap(), wanted);
    assert_eq!(model.predict(&images.view()).unwrap(), wanted);
    assert_eq!(model.predict(&images.clone().into_dyn()).unwrap(), wanted);
    assert_eq!(
        model.predict(&images.clone().into_shared()).unwrap(),
        wanted
    );

    let channels_first = images
        .view()
        .permuted_axes([0, 3, 1, 2])
        .as_standard_layout()
        .into_owned();
    let back = channels_first.permuted_axes([0, 2, 3, 1]);
    assert!(!back.is_standard_layout() && back == images);
    assert_eq!(model.predict(&back).unwrap(), wanted);

    let every_third = images.slice(s![..;3, .., .., ..]);
    assert_eq!(
        model.predict(&every_third).unwrap(),
        wanted.slice(s![..;3, ..])
    );
    let backwards = images.slice(s![..;-1, .., .., ..]);
    assert_eq!(
        model.predict(&backwards).unwrap(),
        wanted.slice(s![..;-1, ..])
    );
    let mut wide = Array4::from_elem((700, 34, 34, 3), f32::NAN);
    wide.slice_mut(s![.., 1..33, 1..33, ..]).assign(&images);
    assert_eq!(
        model
            .predict(&wide.slice(s![.., 1..33, 1..33, ..]))
            .unwrap(),
        wanted
    );
    let rows = Sequential::new([3072])
        .dense(12, Activation::Elu)
        .dense(10, Activation::Softmax)
        .build(Seed(3))
        .unwrap();
    let flat = images.to_shape((700, 3072)).unwrap();
    assert_eq!(rows.predict(&flat).unwrap().dim(), (700, 10));
}

#[test]
fn one_image_alone_is_predicted_as_among_others() {
    let model = last().build(Seed(1)).unwrap();
    let data = sample().test.take(130);
    let together = model.predict(&data).unwrap();
    for i in [0, 7, 64, 129] {
        let alone = model.predict(&data.subset(&[i]).unwrap()).unwrap();
        assert_eq!(alone.row(0), together.row(i), "image {i}");
        let image = data
            .image(i)
            .unwrap()
            .mapv(|byte| f32::from(byte) / 255.0)
            .insert_axis(Axis(0));
        assert_eq!(model.predict(&image).unwrap(), alone);
    }
}

#[test]
fn no_images_give_no_predictions() {
    let model = small_network();
    assert_eq!(
        model
            .predict(&Array4::<f32>::zeros((0, 32, 32, 3)))
            .unwrap()
            .dim(),
        (0, 10)
    );
    assert_eq!(
        model.predict(&sample().test.take(0)).unwrap().dim(),
        (0, 10)
    );
    assert_eq!(
        predicted_classes(model.predict(&sample().test.take(0)).unwrap().view()).unwrap(),
        [0; 0]
    );
    assert!(
        message(model.evaluate(&sample().test.take(0))).contains("no images"),
        "a mean needs one at least"
    );
}

#[test]
fn a_number_that_is_none_is_an_error_that_names_the_example() {
    let model = small_network();
    let images: Array4<f32> = sample()
        .train
        .take(700)
        .images()
        .mapv(|byte| f32::from(byte) / 255.0);
    for (example, bad) in [
        (0, f32::NAN),
        (3, f32::INFINITY),
        (699, f32::NEG_INFINITY),
        (600, f32::NAN),
    ] {
        let mut images = images.clone();
        images[[example, 1, 2, 0]] = bad;
        let (place, found) = (format!("example {example}:"), format!("found {bad}"));
        let words = [&place, &found, " 102, expected", "finite"];
        assert_says(model.predict(&images), &words);
        // Rows and columns exchanged: still 32 x 32 x 3, but no longer in one piece.
        let turned = images.permuted_axes([0, 2, 1, 3]);
        assert_says(model.predict(&turned), &[&place]);
    }
}

#[test]
fn images_of_another_shape_are_an_error_with_both_shapes() {
    let model = small_network();
    for shape in [
        (2, 28, 28, 1),
        (2, 3, 32, 32),
        (1, 32, 32, 1),
        (0, 32, 32, 4),
    ] {
        let (_, a, b, c) = shape;
        let found = format!("found shape [{a}, {b}, {c}]");
        assert_says(
            model.predict(&Array4::<f32>::zeros(shape)),
            &["inputs", &found, "expected [32, 32, 3]"],
        );
    }
    assert_says(
        model.predict(&Array2::<f32>::zeros((5, 3072))),
        &["found shape [3072]", "expected [32, 32, 3]"],
    );
    assert_says(
        model.predict(&Array1::<f32>::zeros(3072)),
        &["found shape []"],
    );
    // A single image lacks the axis that counts.
    assert_says(
        model.predict(&ndarray::Array3::<f32>::zeros((32, 32, 3))),
        &["found shape [32, 3]"],
    );
}

#[test]
fn a_network_can_have_any_shape_of_example() {
    let one = Sequential::new([1])
        .dense(1, Activation::Sigmoid)
        .build(Seed(0))
        .unwrap();
    assert_eq!(one.predict(&random(5, 1, 1)).unwrap().dim(), (5, 1));
    let deep = Sequential::new([2, 3, 4, 5])
        .flatten()
        .batch_norm()
        .dense(6, Activation::Gelu)
        .build(Seed(0))
        .unwrap();
    let x = ArrayD::from_elem(vec![7, 2, 3, 4, 5], 0.5_f32);
    assert_eq!(deep.predict(&x).unwrap().dim(), (7, 6));
    assert_eq!(
        (deep.input_shape(), deep.output_size()),
        (&[2, 3, 4, 5][..], 6)
    );
}

#[test]
fn a_network_without_weights_passes_its_input_on_and_its_error_is_measured() {
    let identity = Sequential::new([1, 5, 2])
        .flatten()
        .dropout(0.5)
        .build(Seed(0))
        .unwrap();
    let images = Array4::from_shape_fn((4, 1, 5, 2), |(i, _, x, c)| {
        (51 * ((i + 2 * x + c) % 6)) as u8
    });
    let names = (0..10).map(|class| class.to_string()).collect();
    let data = Dataset::new(images.clone(), vec![0, 3, 9, 5], names).unwrap();
    let outputs = identity.predict(&data).unwrap();
    assert_eq!(
        outputs,
        images
            .mapv(|byte| f32::from(byte) / 255.0)
            .into_shape_with_order((4, 10))
            .unwrap()
    );
    let squares = outputs.mapv(f64::from) - one_hot(&data.labels(), 10).unwrap().mapv(f64::from);
    let wanted = squares.pow2().sum() / 40.0;
    let found = identity
        .evaluate_with(&data, Loss::MeanSquaredError)
        .unwrap()
        .loss;
    assert!((found - wanted).abs() < 1e-6, "{found}, not {wanted}");
}
