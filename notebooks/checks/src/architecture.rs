//! The exercises of notebook 2: architecture.

use lab_core::textbook::{self, Matrix};

mod ten_layers;

use crate::Verdict;
use crate::trial::{attempt, hint, near};

pub use ten_layers::exercise_4;

/// The sum of a count over the layers of a network of these widths.
fn layers(widths: &[usize], count: impl Fn(usize, usize) -> usize) -> usize {
    widths.windows(2).map(|pair| count(pair[0], pair[1])).sum()
}

/// The number of parameters of 3072-256-256-64-10.
pub fn exercise_1(answer: usize) -> Verdict {
    let widths = [3072, 256, 256, 64, 10];
    let dense = |n: usize, m: usize| (n + 1) * m;
    let expected = "the number of weights and biases of all four dense layers together";
    if answer == 0 {
        return Verdict::missing(1, expected);
    }
    if answer == layers(&widths, dense) {
        let share = 100.0 * dense(widths[0], widths[1]) as f64 / answer as f64;
        return Verdict::right(
            1,
            format!(
                "{share:.0} % of them are in the first layer: another hidden layer of 256 costs next \
                 to nothing, a first layer twice as wide costs nearly twice as much."
            ),
        );
    }
    let mistakes = [
        (
            answer == layers(&widths, |n, m| n * m),
            "These are the weights. Each unit has a bias, too: (n + 1) m, not n m.",
        ),
        (
            answer == layers(&widths, |n, m| n * (m + 1)),
            "Each unit of a layer has a bias, not each of its inputs: (n + 1) m, not n (m + 1).",
        ),
        (
            answer == layers(&widths, |n, m| (n + 1) * (m + 1)),
            "Only the inputs get one more, which is always 1 and whose weights are the biases.",
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
            "A pixel has three colours, and each is a number of its own.",
        ),
        (
            answer == layers(&[32, 256, 256, 64, 10], dense),
            "Flatten makes one row of the whole image: rows times columns times colours.",
        ),
    ];
    Verdict::wrong(
        1,
        expected,
        answer,
        hint(
            &mistakes,
            "Go through the pairs of widths one by one, as in the formula, and add up.",
        ),
    )
}

/// The derivative of ELU (with α = 1).
pub fn exercise_2(answer: fn(f64) -> f64) -> Verdict {
    let cases = [2.0, 0.5, -1.0, -3.0, -0.1, 40.0];
    let given = match attempt(|| cases.map(answer)) {
        Ok(given) => given,
        Err(panic) => {
            return Verdict::wrong(2, "a number for every z", panic, "No z needs a panic.");
        }
    };
    if given.iter().all(|slope| slope.is_nan()) {
        return Verdict::missing(2, "a number for every z");
    }
    let slope = |z: f64| if z > 0.0 { 1.0 } else { z.exp() };
    for (z, came) in cases.into_iter().zip(given) {
        if near(&[came], &[slope(z)]) {
            continue;
        }
        let is = |other: f64| near(&[came], &[other]);
        let mistakes = [
            (
                z > 0.0 && is(z),
                "That is ELU itself; its slope is asked for.",
            ),
            (
                z > 0.0 && is(z.exp()),
                "Right of 0 ELU is a straight line, and not an exponential function.",
            ),
            (z > 0.0 && is(0.0), "Left and right are exchanged?"),
            (
                z < 0.0 && is(z.exp() - 1.0),
                "That is the value of ELU at a negative number. Differentiate it once: what becomes \
                 of the 1 that is taken off?",
            ),
            (
                z < 0.0 && is(z * (z - 1.0).exp()),
                "An exponential function is no power: its derivative is itself.",
            ),
            (
                z < 0.0 && is(-z.exp()),
                "ELU rises everywhere, also left of 0: its slope is positive.",
            ),
            (
                z < 0.0 && is((-z).exp()),
                "The sign in the exponent is wrong: far to the left ELU is flat.",
            ),
            (
                z < 0.0 && is(1.0),
                "Left of 0 ELU is not a straight line: the branch is missing.",
            ),
            (z < 0.0 && is(0.0), "That is the slope of ReLU."),
            (z < 0.0 && is(0.2), "That is the slope of leaky ReLU."),
            (
                z < 0.0 && is(z),
                "Left of 0 that is no slope of ELU: differentiate its formula there.",
            ),
        ];
        let side = if z > 0.0 {
            "right of 0, where ELU is z"
        } else {
            "left of 0, where ELU is eᶻ − 1"
        };
        return Verdict::wrong(
            2,
            format!("for z = {z} the slope {side}"),
            came,
            hint(
                &mistakes,
                "Differentiate the formula of each branch by itself.",
            ),
        );
    }
    Verdict::right(
        2,
        "Left of 0 it is the value plus 1, so that the way back need not compute a second \
         exponential; and it never is 0, so that no unit is ever dead for good, as units of \
         ReLU may be.",
    )
}

/// The way back through a dense layer: `(x, kernel, g)` to the gradients of kernel, bias (as one row) and x.
pub fn exercise_3(answer: fn(&Matrix, &Matrix, &Matrix) -> (Matrix, Matrix, Matrix)) -> Verdict {
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
                return Verdict::wrong(
                    3,
                    format!("three matrices, for {case}"),
                    panic,
                    "The shapes of a product do not fit. A product of (a × b) and (b × c) is a × c: which \
                     of the two has to be transposed, with .t(), and which stands on the left?",
                );
            }
        };
        if number == 0
            && [&to_kernel, &to_bias, &to_input]
                .iter()
                .all(|part| part.is_empty())
        {
            return Verdict::missing(3, "three matrices: the gradients of kernel, bias and x");
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
                    "It is transposed: the gradient has the kernel's own shape, a row for each input.",
                ),
            ),
            (
                "bias",
                &to_bias,
                &right[1],
                (
                    to_bias.len() == samples && samples != units,
                    "The sum is over the samples, down each column; what is left is a number for each unit.",
                ),
            ),
            (
                "x",
                &to_input,
                &right_input,
                (
                    same(&to_input, &right[0]) || same(&to_input, &g),
                    "What goes on to the layer before is what came back, led through the weights.",
                ),
            ),
        ];
        for (name, came, right, own) in parts {
            if same(came, right) {
                continue;
            }
            let (rows, columns) = right.dim();
            let expected = format!("the gradient of {name}, {rows} × {columns}, for {case}");
            let says = match came.dim() {
                found if found == right.dim() => format!("{rows} × {columns}, with other numbers"),
                (rows, columns) => format!("{rows} × {columns}"),
            };
            let mistakes = [
                own,
                (
                    scaled(came, right),
                    "Divided by the number of samples: g has the mean of the batch in it already, (p - y)/N.",
                ),
                (
                    negative(came, right),
                    "The sign is wrong: the gradient points uphill, and it is the optimizer that goes down.",
                ),
                (
                    same(came, &g),
                    "That is g itself, with a row for each sample still.",
                ),
                (came.is_empty(), "This one is empty still."),
            ];
            return Verdict::wrong(
                3,
                expected,
                says,
                hint(
                    &mistakes,
                    "Compare with the three products of the notebook, one for each gradient.",
                ),
            );
        }
    }
    Verdict::right(
        3,
        "Two of the three are as large a product as the way forward: a step of training costs \
         about three times as much as a prediction. And x is needed again, so every layer has \
         to keep its input until then.",
    )
}
