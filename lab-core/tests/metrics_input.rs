//! Bad input to the metrics is an error that says where, what was found and what was expected; never a number.

use lab_core::metrics::{
    Calibration, ConfusionMatrix, accuracy, classification_report, predicted_classes,
    top_k_accuracy,
};
use lab_core::{LabError, Result};
use ndarray::{Array2, array};

const PETS: [&str; 2] = ["cat", "dog"];

#[track_caller]
fn assert_says<T>(result: Result<T>, parts: &[&str]) {
    let text = result.err().expect("this must be an error").to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn different_lengths_are_refused() {
    let parts = ["predicted", "[3]", "[2]", "what to do"];
    assert_says(accuracy(&[0, 1], &[0, 1, 1]), &parts);
    assert_says(ConfusionMatrix::new(&[0, 1], &[0, 1, 1], &PETS), &parts);
    assert_says(classification_report(&[0, 1], &[0, 1, 1], &PETS), &parts);
    let three = Array2::<f32>::ones((3, 2));
    assert_says(
        top_k_accuracy(&[0, 1], three.view(), 1),
        &["probabilities", "[3]", "[2]"],
    );
    assert_says(
        Calibration::new(&[0, 1], three.view(), 15),
        &["probabilities", "[3]", "[2]"],
    );
}

#[test]
fn no_samples_at_all_are_refused() {
    let none = Array2::<f32>::zeros((0, 2));
    assert_says(accuracy(&[], &[]), &["true labels: found 0", "at least 1"]);
    assert_says(
        ConfusionMatrix::new(&[], &[], &PETS),
        &["true labels: found 0", "at least 1"],
    );
    assert_says(
        classification_report(&[], &[], &PETS),
        &["true labels: found 0", "at least 1"],
    );
    assert_says(
        top_k_accuracy(&[], none.view(), 1),
        &["true labels: found 0", "at least 1"],
    );
    assert_says(
        Calibration::new(&[], none.view(), 15),
        &["true labels: found 0", "at least 1"],
    );
    assert_eq!(predicted_classes(none.view()).unwrap(), Vec::<u8>::new());
}

#[test]
fn a_label_without_a_class_is_named_with_its_place() {
    let two = Array2::<f32>::from_elem((3, 2), 0.5);
    assert_says(
        ConfusionMatrix::new(&[0, 2, 1], &[0, 1, 1], &PETS),
        &["truth", "label 2 at position 1", "0 to 1"],
    );
    assert_says(
        ConfusionMatrix::new(&[0, 1, 1], &[0, 1, 9], &PETS),
        &["predicted", "label 9 at position 2", "0 to 1"],
    );
    assert_says(
        top_k_accuracy(&[0, 1, 2], two.view(), 1),
        &["truth", "label 2 at position 2", "0 to 1"],
    );
    assert_says(
        Calibration::new(&[5, 1, 2], two.view(), 15),
        &["truth", "label 5 at position 0", "0 to 1"],
    );
}

#[test]
fn the_number_of_classes_must_fit_into_a_label() {
    assert_says(
        ConfusionMatrix::new(&[0], &[0], &[] as &[&str]),
        &["class names: found 0", "1 to 256"],
    );
    assert_says(
        ConfusionMatrix::new(&[0], &[0], &["x"; 257]),
        &["class names: found 257", "1 to 256"],
    );
    assert_says(
        predicted_classes(Array2::zeros((1, 0)).view()),
        &["probabilities: found 0"],
    );
    assert_says(
        predicted_classes(Array2::zeros((1, 257)).view()),
        &["probabilities: found 257"],
    );
    let mut last = Array2::zeros((1, 256));
    last[[0, 255]] = 1.0;
    assert_eq!(predicted_classes(last.view()).unwrap(), [255]);
}

#[test]
fn nan_is_an_error_that_names_the_row() {
    let probabilities = array![[0.5, 0.5], [0.9, 0.1], [0.8, f32::NAN]];
    let parts = ["probabilities", "NaN in row 2"];
    assert_says(predicted_classes(probabilities.view()), &parts);
    assert_says(top_k_accuracy(&[0, 0, 0], probabilities.view(), 1), &parts);
    assert_says(
        Calibration::new(&[0, 0, 0], probabilities.view(), 15),
        &parts,
    );
}

#[test]
fn k_lies_between_one_and_the_number_of_classes() {
    let probabilities = array![[0.5, 0.5]];
    assert_says(
        top_k_accuracy(&[0], probabilities.view(), 0),
        &["k: found 0", "1 to 2"],
    );
    assert_says(
        top_k_accuracy(&[0], probabilities.view(), 3),
        &["k: found 3", "1 to 2"],
    );
}

#[test]
fn calibration_takes_probabilities_and_a_sensible_number_of_bins() {
    let logits = array![[0.5, 0.5], [3.5, -2.0]];
    assert_says(
        Calibration::new(&[0, 0], logits.view(), 15),
        &["probabilities", "3.5 in row 1", "0 to 1", "softmax"],
    );
    let good = array![[0.5, 0.5]];
    assert_says(
        Calibration::new(&[0], good.view(), 0),
        &["bins: found 0", "1 to 1000"],
    );
    assert_says(
        Calibration::new(&[0], good.view(), usize::MAX),
        &["bins", "1 to 1000"],
    );
}

#[test]
fn a_softmax_rounded_above_one_is_a_confidence_of_one() {
    let rounded = array![[1.0 + f32::EPSILON, 0.0]];
    let calibration = Calibration::new(&[0], rounded.view(), 10).unwrap();
    assert_eq!((calibration.ece, calibration.bins[9].count), (0.0, 1));
}

#[test]
fn of_equal_probabilities_the_lowest_class_wins() {
    let ties = array![
        [0.2, 0.4, 0.4],
        [0.0, 0.0, 0.0],
        [f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY]
    ];
    assert_eq!(predicted_classes(ties.view()).unwrap(), [1, 0, 0]);
    assert_eq!(top_k_accuracy(&[1, 0, 0], ties.view(), 1).unwrap(), 1.0);
    assert_eq!(
        top_k_accuracy(&[2, 2, 2], ties.view(), 2).unwrap(),
        1.0 / 3.0
    );
}

#[test]
fn a_confidence_on_an_edge_belongs_to_the_bin_below() {
    let edges = array![
        [0.5, 0.5, 0.0, 0.0],
        [0.25, 0.25, 0.25, 0.25],
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0]
    ];
    let calibration = Calibration::new(&[0, 0, 0, 0], edges.view(), 4).unwrap();
    assert_eq!(
        calibration
            .bins
            .iter()
            .map(|bin| bin.count)
            .collect::<Vec<_>>(),
        [2, 1, 0, 1]
    );
    assert_eq!(
        (calibration.bins[1].lower, calibration.bins[1].upper),
        (0.25, 0.5)
    );
}

#[test]
fn equal_mistakes_come_in_the_order_of_the_classes_and_rows_without_samples_stay_zero() {
    let confusion = ConfusionMatrix::new(&[1, 0, 0, 0], &[0, 2, 1, 1], &["a", "b", "c"]).unwrap();
    let mistakes = confusion.most_confused(9);
    let found: Vec<_> = mistakes
        .iter()
        .map(|m| (m.truth.as_str(), m.predicted.as_str(), m.count))
        .collect();
    assert_eq!(found, [("a", "b", 2), ("a", "c", 1), ("b", "a", 1)]);
    assert_eq!(confusion.most_confused(1).len(), 1);
    assert_eq!(
        confusion.normalized(),
        array![
            [0.0, 2.0 / 3.0, 1.0 / 3.0],
            [1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0]
        ]
    );
}

#[test]
fn the_json_of_a_report_has_every_number_and_the_warnings() -> Result<(), LabError> {
    let report = classification_report(&[0, 0, 0, 1], &[0, 0, 0, 0], &PETS)?;
    let json = serde_json::to_value(&report).unwrap();
    let expected = serde_json::json!({
        "accuracy": 0.75,
        "per_class": [
            {"name": "cat", "precision": 0.75, "recall": 1.0, "f1": 6.0 / 7.0, "support": 3},
            {"name": "dog", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
        ],
        "macro_average": {"name": "macro avg", "precision": 0.375, "recall": 0.5, "f1": 3.0 / 7.0, "support": 4},
        "weighted_average":
            {"name": "weighted avg", "precision": 0.5625, "recall": 0.75, "f1": 0.75 * (6.0 / 7.0), "support": 4},
        "warnings": ["dog: never predicted, so its precision counts as 0"],
    });
    assert_eq!(json, expected);
    Ok(())
}
