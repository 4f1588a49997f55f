//! Exercise 4: a loss of one's own, with its gradient.

use std::f64::consts::LN_2;

use lab_core::textbook::{self, Matrix};

use crate::Verdict;
use crate::trial::{attempt, hint, near};

/// A loss of one's own: `(logits, classes, smoothing)` to the mean cross-entropy and its gradient at the logits.
pub fn exercise_4(answer: fn(&Matrix, &[usize], f64) -> (f64, Matrix)) -> Verdict {
    let cases: [(Matrix, &[usize], f64); 5] = [
        (Matrix::from(vec![[2.0, 0.5, -1.0]]), &[1], 0.0),
        (
            Matrix::from(vec![[2.0, 0.5, -1.0], [0.1, 0.2, 0.4], [-3.0, 4.0, 0.0]]),
            &[0, 2, 0],
            0.0,
        ),
        (
            Matrix::from(vec![[1.0, 0.0, -1.0, 0.5], [0.3, 0.1, 0.2, 2.0]]),
            &[3, 0],
            0.1,
        ),
        (
            Matrix::from(vec![[1000.0, 0.0], [-1000.0, 0.0]]),
            &[0, 0],
            0.0,
        ),
        (
            Matrix::from(vec![[900.0, 0.0, 1.0], [0.0, 1.0, 2.0]]),
            &[0, 1],
            0.2,
        ),
    ];
    for (number, (z, classes, s)) in cases.iter().enumerate() {
        let (rows, columns) = z.dim();
        let case = format!("z = {z}, classes {classes:?}, s = {s}").replace('\n', "");
        let (loss, gradient) = match attempt(|| answer(z, classes, *s)) {
            Ok(given) => given,
            Err(panic) => {
                return Verdict::wrong(
                    4,
                    format!("a loss and a gradient, for {case}"),
                    panic,
                    "Take the numbers of rows and columns from the logits, and a class for each row.",
                );
            }
        };
        if number == 0 && loss.is_nan() && gradient.is_empty() {
            return Verdict::missing(
                4,
                "the mean loss, and its gradient in the shape of the logits",
            );
        }
        let certain = textbook::one_hot(classes, columns);
        let smooth = textbook::smooth_labels(&certain, *s);
        let of = |y: &Matrix| textbook::mean(textbook::categorical_crossentropy(z, y), None);
        let (right, right_gradient) = of(&smooth);
        let count = rows as f64;
        let others = certain.mapv(|y| {
            if y > 0.0 {
                1.0 - s
            } else {
                s / (columns as f64 - 1.0)
            }
        });
        if !near(&[loss], &[right]) {
            let is = |other: f64| near(&[loss], &[other]);
            let mistakes = [
                (
                    !loss.is_finite() && z.iter().any(|z| z.abs() > 100.0),
                    "Overflow, or the logarithm of 0: do not take ln of softmax, but z minus the \
                     logarithm of the sum of e to the power of z, with the maximum of the row taken off \
                     first.",
                ),
                (is(-right), "The minus before the sum is missing."),
                (
                    is(right * count),
                    "That is the sum over the batch; the loss is its mean.",
                ),
                (
                    is(right / LN_2),
                    "That is the logarithm to the base 2; ln is the natural one.",
                ),
                (
                    is(right / columns as f64) || is(right / (count * columns as f64)),
                    "The mean is over the images; over the classes it is a sum.",
                ),
                (
                    is(of(&certain).0),
                    "The labels are not smoothed: the target is y (1 - s) + s/K.",
                ),
                (
                    is(of(&others).0),
                    "The part s is spread over all classes, the true one included: y (1 - s) + s/K.",
                ),
                (
                    is(textbook::mean(textbook::kl_divergence(z, &smooth), None).0),
                    "That is the Kullback-Leibler divergence: the entropy of the target is taken off.",
                ),
                (
                    is(-(&smooth * z).sum() / count),
                    "The logits are no logarithms of probabilities yet: take the logarithm of the sum of \
                     e to the power of z off.",
                ),
            ];
            return Verdict::wrong(
                4,
                format!("the mean loss, for {case}"),
                loss,
                hint(
                    &mistakes,
                    "Smooth the targets, take ln p in each row, multiply, add up, change the sign, and \
                     take the mean over the rows.",
                ),
            );
        }
        let same = |other: &Matrix| {
            gradient.dim() == other.dim() && (&gradient - other).iter().all(|d| d.abs() < 1e-6)
        };
        if same(&right_gradient) {
            continue;
        }
        let mistakes = [
            (
                gradient.is_empty(),
                "The loss is right; the gradient is empty still.",
            ),
            (
                gradient.dim() != z.dim(),
                "The gradient has the shape of the logits.",
            ),
            (
                gradient.iter().any(|g| !g.is_finite()),
                "Overflow in the softmax: take the maximum of the row off first.",
            ),
            (
                same(&-&right_gradient),
                "The sign is wrong: where p is too large the loss rises with it.",
            ),
            (
                same(&(&right_gradient * count)),
                "The loss is a mean over the batch, and so is its gradient: divide by N.",
            ),
            (
                same(&of(&certain).1),
                "The target in the gradient has to be the smoothed one.",
            ),
            (
                same(&textbook::softmax(z)) || same(&(textbook::softmax(z) / count)),
                "The target is not yet taken off.",
            ),
            (
                same(
                    &textbook::mean(
                        textbook::mean_squared_error(&textbook::softmax(z), &smooth),
                        None,
                    )
                    .1,
                ),
                "That is the gradient of the mean squared error at the probabilities.",
            ),
        ];
        let expected = format!("the gradient, {rows} × {columns}, for {case}");
        let came = match gradient.dim() {
            found if found == z.dim() => format!("{gradient:.4}").replace('\n', ""),
            (rows, columns) => format!("{rows} × {columns}"),
        };
        return Verdict::wrong(
            4,
            expected,
            came,
            hint(
                &mistakes,
                "The notebook has the gradient of softmax and cross-entropy for one image. Which target belongs in it \
                 here, and what does the mean over the batch do to it?",
            ),
        );
    }
    Verdict::right(
        4,
        "That is all there is behind CategoricalCrossentropy, numbers of 1000 included. \
         Smoothing needed no line in the gradient: it is p minus the target for any target \
         that sums to 1.",
    )
}
