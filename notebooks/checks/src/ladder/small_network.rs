//! Exercise 3: a small network that sees well.

use lab_core::prelude::{Cifar10, Dataset, Result, Sequential};

use crate::Feedback;
use crate::training::{Task, feedback, standardized};

const GOAL: f64 = 0.36;
const MOST: usize = 20_000;

/// A network of at most 20,000 weights, trained on 800 images.
pub fn exercise_3(cifar: &Cifar10, answer: fn(&Dataset) -> Result<Sequential>) -> Feedback {
    let task = Task {
        number: 3,
        expected: "a network of at most 20,000 weights that recognizes at least 36 % of the \
                   validation images",
    };
    feedback(|| {
        let (train, validation) = task.parts(cifar, 800, 2_000)?;
        let network = task.run(|| answer(&train))?;
        let accuracy = task.evaluate(&network, &validation)?.accuracy;
        let weights = network.parameter_count();
        let reached = format!("{:.1} % with {weights} weights", 100.0 * accuracy);
        if accuracy >= GOAL && weights <= MOST {
            return Ok(Feedback::right(
                3,
                format!(
                    "{reached}. On so few images a dense network of any size ends near 30 %: what \
                     a convolution knows beforehand, it need not learn from them."
                ),
            ));
        }
        let convolves = network
            .weight_names()
            .any(|name| name.starts_with("conv2d"));
        let hint = if standardized(&network, &train, &validation) > accuracy + 0.1 {
            "You standardized the images, and the check does not: train on them as they come."
        } else if weights > MOST {
            "Too many weights. Most of them are in a dense layer after `flatten`: pool more, or \
             take the mean of each channel with `global_average_pooling2d`."
        } else if !convolves {
            "Dense layers with so few weights see little: begin with convolutions and pooling."
        } else {
            "It sees, and has not learnt enough: batch normalization, mirrored and shifted \
             images, one cycle to a larger rate, and more epochs."
        };
        Ok(task.wrong(reached, hint))
    })
}
