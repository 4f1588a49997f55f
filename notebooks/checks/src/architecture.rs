//! The exercises of notebook 2: architecture.

use lab_textbook::{self as textbook, Matrix};

mod deep_network;
mod ten_layers;

use crate::Feedback;
use crate::sandbox::{attempt, hint, near};

pub use deep_network::exercise_5;
pub use ten_layers::exercise_4;

/// The sum of a count over the layers of a network of these widths.
fn layers(widths: &[usize], count: impl Fn(usize, usize) -> usize) -> usize {
    widths.windows(2).map(|pair| count(pair[0], pair[1])).sum()
}

/// The number of parameters of 3072-256-256-64-10.
pub fn exercise_1(answer: usize) -> Feedback {
    let widths = [3072, 256, 256, 64, 10];
    let dense = |n: usize, m: usize| (n + 1) * m;
    let expected = "the number of weights and biases of all four dense layers together";
    if answer == 0 {
        return Feedback::missing(1, expected);
    }
    if answer == layers(&widths, dense) {
        let share = 100.0 * dense(widths[0], widths[1]) as f64 / answer as f64;
        return Feedback::right(
            1,
            format!(
                "{share:.0} % of them are in the first layer. Another hidden layer of 256 units \
                 adds little; a first layer twice as wide nearly doubles the total."
            ),
        );
    }
    let mistakes = [
        (
            answer == layers(&widths, |n, m| n * m),
            "These are the weights alone. Each unit has a bias, too: (n + 1) m, not n m.",
        ),
        (
            answer == layers(&widths, |n, m| n * (m + 1)),
            "Each unit of a layer has a bias, not each of its inputs: (n + 1) m, not n (m + 1).",
        ),
        (
            answer == layers(&widths, |n, m| (n + 1) * (m + 1)),
            "Add 1 to the inputs only: a bias is the weight of an extra input that is always 1.",
        ),
        (
            answer == layers(&widths[..4], dense),
            "The ten softmax units are a dense layer as well.",
        ),
        (
            answer == layers(&widths[1..], dense),
            "The first hidden layer has weights for every pixel and colour.",
        ),
        (
            answer == layers(&widths[..2], dense),
            "That is the first layer alone.",
        ),
        (
            answer == layers(&[1024, 256, 256, 64, 10], dense),
            "A pixel has three colours, and each is a separate input.",
        ),
        (
            answer == layers(&[32, 256, 256, 64, 10], dense),
            "Flatten makes one row of the whole image: rows times columns times colours.",
        ),
    ];
    Feedback::wrong(
        1,
        expected,
        answer,
        hint(
            &mistakes,
            "Apply the formula to each of the four pairs of widths, and add up.",
        ),
    )
}

/// The derivative of ELU (with α = 1).
pub fn exercise_2(answer: fn(f64) -> f64) -> Feedback {
    let cases = [2.0, 0.5, -1.0, -3.0, -0.1, 40.0];
    let given = match attempt(|| cases.map(answer)) {
        Ok(given) => given,
        Err(panic) => {
            return Feedback::wrong(
                2,
                "a number for every z",
                panic,
                "The slope exists for every z: your code must not panic.",
            );
        }
    };
    if given.iter().all(|slope| slope.is_nan()) {
        return Feedback::missing(2, "a number for every z");
    }
    let slope = |z: f64| if z > 0.0 { 1.0 } else { z.exp() };
    for (z, found) in cases.into_iter().zip(given) {
        if near(&[found], &[slope(z)]) {
            continue;
        }
        let is = |other: f64| near(&[found], &[other]);
        let mistakes = [
            (z > 0.0 && is(z), "That is ELU itself; compute its slope."),
            (
                z > 0.0 && is(z.exp()),
                "Right of 0, ELU is a straight line, not an exponential function.",
            ),
            (z > 0.0 && is(0.0), "Are left and right swapped?"),
            (
                z < 0.0 && is(z.exp() - 1.0),
                "That is the value of ELU left of 0. Differentiate it: what happens to the 1 that \
                 is subtracted?",
            ),
            (
                z < 0.0 && is(z * (z - 1.0).exp()),
                "The power rule does not apply to the exponential function, which is its own \
                 derivative.",
            ),
            (
                z < 0.0 && is(-z.exp()),
                "ELU rises everywhere, left of 0 too: its slope is positive.",
            ),
            (
                z < 0.0 && is((-z).exp()),
                "The sign in the exponent is wrong: far to the left, ELU is flat.",
            ),
            (
                z < 0.0 && is(1.0),
                "Left of 0, ELU is not a straight line: the branch is missing.",
            ),
            (z < 0.0 && is(0.0), "That is the slope of ReLU."),
            (z < 0.0 && is(0.2), "That is the slope of leaky ReLU."),
            (
                z < 0.0 && is(z),
                "That is not the slope of ELU left of 0: differentiate its formula there.",
            ),
        ];
        let side = if z > 0.0 {
            "right of 0, where ELU is z"
        } else {
            "left of 0, where ELU is eᶻ − 1"
        };
        return Feedback::wrong(
            2,
            format!("for z = {z} the slope {side}"),
            found,
            hint(
                &mistakes,
                "Differentiate each branch of the formula separately.",
            ),
        );
    }
    Feedback::right(
        2,
        "Left of 0 the slope is the value plus 1, so the backward pass needs no second \
         exponential. It is never 0, so no unit dies for good, as ReLU units can.",
    )
}

/// The backward pass of a dense layer: `(x, kernel, g)` to the gradients of kernel, bias (as one row) and x.
pub fn exercise_3(answer: fn(&Matrix, &Matrix, &Matrix) -> (Matrix, Matrix, Matrix)) -> Feedback {
    let matrix = |rows: usize, columns: usize, step: usize| {
        Matrix::from_shape_fn((rows, columns), |(i, j)| {
            ((i * columns + j + 1) * step % 7) as f64 - 2.5
        })
    };
    for (number, (samples, inputs, units)) in [(2, 3, 4), (5, 4, 2)].into_iter().enumerate() {
        let (x, kernel, g) = (
            matrix(samples, inputs, 3),
            matrix(inputs, units, 5),
            matrix(samples, units, 4),
        );
        let case =
            format!("x {samples} × {inputs}, kernel {inputs} × {units}, g {samples} × {units}");
        let (to_kernel, to_bias, to_input) = match attempt(|| answer(&x, &kernel, &g)) {
            Ok(given) => given,
            Err(panic) => {
                return Feedback::wrong(
                    3,
                    format!("three matrices, for {case}"),
                    panic,
                    "The shapes of a product do not fit. The product of (a × b) and (b × c) is a \
                     × c. Which factor must be transposed, with .t(), and which comes first?",
                );
            }
        };
        if number == 0
            && [&to_kernel, &to_bias, &to_input]
                .iter()
                .all(|part| part.is_empty())
        {
            return Feedback::missing(3, "three matrices: the gradients of kernel, bias and x");
        }
        let dense = textbook::Dense {
            kernel: kernel.clone(),
            bias: Matrix::zeros((1, units)),
            l2: 0.0,
        };
        let (right_input, right) = dense.backward(&x, &g);
        let same =
            |a: &Matrix, b: &Matrix| a.dim() == b.dim() && (a - b).iter().all(|d| d.abs() < 1e-6);
        let scaled = |a: &Matrix, b: &Matrix| same(a, &(b / samples as f64));
        let negative = |a: &Matrix, b: &Matrix| same(a, &-b);
        let parts = [
            (
                "kernel",
                &to_kernel,
                &right[0],
                (
                    same(&to_kernel, &right[0].t().to_owned()),
                    "It is transposed: the gradient has the shape of the kernel, with a row for \
                     each input.",
                ),
            ),
            (
                "bias",
                &to_bias,
                &right[1],
                (
                    to_bias.len() == samples && samples != units,
                    "Sum over the samples, down each column: one number for each unit remains.",
                ),
            ),
            (
                "x",
                &to_input,
                &right_input,
                (
                    same(&to_input, &right[0]) || same(&to_input, &g),
                    "The gradient of x is g, propagated back through the weights.",
                ),
            ),
        ];
        for (name, found, right, own) in parts {
            if same(found, right) {
                continue;
            }
            let (rows, columns) = right.dim();
            let expected = format!("the gradient of {name}, {rows} × {columns}, for {case}");
            let says = match found.dim() {
                found if found == right.dim() => {
                    format!("{rows} × {columns}, but the numbers differ")
                }
                (rows, columns) => format!("{rows} × {columns}"),
            };
            let mistakes = [
                own,
                (
                    scaled(found, right),
                    "You divided by the number of samples, but g has that factor in it already: \
                     (p - y)/N.",
                ),
                (
                    negative(found, right),
                    "The sign is wrong: the gradient points uphill; going downhill is the \
                     optimizer's task.",
                ),
                (
                    same(found, &g),
                    "That is g itself, which still has a row for each sample.",
                ),
                (found.is_empty(), "This one is still empty."),
            ];
            return Feedback::wrong(
                3,
                expected,
                says,
                hint(
                    &mistakes,
                    "Compare with the notebook's three formulas, one for each gradient.",
                ),
            );
        }
    }
    Feedback::right(
        3,
        "Two of the three are matrix products as large as that of the forward pass, so a training \
         step costs about three times as much as a prediction. And x is needed again, so every \
         layer must keep its input until the backward pass.",
    )
}
