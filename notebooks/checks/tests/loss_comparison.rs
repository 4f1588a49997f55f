//! Right, blank and usual wrong answers to the exercises of notebook 3.

mod common;

use std::f64::consts::LN_2;

use common::{is_missing, is_right, is_wrong};
use lab_checks::loss_comparison::{exercise_1, exercise_2, exercise_3, exercise_4};
use lab_core::prelude::{Loss, Targets};
use lab_textbook::Matrix;

#[test]
fn four_losses_by_hand() {
    let rounded = (LN_2 * 1000.0).round() / 1000.0;
    is_right(exercise_1([rounded, rounded, rounded, 0.127]));
    is_right(exercise_1([LN_2, LN_2, LN_2, 0.38 / 3.0]));
    is_missing(exercise_1([f64::NAN; 4]));
    let (l, m) = (LN_2, 0.38 / 3.0);
    for (answer, hint) in [
        ([-l, l, l, m], "minus is missing"),
        ([1.0, 1.0, 1.0, m], "base 2"),
        ([0.301, l, l, m], "base 10"),
        ([l, 1.204, l, m], "counted from 0"),
        ([3.5066, l, l, m], "multiplied by the target"),
        ([1.0297, l, l, m], "entropy of p itself"),
        ([l, l, 0.0, m], "p is the target itself"),
        ([l, l, f64::NAN, m], "still empty"),
        ([l, l, l, 0.38], "mean over the classes"),
        ([l, l, l, 0.25], "other classes count"),
        ([l, l, l, 0.3559], "No root"),
        ([l, l, l, 0.26], "counted from 0"),
        ([l, l, l, 9.0], "for each class"),
    ] {
        is_wrong(exercise_1(answer), hint, &["0.69", "0.12", "0.13", "ln 2"]);
    }
}

type Softmax = fn(&[f64]) -> Vec<f64>;

fn softmax(z: &[f64]) -> Vec<f64> {
    let most = z.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = z.iter().map(|z| (z - most).exp()).sum();
    z.iter().map(|z| (z - most).exp() / sum).collect()
}

fn each(z: &[f64], f: fn(f64) -> f64) -> Vec<f64> {
    z.iter().map(|z| f(*z)).collect()
}

fn shares(powers: Vec<f64>) -> Vec<f64> {
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[test]
fn a_softmax_without_overflow() {
    is_right(exercise_2(softmax));
    is_missing(exercise_2(|_| Vec::new()));
    let wrong: [(Softmax, &str); 9] = [
        (|z| shares(each(z, f64::exp)), "Subtract the largest logit"),
        (
            |z| {
                shares(
                    z.iter()
                        .map(|a| (a - z.iter().copied().fold(0.0, f64::max)).exp())
                        .collect(),
                )
            },
            "starts at 0",
        ),
        (|z| each(z, f64::exp), "divide each by the sum"),
        (|z| shares(z.to_vec()), "e to the power of each"),
        (|z| each(z, |z| 1.0 / (1.0 + (-z).exp())), "sigmoid"),
        (
            |z| softmax(z).into_iter().map(f64::ln).collect(),
            "logarithms of the probabilities",
        ),
        (|z| softmax(&each(z, |z| -z)), "sign in the exponent"),
        (|z| shares(each(z, f64::exp2)), "base is e"),
        (|z| vec![z[0], z[1], z[2]], "e to the power of each"),
    ];
    for (answer, hint) in wrong {
        is_wrong(
            exercise_2(answer),
            hint,
            &["0.042", "0.114", "0.843", "0.26"],
        );
    }
    is_wrong(
        exercise_2(|z| if z.len() == 3 { softmax(z) } else { vec![z[2]] }),
        "any number of logits",
        &["0.5"],
    );
}

#[test]
fn the_least_loss_with_smoothed_labels() {
    is_right(exercise_3([0.5003, 0.0]));
    is_missing(exercise_3([f64::NAN; 2]));
    for (answer, hint) in [
        ([0.0, 0.0], "nine other classes"),
        ([-0.5003, 0.0], "sign"),
        ([0.7217, 0.0], "base 2"),
        ([0.5448, 0.0], "true one included"),
        ([0.0943, 0.0], "so they have terms"),
        ([0.0858, 0.0], "so they have terms"),
        ([0.1319, 0.0], "nine other classes"),
        ([0.05, 0.0], "not a mean"),
        ([0.5003, 0.5003], "subtracts the entropy of the target"),
        ([0.5003, -0.4], "never negative"),
        ([0.5003, 3.0], "equal to y"),
    ] {
        let hint = if answer[0] == 0.0 {
            "pays for the other nine classes"
        } else {
            hint
        };
        is_wrong(exercise_3(answer), hint, &["0.500", "0.50"]);
    }
}

type OwnLoss = fn(&Matrix, &[usize], f64) -> (f64, Matrix);

fn log_softmax(z: &Matrix) -> Matrix {
    let mut log_p = z.clone();
    for mut row in log_p.outer_iter_mut() {
        let most = row.fold(f64::MIN, |a, b| a.max(*b));
        let sum: f64 = row.iter().map(|z| (z - most).exp()).sum();
        row -= most + sum.ln();
    }
    log_p
}

fn targets(z: &Matrix, classes: &[usize], s: f64) -> Matrix {
    let k = z.ncols() as f64;
    Matrix::from_shape_fn(z.dim(), |(i, j)| {
        if classes[i] == j {
            1.0 - s + s / k
        } else {
            s / k
        }
    })
}

fn loss(z: &Matrix, y: &Matrix) -> (f64, Matrix) {
    let n = z.nrows() as f64;
    let log_p = log_softmax(z);
    (-(y * &log_p).sum() / n, (log_p.exp() - y) / n)
}

fn right(z: &Matrix, classes: &[usize], s: f64) -> (f64, Matrix) {
    loss(z, &targets(z, classes, s))
}

fn none() -> Matrix {
    Matrix::zeros((0, 0))
}

#[test]
fn a_loss_of_ones_own() {
    is_right(exercise_4(right));
    is_missing(exercise_4(|_, _, _| (f64::NAN, none())));
    let wrong: [(OwnLoss, &str); 11] = [
        (|z, c, s| (right(z, c, s).0, none()), "still empty"),
        (
            |z, c, s| (right(z, c, s).0 * z.nrows() as f64, right(z, c, s).1),
            "sum over the batch",
        ),
        (
            |z, c, s| (-right(z, c, s).0, none()),
            "minus before the sum",
        ),
        (|z, c, s| (right(z, c, s).0 / LN_2, none()), "base 2"),
        (|z, c, _| loss(z, &targets(z, c, 0.0)), "not smoothed"),
        (
            |z, c, s| {
                let y = targets(z, c, 0.0).mapv(|y| {
                    if y > 0.0 {
                        1.0 - s
                    } else {
                        s / (z.ncols() - 1) as f64
                    }
                });
                loss(z, &y)
            },
            "true one included",
        ),
        (
            |z, c, s| {
                let p =
                    Matrix::from_shape_fn(z.dim(), |(i, j)| z[[i, j]].exp() / z.row(i).exp().sum());
                let y = targets(z, c, s);
                (
                    -(&y * p.ln()).sum() / z.nrows() as f64,
                    (p - y) / z.nrows() as f64,
                )
            },
            "Overflow",
        ),
        (
            |z, c, s| (right(z, c, s).0, right(z, c, s).1 * z.nrows() as f64),
            "divide by N",
        ),
        (
            |z, c, s| (right(z, c, s).0, -right(z, c, s).1),
            "sign is wrong",
        ),
        (
            |z, c, s| (right(z, c, s).0, right(z, c, 0.0).1),
            "smoothed one",
        ),
        (
            |z, c, s| (right(z, c, s).0, right(z, c, s).1.reversed_axes()),
            "shape of the logits",
        ),
    ];
    for (answer, hint) in wrong {
        is_wrong(
            exercise_4(answer),
            hint,
            &["1.74", "0.785", "0.824", "5.49"],
        );
    }
}

/// f32 is too coarse for the check, so the library is asked whether it agrees with what is right there.
#[test]
fn the_library_agrees_with_the_right_answer() {
    is_right(exercise_4(|z, classes, s| {
        let labels: Vec<u8> = classes.iter().map(|class| *class as u8).collect();
        let (given, targets) = (
            z.mapv(|z| z as f32),
            Targets::classes(&labels).smoothed(s as f32),
        );
        let library = Loss::CategoricalCrossentropy
            .value_and_gradient(given.view(), targets)
            .unwrap();
        let (loss, gradient) = right(z, classes, s);
        assert!((library.0 - loss).abs() < 1e-5 * (1.0 + loss.abs()));
        assert!(
            library
                .1
                .iter()
                .zip(&gradient)
                .all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6)
        );
        (loss, gradient)
    }));
}
