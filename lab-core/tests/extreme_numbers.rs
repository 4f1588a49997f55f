//! Numbers at the end of the scale: what comes out is finite or an error, and never wrong in silence.

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{assert_says, quiet, sample};
use lab_core::data::cifar10::{FOLDER, TEST_FILE, TRAIN_FILES};
use lab_core::prelude::*;
use ndarray::{Array1, Array2, Array4, array};

/// A network whose logits are its inputs times `scale`.
fn scaled(classes: usize, scale: f32, last: Activation) -> Sequential {
    let mut model = Sequential::new([classes])
        .dense(classes, last)
        .build(Seed(0))
        .unwrap();
    model
        .set_weight(
            "dense.kernel",
            Array2::from_diag(&Array1::from_elem(classes, scale)).into_dyn(),
        )
        .unwrap();
    model
}

#[test]
fn logits_of_ten_thousand_give_the_loss_of_the_formula() {
    // Softmax of (1e4, 0, −1e4) is (1, 0, 0) to the smallest normal number; the loss of class k is the distance to the
    // largest logit.
    let model = scaled(3, 1e4, Activation::Softmax);
    let inputs = array![[1.0_f32, 0.0, -1.0]];
    let probabilities = model.predict(&inputs).unwrap();
    assert!(
        probabilities[[0, 0]] == 1.0
            && probabilities[[0, 1]] < 1e-37
            && probabilities[[0, 2]] < 1e-37
    );
    for (class, loss) in [(0, 0.0), (1, 1e4), (2, 2e4)] {
        for kind in [
            Loss::CategoricalCrossentropy,
            Loss::SparseCategoricalCrossentropy,
            Loss::KlDivergence,
        ] {
            let mut trainer = Trainer::new(kind, Sgd::new(0.0)).progress(Silent);
            let (found, _) = trainer
                .train_on_batch(&mut model.clone(), &inputs, Targets::classes(&[class]))
                .unwrap();
            assert!(
                (found - loss).abs() <= 1e-3 * loss,
                "{kind}, class {class}: {found}, not {loss}"
            );
        }
    }
    // Each weight's gradient is finite too: a step moves to finite weights.
    for kind in Loss::ALL {
        let (mut model, mut trainer) = (
            model.clone(),
            Trainer::new(kind, Adam::new(0.1)).progress(Silent),
        );
        trainer
            .train_on_batch(&mut model, &inputs, Targets::classes(&[2]))
            .unwrap();
        assert!(
            model
                .weight("dense.kernel")
                .unwrap()
                .iter()
                .all(|weight| weight.is_finite()),
            "{kind}"
        );
    }
}

#[test]
fn every_activation_is_finite_on_both_ends() {
    for activation in Activation::ALL {
        for scale in [1e4, -1e4, 1e30, 1e-30, 0.0] {
            let model = scaled(3, scale, activation);
            let outputs = model.predict(&array![[1.0_f32, 0.0, -1.0]]).unwrap();
            assert!(
                outputs.iter().all(|output| output.is_finite()),
                "{activation} of {scale}: {outputs}"
            );
        }
    }
}

#[test]
fn probabilities_of_exactly_0_and_1_have_metrics() {
    let probabilities = array![[1.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0]];
    let labels = [0, 1, 1];
    let calibration = Calibration::new(&labels, probabilities.view(), 15).unwrap();
    assert!((calibration.ece - 1.0 / 3.0).abs() < 1e-6);
    assert_eq!(
        top_k_accuracy(&labels, probabilities.view(), 1).unwrap(),
        2.0 / 3.0
    );
    assert_eq!(
        top_k_accuracy(&labels, probabilities.view(), 2).unwrap(),
        1.0
    );
}

#[test]
fn data_of_one_class_have_scores_of_1_and_of_0_with_warnings() {
    let report = classification_report(&[3, 3, 3], &[3, 3, 3], CLASS_NAMES).unwrap();
    assert_eq!(report.accuracy, 1.0);
    assert_eq!(report.per_class[3].f1, 1.0);
    assert!(
        report
            .per_class
            .iter()
            .all(|scores| scores.f1.is_finite() && scores.precision.is_finite())
    );
    assert!(!report.warnings.is_empty(), "nine classes have no samples");
}

const CLASS_NAMES: &[&str] = &lab_core::data::cifar10::CLASS_NAMES;

fn network() -> Sequential {
    Sequential::new([32, 32, 3])
        .flatten()
        .dense(8, Activation::Elu)
        .batch_norm()
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap()
}

fn assert_finite(history: &History) {
    for record in &history.epochs {
        let all = [
            Some(record.loss),
            Some(record.accuracy),
            record.val_loss,
            record.val_accuracy,
        ];
        assert!(all.into_iter().flatten().all(f64::is_finite), "{record:?}");
    }
    assert_eq!(history.stopped, Stopped::Finished);
}

#[test]
fn one_image_one_class_and_constant_images_can_be_trained_on() {
    let one = sample().train.take(1);
    assert_finite(
        &quiet(Adam::new(1e-3))
            .epochs(3)
            .fit(&mut network(), &one, &one)
            .unwrap(),
    );
    let cats: Vec<usize> = (0..sample().train.len())
        .filter(|&i| sample().train.label(i) == Some(3))
        .collect();
    let cats = sample().train.subset(&cats).unwrap();
    assert_finite(
        &quiet(Adam::new(1e-3))
            .epochs(2)
            .fit(&mut network(), &cats, &sample().test)
            .unwrap(),
    );
    for value in [0, 128, 255] {
        let names = cats.class_names().to_vec();
        let grey = Dataset::new(
            Array4::from_elem((20, 32, 32, 3), value),
            vec![1; 20],
            names,
        )
        .unwrap();
        assert_finite(
            &quiet(Adam::new(1e-3))
                .epochs(2)
                .fit(&mut network(), &grey, &grey)
                .unwrap(),
        );
        // There is nothing to divide by.
        match Normalization::standardize(&grey).and_then(|own| grey.clone().with_normalization(own))
        {
            Ok(standardized) => {
                assert_finite(
                    &quiet(Adam::new(1e-3))
                        .epochs(2)
                        .fit(&mut network(), &standardized, &standardized)
                        .unwrap(),
                );
            }
            Err(error) => assert!(error.to_string().contains("what to do"), "{error}"),
        }
    }
    let report = network().evaluate(&one).unwrap();
    assert!(report.loss.is_finite() && report.accuracy.is_finite());
}

#[test]
fn pixels_that_are_no_numbers_are_errors_and_change_nothing() {
    let mut model = network();
    let before = common::bits(&model);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut images = Array4::<f32>::zeros((3, 32, 32, 3));
        images[[1, 5, 6, 2]] = value;
        assert_says(model.predict(&images), &["finite"]);
        let mut trainer = quiet(Adam::new(1e-3));
        let step = trainer.train_on_batch(&mut model, &images, Targets::classes(&[0, 1, 2]));
        assert_says(step, &["finite"]);
        assert_eq!(common::bits(&model), before);
    }
}

#[test]
fn data_that_vanish_while_they_are_read_are_an_error_or_whole() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(FOLDER);
    fs::create_dir(&folder).unwrap();
    let names: Vec<&str> = TRAIN_FILES.iter().copied().chain([TEST_FILE]).collect();
    let mut errors = 0;
    for round in 0..20 {
        // Files of zeros, which take no room: black airplanes.
        for name in &names {
            fs::File::create(folder.join(name))
                .unwrap()
                .set_len(10_000 * 3073)
                .unwrap();
        }
        let begun = AtomicBool::new(false);
        let opened = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !begun.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                std::thread::sleep(std::time::Duration::from_micros(1500 * round));
                let victim = folder.join(names[round as usize % names.len()]);
                if round % 2 == 0 {
                    fs::File::options()
                        .write(true)
                        .open(victim)
                        .unwrap()
                        .set_len(1000)
                        .unwrap();
                } else {
                    fs::remove_file(victim).unwrap();
                }
            });
            begun.store(true, Ordering::Relaxed);
            Cifar10::open(home.path())
        });
        match opened {
            Ok(cifar) => assert_eq!((cifar.train.len(), cifar.test.len()), (50_000, 10_000)),
            Err(error) => {
                errors += 1;
                assert!(error.to_string().contains("cargo lab data"), "{error}");
            }
        }
    }
    assert!(errors > 0, "the files vanished too late every time");
    println!("counted: 20 data sets that vanish while they are read");
}
