//! The exercises of notebook 8: report.

mod pairs;

use lab_core::training::{EpochRecord, History};

use crate::Feedback;
use crate::check::{Case, Exercise};
use crate::sandbox::attempt;

pub use pairs::exercise_5;

/// The recall and the images of exercise 1.
const RECALL: f64 = 0.35;
const IMAGES: f64 = 1_000.0;

/// The standard error of a recall of 0.35 on the 1,000 test images of a class.
pub fn exercise_1(error: f64) -> Feedback {
    let variance = RECALL * (1.0 - RECALL);
    let right = (variance / IMAGES).sqrt();
    let mistakes = vec![
        (variance / IMAGES, "That is the variance: take its root."),
        (
            100.0 * right,
            "That is in percentage points: give a fraction between 0 and 1.",
        ),
        (
            variance.sqrt(),
            "That is the standard deviation for a single image, right or wrong. How much smaller \
             is it for the mean of many?",
        ),
        (
            (variance / 10_000.0).sqrt(),
            "That is for all test images. How many of them belong to the class?",
        ),
        (
            (RECALL / IMAGES).sqrt(),
            "The variance is p (1 − p), not p alone: if all images were right, nothing would be \
             left to chance.",
        ),
        (
            variance.sqrt() / IMAGES,
            "The number of images belongs under the root, too.",
        ),
        (
            1.96 * right,
            "That is half of a 95 % interval: give a single standard error.",
        ),
        (2.0 * right, "That is two standard errors: give one."),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a fraction between 0 and 1, with two significant digits",
        tolerance: 0.01,
        fallback: "What is the variance of a number that is 1 with probability p and 0 otherwise? \
                   The standard error is its root, divided by the root of the number of images.",
        lesson: "So the third and fourth digits in “Class by class” are chance, and the recalls \
                 of two networks may differ by up to four points by chance alone.",
    };
    exercise.check(vec![Case {
        given: String::new(),
        found: Ok(error),
        right: vec![right],
        mistakes,
    }])
}

/// The epoch (from 1) with the lowest validation loss, and by how many points training is ahead there: `read(history)`.
pub fn exercise_2(read: fn(&History) -> (usize, f64)) -> Feedback {
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
        expected: "an epoch, counted from 1, and by how many points training is ahead of \
                   validation in it",
        tolerance: 1e-6,
        fallback: "Find the record with the smallest val_loss; return its epoch and 100 (accuracy \
                   − val_accuracy).",
        lesson: "Validation accuracy may still rise while validation loss rises, too: the network \
                 becomes more certain of its mistakes before it makes more of them.",
    };
    exercise.check(cases.map(|(name, history)| {
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
            found: attempt(|| read(&history)),
            right: vec![(epoch, right)],
            mistakes: vec![
                (of(&training), "That is the epoch with the lowest training loss: overfitting begins before it."),
                (of(&most_accurate), "That is the epoch with the best validation accuracy. The lowest validation loss is asked for."),
                (of(&last), "That is the last epoch, not the best."),
                ((epoch - 1, right), "Epochs count from 1: use the record's own number, not its \
                                 position in the list."),
                ((epoch, -right), "The sign is wrong: it is positive if training is ahead of \
                                 validation."),
                ((epoch, right / 100.0), "That is a fraction: points are hundredths of it."),
                ((epoch, gap(&last)), "The epoch is right, but the gap is that of the last one, not of \
                                 this one."),
                ((epoch, val_loss(&best) - best.loss), "The epoch is right, but give the gap in accuracy, not in loss."),
            ],
        }
    }).into())
}

/// How many standard errors lie between two accuracies on different sets of as many images:
/// `apart(first, second, images)`.
pub fn exercise_3(apart: fn(f64, f64, usize) -> f64) -> Feedback {
    let cases = [
        (0.5095, 0.4971, 10_000),
        (0.62, 0.70, 400),
        (0.9, 0.85, 2_500),
    ];
    let exercise = Exercise {
        number: 3,
        expected: "the difference of the two accuracies, in standard errors of that difference",
        tolerance: 1e-6,
        fallback: "Each accuracy has a variance, as in exercise 1. The variances of independent \
                   numbers add up: what is the standard error of their difference?",
        lesson: "By chance alone, one comparison in twenty is beyond 2 in either direction. If \
                 you compare twenty networks you will see it about once, and you must not report \
                 that one alone.",
    };
    exercise.check(
        cases
            .map(|(first, second, images)| {
                let n = images as f64;
                let variance = |p: f64| p * (1.0 - p) / n;
                let (a, b, difference) = (variance(first), variance(second), first - second);
                let pooled = 2.0 * variance((first + second) / 2.0);
                let right = difference / (a + b).sqrt();
                let one = "Only one of the two has an error here, but both are measured: their \
                           variances add up.";
                Case {
                    given: format!("for {first} and {second} on {images} images each"),
                    found: attempt(|| apart(first, second, images)),
                    right: vec![right, difference / pooled.sqrt()],
                    mistakes: vec![
                        (
                            -right,
                            "The sign is wrong: it is positive if the first is better.",
                        ),
                        (difference / a.sqrt(), one),
                        (difference / b.sqrt(), one),
                        (difference / variance((first + second) / 2.0).sqrt(), one),
                        (
                            difference / (a.sqrt() + b.sqrt()),
                            "Standard errors do not add up; their squares do.",
                        ),
                        (
                            difference / (a + b),
                            "That divides by the variance: take its root.",
                        ),
                        (
                            difference / (n * (a + b)).sqrt(),
                            "The number of images is missing under the root.",
                        ),
                        (
                            difference / (a - b).abs().sqrt(),
                            "The variance of a difference is the sum of the variances, not their \
                             difference.",
                        ),
                        (
                            100.0 * right,
                            "You divided points by fractions: use fractions between 0 and 1 \
                                 for both.",
                        ),
                        (
                            difference,
                            "That is the difference itself: how many standard errors is \
                                      it?",
                        ),
                    ],
                }
            })
            .into(),
    )
}

/// The same for two networks on the same images, by those that only one of them gets right:
/// `paired(truth, first, second)`.
pub fn exercise_4(paired: fn(&[u8], &[u8], &[u8]) -> f64) -> Feedback {
    let exercise = Exercise {
        number: 4,
        expected: "(b − c) / √(b + c), where b counts the images that only the first network gets \
                   right, and c those that only the second does",
        tolerance: 1e-9,
        fallback: "Go through the images and count those with first == truth and second != truth \
                   (b), and those the other way round (c). All others say nothing about the \
                   difference.",
        lesson: "On the same images, much of the chance is common to both networks and cancels: \
                 the same difference in accuracy is stronger evidence than on different images. \
                 This is McNemar's test (1947), and a reason to keep predictions.",
    };
    // The first and the second are wrong in every so many images, as often both together.
    let cases = [(300, 4, 3), (480, 5, 8), (60, 7, 7)].map(|(images, first, second)| {
        let truth: Vec<u8> = (0..images).map(|number| (number * 7 % 10) as u8).collect();
        let answers = |every: usize, shift: u8| -> Vec<u8> {
            let answer = |(number, &class): (usize, &u8)| {
                if number % every == 0 {
                    (class + shift) % 10
                } else {
                    class
                }
            };
            truth.iter().enumerate().map(answer).collect()
        };
        // Where both are wrong they give different answers (a difference, but not one of right and wrong); in the last
        // case they give the same answers to all images.
        let (first, second) = (
            answers(first, 1),
            answers(second, if first == second { 1 } else { 2 }),
        );
        let count = |wanted: &dyn Fn(bool, bool, bool) -> bool| {
            let fits = |i: &usize| {
                wanted(
                    first[*i] == truth[*i],
                    second[*i] == truth[*i],
                    first[*i] == second[*i],
                )
            };
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
            found: attempt(|| paired(&truth, &first, &second)),
            right: vec![right],
            mistakes: vec![
                (
                    f64::NAN,
                    "Here no image is right with one network alone, and 0/0 is NaN: return \
                            0.",
                ),
                (
                    -right,
                    "The sign is wrong: it is positive if the first is better.",
                ),
                (over(b + c), "The root below the line is missing."),
                (
                    right * right,
                    "That is the square, McNemar's χ²: without the sign it does not \
                                 say which network is better.",
                ),
                (
                    over(different.sqrt()),
                    "Where both are wrong in different ways, neither is better: leave these \
                     images out of the denominator.",
                ),
                (
                    over(n.sqrt()),
                    "Not all images count in the denominator: those that both get \
                                 right or both get wrong say nothing.",
                ),
                (
                    (b - c) / n / unpaired.sqrt(),
                    "That is the formula of exercise 3, for different images. Here the images are \
                     the same: count pairs.",
                ),
                (b - c, "That is b − c: divide it by its standard error."),
                (
                    (b - c) / n,
                    "That is the difference of the accuracies: divide b − c by its \
                               standard error.",
                ),
            ],
        }
    });
    exercise.check(cases.into())
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
