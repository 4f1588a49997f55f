//! Exercise 5: down to the least possible loss.

use lab_core::prelude::{Cifar10, Dataset, Evaluation, Result, Sequential};

use crate::Feedback;
use crate::training::{GUESSING, Task, feedback};

const SMOOTHING: f64 = 0.1;
const MARGIN: f64 = 0.1;

/// The mean cross-entropy with smoothed labels.
fn smoothed_loss(evaluation: &Evaluation) -> f64 {
    let classes = evaluation.outputs.ncols();
    let mut sum = 0.0;
    for (row, &class) in evaluation.outputs.rows().into_iter().zip(&evaluation.truth) {
        for (k, &p) in row.iter().enumerate() {
            let own = if k == usize::from(class) { 1.0 } else { 0.0 };
            let target = own * (1.0 - SMOOTHING) + SMOOTHING / classes as f64;
            sum -= target * f64::from(p.max(f32::MIN_POSITIVE)).ln();
        }
    }
    sum / evaluation.truth.len() as f64
}

/// The mean of the greatest probabilities.
fn confidence(evaluation: &Evaluation) -> f64 {
    let rows = evaluation.outputs.rows().into_iter();
    let greatest = rows.map(|row| f64::from(row.fold(0.0f32, |a, &b| a.max(b))));
    greatest.sum::<f64>() / evaluation.truth.len() as f64
}

/// A network trained on 128 images until their loss, with label smoothing of 0.1, is within 0.1 of the least possible.
pub fn exercise_5(answer: fn(&Dataset) -> Result<Sequential>) -> Feedback {
    let task = Task {
        number: 5,
        expected: "a network whose mean cross-entropy with smoothed labels (s = 0.1), on the 128 \
                   images that it was trained on, is at most 0.1 above the least possible",
    };
    feedback(|| {
        let images = Cifar10::sample().train.take(128);
        let network = task.run(|| answer(&images))?;
        let evaluation = task.evaluate(&network, &images)?;
        let (loss, sure) = (smoothed_loss(&evaluation), confidence(&evaluation));
        let (own, other) = (1.0 - 0.9 * SMOOTHING, SMOOTHING / 10.0);
        let least = -own * own.ln() - 9.0 * other * other.ln();
        let reached = format!(
            "a loss of {loss:.3} with smoothed labels, {:.0} % of the images right, and a \
             confidence of {:.1} % on average",
            100.0 * evaluation.accuracy,
            100.0 * sure
        );
        if loss <= least + MARGIN {
            return Ok(Feedback::right(
                5,
                format!(
                    "{reached}. The loss of exercise 3 is a floor that no training gets through: \
                     a smoothed loss of 0.5 is no bad fit, and the network stays as unsure as the \
                     labels tell it to be. Compare losses only where their floors are the same."
                ),
            ));
        }
        let hint = if sure > 0.95 && evaluation.accuracy > 0.95 {
            "It is surer than the smoothed labels allow, and pays for that. Train with \
             .label_smoothing(0.1)."
        } else if loss > GUESSING - 0.02 {
            "That is no better than guessing: the learning rate is far too large or far too small."
        } else if evaluation.accuracy > 0.95 {
            "All images are right, but not sure enough yet: train for more epochs."
        } else {
            "It does not fit the images yet: more epochs, or another learning rate. Without \
             dropout and augmentation a network can learn 128 images by heart."
        };
        Ok(task.wrong(reached, hint))
    })
}
