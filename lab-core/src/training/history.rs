//! The history of a training: loss and accuracy of each epoch, and warnings about trainings that end without an error
//! and still look like a mistake.

use super::*;

/// One epoch of a training. Losses are means over the examples, penalties included; accuracies are fractions between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the training examples as they were seen: weights still changing, dropout on.
    pub loss: f64,
    /// The fraction of the training examples that were classified correctly as they were seen.
    pub accuracy: f64,
    /// The loss on the validation data after the epoch.
    pub val_loss: Option<f64>,
    /// The accuracy on the validation data after the epoch.
    pub val_accuracy: Option<f64>,
    /// The learning rate at the beginning of the epoch.
    pub learning_rate: f32,
    /// How long it took, validation included.
    pub seconds: f64,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs were done.
    #[default]
    Finished,
    /// A callback ended it after this epoch (from 1).
    Early {
        /// The last epoch.
        epoch: usize,
    },
    /// A callback interrupted it; with checkpoints it can be resumed.
    Interrupted {
        /// The epoch (from 1) that was not finished.
        epoch: usize,
    },
    /// The loss became NaN or infinite.
    Diverged {
        /// The epoch (from 1) in which it happened; it is not in the history.
        epoch: usize,
        /// The step (from 1) within that epoch.
        step: usize,
    },
}

/// The epochs of a training, and why it ended.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(2)
///     .progress(Silent)
///     .fit(&mut model, &cifar.train, &cifar.test)?;
/// assert_eq!(history.epochs.len(), 2);
/// assert_eq!(history.stopped, Stopped::Finished);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One record for each epoch.
    pub epochs: Vec<EpochRecord>,
    /// Why the training ended.
    pub stopped: Stopped,
    /// What looks like success and may be a mistake, such as a learning rate that is far off, with the remedy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl History {
    /// The epoch with the lowest validation loss, or the lowest loss where there was no validation data.
    pub fn best(&self) -> Option<&EpochRecord> {
        let loss = |record: &EpochRecord| record.val_loss.unwrap_or(record.loss);
        let numbers = self.epochs.iter().filter(|it| !loss(it).is_nan());
        let best = numbers.min_by(|a, b| loss(a).total_cmp(&loss(b)));
        best.or(self.epochs.first())
    }

    /// The seconds of all epochs.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|record| record.seconds).sum()
    }

    /// Writes the epochs as CSV, one row each, whole or not at all.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be written.
    pub fn to_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), |file| {
            let mut table = csv::WriterBuilder::new();
            let mut table = table.has_headers(false).from_writer(file);
            table.write_record(HEADER.split(','))?;
            for record in &self.epochs {
                table.serialize(record)?;
            }
            table.flush()
        })
    }

    /// Reads epochs that [`History::to_csv`] or the `CsvLogger` wrote; a file does not say why the training ended.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where a row is no record of an epoch.
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let remedy = "check the path; a training writes history.csv";
        let failed = |error: csv::Error| LabError::io("read", path, error.into(), remedy);
        let mut reader = csv::Reader::from_path(path).map_err(failed)?;
        let wrong = |found: String| {
            let expected = format!("a row for each epoch under the header {HEADER}");
            let remedy = "take a history.csv that a training wrote";
            LabError::format(path, found, expected, remedy)
        };
        if reader.headers().is_ok_and(csv::StringRecord::is_empty) {
            return Err(wrong("an empty file".to_owned()));
        }
        let epochs: Result<_, csv::Error> = reader.into_deserialize().collect();
        Ok(Self {
            epochs: epochs.map_err(|error| wrong(error.to_string()))?,
            ..Self::default()
        })
    }
}

const HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";

impl Control<'_> {
    /// What is to be known about a training that has ended, for [`History::warnings`].
    pub(super) fn warnings(&self) -> Vec<String> {
        let (size, images) = (self.config.batch_size, self.train.len());
        let shared = self.validation.map(|it| it.shared_with(self.train));
        let shared = shared.unwrap_or(0);
        let mut warnings = self.model.warnings();
        if self.train.is_dark() {
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
        warnings.extend(self.warning_of_rate());
        warnings
    }

    /// Whether the learning rate is far off, as the losses tell. Where weights or penalties change what a loss means, only
    /// a divergence counts.
    fn warning_of_rate(&self) -> Option<String> {
        let (config, history) = (self.config, &self.history);
        let too_high = |rate| format!("the learning rate {rate:?} is too large, try a tenth of it");
        let last = history.epochs.last().map(|record| record.learning_rate);
        let rate = last.unwrap_or(config.optimizer.learning_rate());
        if let Stopped::Diverged { epoch, step } = history.stopped {
            let found = format!("the loss became NaN in epoch {epoch}, step {step}");
            return Some(format!("{found}: {}", too_high(rate)));
        }
        let weighted = config.class_weights.is_some() || config.sample_weights.is_some();
        let changed = weighted || self.model.penalty() > 0.0;
        let guess = (self.train.class_count() as f64).ln();
        let losses: Vec<f64> = history.epochs.iter().map(|it| it.loss).collect();
        let (first, last) = (*losses.first()?, *losses.last()?);
        // A rate that is somewhat too large is bad at first and recovers.
        if changed || !config.loss.from_logits() || last < 0.97 * guess {
            return None;
        }
        if let Some(at) = losses.iter().position(|loss| *loss > 2.0 * guess) {
            let found = format!("the loss was {:.2} in epoch {}", losses[at], at + 1);
            let remedy = too_high(history.epochs[at].learning_rate);
            let expected = format!("where guessing gives {guess:.2}");
            return Some(format!("{found}, {expected}: {remedy}"));
        }
        let stands = losses.len() > 1 && (first - last).abs() < 0.005 * first;
        let found = format!("the loss hardly moved, {first:.4} to {last:.4}");
        let remedy = "is far too small, or so large that the network has died: Trainer::range_test tells which";
        stands.then(|| format!("{found}: the learning rate {rate:?} {remedy}"))
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
