//! The exercises of notebook 6: right answers, blank ones, and the hints for wrong ones.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::improvement as check;

#[test]
fn steps_are_turned_into_epochs() {
    is_right(check::exercise_1(25.6));
    is_missing(check::exercise_1(f64::NAN));
    is_wrong(check::exercise_1(8.0), "40,000", &["25.6"]);
    is_wrong(check::exercise_1(0.4), "single image", &["25.6"]);
    is_wrong(check::exercise_1(78.125), "of an epoch", &["25.6"]);
    is_wrong(check::exercise_1(195.3125), "steps in an epoch", &["25.6"]);
    is_wrong(check::exercise_1(3.0), "", &["25.6"]);
}

fn moments(values: &[f64], freedom: f64) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (n, (squares / (n - freedom)).sqrt())
}

#[test]
fn one_more_run_scatters_and_so_does_the_mean() {
    is_right(check::exercise_2(|values, t| {
        let (n, s) = moments(values, 1.0);
        t * s * (1.0 + 1.0 / n).sqrt()
    }));
    is_missing(check::exercise_2(|_, _| f64::NAN));
    type Answer = fn(&[f64], f64) -> f64;
    let mistakes: [(Answer, &str); 5] = [
        (
            |v, t| t * moments(v, 1.0).1 / moments(v, 1.0).0.sqrt(),
            "mean alone",
        ),
        (|v, t| t * moments(v, 1.0).1, "single run alone"),
        (
            |v, t| t * moments(v, 0.0).1 * (1.0 + 1.0 / v.len() as f64).sqrt(),
            "n − 1",
        ),
        (
            |v, _| moments(v, 1.0).1 * (1.0 + 1.0 / v.len() as f64).sqrt(),
            "multiply with t",
        ),
        (|_, _| 1.0, ""),
    ];
    for (answer, hint) in mistakes {
        is_wrong(check::exercise_2(answer), hint, &[]);
    }
}
