//! The exercises of notebook 8: right answers, blank ones, and the hints for wrong ones.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::report as check;
use lab_core::training::{EpochRecord, History};

#[test]
fn a_recall_has_the_error_of_its_own_class() {
    is_right(check::exercise_1(0.01508));
    is_right(check::exercise_1(0.015));
    is_missing(check::exercise_1(f64::NAN));
    is_wrong(check::exercise_1(0.0002275), "root", &[]);
    is_wrong(check::exercise_1(1.508), "points", &[]);
    is_wrong(check::exercise_1(0.00477), "all test images", &[]);
    is_wrong(check::exercise_1(0.0187), "not p alone", &[]);
    is_wrong(check::exercise_1(0.477), "single image", &[]);
    for answer in [
        0.0002275, 1.508, 0.00477, 0.0187, 0.477, 0.000477, 0.0296, 0.0302, 5.0,
    ] {
        is_wrong(
            check::exercise_1(answer),
            "",
            &["0.015", "0.0151", "0.01508", "1.5", "1.51"],
        );
    }
}

fn best(history: &History, value: fn(&EpochRecord) -> f64) -> &EpochRecord {
    history
        .epochs
        .iter()
        .min_by(|a, b| value(a).total_cmp(&value(b)))
        .unwrap()
}

fn gap(record: &EpochRecord) -> f64 {
    100.0 * (record.accuracy - record.val_accuracy.unwrap())
}

#[test]
fn the_best_epoch_is_that_of_the_lowest_validation_loss() {
    is_right(check::exercise_2(|history| {
        (history.best().unwrap().epoch, gap(history.best().unwrap()))
    }));
    is_missing(check::exercise_2(|_| (0, f64::NAN)));
    type Answer = fn(&History) -> (usize, f64);
    let mistakes: [(Answer, &str); 7] = [
        (
            |h| (best(h, |r| r.loss).epoch, gap(best(h, |r| r.loss))),
            "training loss",
        ),
        (
            |h| {
                let record = best(h, |r| -r.val_accuracy.unwrap());
                (record.epoch, gap(record))
            },
            "best validation accuracy",
        ),
        (
            |h| (h.epochs.len(), gap(h.epochs.last().unwrap())),
            "last epoch, not",
        ),
        (
            |h| (h.best().unwrap().epoch - 1, gap(h.best().unwrap())),
            "count from 1",
        ),
        (
            |h| (h.best().unwrap().epoch, -gap(h.best().unwrap())),
            "sign",
        ),
        (
            |h| (h.best().unwrap().epoch, gap(h.best().unwrap()) / 100.0),
            "hundredths",
        ),
        (
            |h| (h.best().unwrap().epoch, gap(h.epochs.last().unwrap())),
            "of the last one",
        ),
    ];
    for (answer, words) in mistakes {
        is_wrong(check::exercise_2(answer), words, &[]);
    }
}

#[test]
fn the_errors_of_both_shares_count() {
    fn v(p: f64, n: usize) -> f64 {
        p * (1.0 - p) / n as f64
    }
    is_right(check::exercise_3(|a, b, n| {
        (a - b) / (v(a, n) + v(b, n)).sqrt()
    }));
    is_right(check::exercise_3(|a, b, n| {
        (a - b) / (2.0 * v((a + b) / 2.0, n)).sqrt()
    }));
    is_missing(check::exercise_3(|_, _, _| f64::NAN));
    is_wrong(
        check::exercise_3(|a, b, n| (b - a) / (v(a, n) + v(b, n)).sqrt()),
        "sign",
        &[],
    );
    is_wrong(
        check::exercise_3(|a, b, n| (a - b) / v(a, n).sqrt()),
        "Only one",
        &[],
    );
    is_wrong(
        check::exercise_3(|a, b, n| (a - b) / (v(a, n).sqrt() + v(b, n).sqrt())),
        "do not add up",
        &[],
    );
    is_wrong(
        check::exercise_3(|a, b, n| (a - b) / (v(a, n) + v(b, n))),
        "take its root",
        &[],
    );
    is_wrong(
        check::exercise_3(|a, b, _| (a - b) / (v(a, 1) + v(b, 1)).sqrt()),
        "number of images",
        &[],
    );
    is_wrong(
        check::exercise_3(|a, b, n| 100.0 * (a - b) / (v(a, n) + v(b, n)).sqrt()),
        "points by fractions",
        &[],
    );
    is_wrong(
        check::exercise_3(|a, b, n| (a - b).abs() / (v(a, n) + v(b, n)).sqrt()),
        "sign",
        &[],
    );
    is_wrong(check::exercise_3(|_, _, _| 0.0), "add up", &[]);
}

/// What only the first gets right, what only the second does, and how many there are.
fn counts(truth: &[u8], first: &[u8], second: &[u8]) -> (f64, f64, f64) {
    let only = |a: &[u8], b: &[u8]| {
        (0..truth.len())
            .filter(|&i| a[i] == truth[i] && b[i] != truth[i])
            .count() as f64
    };
    (only(first, second), only(second, first), truth.len() as f64)
}

#[test]
fn pairs_count_where_one_alone_is_right() {
    is_right(check::exercise_4(|truth, first, second| {
        let (b, c, _) = counts(truth, first, second);
        if b + c == 0.0 {
            0.0
        } else {
            (b - c) / (b + c).sqrt()
        }
    }));
    is_missing(check::exercise_4(|_, _, _| f64::NAN));
    type Answer = fn(&[u8], &[u8], &[u8]) -> f64;
    let mistakes: [(Answer, &str); 7] = [
        (
            |t, x, y| {
                let (b, c, _) = counts(t, x, y);
                (b - c) / (b + c).sqrt()
            },
            "0/0",
        ),
        (
            |t, x, y| {
                let (b, c, _) = counts(t, x, y);
                (c - b) / (b + c).sqrt()
            },
            "sign",
        ),
        (
            |t, x, y| {
                let (b, c, _) = counts(t, x, y);
                (b - c) / (b + c)
            },
            "root below",
        ),
        (
            |t, x, y| {
                let (b, c, _) = counts(t, x, y);
                (b - c).powi(2) / (b + c)
            },
            "McNemar",
        ),
        (
            |t, x, y| {
                let (b, c, n) = counts(t, x, y);
                (b - c) / n.sqrt()
            },
            "Not all images",
        ),
        (
            |t, x, y| {
                let (b, c, _) = counts(t, x, y);
                let different = x.iter().zip(y).filter(|(x, y)| x != y).count() as f64;
                (b - c) / different.sqrt()
            },
            "neither is better",
        ),
        (
            |t, x, y| {
                let share = |z: &[u8]| {
                    z.iter().zip(t).filter(|(z, t)| z == t).count() as f64 / t.len() as f64
                };
                let (p, q) = (share(x), share(y));
                (p - q) / ((p * (1.0 - p) + q * (1.0 - q)) / t.len() as f64).sqrt()
            },
            "exercise 3",
        ),
    ];
    for (answer, words) in mistakes {
        is_wrong(check::exercise_4(answer), words, &[]);
    }
}
