//! Exercise 3: eight hundred images.

use lab_core::prelude::{Cifar10, Dataset, Result, Sequential};

use crate::Feedback;
use crate::training::{Task, feedback, standardized};

const GOAL: f64 = 0.28;
const GAP: f64 = 0.15;

/// A network, trained on 800 images, that is nearly as good on others.
pub fn exercise_3(cifar: &Cifar10, answer: fn(&Dataset) -> Result<Sequential>) -> Feedback {
    let task = Task {
        number: 3,
        expected: "a network that recognizes at least 28 % of the validation images, and at most \
                   15 points more of the 800 images that it was trained on",
    };
    feedback(|| {
        let (train, validation) = task.parts(cifar, 800, 2_000)?;
        let network = task.run(|| answer(&train))?;
        let learnt = task.evaluate(&network, &train)?.accuracy;
        let accuracy = task.evaluate(&network, &validation)?.accuracy;
        let gap = learnt - accuracy;
        let reached = format!(
            "{:.1} % in validation, {:.1} % in training: {:.1} points apart",
            100.0 * accuracy,
            100.0 * learnt,
            100.0 * gap
        );
        if accuracy >= GOAL && gap <= GAP {
            return Ok(Feedback::right(
                3,
                format!(
                    "{reached}. With so few images the same remedies help that harm the plain \
                     network on all of them: what a training needs depends on whether it \
                     overfits, not on a list of good tricks."
                ),
            ));
        }
        let hint = if standardized(&network, &train, &validation) > accuracy + 0.1 {
            "You standardized the images, and the check does not: train on them as they come."
        } else if gap > GAP && accuracy >= GOAL {
            "It overfits. Which of the remedies of this notebook is there against that? Mirrored \
             and shifted images, dropout, an L2 penalty, a smaller network, and stopping in time."
        } else if gap > GAP {
            "It knows the training images by heart, and little else. Begin with mirrored and \
             shifted images, and train for fewer epochs."
        } else if learnt < GOAL + 0.05 {
            "It underfits: training is as bad as validation. Train longer, or use less dropout and \
             a smaller penalty."
        } else {
            "The gap is small enough: now train somewhat longer, or make the network wider."
        };
        Ok(task.wrong(reached, hint))
    })
}
