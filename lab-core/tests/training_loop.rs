//! The training loop: what it counts, in which order it sees the examples, what it goes on from, when it ends.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{assert_close, assert_says, bits, numbers, quiet, sample, small_network, small_plan};
use lab_core::prelude::*;
use ndarray::{Array4, Axis};

/// A hundred training and a hundred other images.
fn parts() -> (Dataset, Dataset) {
    let train = &sample().train;
    (
        train.take(100),
        train.subset(&(100..200).collect::<Vec<_>>()).unwrap(),
    )
}

/// Descent that goes nowhere: everything is measured at the same weights.
fn still() -> Trainer {
    quiet(Sgd::new(0.0))
}

#[test]
fn training_lowers_the_loss_and_learns_what_holds_for_other_images_too() {
    let (train, validation) = sample().train.split_stratified(0.8, Seed(1)).unwrap();
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .dense(64, Activation::Elu)
        .dense(10, Activation::Softmax);
    let momentum = Sgd::new(0.01).momentum(0.9);
    let cases: [(Optimizer, Loss); 5] = [
        (Adam::new(1e-3).into(), Loss::CategoricalCrossentropy),
        (AdamW::new(1e-3).into(), Loss::KlDivergence),
        (
            RmsProp::new(3e-4).into(),
            Loss::SparseCategoricalCrossentropy,
        ),
        (momentum.into(), Loss::CategoricalCrossentropy),
        (Adam::new(1e-3).into(), Loss::MeanSquaredError),
    ];
    for (optimizer, loss) in cases {
        let mut model = plan.clone().build(Seed(0)).unwrap();
        let history = Trainer::new(loss, optimizer)
            .progress(Silent)
            .epochs(8)
            .fit(&mut model, &train, &validation);
        let history = history.unwrap();
        let (first, last) = (history.epochs[0], history.epochs[7]);
        let what = format!("{optimizer} with {loss}: {history:?}");
        assert!(last.loss < 0.9 * first.loss, "{what}");
        assert!(last.accuracy > 0.25, "{what}");
        let accuracies = history.epochs.iter().filter_map(|epoch| epoch.val_accuracy);
        assert!(accuracies.fold(0.0, f64::max) > 0.2, "{what}");
    }
}

#[test]
fn fit_is_a_train_on_batch_for_each_batch_of_the_epochs_order_and_its_means_are_over_examples() {
    // 75 = 32 + 32 + 11: a mean over batches would be another number than one over examples.
    let train = sample().train.take(75);
    let plan = small_plan().layer(Dense::new(10, Activation::Softmax).l2(0.01));
    let start = plan
        .dropout(0.2)
        .dense(10, Activation::Softmax)
        .build(Seed(3))
        .unwrap();
    let trainer = || {
        quiet(Adam::new(1e-3))
            .seed(Seed(8))
            .epochs(2)
            .label_smoothing(0.1)
            .global_clip_norm(0.7)
    };

    let mut fitted = start.clone();
    let history = trainer().fit(&mut fitted, &train, None).unwrap();

    let (mut stepped, mut trainer) = (start.clone(), trainer());
    for (epoch, record) in history.epochs.iter().enumerate() {
        let (mut loss, mut hits, mut mean_over_batches) = (0.0, 0.0, 0.0);
        for Batch { images, labels, .. } in train.batches(32).unwrap().shuffled(Seed(8), epoch) {
            let result = trainer.train_on_batch(&mut stepped, &images, &labels);
            let (batch_loss, accuracy) = result.unwrap();
            loss += batch_loss * labels.len() as f64 / 75.0;
            hits += accuracy * labels.len() as f64 / 75.0;
            mean_over_batches += batch_loss / 3.0;
        }
        assert_close(record.loss, loss, 1e-12, "loss");
        assert_close(record.accuracy, hits, 1e-12, "accuracy");
        assert!((record.loss - mean_over_batches).abs() > 1e-9);
        assert_eq!(
            (record.epoch, record.val_loss, record.val_accuracy),
            (epoch + 1, None, None)
        );
    }
    assert_eq!(bits(&fitted), bits(&stepped));
    assert_ne!(bits(&fitted), bits(&start));
}

#[test]
fn an_epochs_training_numbers_are_those_of_an_evaluation_where_the_weights_stand_still() {
    let (train, validation) = parts();
    for loss in Loss::ALL {
        let mut model = small_network();
        let mut trainer = Trainer::new(loss, Sgd::new(0.0))
            .progress(Silent)
            .batch_size(33);
        let record = trainer.fit(&mut model, &train, &validation).unwrap().epochs[0];
        let evaluation = model.evaluate_with(&train, loss).unwrap();
        assert_close(record.loss, evaluation.loss, 1e-12, loss);
        assert_eq!(record.accuracy, evaluation.accuracy, "{loss}");
    }
}

#[test]
fn validation_numbers_are_those_of_an_evaluation_of_the_network_after_the_epoch() {
    // More images than are measured at a time.
    let (train, validation) = (
        sample().train.take(64),
        sample()
            .train
            .subset(&(300..1000).collect::<Vec<_>>())
            .unwrap(),
    );
    for loss in Loss::ALL {
        let mut model = small_network();
        let mut trainer = Trainer::new(loss, Adam::new(1e-3)).progress(Silent);
        let record = trainer.fit(&mut model, &train, &validation).unwrap().epochs[0];
        let evaluation = model.evaluate_with(&validation, loss).unwrap();
        assert_eq!(
            (record.val_loss, record.val_accuracy),
            (Some(evaluation.loss), Some(evaluation.accuracy))
        );

        // Once more by hand, from the outputs.
        let (outputs, labels) = (
            model.predict(&validation).unwrap().mapv(f64::from),
            validation.labels(),
        );
        let each = outputs
            .outer_iter()
            .zip(&labels)
            .map(|(p, &label)| match loss {
                Loss::MeanSquaredError => {
                    let errors = p
                        .iter()
                        .enumerate()
                        .map(|(k, p)| (p - f64::from(k == usize::from(label))).powi(2));
                    errors.sum::<f64>() / 10.0
                }
                _ => -p[usize::from(label)].ln(),
            });
        let by_hand = each.sum::<f64>() / 700.0;
        assert_close(evaluation.loss, by_hand, 1e-5, loss);
        let right = accuracy(&labels, &evaluation.predicted).unwrap();
        assert_eq!(evaluation.accuracy, right);
    }
}

#[test]
fn the_penalty_is_in_the_training_the_validation_and_the_test_loss() {
    let (train, validation) = parts();
    let plan = |l2: f32| {
        let hidden = Dense::new(12, Activation::Elu).l2(l2);
        Sequential::new([32, 32, 3])
            .flatten()
            .layer(hidden)
            .layer(Dense::new(10, Activation::Softmax).l2(l2 / 2.0))
    };
    let (mut with, mut without) = (
        plan(0.01).build(Seed(1)).unwrap(),
        plan(0.0).build(Seed(1)).unwrap(),
    );
    let squares = |name: &str| {
        let weights = with.weight(name).unwrap().mapv(f64::from);
        weights.pow2().sum()
    };
    let penalty = f64::from(0.01_f32) * squares("dense.kernel")
        + f64::from(0.005_f32) * squares("dense_1.kernel");
    assert!(penalty > 0.01);
    assert_close(with.penalty(), penalty, 1e-9, "penalty");
    assert_eq!(without.penalty(), 0.0);

    let losses = |model: &mut Sequential| {
        let record = still().fit(model, &train, &validation).unwrap().epochs[0];
        let test = model.evaluate(&validation).unwrap().loss;
        [record.loss, record.val_loss.unwrap(), test]
    };
    for (with, without) in losses(&mut with).into_iter().zip(losses(&mut without)) {
        assert_close(with, without + penalty, 1e-9, "with the penalty");
    }
}

#[test]
fn the_three_cross_entropies_train_bit_for_bit_alike_and_the_squared_error_does_not() {
    let (train, validation) = parts();
    let run = |loss: Loss| {
        let mut model = small_plan()
            .dropout(0.2)
            .dense(10, Activation::Softmax)
            .build(Seed(4))
            .unwrap();
        let mut trainer = Trainer::new(loss, Adam::new(1e-3))
            .progress(Silent)
            .epochs(3)
            .seed(Seed(5));
        let history = trainer.fit(&mut model, &train, &validation).unwrap();
        (numbers(&history), bits(&model))
    };
    let crossentropy = run(Loss::CategoricalCrossentropy);
    assert_eq!(run(Loss::SparseCategoricalCrossentropy), crossentropy);
    assert_eq!(run(Loss::KlDivergence), crossentropy);
    let squared = run(Loss::MeanSquaredError);
    assert_ne!(squared.0, crossentropy.0);
    assert_ne!(squared.1, crossentropy.1);
}

#[test]
fn class_weights_are_sample_weights_by_class() {
    let (train, validation) = parts();
    let of_class: Vec<f32> = (0..10).map(|class| 0.25 * class as f32).collect();
    let of_sample: Vec<f32> = train
        .labels()
        .iter()
        .map(|&label| of_class[usize::from(label)])
        .collect();
    let halves = vec![0.5; 100];
    let run = |trainer: Trainer| {
        let mut model = small_network();
        let history = trainer
            .epochs(2)
            .fit(&mut model, &train, &validation)
            .unwrap();
        (numbers(&history), bits(&model))
    };
    let by_class = run(quiet(Adam::new(1e-3)).class_weights(of_class.clone()));
    assert_eq!(
        run(quiet(Adam::new(1e-3)).sample_weights(of_sample.clone())),
        by_class
    );
    assert_ne!(run(quiet(Adam::new(1e-3))), by_class);
    // Both together multiply; halves are exact.
    let halved: Vec<f32> = of_sample.iter().map(|w| 0.5 * w).collect();
    let both = run(quiet(Adam::new(1e-3))
        .class_weights(of_class)
        .sample_weights(halves));
    assert_eq!(run(quiet(Adam::new(1e-3)).sample_weights(halved)), both);
}

#[test]
fn the_training_loss_is_the_weighted_sum_over_the_number_of_examples() {
    let (train, _) = parts();
    let weights: Vec<f32> = (0..100).map(|i| (i % 4) as f32).collect();
    let mut model = small_network();
    let outputs = model.predict(&train).unwrap();
    let each = outputs.outer_iter().zip(train.labels()).zip(&weights);
    let wanted = each
        .map(|((p, label), &w)| f64::from(w) * -f64::from(p[usize::from(label)]).ln())
        .sum::<f64>()
        / 100.0;
    let record = still()
        .sample_weights(weights)
        .fit(&mut model, &train, &train)
        .unwrap()
        .epochs[0];
    assert_close(record.loss, wanted, 1e-5, "weighted loss");
    // The validation knows no weights.
    assert_eq!(record.val_loss, Some(model.evaluate(&train).unwrap().loss));
}

#[test]
fn targets_of_a_batch_may_bring_their_own_smoothing_and_weights() {
    let batch = sample().train.batches(20).unwrap().next().unwrap();
    let weights: Vec<f32> = (0..20).map(|i| 0.1 * i as f32).collect();
    let one_hot = one_hot(&batch.labels, 10).unwrap();
    let step = |mut trainer: Trainer, targets: Targets<'_>| {
        let mut model = small_network();
        let result = trainer.train_on_batch(&mut model, &batch.images, targets);
        (result.unwrap(), bits(&model))
    };
    let adam = || quiet(Adam::new(1e-3));
    let plain = Targets::classes(&batch.labels);
    let smoothed = step(adam(), plain.smoothed(0.1));
    assert_eq!(smoothed, step(adam().label_smoothing(0.1), plain));
    assert_ne!(smoothed, step(adam(), plain));
    assert_eq!(step(adam(), one_hot.view().into()), step(adam(), plain));
    let ones = vec![1.0; 20];
    assert_eq!(step(adam(), plain.weighted(&ones)), step(adam(), plain));
    assert_ne!(step(adam(), plain.weighted(&weights)), step(adam(), plain));
}

#[test]
fn an_example_of_weight_0_has_no_influence() {
    let train = &sample().train;
    // Every fifth image differs between the two sets.
    let first: Vec<usize> = (0..60).collect();
    let second: Vec<usize> = (0..60)
        .map(|i| if i % 5 == 0 { 500 + i } else { i })
        .collect();
    let weights: Vec<f32> = (0..60)
        .map(|i| if i % 5 == 0 { 0.0 } else { 1.0 })
        .collect();
    let run = |rows: &[usize], weights: Vec<f32>| {
        let mut model = small_network();
        let data = train.subset(rows).unwrap();
        let history = quiet(Adam::new(1e-3))
            .epochs(2)
            .sample_weights(weights)
            .fit(&mut model, &data, None)
            .unwrap();
        (history.epochs[1].loss, bits(&model))
    };
    assert_eq!(run(&first, weights.clone()), run(&second, weights));
    assert_ne!(run(&first, vec![1.0; 60]), run(&second, vec![1.0; 60]));
}

#[test]
fn label_smoothing_changes_the_loss_of_the_cross_entropies_only() {
    let (train, validation) = parts();
    let smoothing = 0.2_f32;
    for loss in [
        Loss::CategoricalCrossentropy,
        Loss::SparseCategoricalCrossentropy,
    ] {
        let mut model = small_network();
        let mut trainer = Trainer::new(loss, Sgd::new(0.0))
            .progress(Silent)
            .label_smoothing(smoothing);
        let record = trainer.fit(&mut model, &train, &validation).unwrap().epochs[0];
        let smoothed = |data: &Dataset| {
            let outputs = model.predict(data).unwrap().mapv(f64::from);
            let s = f64::from(smoothing);
            let each = outputs.outer_iter().zip(data.labels()).map(|(p, label)| {
                let even = -p.iter().map(|p| p.ln()).sum::<f64>() / 10.0;
                (1.0 - s) * -p[usize::from(label)].ln() + s * even
            });
            each.sum::<f64>() / data.len() as f64
        };
        // In Keras smoothing belongs to the loss: the validation loss has it too, an evaluation with another loss not.
        for (found, data) in [
            (record.loss, &train),
            (record.val_loss.unwrap(), &validation),
        ] {
            assert_close(found, smoothed(data), 1e-5, "smoothed loss");
        }
        assert_ne!(
            record.val_loss,
            Some(model.evaluate(&validation).unwrap().loss)
        );
    }
    for loss in [Loss::KlDivergence, Loss::MeanSquaredError] {
        let mut trainer = Trainer::new(loss, Adam::new(1e-3))
            .progress(Silent)
            .label_smoothing(0.1);
        let words = [
            "label smoothing",
            &format!("0.1 with {loss}"),
            "cross-entropy",
        ];
        assert_says(trainer.fit(&mut small_network(), &train, None), &words);
    }
}

#[test]
fn a_second_fit_goes_on_from_the_weights_and_the_optimizers_state() {
    let (train, _) = parts();
    let plan = small_plan().dropout(0.3).dense(10, Activation::Softmax);
    for optimizer in ["momentum", "nesterov", "rmsprop", "adam", "adamw"] {
        let trainer = || quiet(optimizer.parse::<Optimizer>().unwrap()).seed(Seed(2));
        let run = |fits: &mut dyn FnMut(&mut Sequential)| {
            let mut model = plan.clone().build(Seed(1)).unwrap();
            fits(&mut model);
            bits(&model)
        };
        let whole = run(&mut |model| drop(trainer().epochs(2).fit(model, &train, None).unwrap()));
        let in_two = run(&mut |model| {
            let mut trainer = trainer();
            (0..2).for_each(|_| drop(trainer.fit(model, &train, None).unwrap()));
        });
        let anew = run(&mut |model| {
            (0..2).for_each(|_| drop(trainer().fit(model, &train, None).unwrap()))
        });
        assert_eq!(
            in_two, whole,
            "{optimizer}: two fits of an epoch are one of two"
        );
        assert_ne!(anew, whole, "{optimizer}: another trainer begins anew");
    }
}

#[test]
fn adams_step_count_goes_on_in_a_second_fit() {
    // With the same gradient again and again Adam moves by the learning rate each step, however small its means still
    // are, if its step count belongs to them.
    let mut model = Sequential::new([1])
        .dense(1, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    let images = Array4::from_elem((1, 1, 1, 1), 255);
    let one = Dataset::new(images, vec![0], vec!["only".into()]).unwrap();
    let mut flat = Sequential::new([1, 1, 1])
        .flatten()
        .dense(1, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    flat.set_weight("dense.kernel", ndarray::arr2(&[[-1000.0]]).into_dyn())
        .unwrap();
    let mut trainer = Trainer::new(Loss::MeanSquaredError, Adam::new(0.5)).progress(Silent);
    for fit in 1..=6 {
        trainer.fit(&mut flat, &one, None).unwrap();
        let moved = 1000.0 + flat.weight("dense.kernel").unwrap()[[0, 0]];
        assert!(
            (moved - 0.5 * fit as f32).abs() < 2e-3,
            "after {fit} fits: {moved}"
        );
    }
    // A network with other arrays begins anew: the first step is again the whole learning rate.
    let x = ndarray::arr2(&[[1.0_f32]]);
    let y = ndarray::arr2(&[[5000.0_f32]]);
    let mut other = Sequential::new([1])
        .dense(3, Activation::Linear)
        .dense(1, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    let before = other.weight("dense_1.bias").unwrap()[[0]];
    trainer.train_on_batch(&mut other, &x, y.view()).unwrap();
    assert!((other.weight("dense_1.bias").unwrap()[[0]] - before - 0.5).abs() < 1e-4);
    trainer.train_on_batch(&mut model, &x, y.view()).unwrap();
}

#[test]
fn a_trainer_takes_up_a_network_of_another_size_whatever_its_optimizer() {
    let (train, _) = parts();
    let wide = || {
        Sequential::new([32, 32, 3])
            .flatten()
            .dense(20, Activation::Elu)
            .dense(10, Activation::Softmax)
    };
    for name in Optimizer::NAMES {
        let mut trainer = quiet(name.parse::<Optimizer>().unwrap());
        trainer.fit(&mut small_network(), &train, None).unwrap();
        let (mut second, mut fresh) = (
            wide().build(Seed(1)).unwrap(),
            wide().build(Seed(1)).unwrap(),
        );
        trainer.fit(&mut second, &train, None).unwrap();
        quiet(name.parse::<Optimizer>().unwrap())
            .fit(&mut fresh, &train, None)
            .unwrap();
        assert_eq!(
            bits(&second),
            bits(&fresh),
            "{name}: nothing of the first network is left"
        );
    }
}

#[test]
fn a_trainer_begins_anew_with_another_network_of_equal_layers_and_with_a_clone() {
    let (train, validation) = parts();
    let stopping = EarlyStopping::on_val_loss().patience(3);
    let adam = || quiet(Adam::new(1e-3)).callback(stopping.restore_best_weights());
    let mut trainer = adam();
    let mut first = small_network();
    trainer.fit(&mut first, &train, &validation).unwrap();
    let (mut equal, mut clone, mut fresh) = (small_network(), first.clone(), small_network());
    trainer.fit(&mut equal, &train, &validation).unwrap();
    adam().fit(&mut fresh, &train, &validation).unwrap();
    assert_eq!(
        bits(&equal),
        bits(&fresh),
        "nothing of the first network is left"
    );
    trainer.fit(&mut clone, &train, &validation).unwrap();
    adam().fit(&mut first, &train, &validation).unwrap();
    assert_eq!(bits(&clone), bits(&first), "a clone is another network");
}

#[test]
fn a_trainer_knows_its_network_after_the_best_weights_were_restored() {
    let (train, validation) = parts();
    let stopping = EarlyStopping::on_val_loss().patience(3);
    let adam = || quiet(Adam::new(1e-3)).callback(stopping.restore_best_weights());
    let (mut model, mut other) = (small_network(), small_network());
    let (mut trainer, mut first) = (adam(), adam());
    trainer.fit(&mut model, &train, &validation).unwrap();
    first.fit(&mut other, &train, &validation).unwrap();
    trainer.fit(&mut model, &train, &validation).unwrap();
    adam().fit(&mut other, &train, &validation).unwrap();
    assert_ne!(
        bits(&model),
        bits(&other),
        "the moments of the first fit are those of the second"
    );
}

/// A trainer whose loss soon is no number any more.
fn wild() -> Trainer {
    Trainer::new(Loss::MeanSquaredError, Sgd::new(1e6))
        .progress(Silent)
        .epochs(6)
        .batch_size(50)
}

fn linear_network() -> Sequential {
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .dense(8, Activation::Relu)
        .dense(10, Activation::Linear);
    plan.build(Seed(1)).unwrap()
}

#[test]
fn a_training_that_diverges_says_in_which_epoch_and_step_and_is_no_error() {
    let (train, validation) = parts();
    // The first step whose loss is not finite, by hand.
    let (mut model, mut trainer) = (linear_network(), wild());
    let mut losses = Vec::new();
    for epoch in 0..6 {
        for Batch { images, labels, .. } in train.batches(50).unwrap().shuffled(Seed(0), epoch) {
            let result = trainer.train_on_batch(&mut model, &images, &labels);
            losses.push(result.unwrap().0);
        }
    }
    let first = losses
        .iter()
        .position(|loss| !loss.is_finite())
        .expect("a learning rate of a million diverges");
    assert!(first >= 1, "{losses:?}");

    let history = wild().fit(&mut linear_network(), &train, None).unwrap();
    assert_eq!(
        history.stopped,
        Stopped::Diverged {
            epoch: first / 2 + 1,
            step: first % 2 + 1
        }
    );
    assert_eq!(
        history.epochs.len(),
        first / 2,
        "the epoch in which it happened is not in the history"
    );
    assert!(history.epochs.iter().all(|record| record.loss.is_finite()));

    // With validation data it is seen as soon as the weights are spoilt: here by the last step of the epoch before.
    assert_eq!(first % 2, 0, "{losses:?}");
    let history = wild()
        .fit(&mut linear_network(), &train, &validation)
        .unwrap();
    assert_eq!(
        history.stopped,
        Stopped::Diverged {
            epoch: first / 2,
            step: 2
        }
    );
    assert!(
        history
            .epochs
            .iter()
            .all(|record| record.val_loss.is_some_and(f64::is_finite))
    );
}

#[test]
fn a_large_learning_rate_under_cross_entropy_ends_in_a_history_as_well() {
    let (train, validation) = parts();
    let mut model = small_plan()
        .dense(10, Activation::Softmax)
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let history = quiet(Sgd::new(1e6))
        .epochs(3)
        .fit(&mut model, &train, &validation)
        .unwrap();
    assert!(
        history.epochs.iter().all(|record| record.loss.is_finite()),
        "{history:?}"
    );
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .dense(8, Activation::Elu)
        .dense(8, Activation::Linear);
    let mut deep = plan
        .dense(8, Activation::Elu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let history = quiet(Sgd::new(1e6))
        .epochs(9)
        .fit(&mut deep, &train, &validation)
        .unwrap();
    assert!(
        matches!(history.stopped, Stopped::Diverged { .. }),
        "{history:?}"
    );
}

#[test]
fn the_best_epoch_is_never_one_whose_loss_is_no_number() {
    let (train, validation) = parts();
    let whole = still()
        .epochs(3)
        .fit(&mut small_network(), &train, &validation);
    // Whatever the sign bit of the NaN: one processor makes it negative, another positive.
    for nan in [f64::NAN, -f64::NAN] {
        let mut history = whole.as_ref().unwrap().clone();
        history.epochs[0].val_loss = Some(nan);
        history.epochs[1].val_loss = Some(2.0);
        history.epochs[2].val_loss = Some(nan);
        assert_eq!(history.best().map(|record| record.epoch), Some(2), "{nan}");
    }
}

#[test]
fn augmentation_changes_the_training_images_each_epoch_and_not_those_of_the_validation() {
    let (train, validation) = parts();
    let augmentation = Augmentation::new()
        .horizontal_flip(0.5)
        .rotation(25.0)
        .random_crop(4);
    let run = |trainer: Trainer| {
        trainer
            .epochs(3)
            .fit(&mut small_network(), &train, &validation)
            .unwrap()
            .epochs
    };
    let (plain, augmented) = (
        run(still()),
        run(still().augmentation(augmentation.clone())),
    );
    let losses =
        |epochs: &[EpochRecord]| epochs.iter().map(|record| record.loss).collect::<Vec<_>>();
    let differ = |a: f64, b: f64| assert!((a - b).abs() > 1e-6, "{a} {b}");
    for (plain, augmented) in plain.iter().zip(&augmented) {
        assert_eq!(augmented.val_loss, plain.val_loss);
        differ(augmented.loss, plain.loss);
    }
    let (plain, augmented) = (losses(&plain), losses(&augmented));
    for epoch in [1, 2] {
        assert_close(plain[epoch], plain[0], 1e-12, "unmoved");
        differ(augmented[epoch], augmented[epoch - 1]);
    }
    let again = run(still().augmentation(augmentation));
    assert_eq!(losses(&again), augmented, "the seed determines them");
}

#[test]
fn an_image_is_moved_in_another_way_in_every_epoch_of_every_fit() {
    // A single image, so that the order does not matter.
    let one = sample().train.take(1);
    let mut trainer = still()
        .epochs(3)
        .augmentation(Augmentation::new().rotation(25.0));
    let (mut model, mut losses) = (small_network(), Vec::new());
    for _ in 0..2 {
        let history = trainer.fit(&mut model, &one, None).unwrap();
        losses.extend(history.epochs.iter().map(|record| record.loss));
    }
    losses.sort_by(f64::total_cmp);
    assert!(
        losses.windows(2).all(|pair| pair[1] - pair[0] > 1e-7),
        "{losses:?}"
    );
}

#[test]
fn augmentation_does_not_depend_on_the_batch_size() {
    let (train, _) = parts();
    let augmentation = Augmentation::new().rotation(25.0);
    let loss = |size: usize| {
        let mut trainer = still().augmentation(augmentation.clone()).batch_size(size);
        let history = trainer.fit(&mut small_network(), &train, None).unwrap();
        history.epochs[0].loss
    };
    assert_close(loss(100), loss(7), 1e-12, "the loss of an epoch");
}

/// Writes down how it is called.
#[derive(Clone, Default)]
struct Listener(Rc<RefCell<Vec<Call>>>);

#[derive(Clone, Debug)]
enum Call {
    /// The options, the batches of an epoch, the examples of training and validation.
    Begin(TrainingConfig, [usize; 3]),
    Batch(BatchRecord),
    Epoch(EpochRecord),
    End(History),
}

impl Listener {
    fn hears(&self, call: Call) -> Result<()> {
        self.0.borrow_mut().push(call);
        Ok(())
    }
}

impl Callback for Listener {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        let validation = control.validation.map_or(0, Dataset::len);
        let sizes = [control.batches(), control.train.len(), validation];
        self.hears(Call::Begin(control.config.clone(), sizes))
    }

    fn on_batch_end(&mut self, record: &BatchRecord, _: &mut Control<'_>) -> Result<()> {
        self.hears(Call::Batch(*record))
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        assert_eq!(control.history.epochs.last(), Some(record));
        self.hears(Call::Epoch(*record))
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        self.hears(Call::End(control.history.clone()))
    }
}

#[test]
fn progress_hears_of_the_options_of_each_batch_of_each_epoch_and_of_the_end() {
    let (train, validation) = parts();
    let listener = Listener::default();
    let mut trainer = quiet(Adam::new(1e-3))
        .epochs(2)
        .batch_size(40)
        .progress(listener.clone());
    let history = trainer.fit(&mut small_network(), &train, &validation.take(60));
    let history = history.unwrap();
    let calls = listener.0.borrow().clone();
    let [Call::Begin(config, sizes), between @ .., Call::End(end)] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!(config, trainer.config());
    assert_eq!((config.epochs, sizes), (2, &[3, 100, 60]));
    assert_eq!(end, &history);
    assert_eq!(between.len(), 8);
    for (epoch, calls) in between.chunks(4).enumerate() {
        let [
            Call::Batch(a),
            Call::Batch(b),
            Call::Batch(c),
            Call::Epoch(record),
        ] = calls
        else {
            panic!("{calls:?}")
        };
        let numbers = [a, b, c].map(|batch| (batch.epoch, batch.batch));
        assert_eq!(numbers, [1, 2, 3].map(|n| (epoch + 1, n)));
        assert_eq!(record, &history.epochs[epoch]);
        // Running means end in the epoch's.
        assert_eq!((c.loss, c.accuracy), (record.loss, record.accuracy));
        assert_ne!(a.loss, c.loss);
    }
}

#[test]
fn a_diverging_training_tells_progress_of_its_end() {
    let listener = Listener::default();
    let history = wild()
        .progress(listener.clone())
        .fit(&mut linear_network(), &parts().0, None)
        .unwrap();
    let calls = listener.0.borrow();
    let Some(Call::End(end)) = calls.last() else {
        panic!("{calls:?}")
    };
    assert_eq!(end, &history);
    assert!(
        calls
            .iter()
            .all(|call| !matches!(call, Call::Batch(record) if !record.loss.is_finite()))
    );
}

#[test]
fn schedules_give_each_epochs_learning_rate_and_each_batchs() {
    let (train, _) = parts();
    let schedules = [
        Schedule::Constant,
        Schedule::Step {
            every: 2,
            factor: 0.5,
        },
        Schedule::Exponential { factor: 0.9 },
        Schedule::Cosine { lowest: 0.1 },
        Schedule::OneCycle,
        Schedule::Cosine { lowest: 0.0 }.after_warmup(2.0),
    ];
    for schedule in schedules {
        let listener = Listener::default();
        let mut trainer = quiet(Sgd::new(0.01)).epochs(5).batch_size(25);
        trainer = trainer
            .schedule(schedule.clone())
            .progress(listener.clone());
        let history = trainer.fit(&mut small_network(), &train, None).unwrap();
        for (epoch, record) in history.epochs.iter().enumerate() {
            assert_eq!(
                record.learning_rate,
                schedule.rate(0.01, epoch as f64, 5),
                "{schedule}, epoch {epoch}"
            );
        }
        for call in listener.0.borrow().iter() {
            if let Call::Batch(record) = call {
                let at = (record.epoch - 1) as f64 + (record.batch - 1) as f64 / 4.0;
                assert_eq!(
                    record.learning_rate,
                    schedule.rate(0.01, at, 5),
                    "{schedule} at {at}"
                );
            }
        }
    }
    // By hand, so that the column is not only what the schedule says of itself.
    let mut trainer = quiet(Sgd::new(0.5)).epochs(4).schedule(Schedule::Step {
        every: 2,
        factor: 0.1,
    });
    let epochs = trainer
        .fit(&mut small_network(), &train, None)
        .unwrap()
        .epochs;
    assert_eq!(
        epochs
            .iter()
            .map(|record| record.learning_rate)
            .collect::<Vec<_>>(),
        [0.5, 0.5, 0.05, 0.05]
    );
}

#[test]
fn the_scheduled_rate_is_the_one_that_moves_the_weights() {
    let (train, validation) = parts();
    let factor = 1e-30;
    let mut model = small_network();
    let untrained = model.evaluate(&validation).unwrap().loss;
    let mut trainer = quiet(Sgd::new(0.01)).epochs(2);
    trainer = trainer.schedule(Schedule::Exponential { factor });
    let epochs = trainer.fit(&mut model, &train, &validation).unwrap().epochs;
    assert_ne!(epochs[0].val_loss, Some(untrained));
    // So small a step is lost in the rounding of every weight.
    assert_eq!(epochs[1].val_loss, epochs[0].val_loss);
    assert!(epochs[1].learning_rate < 1e-31);
}

#[test]
fn training_and_validation_data_must_be_normalized_alike() {
    let (train, validation) = parts();
    let standard = Normalization::standardize(&train).unwrap();
    let own = Normalization::standardize(&validation).unwrap();
    let train = train.with_normalization(standard.clone()).unwrap();
    for other in [
        validation.clone(),
        validation.clone().with_normalization(own).unwrap(),
    ] {
        let mut model = small_network();
        let before = bits(&model);
        assert_says(
            quiet(Adam::new(1e-3)).fit(&mut model, &train, &other),
            &[
                "validation data",
                "another normalization",
                "the training data's",
                "with_normalization",
            ],
        );
        assert_eq!(bits(&model), before);
    }
    let alike = validation.with_normalization(standard).unwrap();
    quiet(Adam::new(1e-3))
        .fit(&mut small_network(), &train, &alike)
        .unwrap();
}

#[test]
fn standardized_numbers_are_what_the_network_sees() {
    let (train, _) = parts();
    let standard = Normalization::standardize(&train).unwrap();
    let standardized = train.clone().with_normalization(standard).unwrap();
    let (plain, seen) = (
        train.batches(100).unwrap().next().unwrap().images,
        standardized.batches(100).unwrap().next().unwrap().images,
    );
    let mut model = small_network();
    let outputs = model.predict(&seen).unwrap();
    assert_eq!(model.predict(&standardized).unwrap(), outputs);
    assert_ne!(model.predict(&plain).unwrap(), outputs);
    let each = outputs
        .outer_iter()
        .zip(train.labels())
        .map(|(p, label)| -f64::from(p[usize::from(label)]).ln());
    let wanted = each.sum::<f64>() / 100.0;
    let record = still()
        .fit(&mut model, &standardized, &standardized)
        .unwrap()
        .epochs[0];
    assert_close(record.loss, wanted, 1e-5, "loss");
    assert_close(record.val_loss.unwrap(), wanted, 1e-5, "validation loss");
}

#[test]
fn batch_normalization_uses_the_batch_while_training_and_its_averages_afterwards() {
    let (train, _) = parts();
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .batch_norm()
        .dense(10, Activation::Softmax);
    let mut model = plan.build(Seed(1)).unwrap();
    let before = model.evaluate(&train).unwrap().loss;
    // One batch holds everything: then the moving averages go a hundredth of the way to its mean and variance.
    let record = still()
        .batch_size(100)
        .fit(&mut model, &train, &train)
        .unwrap()
        .epochs[0];
    let images = train
        .batches(100)
        .unwrap()
        .next()
        .unwrap()
        .images
        .mapv(f64::from);
    let x = images.to_shape((100, 3072)).unwrap();
    let (mean, variance) = (x.mean_axis(Axis(0)).unwrap(), x.var_axis(Axis(0), 0.0));
    for feature in [0, 1000, 3071] {
        let found = |name: &str| {
            let name = format!("batch_normalization.{name}");
            f64::from(model.weight(&name).unwrap()[[feature]])
        };
        assert!((found("moving_mean") - 0.01 * mean[feature]).abs() < 1e-6);
        assert!((found("moving_variance") - (0.99 + 0.01 * variance[feature])).abs() < 1e-6);
    }
    assert!(
        (record.loss - before).abs() > 1e-3,
        "the batch's own statistics are others than the averages"
    );
    assert_eq!(record.val_loss, Some(model.evaluate(&train).unwrap().loss));
}
