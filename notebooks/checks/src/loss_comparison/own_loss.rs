//! Exercise 4: a loss and its gradient.

use std::f64::consts::LN_2;

use lab_textbook::{self as textbook, Matrix};

use crate::Feedback;
use crate::sandbox::{attempt, hint, near};

/// The reader's loss: `(logits, classes, smoothing)` to the mean cross-entropy and its gradient at the logits.
pub fn exercise_4(answer: fn(&Matrix, &[usize], f64) -> (f64, Matrix)) -> Feedback {
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
                return Feedback::wrong(
                    4,
                    format!("a loss and a gradient, for {case}"),
                    panic,
                    "Take the number of rows and columns from the logits, and one class for each \
                     row.",
                );
            }
        };
        if number == 0 && loss.is_nan() && gradient.is_empty() {
            return Feedback::missing(
                4,
                "the mean loss and its gradient, which has the shape of the logits",
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
                    "Overflow, or the logarithm of 0. Instead of ln of softmax, compute z minus \
                     the logarithm of the sum of e to the power of z, and subtract the maximum of \
                     the row first.",
                ),
                (is(-right), "The minus before the sum is missing."),
                (
                    is(right * count),
                    "That is the sum over the batch; the loss is its mean.",
                ),
                (
                    is(right / LN_2),
                    "That is the logarithm to base 2; ln is the natural logarithm.",
                ),
                (
                    is(right / columns as f64) || is(right / (count * columns as f64)),
                    "Take the mean over the images, but the sum over the classes.",
                ),
                (
                    is(of(&certain).0),
                    "The labels are not smoothed: the target is y (1 - s) + s/K.",
                ),
                (
                    is(of(&others).0),
                    "s is spread over all classes, the true one included: y (1 - s) + s/K.",
                ),
                (
                    is(textbook::mean(textbook::kl_divergence(z, &smooth), None).0),
                    "That is the Kullback-Leibler divergence: do not subtract the entropy of the \
                     target.",
                ),
                (
                    is(-(&smooth * z).sum() / count),
                    "Logits are not yet logarithms of probabilities: subtract the logarithm of \
                     the sum of e to the power of z.",
                ),
            ];
            return Feedback::wrong(
                4,
                format!("the mean loss, for {case}"),
                loss,
                hint(
                    &mistakes,
                    "Smooth the targets, compute ln p in each row, multiply the two, add up, \
                     change the sign, and take the mean over the rows.",
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
                "The loss is right; the gradient is still empty.",
            ),
            (
                gradient.dim() != z.dim(),
                "The gradient has the shape of the logits.",
            ),
            (
                gradient.iter().any(|g| !g.is_finite()),
                "Overflow in the softmax: subtract the maximum of the row first.",
            ),
            (
                same(&-&right_gradient),
                "The sign is wrong: where p is too large, the loss rises with it.",
            ),
            (
                same(&(&right_gradient * count)),
                "The loss is a mean over the batch, and so is its gradient: divide by N.",
            ),
            (
                same(&of(&certain).1),
                "The target in the gradient must be the smoothed one.",
            ),
            (
                same(&textbook::softmax(z)) || same(&(textbook::softmax(z) / count)),
                "The target is not yet subtracted.",
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
        let found = match gradient.dim() {
            found if found == z.dim() => format!("{gradient:.4}").replace('\n', ""),
            (rows, columns) => format!("{rows} × {columns}"),
        };
        return Feedback::wrong(
            4,
            expected,
            found,
            hint(
                &mistakes,
                "The notebook derives the gradient of softmax with cross-entropy for one image. \
                 Which target belongs in it here, and how does the mean over the batch change it?",
            ),
        );
    }
    Feedback::right(
        4,
        "This is all that CategoricalCrossentropy computes, and it works for logits of 1000 too. \
         Smoothing needs no extra line in the gradient: it is p minus the target for any target \
         that sums to 1.",
    )
}
