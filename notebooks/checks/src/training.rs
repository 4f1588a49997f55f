//! An exercise in which the reader trains: the answer is a trained network, and what it reaches decides.

use std::fmt;

use lab_core::prelude::{
    Cifar10, Dataset, Evaluation, LabError, Normalization, Result, Seed, Sequential,
};

use crate::Feedback;
use crate::sandbox::attempt;

/// The loss of a network that gives each of ten classes the same probability.
pub(crate) const GUESSING: f64 = std::f64::consts::LN_10;

/// A number of an exercise, and what it expects.
pub(crate) struct Task {
    pub number: u8,
    pub expected: &'static str,
}

impl Task {
    pub(crate) fn missing(&self) -> Feedback {
        Feedback::missing(self.number, self.expected)
    }

    pub(crate) fn wrong(&self, found: impl fmt::Display, hint: impl Into<String>) -> Feedback {
        Feedback::wrong(self.number, self.expected, found, hint)
    }

    fn failed(&self, error: &LabError) -> Feedback {
        let text = error.to_string();
        let hint = if text.contains("NaN in row") {
            "The weights are no numbers any more: the learning rate is far too large. Try a tenth \
             of it."
        } else {
            "The message names the place and says what to do about it."
        };
        self.wrong(text, hint)
    }

    /// The result of the reader's code; a panic and an error become feedback.
    pub(crate) fn run<T>(&self, answer: impl FnOnce() -> Result<T>) -> Result<T, Feedback> {
        match attempt(answer) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(panic) => Err(self.wrong(
                panic,
                "Your code panicked: look for an index out of range, or an unwrap.",
            )),
        }
    }

    /// What a network says about images; one that was never trained is a missing answer.
    pub(crate) fn evaluate(
        &self,
        network: &Sequential,
        images: &Dataset,
    ) -> Result<Evaluation, Feedback> {
        let evaluation = network.evaluate(images);
        let evaluation = evaluation.map_err(|error| self.failed(&error))?;
        let warnings = evaluation.report().warnings;
        if warnings.iter().any(|text| text.contains("never trained")) {
            return Err(self.missing());
        }
        Ok(evaluation)
    }

    /// Training and held-out images, at most so many, of the split that the notebooks make.
    pub(crate) fn parts(
        &self,
        cifar: &Cifar10,
        train: usize,
        held_out: usize,
    ) -> Result<(Dataset, Dataset), Feedback> {
        let parts = cifar.train.split(0.8, Seed(42));
        let (first, second) = parts.map_err(|error| self.failed(&error))?;
        Ok((first.take(train), second.take(held_out)))
    }
}

/// The accuracy of a network on images that are standardized with the statistics of `train`: a reader may have trained
/// on such images, which the check cannot know.
pub(crate) fn standardized(network: &Sequential, train: &Dataset, images: &Dataset) -> f64 {
    let accuracy = || {
        let images = images.clone();
        let images = images.with_normalization(Normalization::standardize(train)?)?;
        Ok::<f64, LabError>(network.evaluate(&images)?.accuracy)
    };
    accuracy().unwrap_or(0.0)
}

/// The feedback of a check that ends early by `?` where there is nothing more to measure.
pub(crate) fn feedback(check: impl FnOnce() -> Result<Feedback, Feedback>) -> Feedback {
    match check() {
        Ok(feedback) | Err(feedback) => feedback,
    }
}
