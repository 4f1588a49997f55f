//! Evaluation of a network on a data set.

use super::*;

/// Images normalized as the data set says, on all the threads.
impl Inputs for Dataset {
    fn sizes(&self) -> Vec<usize> {
        [&[self.len()][..], &self.image_shape()].concat()
    }

    fn write(&self, first: usize, into: &mut [f32], threads: &Threads) -> Result<()> {
        let count = into.len() / self.image_shape().iter().product::<usize>();
        let rows: Vec<usize> = (first..first + count).collect();
        self.subset(&rows)?.write_images(None, 0, threads, into);
        Ok(())
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
        let mut report = ClassificationReport::new(&self.confusion_matrix);
        if self.untrained {
            let warning = "the network was never trained, so it guesses: call fit first";
            report.warnings.insert(0, warning.to_owned());
        }
        report
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
        let (loss, _, outputs) = measure(self, data, loss, 0.0, &threads)?;
        self.evaluation(data, loss, outputs)
    }

    /// Cross-entropy, accuracy and predictions from the mean probabilities of each image and its mirror image
    /// (test-time augmentation).
    ///
    /// # Errors
    /// As for [`Sequential::evaluate`].
    pub fn evaluate_with_flips(&self, data: &Dataset) -> Result<Evaluation> {
        let plain = self.evaluate(data)?;
        let outputs = (plain.outputs + self.predict(&data.flipped()?)?) / 2.0;
        // The loss applies softmax, of which the logarithm is an inverse.
        let (logits, loss) = (outputs.mapv(libm::logf), Loss::CategoricalCrossentropy);
        let (loss, _) = loss.value_and_gradient(logits.view(), &plain.truth)?;
        self.evaluation(data, loss + self.penalty(), outputs)
    }

    fn evaluation(&self, data: &Dataset, loss: f64, outputs: Array2<f32>) -> Result<Evaluation> {
        let predicted = predicted_classes(outputs.view())?;
        let truth = data.labels();
        let confusion_matrix = ConfusionMatrix::new(&truth, &predicted, data.class_names())?;
        // Biases are 0 before the first step; weights from a file have no seed.
        let changed =
            |p: &Parameter| p.name.ends_with(".bias") && p.value.iter().any(|&b| b != 0.0);
        Ok(Evaluation {
            loss,
            accuracy: confusion_matrix.accuracy(),
            truth,
            outputs,
            predicted,
            confusion_matrix,
            untrained: self.seed().is_some() && !self.parameters.iter().any(changed),
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
    pub fn gradients(&self, data: &Dataset, loss: Loss, seed: Seed) -> Result<NamedArrays> {
        check_data(self, data, "data", loss)?;
        let (mut copy, labels) = (self.clone(), data.labels());
        copy.forward(data, Mode::training(seed, 0))?;
        copy.backward_from(loss.from_logits(), |outputs, gradient| {
            loss.batch(outputs, Targets::classes(&labels), Some(gradient));
        })
    }
}

/// The mean loss, penalties included, the accuracy and the outputs of a network on a data set.
pub(super) fn measure(
    model: &Sequential,
    data: &Dataset,
    loss: Loss,
    smoothing: f32,
    threads: &Threads,
) -> Result<(f64, f64, Array2<f32>)> {
    let (labels, mut totals, mut outputs) = (data.labels(), Sums::default(), Vec::new());
    model.for_each_batch(data, threads, |batch| {
        let targets = Targets::classes(&labels[totals.examples..]).smoothed(smoothing);
        let sums = loss.batch(batch, targets, None);
        totals.loss += sums.loss;
        totals.correct += sums.correct;
        totals.examples += sums.examples;
        outputs.extend_from_slice(batch.outputs);
    })?;
    let loss = totals.mean() + model.penalty();
    Ok((loss, totals.accuracy(), model.output_array(outputs)))
}

/// Checks that the network ends as the loss needs it.
pub(super) fn check_ending(model: &Sequential, loss: Loss) -> Result<()> {
    let last = model.last_activation();
    if !loss.from_logits() || last == Some(Activation::Softmax) {
        return Ok(());
    }
    let found = last.map_or("another layer".to_owned(), |it| it.to_string());
    let expected = format!("softmax, which {loss} needs");
    let remedy = "end the network with .dense(10, Activation::Softmax), or use mean_squared_error";
    Err(LabError::value("last layer", found, expected, remedy))
}

/// Checks that a data set of this name fits a network and a loss.
pub(super) fn check_data(model: &Sequential, data: &Dataset, name: &str, loss: Loss) -> Result<()> {
    if data.is_empty() {
        let remedy = "choose other rows or another fraction";
        return Err(LabError::value(name, "no images", "at least one", remedy));
    }
    model.check_inputs(name, data)?;
    check_ending(model, loss)?;
    let classes = data.class_count();
    let layer = format!(".dense({classes}, Activation::Softmax)");
    let remedy = format!("end with one unit for each class: {layer}");
    check_shape("last layer", [model.output_size()], [classes], &remedy)
}
