//! The exercises of notebook 3: loss comparison.

use std::f64::consts::{LN_2, LN_10};

mod own_loss;

use crate::Verdict;
use crate::trial::{attempt, hint, near, rounded, row};

pub use own_loss::exercise_4;

/// Cross-entropy, its sparse form, Kullback-Leibler divergence and mean squared error for p = (0.2, 0.3, 0.5), class 2.
pub fn exercise_1(answer: [f64; 4]) -> Verdict {
    let p = [0.2f64, 0.3, 0.5];
    let truth = 2;
    if answer.iter().all(|loss| loss.is_nan()) {
        return Verdict::missing(1, "four numbers, with three digits after the point or more");
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
    for (name, came) in entropies.into_iter().zip(answer) {
        if rounded(came, right) {
            continue;
        }
        let mistakes = [
            (came.is_nan(), "This one is empty still."),
            (
                rounded(came, -right),
                "The logarithm of a probability is negative, a loss is not: the minus is missing.",
            ),
            (
                rounded(came, right / LN_2),
                "That is the logarithm to the base 2; ln is the natural one.",
            ),
            (
                rounded(came, right / LN_10),
                "That is the logarithm to the base 10; ln is the natural one.",
            ),
            (
                rounded(came, -p[1].ln()),
                "Classes are counted from 0: which place of p is class 2?",
            ),
            (
                rounded(came, -p.iter().map(|p| p.ln()).sum::<f64>()),
                "Each term is multiplied with the target, which is 0 for all classes but one.",
            ),
            (
                rounded(came, -p.iter().map(|p| p * p.ln()).sum::<f64>()),
                "That is the entropy of p itself: the factor before the logarithm is y.",
            ),
            (
                rounded(came, right / 3.0),
                "Only the mean squared error is divided by the number of classes.",
            ),
            (
                rounded(came, 0.0) && name.contains("Kullback"),
                "It is 0 only where p is the target itself. 0 is the entropy of the target, which is taken off.",
            ),
            (
                rounded(came, 1.0 - p[truth]),
                "That is the distance from 1; the entropies take a logarithm.",
            ),
        ];
        let expected = format!("{name} of an image of class {truth} for p = {p:?}");
        return Verdict::wrong(
            1,
            expected,
            came,
            hint(
                &mistakes,
                "Write y as (0, 0, 1), and leave out of the sum what is multiplied with 0.",
            ),
        );
    }
    let came = answer[3];
    let right = squares(truth) / 3.0;
    if rounded(came, right) {
        return Verdict::right(
            1,
            "Three of the four are one number. The fourth can never be more than 2/3 for three \
             classes, however wrong the network is; the others have no such end.",
        );
    }
    let mistakes = [
        (came.is_nan(), "This one is empty still."),
        (
            rounded(came, 3.0 * right),
            "It is a mean over the classes, not their sum.",
        ),
        (
            rounded(came, right.sqrt()),
            "No root: it is the mean of the squares.",
        ),
        (
            rounded(came, (1.0 - p[truth]).powi(2))
                || rounded(came, (1.0 - p[truth]).powi(2) / 3.0),
            "The other classes count too: their target is 0, and p is not.",
        ),
        (
            rounded(came, squares(1) / 3.0),
            "Classes are counted from 0: which place of p is class 2?",
        ),
        (
            rounded(came, 1.5 * right),
            "It is divided by the number of classes, not by one less.",
        ),
    ];
    let expected = format!("the mean squared error of an image of class {truth} for p = {p:?}");
    Verdict::wrong(
        1,
        expected,
        came,
        hint(
            &mistakes,
            "Take p - y in each place, square it, and take the mean of the three.",
        ),
    )
}

/// Softmax of a row of logits.
pub fn exercise_2(answer: fn(&[f64]) -> Vec<f64>) -> Verdict {
    let cases: [&[f64]; 5] = [
        &[1.0, 2.0, 4.0],
        &[0.0, 0.0],
        &[-1.0, 0.5, 0.25, -2.0],
        &[1000.0, 1001.0, 990.0],
        &[-1000.0, -1002.0],
    ];
    for (number, z) in cases.into_iter().enumerate() {
        let expected = format!("{} probabilities, for z = {z:?}", z.len());
        let came = match attempt(|| answer(z)) {
            Ok(came) => came,
            Err(panic) => {
                return Verdict::wrong(2, expected, panic, "There may be any number of logits.");
            }
        };
        if number == 0 && came.is_empty() {
            return Verdict::missing(2, "as many probabilities as there are logits");
        }
        let share = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let sum: f64 = z.iter().map(|z| f(*z)).sum();
            z.iter().map(|z| f(*z) / sum).collect()
        };
        let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let right = share(&|z| (z - most).exp());
        if near(&came, &right) {
            continue;
        }
        let each = |f: &dyn Fn(f64) -> f64| -> Vec<f64> { z.iter().map(|z| f(*z)).collect() };
        let mistakes = [
            (
                came.len() != z.len(),
                "There is a probability for each logit.",
            ),
            (
                most < -100.0 && came.iter().any(|p| !p.is_finite()),
                "All of these are negative: a search for the largest that begins at 0 ends at 0, and e to the power \
                 of -1000 is 0. Begin with the first logit, or at minus infinity.",
            ),
            (
                most.abs() > 100.0 && came.iter().any(|p| !p.is_finite()),
                "e to the power of 1000 is infinite in f64, that of -1000 is 0: take the largest \
                 logit off all of them first, which changes nothing else.",
            ),
            (
                near(&came, &each(&f64::exp)) || near(&came, &each(&|z| (z - most).exp())),
                "The powers are right; divide each by the sum of all.",
            ),
            (
                near(&came, &share(&|z| z)),
                "First take e to the power of each: logits may be negative, probabilities may not.",
            ),
            (
                near(&came, &share(&|z| z - most)),
                "The largest is taken off; now e to the power of each.",
            ),
            (
                near(&came, &each(&|z| 1.0 / (1.0 + (-z).exp()))),
                "That is sigmoid, each logit by itself: these do not sum to 1.",
            ),
            (
                near(&came, &right.iter().map(|p| p.ln()).collect::<Vec<f64>>()),
                "These are the logarithms of the probabilities.",
            ),
            (
                near(&came, &share(&|z| (most - z).exp())),
                "The sign in the exponent is wrong: the largest logit has the largest probability.",
            ),
            (near(&came, &share(&f64::exp2)), "The base is e, not 2."),
        ];
        return Verdict::wrong(
            2,
            expected,
            row(&came),
            hint(
                &mistakes,
                "e to the power of each, divided by the sum of these.",
            ),
        );
    }
    Verdict::right(
        2,
        "Only differences of logits count: the same number added to all of them changes \
         nothing. So a network of ten outputs says no more than nine numbers.",
    )
}

/// The smallest cross-entropy and the smallest Kullback-Leibler divergence with label smoothing of 0.1, ten classes.
pub fn exercise_3(answer: [f64; 2]) -> Verdict {
    let (smoothing, classes) = (0.1, 10.0);
    let entropy =
        |first: f64, other: f64| -first * first.ln() - (classes - 1.0) * other * other.ln();
    let (first, other): (f64, f64) = (1.0 - smoothing + smoothing / classes, smoothing / classes);
    if answer.iter().all(|loss| loss.is_nan()) {
        return Verdict::missing(3, "two numbers, with three digits after the point or more");
    }
    let (came, right) = (answer[0], entropy(first, other));
    if !rounded(came, right) {
        let mistakes = [
            (came.is_nan(), "This one is empty still."),
            (
                rounded(came, 0.0),
                "0 is the least for certain labels. Here a network that is certain pays for the other nine classes.",
            ),
            (
                rounded(came, -right),
                "The sign: logarithms of probabilities are negative, a loss is not.",
            ),
            (
                rounded(came, right / LN_2),
                "That is the logarithm to the base 2; ln is the natural one.",
            ),
            (
                rounded(came, right / LN_10),
                "That is the logarithm to the base 10; ln is the natural one.",
            ),
            (
                rounded(came, entropy(1.0 - smoothing, smoothing / (classes - 1.0))),
                "The part s is spread over all ten classes, the true one included: y (1 - s) + s/K.",
            ),
            (
                rounded(came, entropy(1.0 - smoothing, other)),
                "The true class gets its share of s, too: y (1 - s) + s/K for y = 1.",
            ),
            (
                rounded(came, -first * first.ln() - other * other.ln()),
                "There are nine other classes, each with a term of its own.",
            ),
            (
                rounded(came, -first.ln()) || rounded(came, -first * first.ln()),
                "The other nine classes have targets above 0, and terms of their own.",
            ),
            (
                rounded(came, right / classes),
                "The cross-entropy is a sum over the classes, not their mean.",
            ),
        ];
        let expected = "the smallest cross-entropy that any probabilities can reach, for s = 0.1 and ten classes";
        return Verdict::wrong(
            3,
            expected,
            came,
            hint(
                &mistakes,
                "Which p is best for a given target y? Put it into the formula: what comes out is the entropy of y.",
            ),
        );
    }
    let came = answer[1];
    if rounded(came, 0.0) {
        return Verdict::right(
            3,
            "The best network says exactly what the smoothed target says and no more: it is \
             rewarded for staying unsure. A loss that stops falling well above zero may thus be \
             as good as it gets.",
        );
    }
    let mistakes = [
        (came.is_nan(), "This one is empty still."),
        (
            rounded(came, right),
            "That is the cross-entropy once more; the divergence takes the entropy of the target off.",
        ),
        (came < 0.0, "A divergence is never negative."),
    ];
    let expected = "the smallest Kullback-Leibler divergence that any probabilities can reach, for the same targets";
    Verdict::wrong(
        3,
        expected,
        came,
        hint(&mistakes, "What is ln (y/p) where p is equal to y?"),
    )
}
