//! Exercise 5: a hundred steps.

use lab_core::prelude::{
    Activation, Cifar10, Result, Schedule, Seed, Sequential, Silent, Stopped, Trainer,
};

use crate::Feedback;
use crate::training::{GUESSING, Task, feedback};

const GOAL: f64 = 1.7;

/// The network that every answer trains: 3072-128-64-10.
fn network() -> Result<Sequential> {
    Sequential::new([32, 32, 3])
        .flatten()
        .dense(128, Activation::Relu)
        .dense(64, Activation::Relu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))
}

/// A trainer that brings a network's loss on 640 images to 1.7 in a hundred steps.
pub fn exercise_5(answer: fn() -> Option<Trainer>) -> Feedback {
    let task = Task {
        number: 5,
        expected: "Some(Trainer::new(…)…) with which a loss of at most 1.7 is reached in 100 \
                   steps, ten epochs of 640 images in batches of 64",
    };
    feedback(|| {
        let Some(trainer) = task.run(|| Ok(answer()))? else {
            return Err(task.missing());
        };
        let images = Cifar10::sample().train.take(640);
        let schedule = trainer.config().schedule.clone();
        let mut trainer = trainer.epochs(10).batch_size(64).progress(Silent);
        let (network, history) = task.run(|| {
            let mut network = network()?;
            let history = trainer.fit(&mut network, &images, None)?;
            Ok((network, history))
        })?;
        if let Stopped::Diverged { epoch, .. } = history.stopped {
            return Ok(task.wrong(
                format!("the loss became NaN in epoch {epoch}"),
                "The learning rate is far too large: try a tenth of it.",
            ));
        }
        let loss = task.evaluate(&network, &images)?.loss;
        let reached = format!("a loss of {loss:.3} after 100 steps");
        if loss <= GOAL {
            return Ok(Feedback::right(
                5,
                format!(
                    "{reached}. Where the steps are counted, the rate must be as large as the \
                     network bears, and the schedule lets it bear more: small steps at the \
                     beginning, the largest in the middle, small ones to settle."
                ),
            ));
        }
        let losses: Vec<f64> = history.epochs.iter().map(|it| it.loss).collect();
        let highest = losses.iter().copied().fold(0.0, f64::max);
        let hint = if highest > 1.5 * GUESSING {
            "The loss jumped up on the way: the learning rate is too large. Try a third of it, or \
             a schedule that begins with small steps."
        } else if loss > GUESSING - 0.15 {
            "The loss has hardly moved from that of guessing: the learning rate is too small, or \
             so large that the units have died. Run the range test on this network."
        } else if schedule == Schedule::Constant {
            "The rate is not far off. With a constant one the first steps must be small for fear \
             of diverging, or the last ones are too large to settle: try a schedule."
        } else {
            "The schedule is a help. Now vary its peak by factors of three, in both directions, \
             and try another optimizer."
        };
        Ok(task.wrong(reached, hint))
    })
}
