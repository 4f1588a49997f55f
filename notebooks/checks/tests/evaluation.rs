//! The exercises of notebook 5: right answers, blank ones, and the hints for wrong ones.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::evaluation as check;
use lab_core::metrics::{ClassificationReport, ConfusionMatrix};
use lab_core::ndarray::Array2;
use lab_textbook::{Matrix, mean, softmax, sparse_categorical_crossentropy};

#[test]
fn precision_is_asked_of_the_answers() {
    is_right(check::exercise_1(0.6));
    is_missing(check::exercise_1(f64::NAN));
    is_wrong(check::exercise_1(0.75), "recall", &[]);
    is_wrong(check::exercise_1(60.0), "percentage", &[]);
    is_wrong(check::exercise_1(0.6667), "F1", &[]);
    is_wrong(check::exercise_1(0.7262), "accuracy", &[]);
    is_wrong(check::exercise_1(0.1), "answer dog", &[]);
    for answer in [0.75, 60.0, 0.6667, 0.7262, 0.1, 0.4, 0.2143] {
        is_wrong(check::exercise_1(answer), "", &["0.6", "60"]);
    }
}

fn losers(counts: &[Vec<u64>], score: impl Fn(usize) -> u64, without: Option<usize>) -> Vec<usize> {
    let mut all: Vec<usize> = (0..counts.len())
        .filter(|&other| Some(other) != without)
        .collect();
    all.sort_by_key(|&other| std::cmp::Reverse(score(other)));
    all
}

#[test]
fn the_losers_are_found_in_a_column_without_the_diagonal() {
    is_right(check::exercise_2(|counts, class| {
        losers(counts, |t| counts[t][class], Some(class))[..3].to_vec()
    }));
    is_missing(check::exercise_2(|_, _| Vec::new()));
    is_wrong(
        check::exercise_2(|counts, class| {
            losers(counts, |t| counts[class][t], Some(class))[..3].to_vec()
        }),
        "swapped",
        &[],
    );
    is_wrong(
        check::exercise_2(|counts, class| losers(counts, |t| counts[t][class], None)[..3].to_vec()),
        "diagonal",
        &[],
    );
    is_wrong(
        check::exercise_2(|counts, class| losers(counts, |t| counts[t][class], Some(class))),
        "first three",
        &[],
    );
    is_wrong(
        check::exercise_2(|counts, class| {
            losers(counts, |t| u64::MAX - counts[t][class], Some(class))[..3].to_vec()
        }),
        "fewest",
        &[],
    );
    is_wrong(
        check::exercise_2(|counts, class| {
            let mut three = losers(counts, |t| counts[t][class], Some(class))[..3].to_vec();
            three.reverse();
            three
        }),
        "loses most first",
        &[],
    );
    is_wrong(
        check::exercise_2(|counts, class| {
            let share = |t: usize| 1_000_000 * counts[t][class] / counts[t].iter().sum::<u64>();
            losers(counts, share, Some(class))[..3].to_vec()
        }),
        "not by their fraction",
        &[],
    );
    is_wrong(check::exercise_2(|_, _| vec![1]), "counts[t][c]", &[]);
}

/// The library's report on a table.
fn report(counts: &[Vec<u64>]) -> ClassificationReport {
    let names: Vec<String> = (0..counts.len()).map(|class| class.to_string()).collect();
    let counts = Array2::from_shape_fn((names.len(), names.len()), |(t, p)| counts[t][p]);
    ClassificationReport::new(&ConfusionMatrix::from_counts(counts, &names).unwrap())
}

#[test]
fn the_weighted_precision_is_the_librarys() {
    is_right(check::exercise_3(|counts| {
        report(counts).weighted_average.precision
    }));
    is_missing(check::exercise_3(|_| f64::NAN));
    is_wrong(
        check::exercise_3(|counts| report(counts).macro_average.precision),
        "macro mean, which",
        &[],
    );
    is_wrong(
        check::exercise_3(|counts| report(counts).weighted_average.recall),
        "accuracy",
        &[],
    );
    is_wrong(
        check::exercise_3(|counts| report(counts).macro_average.recall),
        "recalls",
        &[],
    );
    is_wrong(
        check::exercise_3(|counts| report(counts).weighted_average.f1),
        "F1",
        &[],
    );
    is_wrong(
        check::exercise_3(|counts| 100.0 * report(counts).weighted_average.precision),
        "percentage",
        &[],
    );
    is_wrong(check::exercise_3(|_| 0.5), "a column", &[]);
    let without_care = |counts: &[Vec<u64>]| {
        let all: u64 = counts.iter().flatten().sum();
        let precision =
            |c: usize| counts[c][c] as f64 / counts.iter().map(|row| row[c]).sum::<u64>() as f64;
        (0..counts.len())
            .map(|c| counts[c].iter().sum::<u64>() as f64 / all as f64 * precision(c))
            .sum()
    };
    is_wrong(check::exercise_3(without_care), "never predicted", &[]);
}

fn loss(logits: &Matrix, classes: &[usize], t: f64) -> f64 {
    mean(
        sparse_categorical_crossentropy(&(logits / t), classes),
        None,
    )
    .0
}

/// The best of temperatures from 0.1 to 10, by a score that is to be low.
fn search(score: impl Fn(f64) -> f64) -> f64 {
    let temperatures = (0..=463).map(|step| 0.1 * 1.01_f64.powi(step));
    temperatures
        .min_by(|&a, &b| score(a).total_cmp(&score(b)))
        .unwrap_or(f64::NAN)
}

#[test]
fn the_temperature_is_where_the_loss_is_lowest() {
    is_right(check::exercise_4(|z, classes| {
        search(|t| loss(z, classes, t))
    }));
    is_missing(check::exercise_4(|_, _| f64::NAN));
    is_wrong(
        check::exercise_4(|z, classes| search(|t| loss(z, classes, 1.0 / t))),
        "You multiplied",
        &[],
    );
    is_wrong(
        check::exercise_4(|z, classes| loss(z, classes, search(|t| loss(z, classes, t)))),
        "That is the loss",
        &[],
    );
    is_wrong(
        check::exercise_4(|z, classes| search(|t| -loss(z, classes, t))),
        "end of the range",
        &[],
    );
    is_wrong(check::exercise_4(|_, _| 1.0), "changes nothing", &[]);
    is_wrong(check::exercise_4(|_, _| 7.0), "1 % above the last", &[]);
    let probabilities_divided = |z: &Matrix, classes: &[usize]| {
        let p = softmax(z);
        search(|t| {
            classes
                .iter()
                .enumerate()
                .map(|(i, &class)| -(p[[i, class]] / t).ln())
                .sum()
        })
    };
    is_wrong(
        check::exercise_4(probabilities_divided),
        "not the probabilities",
        &[],
    );
    is_wrong(check::exercise_4(|z, _| z[[9_999, 0]]), "panic", &[]);
}
