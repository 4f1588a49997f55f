//! The exercises of notebook 6: improvement.

mod few_images;

use crate::Feedback;
use crate::check::{Case, Exercise};
use crate::sandbox::attempt;

pub use few_images::exercise_3;

/// How many epochs of 12,500 images 5,000 steps of 64 images are.
pub fn exercise_1(epochs: f64) -> Feedback {
    let (steps, batch, images) = (5_000.0, 64.0, 12_500.0);
    let right = steps * batch / images;
    let mistakes = vec![
        (
            8.0,
            "That is the number for 40,000 images: with fewer images an epoch has fewer steps.",
        ),
        (
            steps / images,
            "That is for batches of a single image. Each step takes 64.",
        ),
        (
            steps / batch,
            "Divide the images of all steps by the images of an epoch.",
        ),
        (images / batch, "That is the number of steps in an epoch."),
        (1.0 / right, "That is the reciprocal."),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a number of epochs, right to three digits",
        tolerance: 0.004,
        fallback: "How many images do 5,000 steps see in all? How many of them are one epoch?",
        lesson: "With the epochs fixed, the network on fewer images would be trained for fewer \
                 steps, and what looks like a lack of data would be a lack of training.",
    };
    exercise.check(vec![Case {
        given: String::new(),
        found: Ok(epochs),
        right: vec![right],
        mistakes,
    }])
}

/// By how many points a single run must differ from the mean of others: `noise(accuracies, t)`.
pub fn exercise_2(noise: fn(&[f64], f64) -> f64) -> Feedback {
    let cases: [(&[f64], f64); 3] = [
        (&[50.1, 49.6, 50.4, 49.9, 50.0], 2.776),
        (&[47.2, 48.4, 47.9], 4.303),
        (&[67.3, 66.1], 12.706),
    ];
    let exercise = Exercise {
        number: 2,
        expected: "a number of points of accuracy",
        tolerance: 1e-6,
        fallback: "Two things scatter: the mean of the others, with s²/n, and the single run, with \
                   s². Add the variances, take the root, and multiply with t.",
        lesson: "For three runs it is twice the half-width of the mean's own interval; with more \
                 runs it shrinks towards t·s and no further, because the single run still scatters.",
    };
    exercise.check(cases.map(|(accuracies, t)| {
        let n = accuracies.len() as f64;
        let mean = accuracies.iter().sum::<f64>() / n;
        let squares: f64 = accuracies.iter().map(|a| (a - mean).powi(2)).sum();
        let (s, biased) = ((squares / (n - 1.0)).sqrt(), (squares / n).sqrt());
        let both = (1.0 + 1.0 / n).sqrt();
        Case {
            given: format!("for the accuracies {accuracies:?} and t = {t}"),
            found: attempt(|| noise(accuracies, t)),
            right: vec![t * s * both],
            mistakes: vec![
                (t * s / n.sqrt(), "That is the interval of the mean alone. The single run scatters, too."),
                (t * s, "That is the scatter of the single run alone. The mean is not exact, either."),
                (t * biased * both, "Divide the squares by n − 1: the mean was taken from the same runs."),
                (s * both, "That is one standard deviation: multiply with t."),
                (t * (s + s / n.sqrt()), "Add the variances, not the standard deviations."),
                (t * s * s * (1.0 + 1.0 / n), "That is the variance: take its root before you multiply with t."),
            ],
        }
    }).into())
}
