//! Whole runs of training by the textbook: part of `golden_textbook.rs`.

use std::collections::BTreeMap;

use lab_textbook::*;
use ndarray::Array1;

use super::golden::{self, Run, Runs, assert_close};
use super::{TOLERANCE, activation, loss, row, same, values};

/// The network of a run at its start, with the names of its parameters in the textbook's order.
fn network(run: &Run) -> (Network, Vec<String>) {
    let (mut layers, mut names, mut inputs) = (Vec::new(), Vec::new(), 3072);
    for layer in &run.layers {
        match layer {
            golden::Layer::Dense {
                name,
                units,
                activation: after,
                l2,
                kernel,
                bias,
            } => {
                let kernel =
                    Matrix::from_shape_vec((inputs, *units), kernel.weights(inputs * units))
                        .unwrap();
                layers.push(Layer::Dense(Dense {
                    kernel,
                    bias: row(&bias.weights(*units)),
                    l2: *l2,
                }));
                if !["linear", "softmax"].contains(&after.as_str()) {
                    layers.push(Layer::Activation(activation(after)));
                }
                names.extend([format!("{name}.kernel"), format!("{name}.bias")]);
                inputs = *units;
            }
            golden::Layer::BatchNormalization { name, .. } => {
                layers.push(Layer::BatchNorm(BatchNorm::new(inputs)));
                names.extend([format!("{name}.gamma"), format!("{name}.beta")]);
            }
        }
    }
    (Network { layers }, names)
}

/// The rule for a parameter, its learning rate, and the norm to clip by.
fn rule(optimizer: &golden::Optimizer, parameter: &str) -> (Rule, f64, Option<f64>) {
    match optimizer {
        golden::Optimizer::Sgd {
            learning_rate,
            momentum,
            nesterov,
            global_clipnorm,
        } => {
            let rule = if *nesterov {
                Rule::Nesterov(*momentum)
            } else {
                Rule::Sgd(*momentum)
            };
            (rule, *learning_rate, *global_clipnorm)
        }
        golden::Optimizer::Rmsprop {
            learning_rate,
            momentum,
            global_clipnorm,
            ..
        } => (Rule::RmsProp(*momentum), *learning_rate, *global_clipnorm),
        golden::Optimizer::Adam {
            learning_rate,
            global_clipnorm,
            ..
        } => (Rule::Adam, *learning_rate, *global_clipnorm),
        golden::Optimizer::Adamw {
            learning_rate,
            weight_decay,
            global_clipnorm,
            exclude_from_weight_decay: spared,
            ..
        } => {
            let decays = !spared.iter().any(|part| parameter.contains(part));
            (
                if decays {
                    Rule::AdamW(*weight_decay)
                } else {
                    Rule::Adam
                },
                *learning_rate,
                *global_clipnorm,
            )
        }
    }
}

/// Every parameter by its name, the moving averages of batch normalization among them.
fn parameters(run: &Run, network: &mut Network, names: &[String]) -> BTreeMap<String, Vec<f64>> {
    let mut found: BTreeMap<_, _> = names
        .iter()
        .cloned()
        .zip(network.parameters_mut().iter().map(|w| values(w)))
        .collect();
    let norms = network.layers.iter().filter_map(|l| {
        if let Layer::BatchNorm(norm) = l {
            Some(norm)
        } else {
            None
        }
    });
    let described = run.layers.iter().filter_map(|layer| match layer {
        golden::Layer::BatchNormalization { name, .. } => Some(name),
        golden::Layer::Dense { .. } => None,
    });
    for (name, norm) in described.zip(norms) {
        found.insert(format!("{name}.moving_mean"), values(&norm.moving_mean));
        found.insert(
            format!("{name}.moving_variance"),
            values(&norm.moving_variance),
        );
    }
    found
}

fn assert_runs_agree(file: &str, number: usize) {
    let (images, labels) = golden::sample();
    let pixels = |chosen: &[usize]| {
        Matrix::from_shape_fn((chosen.len(), 3072), |(i, k)| {
            f64::from(images[chosen[i]][k]) / 255.0
        })
    };
    let runs = golden::read::<Runs>(file).runs;
    assert_eq!(runs.len(), number);
    for run in &runs {
        let (mut network, names) = network(run);
        let mut optimizers: Vec<_> = names
            .iter()
            .map(|name| {
                let (rule, learning_rate, _) = rule(&run.optimizer, name);
                Optimizer::new(rule, learning_rate)
            })
            .collect();
        let after_softmax = matches!(run.layers.last(), Some(golden::Layer::Dense { activation, .. }) if activation == "softmax");
        let mut losses = Vec::new();
        for step in 0..run.steps {
            let chosen = run.batch(step);
            let labels: Vec<_> = chosen.iter().map(|&i| labels[i]).collect();
            let weights = run.weights(&chosen).map(Array1::from);
            let (value, mut gradients) = network.loss_and_gradients(&pixels(&chosen), |z| {
                let golden::Loss {
                    name,
                    label_smoothing,
                } = &run.loss;
                mean(
                    loss(
                        name,
                        after_softmax,
                        z,
                        &one_hot(&labels, 10),
                        &labels,
                        *label_smoothing,
                    ),
                    weights.as_ref(),
                )
            });
            losses.push(value);
            if let (_, _, Some(most)) = rule(&run.optimizer, "") {
                clip_by_global_norm(&mut gradients, most);
            }
            network.apply(&gradients, &mut optimizers);
            if let Some(expected) = run.after.get(&(step + 1)) {
                let ours = parameters(run, &mut network, &names);
                assert_eq!(
                    ours.keys().collect::<Vec<_>>(),
                    expected.keys().collect::<Vec<_>>()
                );
                for (name, expected) in expected {
                    expected.assert_close(
                        &ours[name],
                        TOLERANCE,
                        &format!("{}, {name} after {step}", run.name),
                    );
                }
            }
        }
        assert_close(
            &losses,
            &run.losses,
            TOLERANCE,
            &format!("{}, losses", run.name),
        );
        let outputs = network.predict(&pixels(&[0, 1, 2, 3]));
        let outputs = if after_softmax {
            softmax(&outputs)
        } else {
            outputs
        };
        same(
            &outputs,
            &run.predictions.concat(),
            &format!("{}, predictions", run.name),
        );
    }
}

#[test]
fn twenty_steps_of_every_optimizer_agree_with_keras() {
    assert_runs_agree("optimizers", 11);
}

#[test]
fn penalties_batch_normalization_smoothing_and_weights_agree_with_keras() {
    assert_runs_agree("layers", 8);
}

#[test]
fn twenty_steps_of_the_full_size_network_agree_with_keras() {
    assert_runs_agree("trajectory", 2);
}
