//! The exercises of notebook 3: loss comparison.

use std::f64::consts::{LN_2, LN_10};

mod floor;
mod own_loss;

use crate::Feedback;
use crate::sandbox::{attempt, hint, near, rounded, row};

pub use floor::exercise_5;
pub use own_loss::exercise_4;

/// Cross-entropy, its sparse form, Kullback-Leibler divergence and mean squared error for p = (0.2, 0.3, 0.5), class 2.
pub fn exercise_1(answer: [f64; 4]) -> Feedback {
    let p = [0.2f64, 0.3, 0.5];
    let truth = 2;
    if answer.iter().all(|loss| loss.is_nan()) {
        return Feedback::missing(1, "four numbers, with three digits after the point or more");
    }
    let squares = |target: usize| -> f64 {
        p.iter()
            .enumerate()
            .map(|(k, p)| (p - if k == target { 1.0 } else { 0.0 }).powi(2))
            .sum()
    };
    let entropies = [
        "the cross-entropy",
        "the sparse cross-entropy",
        "the Kullback-Leibler divergence",
    ];
    let right = -p[truth].ln();
    for (name, found) in entropies.into_iter().zip(answer) {
        if rounded(found, right) {
            continue;
        }
        let mistakes = [
            (found.is_nan(), "This one is still empty."),
            (
                rounded(found, -right),
                "The logarithm of a probability is negative, but a loss is not: the minus is \
                 missing.",
            ),
            (
                rounded(found, right / LN_2),
                "That is the logarithm to base 2; ln is the natural logarithm.",
            ),
            (
                rounded(found, right / LN_10),
                "That is the logarithm to base 10; ln is the natural logarithm.",
            ),
            (
                rounded(found, -p[1].ln()),
                "Classes are counted from 0: which entry of p is class 2?",
            ),
            (
                rounded(found, -p.iter().map(|p| p.ln()).sum::<f64>()),
                "Each term is multiplied by the target, which is 0 for all classes but one.",
            ),
            (
                rounded(found, -p.iter().map(|p| p * p.ln()).sum::<f64>()),
                "That is the entropy of p itself: the factor in front of the logarithm is y.",
            ),
            (
                rounded(found, right / 3.0),
                "Only the mean squared error is divided by the number of classes.",
            ),
            (
                rounded(found, 0.0) && name.contains("Kullback"),
                "The divergence is 0 only if p is the target itself. 0 is the entropy of the \
                 target, which is subtracted.",
            ),
            (
                rounded(found, 1.0 - p[truth]),
                "That is the distance from 1; these three losses take a logarithm.",
            ),
        ];
        let expected = format!("{name} of an image of class {truth} for p = {p:?}");
        return Feedback::wrong(
            1,
            expected,
            found,
            hint(
                &mistakes,
                "Write y as (0, 0, 1), and leave out the terms that are multiplied by 0.",
            ),
        );
    }
    let found = answer[3];
    let right = squares(truth) / 3.0;
    if rounded(found, right) {
        return Feedback::right(
            1,
            "Three of the four losses are equal. The fourth is never more than 2/3 for three \
             classes, however wrong the network is; the others have no upper bound.",
        );
    }
    let mistakes = [
        (found.is_nan(), "This one is still empty."),
        (
            rounded(found, 3.0 * right),
            "It is a mean over the classes, not a sum.",
        ),
        (
            rounded(found, right.sqrt()),
            "No root is taken: it is the mean of the squares.",
        ),
        (
            rounded(found, (1.0 - p[truth]).powi(2))
                || rounded(found, (1.0 - p[truth]).powi(2) / 3.0),
            "The other classes count too: their target is 0, but p is not.",
        ),
        (
            rounded(found, squares(1) / 3.0),
            "Classes are counted from 0: which entry of p is class 2?",
        ),
        (
            rounded(found, 1.5 * right),
            "Divide by the number of classes, not by that number minus one.",
        ),
    ];
    let expected = format!("the mean squared error of an image of class {truth} for p = {p:?}");
    Feedback::wrong(
        1,
        expected,
        found,
        hint(
            &mistakes,
            "Compute p - y for each class, square it, and take the mean of the three.",
        ),
    )
}

/// Softmax of a row of logits.
pub fn exercise_2(answer: fn(&[f64]) -> Vec<f64>) -> Feedback {
    let cases: [&[f64]; 5] = [
        &[1.0, 2.0, 4.0],
        &[0.0, 0.0],
        &[-1.0, 0.5, 0.25, -2.0],
        &[1000.0, 1001.0, 990.0],
        &[-1000.0, -1002.0],
    ];
    for (number, z) in cases.into_iter().enumerate() {
        let expected = format!("{} probabilities, for z = {z:?}", z.len());
        let found = match attempt(|| answer(z)) {
            Ok(found) => found,
            Err(panic) => {
                return Feedback::wrong(2, expected, panic, "There may be any number of logits.");
            }
        };
        if number == 0 && found.is_empty() {
            return Feedback::missing(2, "as many probabilities as there are logits");
        }
        let share = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let sum: f64 = z.iter().map(|z| f(*z)).sum();
            z.iter().map(|z| f(*z) / sum).collect()
        };
        let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let right = share(&|z| (z - most).exp());
        if near(&found, &right) {
            continue;
        }
        let each = |f: &dyn Fn(f64) -> f64| -> Vec<f64> { z.iter().map(|z| f(*z)).collect() };
        let mistakes = [
            (
                found.len() != z.len(),
                "Return one probability for each logit.",
            ),
            (
                most < -100.0 && found.iter().any(|p| !p.is_finite()),
                "All of these logits are negative: a search for the largest that starts at 0 \
                 returns 0, and e to the power of -1000 is 0. Start with the first logit, or at \
                 minus infinity.",
            ),
            (
                most.abs() > 100.0 && found.iter().any(|p| !p.is_finite()),
                "In f64, e to the power of 1000 is infinite and e to the power of -1000 is 0. \
                 Subtract the largest logit from all of them first, which does not change the \
                 result.",
            ),
            (
                near(&found, &each(&f64::exp)) || near(&found, &each(&|z| (z - most).exp())),
                "The powers are right; divide each by the sum of them all.",
            ),
            (
                near(&found, &share(&|z| z)),
                "First raise e to the power of each: logits may be negative, probabilities may \
                 not.",
            ),
            (
                near(&found, &share(&|z| z - most)),
                "The largest is subtracted; now raise e to the power of each.",
            ),
            (
                near(&found, &each(&|z| 1.0 / (1.0 + (-z).exp()))),
                "That is sigmoid, applied to each logit separately: the results do not sum to 1.",
            ),
            (
                near(&found, &right.iter().map(|p| p.ln()).collect::<Vec<f64>>()),
                "These are the logarithms of the probabilities.",
            ),
            (
                near(&found, &share(&|z| (most - z).exp())),
                "The sign in the exponent is wrong: the largest logit has the largest probability.",
            ),
            (near(&found, &share(&f64::exp2)), "The base is e, not 2."),
        ];
        return Feedback::wrong(
            2,
            expected,
            row(&found),
            hint(
                &mistakes,
                "Raise e to the power of each, and divide by the sum of the powers.",
            ),
        );
    }
    Feedback::right(
        2,
        "Only the differences between logits count: adding the same number to all of them changes \
         nothing. So the ten outputs of a network carry only nine independent numbers.",
    )
}

/// The smallest cross-entropy and the smallest Kullback-Leibler divergence with label smoothing of 0.1, ten classes.
pub fn exercise_3(answer: [f64; 2]) -> Feedback {
    let (smoothing, classes) = (0.1, 10.0);
    let entropy =
        |first: f64, other: f64| -first * first.ln() - (classes - 1.0) * other * other.ln();
    let (first, other): (f64, f64) = (1.0 - smoothing + smoothing / classes, smoothing / classes);
    if answer.iter().all(|loss| loss.is_nan()) {
        return Feedback::missing(3, "two numbers, with three digits after the point or more");
    }
    let (found, right) = (answer[0], entropy(first, other));
    if !rounded(found, right) {
        let mistakes = [
            (found.is_nan(), "This one is still empty."),
            (
                rounded(found, 0.0),
                "0 is the minimum for labels that are certain. With smoothing, a network that is \
                 certain pays for the other nine classes.",
            ),
            (
                rounded(found, -right),
                "The sign is wrong: logarithms of probabilities are negative, but a loss is not.",
            ),
            (
                rounded(found, right / LN_2),
                "That is the logarithm to base 2; ln is the natural logarithm.",
            ),
            (
                rounded(found, right / LN_10),
                "That is the logarithm to base 10; ln is the natural logarithm.",
            ),
            (
                rounded(found, entropy(1.0 - smoothing, smoothing / (classes - 1.0))),
                "s is spread over all ten classes, the true one included: y (1 - s) + s/K.",
            ),
            (
                rounded(found, entropy(1.0 - smoothing, other)),
                "The true class gets its part of s, too: y (1 - s) + s/K with y = 1.",
            ),
            (
                rounded(found, -first * first.ln() - other * other.ln()),
                "There are nine other classes, and each has a term.",
            ),
            (
                rounded(found, -first.ln()) || rounded(found, -first * first.ln()),
                "The other nine classes have targets above 0, so they have terms, too.",
            ),
            (
                rounded(found, right / classes),
                "The cross-entropy is a sum over the classes, not a mean.",
            ),
        ];
        let expected = "the smallest cross-entropy that any probabilities can reach, for s = 0.1 and ten classes";
        return Feedback::wrong(
            3,
            expected,
            found,
            hint(
                &mistakes,
                "Which p is best for a given target y? Substitute it into the formula: the result \
                 is the entropy of y.",
            ),
        );
    }
    let found = answer[1];
    if rounded(found, 0.0) {
        return Feedback::right(
            3,
            "The best network predicts exactly the smoothed target: it is rewarded for staying \
             uncertain. So a loss that stops falling well above zero may be at its minimum.",
        );
    }
    let mistakes = [
        (found.is_nan(), "This one is still empty."),
        (
            rounded(found, right),
            "That is the cross-entropy again; the divergence subtracts the entropy of the target.",
        ),
        (found < 0.0, "A divergence is never negative."),
    ];
    let expected = "the smallest Kullback-Leibler divergence that any probabilities can reach, for the same targets";
    Feedback::wrong(
        3,
        expected,
        found,
        hint(&mistakes, "What is ln (y/p) if p is equal to y?"),
    )
}
