//! How good a network is on data that it was not trained on.

use ndarray::Array2;

use super::loss::{Loss, Sums, Targets};
use super::optimizer::Adam;
use super::step::{Batch, Recipe};
use crate::compute::Threads;
use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::metrics::{
    Calibration, ClassificationReport, ConfusionMatrix, predicted_classes, top_k_accuracy,
};
use crate::model::{Activation, Inputs, Sequential, Tape};
use crate::random::Seed;

/// Images normalized as the data set says, on all the threads.
impl Inputs for Dataset {
    fn count(&self) -> usize {
        self.len()
    }

    fn example_shape(&self) -> Vec<usize> {
        self.image_shape().to_vec()
    }

    fn write(&self, first: usize, into: &mut [f32], threads: &Threads) -> Result<()> {
        let rows = into.len() / self.image_shape().iter().product::<usize>().max(1);
        let rows: Vec<u32> = (first as u32..(first + rows) as u32).collect();
        self.gather(&rows, None, threads, into, &mut vec![0; rows.len()])
    }
}

/// What a network said about a data set, and how good that is.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The mean loss, penalties included.
    pub loss: f64,
    /// The share of examples given their true class.
    pub accuracy: f64,
    /// The true classes.
    pub truth: Vec<u8>,
    /// The network's outputs, shape (N, classes).
    pub outputs: Array2<f32>,
    /// The class of the greatest output of each example.
    pub predicted: Vec<u8>,
    confusion_matrix: ConfusionMatrix,
    untrained: bool,
}

impl Evaluation {
    /// Precision, recall and F1 for each class and on average.
    pub fn report(&self) -> ClassificationReport {
        let warning = self
            .untrained
            .then_some("the network was never trained, so it guesses: call fit first");
        ClassificationReport::new(&self.confusion_matrix).with_warning(warning)
    }

    /// How often each class was taken for each other.
    pub fn confusion_matrix(&self) -> &ConfusionMatrix {
        &self.confusion_matrix
    }

    /// The share of examples whose true class is among the k greatest outputs.
    ///
    /// # Errors
    /// [`LabError::Value`] for a k that is 0 or more than there are classes.
    pub fn top_k_accuracy(&self, k: usize) -> Result<f64> {
        top_k_accuracy(&self.truth, self.outputs.view(), k)
    }

    /// How far the probabilities can be trusted, in 15 bins.
    ///
    /// # Errors
    /// [`LabError::Value`] where the outputs are no probabilities.
    pub fn calibration(&self) -> Result<Calibration> {
        Calibration::new(&self.truth, self.outputs.view(), Calibration::DEFAULT_BINS)
    }
}

impl Sequential {
    /// Loss (cross-entropy), accuracy and all predictions on a data set.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let evaluation = model.evaluate(&Cifar10::sample().test)?;
    /// assert!(evaluation.accuracy < 0.3, "an untrained network guesses");
    /// println!("{}\n{}", evaluation.report(), evaluation.confusion_matrix());
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] where the images do not fit the network, [`LabError::Value`] where it does not end in softmax
    /// or its weights are no numbers any more.
    pub fn evaluate(&self, data: &Dataset) -> Result<Evaluation> {
        self.evaluate_with(data, Loss::CategoricalCrossentropy)
    }

    /// The same with another loss.
    ///
    /// # Errors
    /// As for [`Sequential::evaluate`].
    pub fn evaluate_with(&self, data: &Dataset, loss: Loss) -> Result<Evaluation> {
        check_data(self, data, "data", loss)?;
        let threads = Threads::new(None)?;
        let mut outputs = Vec::with_capacity(data.len() * self.output_size());
        let (loss, accuracy) = measure(self, data, loss, 0.0, &threads, |rows| {
            outputs.extend_from_slice(rows)
        })?;
        let outputs = self.output_array(outputs);
        let predicted = predicted_classes(outputs.view())?;
        let truth = data.labels();
        let confusion_matrix = ConfusionMatrix::new(&truth, &predicted, data.class_names())?;
        // Biases begin at 0 and the first step moves them; weights from a file have no seed.
        let biases = || {
            self.parameters
                .iter()
                .filter(|parameter| parameter.name.ends_with(".bias"))
        };
        let untrained = self.seed().is_some()
            && biases().next().is_some()
            && biases().all(|bias| bias.value.iter().all(|&b| b == 0.0));
        Ok(Evaluation {
            loss,
            accuracy,
            truth,
            outputs,
            predicted,
            confusion_matrix,
            untrained,
        })
    }

    /// The gradient of the mean loss of a batch with respect to each of the network's arrays, under their names.
    ///
    /// The batch goes through the network as in training, with the dropout of the first step of `seed`.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let train = Cifar10::sample().train.take(64);
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let gradients = model.gradients(&train, Loss::CategoricalCrossentropy, Seed(0))?;
    /// assert_eq!(gradients[1].0, "dense.bias");
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Sequential::evaluate`].
    pub fn gradients(
        &self,
        data: &Dataset,
        loss: Loss,
        seed: Seed,
    ) -> Result<Vec<(String, Vec<f32>)>> {
        check_data(self, data, "data", loss)?;
        let threads = Threads::new(None)?;
        let mut inputs = vec![0.0; data.len() * self.input_shape().iter().product::<usize>()];
        data.write(0, &mut inputs, &threads)?;
        let labels = data.labels();
        let batch = Batch {
            inputs: &inputs,
            targets: Targets::Classes(&labels),
            weights: None,
        };
        let mut tape = Tape::default();
        let optimizer = Adam::new(0.0).into();
        let recipe = Recipe {
            loss,
            label_smoothing: 0.0,
            optimizer,
            clip_norm: None,
            seed,
        };
        recipe.gradients(self, &mut tape, batch, 0, &threads);
        let named = self
            .parameters
            .iter()
            .zip(tape.gradients)
            .filter(|(parameter, _)| parameter.trainable);
        Ok(named
            .map(|(parameter, gradient)| (parameter.name.clone(), gradient))
            .collect())
    }
}

/// The mean loss, penalties included, and the accuracy of a network on a data set; `each` is given the outputs as well.
pub(super) fn measure(
    model: &Sequential,
    data: &Dataset,
    loss: Loss,
    smoothing: f32,
    threads: &Threads,
    mut each: impl FnMut(&[f32]),
) -> Result<(f64, f64)> {
    let (labels, classes) = (data.labels(), data.class_count());
    let mut all = Sums::default();
    let mut left = &labels[..];
    model.for_each_batch(data, threads, |outputs, logits| {
        let (now, later) = left.split_at(outputs.len() / classes);
        left = later;
        let targets = Targets::Classes(now);
        let sums = loss.batch(smoothing, outputs, logits, targets, None, classes, None);
        all = Sums {
            loss: all.loss + sums.loss,
            hits: all.hits + sums.hits,
        };
        each(outputs);
    })?;
    let count = data.len() as f64;
    Ok((all.loss / count + model.penalty(), all.hits as f64 / count))
}

/// Checks that the loss can start from what the network ends in.
pub(super) fn check_ending(model: &Sequential, loss: Loss) -> Result<()> {
    let last = model.last_activation();
    if !loss.from_logits() || last == Some(Activation::Softmax) {
        return Ok(());
    }
    let remedy = "end the network with .dense(10, Activation::Softmax), or use mean_squared_error";
    let found = last.map_or("another layer".to_owned(), |activation| {
        activation.to_string()
    });
    Err(LabError::value(
        "last layer",
        found,
        format!("softmax, which {loss} needs"),
        remedy,
    ))
}

/// Checks that a data set fits a network and a loss; `place` names it.
pub(super) fn check_data(
    model: &Sequential,
    data: &Dataset,
    place: &str,
    loss: Loss,
) -> Result<()> {
    if data.is_empty() {
        return Err(LabError::value(
            place,
            "no images",
            "at least one",
            "choose other rows or another fraction",
        ));
    }
    model.check_inputs(place, &data.image_shape())?;
    check_ending(model, loss)?;
    if data.class_count() != model.output_size() {
        let (found, expected) = (
            model.output_size().to_string(),
            data.class_count().to_string(),
        );
        let remedy = format!(
            "give the last layer one unit for each class: .dense({expected}, Activation::Softmax)"
        );
        return Err(LabError::shape(
            "last layer",
            format!("({found})"),
            format!("({expected})"),
            remedy,
        ));
    }
    Ok(())
}
