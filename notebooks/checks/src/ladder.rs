//! The exercises of notebook 7: the ladder.

mod small_network;

use crate::Feedback;
use crate::check::{Case, Exercise};
use crate::sandbox::attempt;

pub use small_network::exercise_3;

/// How many multiplications a convolution of 3 × 3 from 64 to 128 channels costs on 15 × 15 places.
pub fn exercise_1(multiplications: f64) -> Feedback {
    let (places, weights) = (15.0 * 15.0, 3.0 * 3.0 * 64.0 * 128.0);
    let right = places * weights;
    let mistakes = vec![
        (
            weights,
            "That is the number of weights. Each of them is used at every place.",
        ),
        (
            2.0 * right,
            "That counts the additions, too: the question is about multiplications alone.",
        ),
        (
            right / 9.0,
            "A filter has 3 × 3 weights for each channel that it reads.",
        ),
        (
            right / 64.0,
            "A filter reads all 64 channels, and has weights for each.",
        ),
        (
            right / 128.0,
            "That is one filter. There are 128 of them, one for each channel of the output.",
        ),
        (
            13.0 * 13.0 * weights,
            "With padding \"same\" the output is as large as the input: 15 × 15 places.",
        ),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a number of multiplications, right to three digits",
        tolerance: 0.004,
        fallback: "How many multiplications does one number of the output take, and how many \
                   numbers has the output?",
        lesson: "A convolution has few weights and uses each of them often. The 74 thousand of \
                 this one cost ten times as many multiplications as the original lab's 1.7 \
                 million, each of which is used once.",
    };
    exercise.check(vec![Case {
        given: String::new(),
        found: Ok(multiplications),
        right: vec![right],
        mistakes,
    }])
}

/// The weights of a convolution with padding "same", and of a dense layer from the same input to the same output:
/// `weights(side, channels, filters, size)`.
pub fn exercise_2(weights: fn(usize, usize, usize, usize) -> (usize, usize)) -> Feedback {
    let exercise = Exercise {
        number: 2,
        expected: "the weights of the convolution and of the dense layer, without biases",
        tolerance: 0.0,
        fallback: "The convolution has a weight for each pixel of the filter, each channel that it \
                   reads and each filter. The dense layer has one for each number of the input and \
                   each number of the output.",
        lesson: "The dense layer can compute all that the convolution computes, and needs a \
                 thousand times the weights to do so. A convolution is a dense layer of which \
                 most weights are zero and the others are equal.",
    };
    let cases = [(32, 3, 32, 5), (15, 64, 128, 3), (8, 2, 4, 1)];
    let cases = cases.map(|(side, channels, filters, size)| {
        let (kernel, places) = (size * size * channels * filters, side * side);
        let dense = places * channels * places * filters;
        Case {
            given: format!(
                "for {side} × {side} places with {channels} channels, and {filters} filters of \
                 {size} × {size}"
            ),
            found: attempt(|| weights(side, channels, filters, size)),
            right: vec![(kernel, dense)],
            mistakes: vec![
                (
                    (dense, kernel),
                    "In the other order: the convolution first.",
                ),
                (
                    (kernel * places, dense),
                    "Those are the convolution's multiplications. Its weights are shared by all \
                     places.",
                ),
                (
                    (size * size * filters, dense),
                    "A filter has weights for each channel that it reads.",
                ),
                (
                    (kernel, places * channels * filters),
                    "The output has a number for each filter at *every place*.",
                ),
                (
                    (kernel + filters, dense + places * filters),
                    "Without the biases, please.",
                ),
            ],
        }
    });
    exercise.check(cases.into())
}
