//! Exercise 5: a network that does not miss cats.

use lab_core::prelude::{Cifar10, Dataset, Result, Sequential};

use crate::Feedback;
use crate::training::{Task, feedback, standardized};

const CAT: usize = 3;
const RECALL: f64 = 0.5;
const ACCURACY: f64 = 0.25;

/// A network that finds half of the cats and is right in a quarter of all cases.
pub fn exercise_5(cifar: &Cifar10, answer: fn(&Dataset) -> Result<Sequential>) -> Feedback {
    let task = Task {
        number: 5,
        expected: "a network with a recall of at least 50 % for cat, and an accuracy of at least \
                   25 %, on images that it has not seen",
    };
    feedback(|| {
        let (train, other) = task.parts(cifar, 4_000, 2_000)?;
        let network = task.run(|| answer(&train))?;
        let evaluation = task.evaluate(&network, &other)?;
        let scores = evaluation.report().per_class;
        let (recall, precision) = (scores[CAT].recall, scores[CAT].precision);
        let accuracy = evaluation.accuracy;
        let reached = format!(
            "for cat a recall of {:.1} % and a precision of {:.1} %; an accuracy of {:.1} %",
            100.0 * recall,
            100.0 * precision,
            100.0 * accuracy
        );
        if recall >= RECALL && accuracy >= ACCURACY {
            return Ok(Feedback::right(
                5,
                format!(
                    "{reached}. Recall is bought with precision: of the images that the network \
                     now calls a cat, {:.0} % are cats. Which of the two mistakes costs more is \
                     decided outside of the network.",
                    100.0 * precision
                ),
            ));
        }
        let answers = evaluation.predicted.iter();
        let cats = answers.filter(|&&class| usize::from(class) == CAT).count();
        let cats = cats as f64 / other.len() as f64;
        let beside = [CAT - 1, CAT + 1];
        let beside = beside.into_iter().find(|&class| scores[class].recall > 0.6);
        let hint = if standardized(&network, &train, &other) > accuracy + 0.1 {
            "You standardized the images, and the check does not: train on them as they come."
                .to_owned()
        } else if recall >= RECALL && cats > 0.5 {
            format!(
                "The network calls {:.0} % of all images a cat. That finds every cat, and nothing \
                 else: cats must count more, but not so much more.",
                100.0 * cats
            )
        } else if recall >= RECALL {
            "The cats are found; the accuracy is too low. Train for more epochs.".to_owned()
        } else if let (Some(class), true) = (beside, recall < 0.2) {
            format!(
                "It finds many of class {class}, {}, and few cats. Classes are counted from 0: \
                 which one is cat?",
                other.class_names()[class]
            )
        } else if recall < 0.35 {
            "Without anything done about it, cat is the class that networks miss most. The loss \
             must count a missed cat more than others: .class_weights([…]) takes a weight for \
             each class."
                .to_owned()
        } else {
            "That is the right direction: let cats count more still.".to_owned()
        };
        Ok(task.wrong(reached, hint))
    })
}
