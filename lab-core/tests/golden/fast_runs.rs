//! Whole runs of training by the fast path: part of `golden_fast.rs`.

use std::collections::BTreeMap;

use lab_core::prelude::*;
use ndarray::{Array1, Array4};

use super::golden::{self, Run, Runs, assert_near};
use super::{Probe, indicators, probe, same, set, values, weight};

/// After up to 20 steps; Keras in f32 is up to 1e-5 off itself.
const TOLERANCE: f64 = 2e-5;
/// After 20 steps of Adam at its usual rate on the full-size network, where Keras in f32 is up to 1e-4 off itself.
const FULL_SIZE: f64 = 1e-4;
/// How well the weights' way from the start agrees, beside the rounding of the weights.
const WAY: f64 = 1e-4;

/// The network of a run at its start.
fn network(run: &Run) -> Sequential {
    let (mut plan, mut arrays, mut inputs) =
        (Sequential::new([32, 32, 3]).flatten(), Vec::new(), 3072);
    for layer in &run.layers {
        match layer {
            golden::Layer::Dense {
                name,
                units,
                activation,
                l2,
                kernel,
                bias,
            } => {
                plan = plan.layer(Dense::new(*units, activation.parse().unwrap()).l2(*l2 as f32));
                arrays.push((format!("{name}.kernel"), kernel.weights(inputs * units)));
                arrays.push((format!("{name}.bias"), bias.weights(*units)));
                inputs = *units;
            }
            golden::Layer::BatchNormalization {
                momentum, epsilon, ..
            } => {
                assert_eq!((*momentum, *epsilon), (0.99, 0.001));
                plan = plan.batch_norm();
            }
        }
    }
    let mut model = plan.build(Seed(0)).unwrap();
    arrays
        .iter()
        .for_each(|(name, values)| set(&mut model, name, values));
    model
}

/// The optimizer, and the norm to clip by.
fn optimizer(optimizer: &golden::Optimizer) -> (Optimizer, Option<f64>) {
    use golden::Optimizer as Of;
    let adam = |rate: f64, beta_1: f64, beta_2: f64| {
        Adam::new(rate as f32).betas(beta_1 as f32, beta_2 as f32)
    };
    match *optimizer {
        Of::Sgd {
            learning_rate,
            momentum,
            nesterov,
            global_clipnorm,
        } => {
            let sgd = Sgd::new(learning_rate as f32).momentum(momentum as f32);
            (
                if nesterov { sgd.nesterov() } else { sgd }.into(),
                global_clipnorm,
            )
        }
        Of::Rmsprop {
            learning_rate,
            rho,
            momentum,
            epsilon,
            global_clipnorm,
        } => {
            assert_eq!(epsilon, 1e-7);
            let rmsprop = RmsProp::new(learning_rate as f32)
                .rho(rho as f32)
                .momentum(momentum as f32);
            (rmsprop.into(), global_clipnorm)
        }
        Of::Adam {
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            global_clipnorm,
        } => {
            assert_eq!(epsilon, 1e-7);
            (adam(learning_rate, beta_1, beta_2).into(), global_clipnorm)
        }
        Of::Adamw {
            learning_rate,
            weight_decay,
            beta_1,
            beta_2,
            epsilon,
            global_clipnorm,
            exclude_from_weight_decay: ref spared,
        } => {
            assert_eq!(
                (beta_1, beta_2, epsilon),
                (0.9, 0.999, 1e-7),
                "those that AdamW has"
            );
            let adamw = AdamW::new(learning_rate as f32).weight_decay(weight_decay as f32);
            (
                if spared.is_empty() {
                    adamw
                } else {
                    adamw.exclude_biases()
                }
                .into(),
                global_clipnorm,
            )
        }
    }
}

/// Every array by its name, the moving averages of batch normalization among them.
fn arrays(model: &Sequential) -> BTreeMap<String, Vec<f64>> {
    model
        .weight_names()
        .map(|name| (name.to_owned(), weight(model, name)))
        .collect()
}

fn norm<'a>(arrays: impl IntoIterator<Item = &'a [f64]>) -> f64 {
    arrays
        .into_iter()
        .flatten()
        .map(|g| g * g)
        .sum::<f64>()
        .sqrt()
}

/// A step is small beside the weights, so that a wrong one could hide there: compares the way from `start` too, which
/// f32 can know only to the rounding of the weights.
fn assert_same_way(start: &[f64], ours: &[f64], theirs: &[f64], what: &str) {
    let way = |to: &[f64]| {
        to.iter()
            .zip(start)
            .map(|(to, from)| to - from)
            .collect::<Vec<_>>()
    };
    let rounding = 2.0 * f64::from(f32::EPSILON) * norm([theirs]) / norm([way(theirs).as_slice()]);
    assert_near(
        &way(ours),
        &way(theirs),
        WAY + rounding,
        &format!("{what}, the way there"),
    );
}

fn assert_runs_agree(file: &str, number: usize) {
    let (images, labels) = golden::sample();
    let train = Cifar10::sample().train;
    let pixels = |chosen: &[usize]| {
        Array4::from_shape_fn((chosen.len(), 32, 32, 3), |(i, y, x, channel)| {
            f32::from(images[chosen[i]][(y * 32 + x) * 3 + channel]) / 255.0
        })
    };
    let runs = golden::read::<Runs>(file).runs;
    assert_eq!(runs.len(), number);
    for run in &runs {
        let growing = file == "trajectory" && run.name == "adam";
        let tolerance = if growing { FULL_SIZE } else { TOLERANCE };
        let mut model = network(run);
        let start = arrays(&model);
        let loss: Loss = run.loss.name.parse().unwrap();
        let (optimizer, clip) = optimizer(&run.optimizer);
        let mut trainer =
            Trainer::new(loss, optimizer).label_smoothing(run.loss.label_smoothing as f32);
        if let Some(most) = clip {
            trainer = trainer.global_clip_norm(most as f32);
        }
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for step in 0..run.steps {
            let chosen = run.batch(step);
            let inputs = pixels(&chosen);
            let classes: Vec<u8> = chosen.iter().map(|&i| labels[i] as u8).collect();
            let one_hot = indicators(&chosen.iter().map(|&i| labels[i]).collect::<Vec<_>>());
            let targets = match loss {
                Loss::SparseCategoricalCrossentropy => Targets::classes(&classes),
                _ => Targets::from(one_hot.view()),
            };
            let weights = run
                .weights(&chosen)
                .map(|weights| weights.iter().map(|&w| w as f32).collect::<Vec<_>>());
            let targets = match &weights {
                Some(weights) => targets.weighted(weights),
                None => targets,
            };

            let Probe { gradients, .. } =
                probe(&model, (loss, run.loss.label_smoothing), &inputs, targets);
            norms.push(norm(gradients.values().map(Vec::as_slice)));
            if run.loss.label_smoothing == 0.0 && weights.is_none() {
                for (name, gradient) in model
                    .gradients(&train.subset(&chosen).unwrap(), loss, Seed(0))
                    .unwrap()
                {
                    same(
                        &Array1::from_iter(gradient),
                        &gradients[&name],
                        &format!("{}, gradient of {name}", run.name),
                    );
                }
            }
            losses.push(
                trainer
                    .train_on_batch(&mut model, &inputs, targets)
                    .unwrap()
                    .0,
            );
            let Some(expected) = run.after.get(&(step + 1)) else {
                continue;
            };
            let ours = arrays(&model);
            assert_eq!(
                ours.keys().collect::<Vec<_>>(),
                expected.keys().collect::<Vec<_>>()
            );
            for (name, expected) in expected {
                let what = format!("{}, {name} after {}", run.name, step + 1);
                expected.assert_near(&ours[name], tolerance, &what);
                let slice = |values: &[f64]| {
                    values
                        .iter()
                        .step_by(expected.stride)
                        .copied()
                        .collect::<Vec<_>>()
                };
                assert_same_way(
                    &slice(&start[name]),
                    &slice(&ours[name]),
                    &expected.values,
                    &what,
                );
            }
        }
        assert_near(
            &losses,
            &run.losses,
            tolerance / 4.0,
            &format!("{}, losses", run.name),
        );
        assert_near(
            &norms,
            &run.gradient_norms,
            tolerance,
            &format!("{}, norms of the gradients", run.name),
        );
        if !growing {
            let outputs = model.predict(&pixels(&[0, 1, 2, 3])).unwrap();
            assert_near(
                &values(&outputs),
                &run.predictions.concat(),
                tolerance,
                &format!("{}, predictions", run.name),
            );
        }
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
