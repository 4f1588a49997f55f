//! The textbook path agrees with Keras in float64 within 1e-9: activations, losses, layers, optimizers, whole runs.

mod golden;
#[path = "golden/textbook_runs.rs"]
mod textbook_runs;

use golden::{LossCase, Rows, assert_close};
use lab_textbook::*;
use ndarray::{Array, Dimension};

const TOLERANCE: f64 = 1e-9;

fn matrix(rows: &Rows) -> Matrix {
    Matrix::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn row(values: &[f64]) -> Matrix {
    Matrix::from_shape_vec((1, values.len()), values.to_vec()).unwrap()
}

/// The values, row by row.
fn values<D: Dimension>(array: &Array<f64, D>) -> Vec<f64> {
    array.iter().copied().collect()
}

#[track_caller]
fn same<D: Dimension>(ours: &Array<f64, D>, theirs: &[f64], what: &str) {
    assert_close(&values(ours), theirs, TOLERANCE, what);
    println!("counted: 1 arrays");
}

fn activation(name: &str) -> Activation {
    match name {
        "linear" => Activation::Linear,
        "relu" => Activation::Relu,
        "leaky_relu" => Activation::LeakyRelu,
        "elu" => Activation::Elu,
        "gelu" => Activation::Gelu,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "softmax" => Activation::Softmax,
        _ => panic!("unknown activation {name}"),
    }
}

#[test]
fn every_activation_and_its_gradient_agree_with_keras() {
    let file: golden::Activations = golden::read("activations");
    let (x, upstream) = (row(&file.x), row(&file.upstream));
    assert_eq!(file.activations.len(), 7);
    for (name, expected) in &file.activations {
        same(&activation(name).forward(&x), &expected.value, name);
        same(
            &activation(name).backward(&x, &upstream),
            &expected.gradient,
            &format!("{name}, gradient"),
        );
    }
    let (x, upstream) = (matrix(&file.softmax.x), matrix(&file.softmax.upstream));
    same(
        &Activation::Softmax.forward(&x),
        &file.softmax.value.concat(),
        "softmax",
    );
    same(
        &Activation::Softmax.backward(&x, &upstream),
        &file.softmax.gradient.concat(),
        "softmax, gradient",
    );
}

#[test]
fn a_dense_layer_agrees_with_keras_under_every_activation() {
    let inputs = golden::read::<golden::Layers>("layers").dense;
    let dense = Dense {
        kernel: matrix(&inputs.kernel),
        bias: row(&inputs.bias),
        l2: 0.0,
    };
    let x = matrix(&inputs.x);
    assert_eq!(inputs.activations.len(), 8);
    for (name, expected) in &inputs.activations {
        let layers = vec![
            Layer::Dense(dense.clone()),
            Layer::Activation(activation(name)),
        ];
        let network = Network { layers };
        let passed = network.forward(&x, false);
        let (dx, gradients) = network.backward(&passed, matrix(&inputs.upstream), false);
        same(&passed[2], &expected.output.concat(), name);
        same(
            &gradients[0],
            &expected.gradient_kernel.concat(),
            &format!("{name}, kernel"),
        );
        same(
            &gradients[1],
            &expected.gradient_bias,
            &format!("{name}, bias"),
        );
        same(&dx, &expected.gradient_x.concat(), &format!("{name}, x"));
    }
}

/// The loss of logits for each sample with its gradient; `labels` are what `targets` say, for the sparse form.
fn loss(
    name: &str,
    after_softmax: bool,
    z: &Matrix,
    targets: &Matrix,
    labels: &[usize],
    smoothing: f64,
) -> PerSample {
    let targets = smooth_labels(targets, smoothing);
    match name {
        "sparse_categorical_crossentropy" if smoothing == 0.0 => {
            sparse_categorical_crossentropy(z, labels)
        }
        "categorical_crossentropy" | "sparse_categorical_crossentropy" => {
            categorical_crossentropy(z, &targets)
        }
        "kl_divergence" => kl_divergence(z, &targets),
        "mean_squared_error" if after_softmax => {
            let (l, dp) = mean_squared_error(&softmax(z), &targets);
            (l, Activation::Softmax.backward(z, &dp))
        }
        "mean_squared_error" => mean_squared_error(z, &targets),
        _ => panic!("unknown loss {name}"),
    }
}

#[test]
fn every_loss_and_its_gradient_agree_with_keras() {
    let file: golden::Losses = golden::read("losses");
    assert_eq!(file.cases.len(), 38);
    for case in &file.cases {
        let LossCase {
            loss: name,
            targets,
            logits,
            output,
            label_smoothing,
            sample_weights,
            ..
        } = case;
        let what = format!(
            "{name} of {targets}, {logits}, {output}, {label_smoothing}, weights {sample_weights}"
        );
        let y = if targets == "soft" {
            matrix(&file.soft_targets)
        } else {
            one_hot(&file.labels, 10)
        };
        let z = matrix(&file.logits[logits]);
        let each = loss(
            name,
            output == "softmax",
            &z,
            &y,
            &file.labels,
            *label_smoothing,
        );
        same(&each.0, &case.per_sample, &what);
        let weights = sample_weights.then(|| file.sample_weights.clone().into());
        let (value, gradient) = mean(each, weights.as_ref());
        assert_close(&[value], &[case.value], TOLERANCE, &what);
        same(
            &gradient,
            &case.gradient.concat(),
            &format!("{what}, gradient"),
        );
        if let Some(clipped) = case.keras_value {
            assert!(
                (value - clipped).abs() < 5e-5,
                "{what}: {value}, Keras with its clipping {clipped}"
            );
        }
    }
}

#[test]
fn batch_normalization_agrees_with_keras_in_both_modes() {
    let file: golden::BatchNormalization = golden::read("batchnorm");
    let (x, upstream) = (matrix(&file.x), matrix(&file.upstream));
    let mut norm = BatchNorm {
        gamma: row(&file.gamma),
        beta: row(&file.beta),
        moving_mean: row(&file.moving_mean),
        moving_variance: row(&file.moving_variance),
    };
    for (training, expected) in [(false, &file.inference), (true, &file.training)] {
        same(
            &norm.forward(&x, training),
            &expected.output.concat(),
            "output",
        );
        let (dx, gradients) = norm.backward(&x, &upstream, training);
        same(&dx, &expected.gradient_x.concat(), "gradient of x");
        same(&gradients[0], &expected.gradient_gamma, "gradient of gamma");
        same(&gradients[1], &expected.gradient_beta, "gradient of beta");
    }
    norm.update_moving(&x);
    same(&norm.moving_mean, &file.training.moving_mean, "moving mean");
    same(
        &norm.moving_variance,
        &file.training.moving_variance,
        "moving variance",
    );
}
