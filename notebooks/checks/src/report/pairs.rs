//! Exercise 5: a claim that holds.

use lab_core::prelude::{Cifar10, Dataset, Result, Sequential};

use crate::Feedback;
use crate::training::{Task, feedback, standardized};

/// The two networks that were trained with one seed.
type Pair = (Sequential, Sequential);

/// The 97.5 % quantiles of Student's distribution for 2 to 9 degrees of freedom.
const QUANTILES: [f64; 8] = [4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

fn weights(network: &Sequential) -> Vec<u32> {
    let arrays = network
        .weight_names()
        .filter_map(|name| network.weight(name).ok());
    let bits = arrays.flat_map(|array| array.iter().map(|w| w.to_bits()).collect::<Vec<_>>());
    bits.collect()
}

/// Pairs of networks that show, seed by seed, that the first way of training is better than the second.
pub fn exercise_5(cifar: &Cifar10, answer: fn(&Dataset) -> Result<Vec<Pair>>) -> Feedback {
    let task = Task {
        number: 5,
        expected: "three to ten pairs of networks, a seed each, in which the first is better on \
                   validation images by a mean whose 95 % interval lies above 0",
    };
    feedback(|| {
        let (train, validation) = task.parts(cifar, 2_000, 2_000)?;
        let pairs = task.run(|| answer(&train))?;
        if pairs.is_empty() {
            return Err(task.missing());
        }
        let quantile = pairs.len().checked_sub(3).and_then(|n| QUANTILES.get(n));
        let Some(quantile) = quantile else {
            let found = format!("{} pairs", pairs.len());
            return Ok(task.wrong(
                found,
                "From one or two pairs nobody can tell how much the seed alone does; more than \
                 ten would take too long here.",
            ));
        };
        let all: Vec<Vec<u32>> = pairs
            .iter()
            .flat_map(|(a, b)| [weights(a), weights(b)])
            .collect();
        let twice = (1..all.len()).find(|&i| all[..i].contains(&all[i]));
        if let Some(second) = twice {
            let found = format!(
                "pair {} has a network that was there before",
                second / 2 + 1
            );
            return Ok(task.wrong(
                found,
                "The same weights to the last bit count once. Use another seed for each pair, in \
                 .build(Seed(…)) and in the trainer's .seed(Seed(…)), and two ways to train.",
            ));
        }
        let mut differences = Vec::new();
        let mut misread = false;
        for (first, second) in &pairs {
            let [a, b] = [
                task.evaluate(first, &validation)?,
                task.evaluate(second, &validation)?,
            ];
            differences.push(100.0 * (a.accuracy - b.accuracy));
            misread |= standardized(first, &train, &validation) > a.accuracy + 0.1;
        }
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        let half = quantile * (squares / (n - 1.0) / n).sqrt();
        let reached = format!("the first is ahead by {mean:.1} ± {half:.1} points, {n} seeds");
        if mean - half > 0.0 {
            return Ok(Feedback::right(
                5,
                format!(
                    "{reached}. That is a statement for a report: it names the difference, its \
                     interval and the number of seeds, and another seed will most likely not \
                     refute it."
                ),
            ));
        }
        let hint = if misread {
            "You standardized the images, and the check does not: train on them as they come."
        } else if mean + half < 0.0 {
            "The second is better. Is the order of the pairs the right one?"
        } else {
            "The interval contains 0: with these seeds chance could have done it. Choose two ways \
             that differ more (how many epochs, which learning rate), or take more seeds."
        };
        Ok(task.wrong(reached, hint))
    })
}
