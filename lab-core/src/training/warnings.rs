//! Warnings about trainings that end without an error and still look like a mistake.

use super::fit::Session;
use super::history::Stopped;
use super::trainer::Trainer;
use crate::data::Dataset;

impl Trainer {
    /// What is to be known about a training that has ended, for [`History::warnings`].
    pub(super) fn warnings(
        &self,
        session: &Session<'_>,
        train: &Dataset,
        validation: Option<&Dataset>,
    ) -> Vec<String> {
        let (size, images) = (self.config.batch_size, train.len());
        let shared = validation.map_or(0, |data| data.shared_with(train));
        let mut warnings = session.learner.model.warnings();
        if train.is_dark() {
            let remedy = "give the bytes from 0 to 255, the data set divides them by 255";
            warnings.push(format!("no pixel is above 1: {remedy}"));
        }
        if shared > 0 {
            let remedy = "train on one part of a split and validate on the other";
            let found = format!("{shared} of the validation images were trained on");
            warnings.push(format!("{found}: {remedy}"));
        }
        // A few images, to see that the network can learn them by heart, are no mistake.
        if size > images && images > 64 {
            let found = format!("a batch of {size} is more than the {images} images");
            warnings.push(format!("{found}, so an epoch is one step: 64 is usual"));
        }
        warnings.extend(self.warning_of_rate(session, train.class_count()));
        warnings
    }

    /// Whether the learning rate is far off, as the losses tell. Where weights or penalties change what a loss means, only
    /// a divergence counts.
    fn warning_of_rate(&self, session: &Session<'_>, classes: usize) -> Option<String> {
        let (config, history) = (&self.config, &session.history);
        let too_large =
            |rate| format!("the learning rate {rate:?} is too large, try a tenth of it");
        let last = history.epochs.last().map(|record| record.learning_rate);
        let rate = last.unwrap_or(config.optimizer.learning_rate());
        if let Stopped::Diverged { epoch, step } = history.stopped {
            let found = format!("the loss became NaN in epoch {epoch}, step {step}");
            return Some(format!("{found}: {}", too_large(rate)));
        }
        let weighted = config.class_weights.is_some() || self.sample_weights.is_some();
        let changed = weighted || session.learner.model.penalty() > 0.0;
        let guessing = (classes as f64).ln();
        let losses: Vec<f64> = history.epochs.iter().map(|it| it.loss).collect();
        let (first, last) = (*losses.first()?, *losses.last()?);
        // A rate that is somewhat too large is bad at first and recovers.
        if changed || !config.loss.from_logits() || last < 0.97 * guessing {
            return None;
        }
        if let Some(at) = losses.iter().position(|loss| *loss > 2.0 * guessing) {
            let found = format!("the loss was {:.2} in epoch {}", losses[at], at + 1);
            let remedy = too_large(history.epochs[at].learning_rate);
            return Some(format!(
                "{found}, where guessing gives {guessing:.2}: {remedy}"
            ));
        }
        let stands = losses.len() > 1 && (first - last).abs() < 0.005 * first;
        let found =
            format!("the loss hardly moved, {first:.4} to {last:.4}: the learning rate {rate:?}");
        let remedy = "is far too small, or so large that the network has died: Trainer::range_test tells which";
        stands.then(|| format!("{found} {remedy}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    fn plan() -> Architecture {
        Sequential::new([32, 32, 3])
            .flatten()
            .dense(16, Activation::Elu)
            .dense(10, Activation::Softmax)
    }

    fn fit(
        plan: Architecture,
        rate: f32,
        batch_size: usize,
        train: &Dataset,
        validation: &Dataset,
    ) -> Vec<String> {
        let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(rate))
            .epochs(2)
            .batch_size(batch_size);
        trainer = trainer.progress(Silent);
        trainer
            .fit(&mut plan.build(Seed(0)).unwrap(), train, validation)
            .unwrap()
            .warnings
    }

    /// The only warning, which must say this.
    fn says(warnings: &[String], what: &str) {
        assert!(
            warnings.len() == 1 && warnings[0].contains(what),
            "{what}: {warnings:?}"
        );
    }

    #[test]
    fn a_training_as_it_should_be_has_no_warnings() {
        let (train, validation) = Cifar10::sample().train.split(0.8, Seed(42)).unwrap();
        for rate in [1e-4, 1e-3] {
            assert_eq!(
                fit(plan(), rate, 64, &train, &validation),
                Vec::<String>::new(),
                "{rate}"
            );
        }
    }

    #[test]
    fn a_learning_rate_that_is_far_off_is_named() {
        let (train, validation) = Cifar10::sample().train.split(0.8, Seed(42)).unwrap();
        says(
            &fit(plan(), 1e-7, 64, &train, &validation),
            "1e-7 is far too small",
        );
        says(
            &fit(plan(), 1.0, 64, &train, &validation),
            "1.0 is too large",
        );
        let mut diverging = Trainer::new(Loss::MeanSquaredError, Sgd::new(1e30)).progress(Silent);
        let linear = Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Linear);
        let history = diverging
            .fit(&mut linear.build(Seed(0)).unwrap(), &train, &validation)
            .unwrap();
        says(&history.warnings, "the loss became NaN in epoch 1, step ");
    }

    #[test]
    fn data_and_networks_that_look_like_success_are_named() {
        let (train, validation) = Cifar10::sample().train.split(0.8, Seed(42)).unwrap();
        says(
            &fit(plan(), 1e-3, 64, &train, &train.take(7)),
            "7 of the validation images were trained on",
        );
        says(
            &fit(plan(), 1e-4, 5000, &train, &validation),
            "a batch of 5000 is more than the 800 images",
        );
        let twice = plan().dense(10, Activation::Softmax);
        assert!(
            fit(twice, 1e-2, 64, &train, &validation)[0]
                .contains("dense_1: softmax before the last layer")
        );
        let divided = |data: &Dataset| {
            Dataset::new(
                data.images().mapv(|byte| byte / 255),
                data.labels(),
                data.class_names().to_vec(),
            )
            .unwrap()
        };
        assert!(
            fit(plan(), 1e-2, 64, &divided(&train), &divided(&validation))[0]
                .starts_with("no pixel is above 1")
        );
    }

    #[test]
    fn the_report_of_a_network_that_was_never_trained_says_so() {
        let (train, test) = (Cifar10::sample().train, Cifar10::sample().test);
        let mut model = plan().build(Seed(0)).unwrap();
        let said = |model: &Sequential| {
            let report = model.evaluate(&test).unwrap().report();
            report.to_string().contains("never trained")
                && serde_json::to_string(&report)
                    .unwrap()
                    .contains("never trained")
        };
        assert!(said(&model));
        Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
            .progress(Silent)
            .fit(&mut model, &train, None)
            .unwrap();
        assert!(!said(&model));
    }
}
