//! The fast f32 path agrees with Keras in float64: activations, layers, losses, batch normalization, whole runs.
//!
//! Gradients are read off a step of descent, as a user could: see [`probe`].

#[path = "golden/fast_runs.rs"]
mod fast_runs;
mod golden;

use std::collections::BTreeMap;
use std::ops::Range;

use golden::{LossCase, Pair, Rows, assert_near};
use lab_core::prelude::*;
use ndarray::{Array, Array2, ArrayBase, ArrayD, Data, Dimension, s};

/// The issue asks for 1e-4; what a single pass computes is much nearer.
const TOLERANCE: f64 = 2e-6;

/// A learning rate so large that a weight is nothing beside its step, and a power of two so that dividing loses nothing.
const RATE: f32 = 1_048_576.0;

fn array(rows: &Rows) -> Array2<f32> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j] as f32)
}

/// The values, row by row.
fn values<S: Data<Elem = f32>, D: Dimension>(array: &ArrayBase<S, D>) -> Vec<f64> {
    array.iter().map(|&x| f64::from(x)).collect()
}

#[track_caller]
fn same<S: Data<Elem = f32>, D: Dimension>(ours: &ArrayBase<S, D>, theirs: &[f64], what: &str) {
    assert_near(&values(ours), theirs, TOLERANCE, what);
    println!("counted: 1 arrays");
}

fn weight(model: &Sequential, name: &str) -> Vec<f64> {
    values(&model.weight(name).unwrap())
}

/// Fills one of the network's arrays row by row.
fn set(model: &mut Sequential, name: &str, values: &[f64]) {
    let shape = model.weight(name).unwrap().shape().to_vec();
    let values = values.iter().map(|&w| w as f32).collect();
    model
        .set_weight(name, ArrayD::from_shape_vec(shape, values).unwrap())
        .unwrap();
}

/// A row for each label, with 1 in its place of ten.
fn indicators(labels: &[usize]) -> Array2<f32> {
    Array2::from_shape_fn((labels.len(), 10), |(i, k)| {
        f32::from(u8::from(labels[i] == k))
    })
}

/// A network with these arrays, and 0 in its biases.
fn network(plan: Architecture, arrays: &[(&str, &[f64])]) -> Sequential {
    let mut model = plan.build(Seed(0)).unwrap();
    arrays
        .iter()
        .for_each(|(name, values)| set(&mut model, name, values));
    model
}

/// What one batch shows: its loss, the gradient of every array, and the network after one step.
struct Probe {
    loss: f64,
    gradients: BTreeMap<String, Vec<f64>>,
    after: Sequential,
}

/// One step of plain descent on a copy of the network: the gradient is what went off each weight, divided by the rate.
fn probe<D: Dimension>(
    model: &Sequential,
    (loss, smoothing): (Loss, f64),
    inputs: &Array<f32, D>,
    targets: Targets<'_>,
) -> Probe {
    let mut after = model.clone();
    let mut trainer = Trainer::new(loss, Sgd::new(RATE)).label_smoothing(smoothing as f32);
    let (loss, _) = trainer.train_on_batch(&mut after, inputs, targets).unwrap();
    let learnt = model.weight_names().filter(|name| !name.contains("moving"));
    let gradient = |name| {
        let pairs = weight(model, name).into_iter().zip(weight(&after, name));
        pairs
            .map(|(before, after)| (before - after) / f64::from(RATE))
            .collect()
    };
    let gradients = learnt
        .map(|name| (name.to_owned(), gradient(name)))
        .collect();
    Probe {
        loss,
        gradients,
        after,
    }
}

/// A probe in which the gradient of the loss with respect to the network's output is `upstream`: the mean squared error
/// has 2 (a − y) / (N K) there, so that y = a − upstream · N K / 2.
fn pull(model: &Sequential, inputs: &Array2<f32>, output: &Rows, upstream: &Rows) -> Probe {
    let targets = array(output) - array(upstream) * (output.len() * output[0].len()) as f32 / 2.0;
    probe(
        model,
        (Loss::MeanSquaredError, 0.0),
        inputs,
        Targets::from(targets.view()),
    )
}

/// A first layer that says `x` where the inputs are the rows of the identity: x is its kernel then, and the gradient
/// with respect to x its kernel's.
fn saying(x: &Rows) -> (Architecture, Array2<f32>, Vec<f64>) {
    (Sequential::new([x.len()]), Array2::eye(x.len()), x.concat())
}

#[test]
fn every_activation_and_its_gradient_agree_with_keras() {
    let check = |name: &str, x: &Rows, upstream: &Rows, value: &Rows, gradient: &Rows| {
        let (plan, inputs, kernel) = saying(x);
        let model = network(
            plan.dense(x[0].len(), name.parse().unwrap()),
            &[("dense.kernel", &kernel)],
        );
        same(&model.predict(&inputs).unwrap(), &value.concat(), name);
        let found = &pull(&model, &inputs, value, upstream).gradients["dense.kernel"];
        assert_near(
            found,
            &gradient.concat(),
            TOLERANCE,
            &format!("{name}, gradient"),
        );
    };
    let golden::Activations {
        x,
        upstream,
        activations,
        softmax,
    } = golden::read("activations");
    assert_eq!(activations.len(), 7);
    for (name, Pair { value, gradient }) in activations {
        check(
            &name,
            &vec![x.clone()],
            &vec![upstream.clone()],
            &vec![value],
            &vec![gradient],
        );
    }
    check(
        "softmax",
        &softmax.x,
        &softmax.upstream,
        &softmax.value,
        &softmax.gradient,
    );
}

#[test]
fn a_dense_layer_agrees_with_keras_under_every_activation() {
    let golden::DenseLayer {
        x,
        kernel,
        bias,
        upstream,
        activations,
    } = golden::read::<golden::Layers>("layers").dense;
    assert_eq!(activations.len(), 8);
    for (name, expected) in &activations {
        let (plan, inputs, first) = saying(&x);
        let plan = plan
            .dense(x[0].len(), Activation::Linear)
            .dense(bias.len(), name.parse().unwrap());
        let arrays: [(_, &[f64]); 3] = [
            ("dense.kernel", &first),
            ("dense_1.kernel", &kernel.concat()),
            ("dense_1.bias", &bias),
        ];
        let model = network(plan, &arrays);
        same(
            &model.predict(&inputs).unwrap(),
            &expected.output.concat(),
            name,
        );
        let found = pull(&model, &inputs, &expected.output, &upstream).gradients;
        for (array, expected) in [
            ("dense_1.kernel", expected.gradient_kernel.concat()),
            ("dense_1.bias", expected.gradient_bias.clone()),
            ("dense.kernel", expected.gradient_x.concat()),
        ] {
            assert_near(
                &found[array],
                &expected,
                TOLERANCE,
                &format!("{name}, gradient of {array}"),
            );
        }
    }
}

#[test]
fn every_loss_and_its_gradient_agree_with_keras() {
    let file: golden::Losses = golden::read("losses");
    assert_eq!(file.cases.len(), 38);
    let labels: Vec<u8> = file.labels.iter().map(|&label| label as u8).collect();
    let weights: Vec<f32> = file
        .sample_weights
        .iter()
        .map(|&weight| weight as f32)
        .collect();
    let one_hot = indicators(&file.labels);
    let soft = array(&file.soft_targets);
    for case in &file.cases {
        let LossCase {
            loss,
            targets,
            logits,
            output,
            label_smoothing: smoothing,
            sample_weights,
            ..
        } = case;
        let what = format!(
            "{loss} of {targets}, {logits}, {output}, {smoothing}, weights {sample_weights}"
        );
        let loss: Loss = loss.parse().unwrap();
        let targets = |rows: Range<usize>| match targets.as_str() {
            "labels" => Targets::classes(&labels[rows]),
            "soft" => Targets::from(soft.slice(s![rows, ..])),
            _ => Targets::from(one_hot.slice(s![rows, ..])),
        };
        let (plan, inputs, kernel) = saying(&file.logits[logits]);
        let model = network(
            plan.dense(10, output.parse().unwrap()),
            &[("dense.kernel", &kernel)],
        );

        // By itself: a loss takes logits, or what the network ends in.
        let given = if loss.from_logits() {
            array(&file.logits[logits])
        } else {
            model.predict(&inputs).unwrap()
        };
        let of = |rows: Range<usize>, targets: Targets<'_>| {
            let targets = targets.smoothed(*smoothing as f32);
            loss.value_and_gradient(given.slice(s![rows, ..]), targets)
                .unwrap()
        };
        let each: Vec<f64> = (0..12).map(|i| of(i..i + 1, targets(i..i + 1)).0).collect();
        assert_near(&each, &case.per_sample, TOLERANCE, &what);
        let all = match sample_weights {
            true => targets(0..12).weighted(&weights),
            false => targets(0..12),
        };
        let (value, gradient) = of(0..12, all);
        assert_near(&[value], &[case.value], TOLERANCE, &what);
        if loss.from_logits() || output == "linear" {
            same(
                &gradient,
                &case.gradient.concat(),
                &format!("{what}, gradient"),
            );
        }
        if let Some(clipped) = case.keras_value {
            assert!(
                (value - clipped).abs() < 5e-5,
                "{what}: {value}, Keras with its clipping {clipped}"
            );
        }

        // At the end of a network, with the way back through softmax.
        let found = probe(&model, (loss, *smoothing), &inputs, all);
        assert_near(
            &[found.loss],
            &[case.value],
            TOLERANCE,
            &format!("{what}, in a network"),
        );
        let gradient = &found.gradients["dense.kernel"];
        assert_near(
            gradient,
            &case.gradient.concat(),
            TOLERANCE,
            &format!("{what}, gradient in a network"),
        );
    }
}

#[test]
fn batch_normalization_agrees_with_keras_in_both_modes() {
    let file: golden::BatchNormalization = golden::read("batchnorm");
    let (rows, features) = (file.x.len(), file.x[0].len());
    let name = |array: &str| format!("batch_normalization.{array}");
    let (plan, inputs, kernel) = saying(&file.x);
    let plan = plan.dense(features, Activation::Linear).batch_norm();
    let build = |plan: Architecture| {
        let mut model = network(plan, &[("dense.kernel", &kernel)]);
        set(&mut model, &name("gamma"), &file.gamma);
        set(&mut model, &name("beta"), &file.beta);
        set(&mut model, &name("moving_mean"), &file.moving_mean);
        set(&mut model, &name("moving_variance"), &file.moving_variance);
        model
    };
    let model = build(plan.clone());
    same(
        &model.predict(&inputs).unwrap(),
        &file.inference.output.concat(),
        "output when used",
    );

    let expected = &file.training;
    let Probe {
        gradients, after, ..
    } = pull(&model, &inputs, &expected.output, &file.upstream);
    let near =
        |ours: &[f64], theirs: &[f64], what: &str| assert_near(ours, theirs, TOLERANCE, what);
    near(
        &gradients["dense.kernel"],
        &expected.gradient_x.concat(),
        "gradient of x",
    );
    near(
        &gradients[&name("gamma")],
        &expected.gradient_gamma,
        "gradient of gamma",
    );
    near(
        &gradients[&name("beta")],
        &expected.gradient_beta,
        "gradient of beta",
    );
    near(
        &weight(&after, &name("moving_mean")),
        &expected.moving_mean,
        "moving mean",
    );
    near(
        &weight(&after, &name("moving_variance")),
        &expected.moving_variance,
        "moving variance",
    );

    // The output while training shows in the gradient of a kernel of zeros after it, outputᵀ · upstream, where upstream
    // is the identity.
    let identity: Rows = (0..rows)
        .map(|i| (0..rows).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    let mut model = build(plan.dense(rows, Activation::Linear));
    set(&mut model, "dense_1.kernel", &vec![0.0; features * rows]);
    let found =
        &pull(&model, &inputs, &vec![vec![0.0; rows]; rows], &identity).gradients["dense_1.kernel"];
    let transposed: Vec<f64> = (0..features)
        .flat_map(|j| expected.output.iter().map(move |row| row[j]))
        .collect();
    near(found, &transposed, "output while training");
}
