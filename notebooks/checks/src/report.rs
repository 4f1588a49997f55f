//! The exercises of notebook 6: report.

use lab_core::training::{EpochRecord, History};

use crate::Verdict;
use crate::judge::{Case, Exercise};
use crate::trial::attempt;

/// The recall and the images of exercise 1.
const RECALL: f64 = 0.35;
const IMAGES: f64 = 1_000.0;

/// The standard error of a recall of 0.35 on the 1,000 test images of a class.
pub fn exercise_1(error: f64) -> Verdict {
    let variance = RECALL * (1.0 - RECALL);
    let right = (variance / IMAGES).sqrt();
    let mistakes = vec![
        (variance / IMAGES, "That is the variance: take its root."),
        (
            100.0 * right,
            "That is in percentage points: give a share of 1.",
        ),
        (
            variance.sqrt(),
            "That is the deviation of a single image, right or wrong. How much smaller is that of a mean of many?",
        ),
        (
            (variance / 10_000.0).sqrt(),
            "That is for all test images. How many of them belong to the class?",
        ),
        (
            (RECALL / IMAGES).sqrt(),
            "p (1 − p), not p alone: where all images are right, nothing is left to chance.",
        ),
        (
            variance.sqrt() / IMAGES,
            "The number of images belongs under the root.",
        ),
        (
            1.96 * right,
            "That is half of a 95 % interval: a single standard error is asked for.",
        ),
        (
            2.0 * right,
            "That is two standard errors: one is asked for.",
        ),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a share of 1, with two digits that count",
        tolerance: 0.01,
        otherwise: "A number that is 1 with the probability p and 0 otherwise: what is its variance? The error is the root of that, \
                    divided by the root of the number of images.",
        so: "So in “Class by class” the third and fourth digits are chance, and recalls of two networks that differ by four \
             points or less may be so by chance as well.",
    };
    exercise.judge(vec![Case {
        given: String::new(),
        came: Ok(error),
        right: vec![right],
        mistakes,
    }])
}

/// The epoch (from 1) with the lowest validation loss, and by how many points training is ahead there: `read(history)`.
pub fn exercise_2(read: fn(&History) -> (usize, f64)) -> Verdict {
    // Loss, accuracy, validation loss, validation accuracy: overfitting, then a training that is behind, as with dropout.
    let overfitting = history(&[
        [1.90, 0.310, 1.75, 0.370],
        [1.60, 0.430, 1.52, 0.455],
        [1.38, 0.510, 1.44, 0.490],
        [1.15, 0.590, 1.47, 0.505],
        [0.92, 0.680, 1.61, 0.500],
        [0.95, 0.670, 1.66, 0.497],
    ]);
    let behind = history(&[
        [2.1, 0.22, 1.95, 0.29],
        [1.8, 0.33, 1.72, 0.38],
        [1.9, 0.30, 1.78, 0.39],
    ]);
    let cases = [
        ("overfits after some epochs", overfitting),
        ("is behind its validation", behind),
    ];
    let exercise = Exercise {
        number: 2,
        expected: "an epoch, from 1, and the points by which training is ahead in it",
        tolerance: 1e-6,
        otherwise: "Look for the record with the smallest val_loss; of that record take epoch and 100 (accuracy − val_accuracy).",
        so: "The accuracy on the validation images may still rise where their loss does too: the network gets surer of its \
             mistakes sooner than it makes more of them.",
    };
    exercise.judge(cases.map(|(name, history)| {
        let find = |value: &dyn Fn(&EpochRecord) -> f64| {
            let first = history.epochs[0];
            history.epochs.iter().fold(first, |best, record| if value(record) < value(&best) { *record } else { best })
        };
        let gap = |record: &EpochRecord| 100.0 * (record.accuracy - record.val_accuracy.unwrap_or(f64::NAN));
        let val_loss = |record: &EpochRecord| record.val_loss.unwrap_or(f64::NAN);
        let best = find(&val_loss);
        let last = find(&|record| -(record.epoch as f64));
        let most_accurate = find(&|record| -record.val_accuracy.unwrap_or(f64::NAN));
        let training = find(&|record| record.loss);
        let of = |record: &EpochRecord| (record.epoch, gap(record));
        let (epoch, right) = of(&best);
        Case {
            given: format!("for a training of {} epochs that {name}", history.epochs.len()),
            came: attempt(|| read(&history)),
            right: vec![(epoch, right)],
            mistakes: vec![
                (of(&training), "That is the epoch with the lowest training loss: overfitting begins before it."),
                (of(&most_accurate), "That is the epoch with the best validation accuracy. The lowest validation loss is asked for."),
                (of(&last), "That is the last epoch, not the best."),
                ((epoch - 1, right), "Epochs count from 1: take the record's own number, not its place in the list."),
                ((epoch, -right), "The sign: positive where training is ahead of validation."),
                ((epoch, right / 100.0), "That is a share: points are hundredths of it."),
                ((epoch, gap(&last)), "The epoch is right, but the gap is that of the last one."),
                ((epoch, val_loss(&best) - best.loss), "The epoch is right, but the gap is asked for in accuracy, not in loss."),
            ],
        }
    }).into())
}

/// How many standard errors lie between two accuracies on different sets of as many images:
/// `apart(first, second, images)`.
pub fn exercise_3(apart: fn(f64, f64, usize) -> f64) -> Verdict {
    let cases = [
        (0.5095, 0.4971, 10_000),
        (0.62, 0.70, 400),
        (0.9, 0.85, 2_500),
    ];
    let exercise = Exercise {
        number: 3,
        expected: "the difference of the two shares, in standard errors of that difference",
        tolerance: 1e-6,
        otherwise: "Each share has a variance, as in exercise 1. Variances of independent things add up: what does that make \
                    of the error of a difference?",
        so: "Beyond 2 in either direction is what chance alone does in one comparison of twenty: who compares twenty \
             networks will see it once, and must not report that one alone.",
    };
    exercise.judge(
        cases
            .map(|(first, second, images)| {
                let n = images as f64;
                let variance = |p: f64| p * (1.0 - p) / n;
                let (a, b, difference) = (variance(first), variance(second), first - second);
                let pooled = 2.0 * variance((first + second) / 2.0);
                let right = difference / (a + b).sqrt();
                let one = "Only one of the two has an error here: both are measured, and their variances add up.";
                Case {
                    given: format!("for {first} and {second} on {images} images each"),
                    came: attempt(|| apart(first, second, images)),
                    right: vec![right, difference / pooled.sqrt()],
                    mistakes: vec![
                        (-right, "The sign: positive where the first is better."),
                        (difference / a.sqrt(), one),
                        (difference / b.sqrt(), one),
                        (difference / variance((first + second) / 2.0).sqrt(), one),
                        (difference / (a.sqrt() + b.sqrt()), "Standard errors do not add up; their squares do."),
                        (difference / (a + b), "That divides by the variance: take its root."),
                        (difference / (n * (a + b)).sqrt(), "The number of images is missing under the root."),
                        (
                            difference / (a - b).abs().sqrt(),
                            "The variance of a difference is the sum of the variances: both blur it.",
                        ),
                        (100.0 * right, "Points over shares: take both as shares of 1."),
                        (difference, "That is the difference itself: how many of its standard errors is it?"),
                    ],
                }
            })
            .into(),
    )
}

/// The same for two networks on the same images, by those that only one of them gets right:
/// `paired(truth, first, second)`.
pub fn exercise_4(paired: fn(&[u8], &[u8], &[u8]) -> f64) -> Verdict {
    let exercise = Exercise {
        number: 4,
        expected: "(b − c) / √(b + c), of the images that only the first (b) and only the second (c) gets right",
        tolerance: 1e-9,
        otherwise: "Go through the images: count those with first == truth and second != truth (b), and those the other way \
                    round (c). All others say nothing about the difference.",
        so: "On the same images much of the chance is common to both and falls out: the same difference in accuracy counts \
             for more than on different images. This is McNemar's test (1947), and the reason to keep predictions.",
    };
    // The first and the second are wrong in every so many images, as often both together.
    let cases = [(300, 4, 3), (480, 5, 8), (60, 7, 7)].map(|(images, first, second)| {
        let truth: Vec<u8> = (0..images).map(|number| (number * 7 % 10) as u8).collect();
        let answers = |every: usize, shift: u8| -> Vec<u8> {
            let answer =
                |(number, &class): (usize, &u8)| if number % every == 0 { (class + shift) % 10 } else { class };
            truth.iter().enumerate().map(answer).collect()
        };
        // Where both are wrong they give different answers (a difference, but not one of right and wrong); in the last
        // case they give the same answers to all images.
        let (first, second) = (answers(first, 1), answers(second, if first == second { 1 } else { 2 }));
        let count = |wanted: &dyn Fn(bool, bool, bool) -> bool| {
            let fits = |i: &usize| wanted(first[*i] == truth[*i], second[*i] == truth[*i], first[*i] == second[*i]);
            (0..images).filter(fits).count() as f64
        };
        let (b, c) = (count(&|a, b, _| a && !b), count(&|a, b, _| b && !a));
        let (different, n) = (count(&|_, _, same| !same), images as f64);
        let over = |below: f64| if b + c == 0.0 { 0.0 } else { (b - c) / below };
        let variance = |share: f64| share * (1.0 - share) / n;
        let unpaired = variance(count(&|a, _, _| a) / n) + variance(count(&|_, b, _| b) / n);
        let right = over((b + c).sqrt());
        Case {
            given: format!(
                "for {images} images, of which the networks get {} and {} right",
                count(&|a, _, _| a),
                count(&|_, b, _| b)
            ),
            came: attempt(|| paired(&truth, &first, &second)),
            right: vec![right],
            mistakes: vec![
                (f64::NAN, "Here no image is right with one network alone, and 0/0 is no number: say 0."),
                (-right, "The sign: positive where the first is better."),
                (over(b + c), "The root below is missing."),
                (right * right, "That is the square, McNemar's χ²: without the sign it does not say who is better."),
                (
                    over(different.sqrt()),
                    "Where both are wrong in different ways, neither is better: leave these out below.",
                ),
                (over(n.sqrt()), "Not all images count below: those that both get right or wrong say nothing."),
                (
                    (b - c) / n / unpaired.sqrt(),
                    "That is exercise 3, for different images. Here they are the same: count pairs.",
                ),
                (b - c, "That is b − c: divide by what chance makes of it."),
                ((b - c) / n, "That is the difference of the accuracies: divide b − c by what chance makes of it."),
            ],
        }
    });
    exercise.judge(cases.into())
}

/// A history of epochs from loss, accuracy, validation loss and validation accuracy.
fn history(rows: &[[f64; 4]]) -> History {
    let record = |(index, row): (usize, &[f64; 4])| EpochRecord {
        epoch: index + 1,
        loss: row[0],
        accuracy: row[1],
        val_loss: Some(row[2]),
        val_accuracy: Some(row[3]),
        learning_rate: 0.001,
        seconds: 1.0,
    };
    History {
        epochs: rows.iter().enumerate().map(record).collect(),
        ..History::default()
    }
}
