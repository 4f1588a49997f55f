//! Exercise 5: ten layers, trained.

use lab_core::prelude::{Cifar10, Dataset, LayerKind, Result, Sequential};

use crate::Feedback;
use crate::training::{GUESSING, Task, feedback};

const LAYERS: usize = 10;
const GOAL: f64 = 0.9;

/// A network with ten hidden layers, trained on 512 images until it recognizes nine of ten of them.
pub fn exercise_5(answer: fn(&Dataset) -> Result<Sequential>) -> Feedback {
    let task = Task {
        number: 5,
        expected: "a network with at least ten hidden layers that recognizes at least 90 % of the \
                   512 images that it was trained on",
    };
    feedback(|| {
        let images = Cifar10::sample().train.take(512);
        let network = task.run(|| answer(&images))?;
        let evaluation = task.evaluate(&network, &images)?;
        let layers = &network.architecture().layers;
        let dense = layers.iter().filter(|it| matches!(it, LayerKind::Dense(_)));
        let hidden = dense.count().saturating_sub(1);
        let (accuracy, loss) = (evaluation.accuracy, evaluation.loss);
        let reached = format!(
            "{hidden} hidden layers, {:.1} % of the images, loss {loss:.3}",
            100.0 * accuracy
        );
        if hidden < LAYERS {
            return Ok(task.wrong(
                reached,
                "Count the dense layers before the last one: there must be ten or more.",
            ));
        }
        if accuracy >= GOAL {
            return Ok(Feedback::right(
                5,
                format!(
                    "{reached}. Whether so deep a network trains at all is decided before its \
                     first step, by the activation and the initial weights, or else by batch \
                     normalization, which rescales each layer's output while it trains."
                ),
            ));
        }
        let hint = if (loss - GUESSING).abs() < 0.1 && accuracy < 0.2 {
            "The loss stands at that of guessing: no gradient reaches the first layers. Take the \
             layer of exercise 4, or put batch normalization after each layer. If you have done \
             so, the learning rate is far too small or far too large."
        } else if loss > GUESSING {
            "The loss is above that of guessing: the learning rate is too large for so many \
             layers. Try a tenth of it."
        } else {
            "It learns, and has not finished: train for more epochs, and let the learning rate \
             fall towards the end (Schedule::OneCycle)."
        };
        Ok(task.wrong(reached, hint))
    })
}
